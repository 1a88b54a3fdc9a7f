"""Sums: shares, reliability, confusion."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.evaluation.outcome import Outcome
from obskit.evaluation.scores import Bin, Quiet, interval, reliability, scores
from obskit.model import Verdict


def said(
    cause: str,
    first: str = "",
    *,
    verdict: Verdict = "cause_found",
    rank: int = 0,
    probability: float | None = 0.9,
    decoys: tuple[str, ...] = (),
    culprit: bool | None = None,
    onset: float | None = None,
    seconds: float | None = None,
) -> Outcome:
    """Return an outcome; the first cause is right where nothing else is said."""
    first = first or cause
    return Outcome(
        name=f"{cause} {first} {rank}",
        cause=cause,
        decoys=decoys,
        verdict=verdict,
        first=first,
        probability=probability,
        rank=rank or int(first == cause),
        culprit_right=culprit,
        onset_error=onset,
        seconds=seconds,
    )


def calm(*decoys: str) -> Outcome:
    """Return a quiet window that stays calm."""
    return Outcome(name="calm", cause="none", verdict="calm", decoys=decoys)


def test_a_cause_that_nobody_would_act_on_is_not_right() -> None:
    """First among the unlikely is first, and yet the report named no cause."""
    unlikely = said("disk_full", verdict="no_clear_cause", probability=0.06)
    summed = scores([unlikely, said("disk_full", verdict="possible")])

    assert not unlikely.right
    assert (summed.incidents.named, summed.incidents.top1) == (1, 2)


@given(st.integers(1, 400), st.data())
def test_the_interval_holds_the_share_and_narrows(count: int, data: st.DataObject) -> None:
    """Ten times as many with the same share leave less room; none and all of them leave some."""
    hits = data.draw(st.integers(0, count))
    low, high = interval((hits, count))
    narrow = interval((10 * hits, 10 * count))

    assert 0 <= low <= hits / count <= high <= 1
    assert low < high
    assert narrow[1] - narrow[0] < high - low


def test_the_interval_is_wilsons() -> None:
    """Five of ten, as in textbooks; of nothing everything is possible."""
    assert interval((5, 10)) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert interval((0, 0)) == (0, 1)


def test_incidents_are_summed_over_ranks_culprits_and_onsets() -> None:
    """The figures of four incidents, by hand."""
    summed = scores(
        [
            said("disk_full", culprit=True, onset=10),
            said("disk_full", "cpu_saturation", rank=2, culprit=False, onset=-20),
            said("memory_leak", "cpu_saturation", rank=4, verdict="possible"),
            said("memory_leak", "", verdict="calm", rank=0, probability=None),
        ]
    )

    assert (summed.incidents.count, summed.incidents.top1, summed.incidents.top3) == (4, 2, 3)
    assert summed.incidents.mrr == pytest.approx((1 + 1 / 2 + 1 / 4 + 1) / 4)
    assert (summed.incidents.culprit, summed.incidents.sure_and_wrong, summed.incidents.missed) == ((1, 2), 1, 1)
    assert (summed.incidents.onset_error, summed.incidents.onset_distance) == (-5, 15)
    assert {cause: (g.count, g.top1) for cause, g in summed.causes.items()} == {
        "disk_full": (2, 1),
        "memory_leak": (2, 1),
    }


def test_quiet_windows_are_no_incidents() -> None:
    """They count for calm and decoys, never for ranks."""
    blamed = said("none", "disk_full", decoys=("batch",))
    unclear = Outcome(name="u", cause="none", verdict="no_clear_cause", decoys=("batch",))
    summed = scores([calm(), calm("batch"), blamed, unclear])

    assert summed.incidents.count == 0
    assert summed.incidents.mrr is None
    assert summed.calm == Quiet(count=1, calm=1, blamed=0)
    assert summed.decoys == Quiet(count=3, calm=1, blamed=1)


def test_an_innocent_is_judged_over_all_windows_that_it_was_in() -> None:
    """Beside incidents and alone, and for what it was taken."""
    summed = scores(
        [
            said("disk_full", decoys=("deploy", "batch")),
            said("disk_full", "bad_deployment", decoys=("deploy",)),
            said("none", "bad_deployment", decoys=("deploy",)),
            calm("deploy"),
        ]
    )

    assert summed.by_decoy["deploy"].incidents == (1, 2)
    assert summed.by_decoy["deploy"].quiet == Quiet(count=2, calm=1, blamed=1)
    assert summed.by_decoy["deploy"].taken_for == {"bad_deployment": 2}
    assert summed.by_decoy["batch"].taken_for == {}


def test_the_confusion_says_who_was_taken_for_whom() -> None:
    """Decoys have a row of their own; what names nobody is its verdict."""
    summed = scores(
        [
            said("disk_full"),
            said("disk_full", "cpu_saturation"),
            said("disk_full", "cpu_saturation", verdict="no_clear_cause"),
            said("none", "cpu_saturation", decoys=("batch",)),
            calm(),
        ]
    )

    assert summed.confusion == {
        "disk_full": {"cpu_saturation": 1, "disk_full": 1, "no_clear_cause": 1},
        "none": {"calm": 1},
        "none (decoy)": {"cpu_saturation": 1},
    }


def test_a_fault_without_a_cause_of_ours_counts_apart() -> None:
    """It can be got right only by naming nobody, and its first cause is never right."""
    summed = scores([said("other", "disk_full", verdict="no_clear_cause", probability=0.2), said("other", "disk_full")])

    assert summed.others == (1, 2)
    assert [one.right for one in summed.reliability.bins] == [0.0, 0.0]


def test_times_are_summed_only_where_they_were_taken() -> None:
    """Median and longest."""
    assert scores([said("disk_full", seconds=s) for s in (1.0, 2.0, 9.0)]).seconds == (2.0, 9.0)
    assert scores([said("disk_full")]).seconds is None


def test_reliability_by_hand() -> None:
    """Four answers in two bins: Brier, calibration error and the bins themselves."""
    held = reliability([(0.95, True), (0.91, False), (1.0, True), (0.3, False)])

    assert held.count == 4
    assert held.brier == pytest.approx((0.05**2 + 0.91**2 + 0 + 0.3**2) / 4)
    assert held.bins[0] == Bin(low=0.3, high=0.4, count=1, said=0.3, right=0.0)
    assert (held.bins[1].low, held.bins[1].high, held.bins[1].count) == (0.9, 1.0, 3)
    assert held.bins[1].said == pytest.approx(2.86 / 3)
    assert held.bins[1].right == pytest.approx(2 / 3)
    assert held.error == pytest.approx((0.3 + 3 * (2.86 - 2) / 3) / 4)


def test_without_probabilities_there_is_no_brier_score() -> None:
    """No answer is not a perfect one."""
    held = reliability([])

    assert (held.count, held.brier, held.error, held.bins) == (0, None, None, ())


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_reliability_stays_within_its_limits(answers: list[tuple[float, bool]]) -> None:
    """Scores are shares, and every answer lies in one bin."""
    held = reliability(answers)

    assert held.brier is not None
    assert held.error is not None
    assert 0 <= held.brier <= 1
    assert 0 <= held.error <= 1
    assert sum(one.count for one in held.bins) == len(answers)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_outcomes_does_not_matter(seed: int) -> None:
    """A folder listed otherwise gives the same figures."""
    outcomes = [
        said("disk_full"),
        said("memory_leak", "disk_full", decoys=("b", "a")),
        calm(),
        calm("a"),
        said("other"),
    ]
    shuffled = random.Random(seed).sample(outcomes, len(outcomes))

    assert scores(shuffled) == scores(outcomes)
