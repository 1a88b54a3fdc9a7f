"""Better and worse than the last time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from obskit.errors import UsageError
from obskit.evaluation.against import Change, Comparison, compare, outcomes_of
from obskit.evaluation.as_json import document
from obskit.evaluation.corpus import LeftOut
from obskit.evaluation.outcome import Outcome
from obskit.evaluation.run import Evaluation

RIGHT = Outcome(
    name="pool",
    cause="db_pool_exhausted",
    acceptable=("lock_contention",),
    decoys=("batch",),
    verdict="cause_found",
    first="db_pool_exhausted",
    probability=0.93,
    rank=1,
    culprit_right=True,
    onset_error=3.0,
    seconds=0.2,
)
CALM = Outcome(name="quiet", cause="none", verdict="calm")


def compared(before: Outcome, now: Outcome) -> Comparison:
    """Compare one recording."""
    return compare({before.name: before}, Evaluation(outcomes=(now,)))


def test_what_is_gone_counts_as_worse() -> None:
    """A recording that is left out may be the one that got worse."""
    found = compare({"pool": RIGHT, "quiet": CALM}, Evaluation(outcomes=(CALM,)))

    assert (found.gone, found.is_worse) == (("pool",), True)
    assert not compared(CALM, CALM).is_worse


def test_two_evaluations_without_a_common_recording_are_refused() -> None:
    """Names are paths below the folder that was given: below another one nothing would be compared."""
    with pytest.raises(UsageError, match="no recording in common"):
        compare({"pool": RIGHT}, Evaluation(outcomes=(replace(RIGHT, name="c/pool"),)))


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (RIGHT, replace(RIGHT, rank=2, first="cpu_saturation")),
        (RIGHT, replace(RIGHT, rank=0, first="", verdict="calm", probability=None)),
        (replace(RIGHT, rank=2), replace(RIGHT, rank=3)),
        (RIGHT, replace(RIGHT, culprit_right=False)),
        (RIGHT, replace(RIGHT, verdict="possible")),
        (replace(RIGHT, rank=2, verdict="possible"), replace(RIGHT, rank=2)),
        (CALM, replace(CALM, verdict="no_clear_cause")),
        (replace(CALM, verdict="no_clear_cause"), replace(CALM, verdict="possible", first="disk_full")),
    ],
)
def test_what_is_worse_one_way_is_better_the_other(before: Outcome, now: Outcome) -> None:
    """Place, culprit and firmness count; being firmly wrong is worse than being wrong."""
    forth, back = compared(before, now), compared(now, before)

    assert [len(forth.worse), len(forth.better), forth.same] == [1, 0, 0]
    assert [len(back.worse), len(back.better), back.same] == [0, 1, 0]


def test_times_probabilities_and_onsets_are_no_change() -> None:
    """They move with every machine and weight."""
    now = replace(RIGHT, probability=0.7, onset_error=5.0, seconds=9.0)

    assert compared(RIGHT, now) == Comparison(better=(), worse=(), relabelled=(), new=(), gone=(), same=1)


def test_a_change_is_told_in_words() -> None:
    """Before and after, with the place of the truth and the culprit."""
    now = replace(RIGHT, rank=2, first="cpu_saturation", probability=0.6, culprit_right=False)

    assert compared(RIGHT, now).worse == (
        Change(
            "pool",
            "db_pool_exhausted 93% -> cpu_saturation 60%; db_pool_exhausted: place 1 -> 2; culprit right -> wrong",
        ),
    )


def test_less_firmly_said_is_told_as_such() -> None:
    """The same cause at the same place, but only possible."""
    now = replace(RIGHT, verdict="possible", probability=0.4)

    assert compared(RIGHT, now).worse == (
        Change("pool", "db_pool_exhausted 93% -> db_pool_exhausted 40%; cause_found -> possible"),
    )


def test_another_truth_does_not_compare() -> None:
    """A label that was mended makes the engine neither better nor worse."""
    found = compared(RIGHT, replace(RIGHT, cause="lock_contention", rank=2))

    assert (found.relabelled, found.worse) == (("pool",), ())


def test_what_came_and_went_is_named() -> None:
    """A recording that cannot be read any more is worse, one that is gone is only gone."""
    now = Evaluation(outcomes=(replace(RIGHT, name="new"),), failed=(LeftOut("pool", "damaged"), LeftOut("bad", "x")))
    found = compare({"pool": RIGHT, "old": RIGHT}, now)

    assert (found.new, found.gone) == (("bad", "new"), ("old",))
    assert found.worse == (Change("pool", "cannot be read: damaged"),)


def test_what_was_written_is_read_again() -> None:
    """The JSON of one evaluation is the yardstick of the next."""
    written = json.loads(json.dumps(document(Evaluation(outcomes=(RIGHT, CALM)))))
    read = outcomes_of(written, name="old.json")

    assert read == {"pool": replace(RIGHT, onset_error=None, seconds=None), "quiet": CALM}


def damaged(**other: Any) -> dict[str, Any]:
    """Return an evaluation with one recording's values replaced."""
    body = document(Evaluation(outcomes=(RIGHT,)))
    body["bundles"][0].update(other)
    return body


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ([], "no evaluation"),
        ({"schema_version": 2}, "no evaluation"),
        ({"schema_version": 1}, "KeyError"),
        ({"schema_version": 1, "bundles": 3}, "TypeError"),
        (damaged(verdict="guilty"), "a verdict 'guilty'"),
        (damaged(rank="first"), "ValueError"),
    ],
)
def test_what_is_no_evaluation_is_refused(held: object, words: str) -> None:
    """The file may come from anywhere."""
    with pytest.raises(UsageError) as refused:
        outcomes_of(held, name="old.json")

    assert "old.json" in str(refused.value)
    assert words in str(refused.value)
