"""What is left of a recording when a source is down."""

from __future__ import annotations

from pathlib import Path

import pytest

from obskit.evaluation.corpus import find
from obskit.evaluation.degrade import SOURCES, without
from obskit.evaluation.fit import samples_of
from obskit.model import PILLARS, Pillar
from tests.support.labelled import corpus, pool


@pytest.mark.parametrize("pillar", PILLARS)
def test_one_pillar_is_gone_and_a_gap_says_so(pillar: Pillar) -> None:
    """The others are as they were, and so is what was given."""
    whole = pool().event("task_stopped", code="EssentialContainerExited").telemetry
    less = without(whole, pillar)
    counted = {
        "metrics": (len(whole.metrics.series), len(less.metrics.series)),
        "logs": (len(whole.logs), len(less.logs)),
        "events": (len(whole.events), len(less.events)),
    }

    assert all(before > 0 for before, _ in counted.values())
    assert {name for name, (_, after) in counted.items() if not after} == {pillar}
    assert [gap.source for gap in less.gaps] == [SOURCES[pillar]]


def test_degraded_samples_come_beside_the_whole_ones(tmp_path: Path) -> None:
    """Of the same families, so that none of them is on both sides of a cross-validation."""
    held = find([corpus(tmp_path)])
    whole, _ = samples_of(held, tell=lambda _: None)
    degraded, _ = samples_of(held, tell=lambda _: None, degraded=True)

    assert len(whole) < len(degraded) <= 4 * len(held.labelled)
    assert {one.family for one in degraded} >= {one.family for one in whole}
    assert all(one in degraded for one in whole)
