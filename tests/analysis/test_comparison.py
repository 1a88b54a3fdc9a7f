"""Two incidents side by side: joined by what a thing is, on the clock of each one's onset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import obskit
from obskit.analysis.comparison import Comparison, compare
from obskit.errors import UsageError

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"


def opened(name: str) -> obskit.Incident:
    """Return a recorded incident."""
    return obskit.open_bundle(SCENARIOS / name / "incident.obskit")


@pytest.fixture(scope="module")
def pool() -> obskit.Incident:
    """Connections leak until the pool is full."""
    return opened("db_pool_exhausted_lab")


@pytest.fixture(scope="module")
def pair(pool: obskit.Incident) -> Comparison:
    """Beside it, slow queries fill the pool of the same service."""
    return compare(pool, opened("slow_queries_lab"))


def test_an_incident_is_like_itself(pool: obskit.Incident) -> None:
    """Nothing is seen on one side only, and every offset is the same."""
    same = compare(pool, pool)
    changes = same.changes()

    assert same.verdict.startswith("The same cause: ")
    assert same.likeness == 1.0
    assert (changes["offset_first"] == changes["offset_second"]).all()
    assert (same.templates()["seen"] == "both").all()


def test_two_causes_are_told_apart_and_who_brings_about_whom(pair: Comparison) -> None:
    """Slow queries fill a pool; a full pool makes no query slow."""
    table: Any = pair.hypotheses()

    assert pair.verdict.startswith("Two causes: ")
    assert pair.verdict.endswith("The second can bring the other about.")
    assert table.loc["db_pool_exhausted", "probability_first"] > 0.9
    assert table.loc["slow_queries", "probability_second"] > 0.9
    assert np.isnan(table.loc["slow_queries", "probability_first"])


def test_what_both_show_comes_before_what_only_one_shows(pair: Comparison) -> None:
    """A pool that is full is seen twice, statements at work once."""
    changes: Any = pair.changes()

    assert changes.loc[("metrics", "db_pool_used_ratio"), "seen"] == "both"
    assert changes.loc[("metrics", "pg_active"), "seen"] == "second"
    assert changes.index.is_unique
    assert list(dict.fromkeys(changes["seen"])) == [
        k for k in ("both", "opposite", "first", "second") if k in set(changes["seen"])
    ]


def test_turned_round_it_says_the_same(pair: Comparison) -> None:
    """First and second change their places, and nothing else."""
    turned = compare(pair.second, pair.first)

    assert turned.likeness == pair.likeness
    assert set(turned.changes().index) == set(pair.changes().index)
    assert turned.changes()["seen"].value_counts().get("first", 0) == (pair.changes()["seen"] == "second").sum()


def test_templates_are_joined_by_their_id(pair: Comparison) -> None:
    """A template of several services is one row; what changed in both comes first."""
    templates = pair.templates()
    ids = [{t.id for t in one.diagnosis.log_templates} for one in (pair.first, pair.second)]

    assert templates.index.is_unique
    assert set(templates.index) == ids[0] | ids[1]
    assert set(templates.index[templates["seen"] == "both"]) == ids[0] & ids[1]


def test_only_the_service_and_what_it_stands_on_is_compared() -> None:
    """A caller's errors are not the service's own; what they share (a database, nodes) is both's."""
    demo = obskit.demo()
    own = {f.subject for f in demo.steps.evidence.findings if f.service == demo.service.name}
    others = {f.subject for f in demo.steps.evidence.findings if f.service == "orders"} - own
    changes = compare(demo, demo).changes().reset_index("pillar")
    first = min(
        (
            f
            for f in demo.steps.evidence.findings
            if (f.subject, f.service, f.task) == ("http_error_ratio", "shop-api", "")
        ),
        key=lambda finding: finding.onset,
    )

    assert others
    assert not others & set(changes.index)
    assert changes.loc["http_error_ratio", "after_first"] == first.after
    assert {"pg_connections", "node_load_per_core"} <= set(changes.index)


def test_of_a_calm_window_nothing_is_claimed(pool: obskit.Incident) -> None:
    """There is no cause to compare with, and no onset to align at."""
    calm = compare(pool, opened("calm_a"))

    assert calm.verdict == "It cannot be told: no cause is named of the second incident."
    with pytest.raises(UsageError, match="second incident has no onset"):
        calm.plot(["db_pool_used_ratio"])


def test_a_picture_has_an_axes_a_signal_on_the_clock_of_the_onset(pair: Comparison) -> None:
    """Zero is each one's onset; before it is negative."""
    figure = pair.plot(["db_pool_used_ratio", "pg_active"])
    line = figure.axes[0].lines[0].get_xdata()

    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        obskit.signals()[name].title for name in ("db_pool_used_ratio", "pg_active")
    ]
    assert np.min(line) < 0 < np.max(line)
    assert figure.axes[-1].get_xlabel() == "seconds from the onset"


def test_names_are_drawn_as_they_are_and_one_name_is_one_signal(pool: obskit.Incident) -> None:
    """No name of a service is a formula, and a text is not read by letters."""
    service = "$\\frac{$\x1b[31m"
    series = tuple(replace(s, service=service) if s.service == pool.service.name else s for s in pool.metrics.series)
    telemetry = replace(pool.telemetry, metrics=replace(pool.metrics, series=series))
    hostile = replace(pool, service=replace(pool.service, name=service), telemetry=telemetry)
    onset = pool.diagnosis.onset
    figure = compare(pool, replace(hostile, window=pool.window)).plot("db_pool_used_ratio")
    (legend,) = figure.legends

    assert onset is not None
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    assert legend.get_texts()[1].get_text().startswith("second: $\\frac{$")
    assert "\x1b" not in legend.get_texts()[1].get_text()


@pytest.mark.parametrize(("signals", "said"), [([], "0 signals"), ([*"abcdefg"], "7 signals"), (["no"], "neither")])
def test_what_cannot_be_drawn_is_refused_in_words(pair: Comparison, signals: list[str], said: str) -> None:
    """None, too many, or one that nobody saw."""
    with pytest.raises(UsageError, match=said):
        pair.plot(signals)
