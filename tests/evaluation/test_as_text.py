"""The text: what is not there is not printed."""

from __future__ import annotations

from obskit.evaluation.against import Change, Comparison
from obskit.evaluation.as_text import lines
from obskit.evaluation.corpus import LeftOut
from obskit.evaluation.outcome import Outcome
from obskit.evaluation.run import Evaluation

CALM = Outcome(name="quiet", cause="none", verdict="calm")


def test_without_incidents_there_are_no_shares_of_them() -> None:
    """One calm window says nothing of ranks, onsets and probabilities."""
    assert lines(Evaluation(outcomes=(CALM,))) == [
        "1 recording: 0 incidents, 1 calm, 0 decoys",
        "  calm windows stay calm 1 of 1 (100%)",
        "",
        "truth  answers",
        "none   calm 1",
    ]


def test_a_fault_without_a_cause_of_ours_is_counted_apart() -> None:
    """It is told how often nobody was blamed for it."""
    strange = Outcome(name="s", cause="other", verdict="no_clear_cause")
    said = lines(Evaluation(outcomes=(CALM, strange)))

    assert said[0] == "2 recordings: 0 incidents, 1 calm, 0 decoys, 1 of a cause that obskit has not"
    assert "  others blame no cause  1 of 1 (100%)" in said


def test_a_corpus_that_cannot_be_read_is_only_that() -> None:
    """Nothing was evaluated, and why."""
    said = lines(Evaluation(outcomes=(), failed=(LeftOut("a", "damaged"),)))

    assert said == ["0 recordings: 0 incidents, 0 calm, 0 decoys", "", "Cannot be read: 1", "  a: damaged"]


def test_a_place_further_down_is_told() -> None:
    """A reader sees how near the truth was."""
    late = Outcome(name="x", cause="disk_full", verdict="possible", first="tls_failure", probability=0.4, rank=2)

    assert "  x: disk_full, said possible, first tls_failure 40%, the truth at place 2" in lines(
        Evaluation(outcomes=(late,))
    )


def test_what_is_right_by_an_accepted_cause_says_so() -> None:
    """Else the table of answers contradicts the figures above it."""

    def leak(name: str, first: str, *also: str) -> Outcome:
        return Outcome(
            name=name, cause="memory_leak", acceptable=also, verdict="cause_found", first=first, probability=0.9, rank=1
        )

    both = (leak("a", "memory_exhausted", "memory_exhausted"), leak("b", "memory_leak"))
    strict = Outcome(
        name="c", cause="memory_leak", verdict="cause_found", first="memory_exhausted", probability=0.9, rank=2
    )
    alone, mixed = lines(Evaluation(outcomes=both)), lines(Evaluation(outcomes=(*both, strict)))

    assert alone[0] == "2 recordings: 2 incidents, 0 calm, 0 decoys"
    assert alone[1].startswith("  right cause named      2 of 2 (100%)")
    assert alone[1].endswith(", 1 by another cause that the label accepts")
    assert alone[-1] == "memory_leak  memory_exhausted 1 (accepted), memory_leak 1"
    assert mixed[-1] == "memory_leak  memory_exhausted 2 (1 accepted), memory_leak 1"


def test_a_comparison_tells_the_worse_first_and_what_does_not_compare() -> None:
    """The order in which somebody has to act."""
    compared = Comparison(
        better=(Change("b", "up"),),
        worse=(Change("a", "down"),),
        relabelled=("r",),
        new=("n", "m"),
        gone=("g",),
        same=3,
    )
    said = lines(Evaluation(outcomes=(CALM,)), compared=compared)
    start = said.index("Against the earlier one: 1 better, 1 worse, 3 the same")

    assert said[start + 1 : start + 6] == [
        "  worse  a: down",
        "  better b: up",
        "  not compared, another label: r",
        "  new: n, m",
        "  gone: g",
    ]
