"""The engine over a corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from obskit.evaluation.corpus import find
from obskit.evaluation.run import Evaluation, evaluate
from obskit.incident.calibration import Calibration
from tests.support.labelled import corpus, pool, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small corpus."""
    return corpus(tmp_path_factory.mktemp("corpus"))


def run(folder: Path, **more: Calibration) -> Evaluation:
    """Evaluate without times."""
    return evaluate(find([folder]), calibration=more.get("calibration"), clock=None, tell=lambda _: None)


def test_every_recording_has_an_outcome(folder: Path) -> None:
    """By name, as the engine answers them."""
    found = run(folder)

    assert {one.name: (one.verdict, one.first, one.right) for one in found.outcomes} == {
        "batch_1": ("possible", "lock_contention", False),
        "calm_1": ("calm", "", True),
        "cpu_1": ("cause_found", "cpu_saturation", True),
        "disk_1": ("no_clear_cause", "", False),
        "pool_1": ("cause_found", "db_pool_exhausted", True),
    }
    assert [one.culprit_right for one in found.outcomes] == [None, None, False, None, True]
    assert found.outcomes[-1].onset_error == 0.0


def test_the_same_corpus_gives_the_same_outcomes(folder: Path) -> None:
    """Without times nothing depends on the machine."""
    assert run(folder) == run(folder)


def test_each_recording_is_timed_by_the_clock_that_is_given(folder: Path) -> None:
    """From before reading to after thinking."""
    ticks = iter(range(100))
    found = evaluate(find([folder]), calibration=None, clock=lambda: float(next(ticks)), tell=lambda _: None)

    assert [one.seconds for one in found.outcomes] == [1.0] * 5


def test_progress_names_what_is_looked_at(folder: Path) -> None:
    """A long corpus is not silent."""
    told: list[str] = []
    evaluate(find([folder]), calibration=None, clock=None, tell=told.append)

    assert told[0] == "1 of 5, batch_1"
    assert len(told) == 5


def test_another_calibration_changes_how_sure_but_not_which(folder: Path) -> None:
    """A file can be tried before it is shipped."""
    plain, doubting = run(folder), run(folder, calibration=Calibration(temperature=2.0, unknown=2.0))
    sure = [(a.probability, b.probability) for a, b in zip(plain.outcomes, doubting.outcomes, strict=True)]

    assert [one.first for one in plain.outcomes] == [one.first for one in doubting.outcomes]
    assert all(before > after for before, after in sure if before and after)


def test_a_calibration_calms_nothing(folder: Path) -> None:
    """Whether anything happened is not a matter of how sure a cause is: an unsure one is unclear, not calm."""
    plain, wary = run(folder), run(folder, calibration=Calibration(unknown=4.0))

    assert [one.verdict == "calm" for one in plain.outcomes] == [one.verdict == "calm" for one in wary.outcomes]
    assert {one.name: one.verdict for one in wary.outcomes}["batch_1"] == "no_clear_cause"


def test_a_recording_that_is_damaged_fails_alone(tmp_path: Path) -> None:
    """So does one whose label speaks of another service."""
    write(tmp_path / "good.obskit", pool(), label={"cause": "db_pool_exhausted", "service": "shop"})
    write(tmp_path / "cut.obskit", pool(), label={"cause": "db_pool_exhausted"}).write_bytes(b"PAR1")
    write(tmp_path / "foreign.obskit", pool(), label={"cause": "db_pool_exhausted", "service": "orders"})
    found = run(tmp_path)

    assert [one.name for one in found.outcomes] == ["good"]
    assert [one.name for one in found.failed] == ["cut", "foreign"]
    assert "damaged" in found.failed[0].why
    assert found.failed[1].why == "the label speaks of orders, the recording is of shop"
