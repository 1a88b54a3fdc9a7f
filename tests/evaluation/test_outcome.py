"""What counts as right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from obskit.evaluation.label import Label
from obskit.evaluation.outcome import Outcome, outcome
from obskit.model import Culprit, Diagnosis
from tests.support.diagnosis_example import calm, example

CAUSES = [h.cause for h in example().hypotheses]


def of(label: Label, diagnosis: Diagnosis | None = None) -> Outcome:
    """Return the outcome of the example, or of another diagnosis."""
    return outcome("x", label, diagnosis or example(), seconds=None)


@pytest.mark.parametrize("place", range(len(CAUSES)))
def test_the_rank_is_the_place_of_the_truth(place: int) -> None:
    """First is 1; the grade is its reciprocal."""
    found = of(Label(cause=CAUSES[place]))

    assert (found.rank, found.right, found.grade) == (place + 1, place == 0, 1 / (place + 1))


def test_another_acceptable_cause_counts_as_the_truth() -> None:
    """Where two answers lead to the same mending, either is right."""
    assert of(Label(cause="disk_full", acceptable=(CAUSES[0],))).right


def test_a_cause_that_is_not_listed_is_worth_nothing() -> None:
    """No rank, no grade."""
    found = of(Label(cause="disk_full"))

    assert (found.rank, found.right, found.grade) == (0, False, 0.0)


def test_a_missed_incident_is_not_right() -> None:
    """Calm is no answer to a fault, and it has no probability to be held against it."""
    found = of(Label(cause="disk_full"), calm())

    assert (found.right, found.answer, found.probability) == (False, "calm", None)


@pytest.mark.parametrize(("decoys", "kind"), [((), "calm"), (("batch job",), "decoy")])
def test_a_quiet_window_is_right_when_it_is_called_calm(decoys: tuple[str, ...], kind: str) -> None:
    """With innocents in it, it is a decoy."""
    found = of(Label(cause="none", decoys=decoys), calm())

    assert (found.kind, found.right, found.grade, found.answer) == (kind, True, 1.0, "calm")


def test_a_quiet_window_that_blames_nobody_is_half_wrong() -> None:
    """A false alarm wakes somebody; a false cause sends them the wrong way as well."""
    unclear = replace(example(), verdict="no_clear_cause", hypotheses=())

    assert [of(Label(cause="none"), d).grade for d in (unclear, example())] == [0.5, 0.0]
    assert not of(Label(cause="none"), unclear).right


def test_a_fault_that_obskit_has_no_cause_for_wants_none_named() -> None:
    """No clear cause is an answer."""
    unclear = replace(example(), verdict="no_clear_cause")

    assert [of(Label(cause="other"), d).right for d in (unclear, example())] == [True, False]


@pytest.mark.parametrize(
    ("culprit", "task", "said", "right"),
    [
        ("shop", "", Culprit(service="shop", task="a1b2c3"), True),
        ("shop", "a1b2c3d4e5", Culprit(service="shop", task="a1b2c3"), True),
        ("shop", "a1b2", Culprit(service="shop", task="a1b2c3"), True),
        ("shop", "ffff", Culprit(service="shop", task="a1b2c3"), False),
        ("shop", "a1b2", Culprit(service="shop"), False),
        ("database", "", Culprit(service="shop"), False),
        ("", "", Culprit(service="shop"), None),
    ],
)
def test_a_culprit_is_right_in_all_that_the_label_names(
    culprit: str, task: str, said: Culprit, right: bool | None
) -> None:
    """A task's id may be shortened; what the label leaves out is not judged."""
    label = Label(cause=CAUSES[0], culprit=culprit, task=task)

    assert of(label, replace(example(), culprit=said)).culprit_right is right


def test_the_onsets_error_is_negative_when_too_early() -> None:
    """Seconds from the truth to what was said; a calm window has none."""
    onset = example().onset
    assert onset is not None
    late, early = (Label(cause=CAUSES[0], onset=onset + timedelta(seconds=s)) for s in (-30, 12))

    assert [of(late).onset_error, of(early).onset_error] == [30.0, -12.0]
    assert of(replace(late, cause="none")).onset_error is None
    assert of(Label(cause=CAUSES[0])).onset_error is None


def test_an_answer_is_what_a_reader_takes_away() -> None:
    """A first cause that the report itself calls unclear names nobody."""
    assert of(Label(cause="none")).answer == CAUSES[0]
    assert of(Label(cause="none"), replace(example(), verdict="no_clear_cause")).answer == "no_clear_cause"
