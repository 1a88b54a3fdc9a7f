"""An evaluation for people: figures first, then what is wrong, then the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from obskit.escape import clean
from obskit.evaluation.corpus import LeftOut
from obskit.evaluation.outcome import Outcome
from obskit.evaluation.run import Evaluation
from obskit.evaluation.scores import Decoy, Group, Quiet, Reliability, Scores, Share, interval, scores

if TYPE_CHECKING:
    from obskit.evaluation.against import Comparison


def lines(found: Evaluation, *, compared: Comparison | None = None) -> list[str]:
    """Return the report's lines; nothing in them steers a terminal, whatever recordings and labels are called."""
    summed = scores(found.outcomes)
    parts = [
        [*_figures(summed, found)],
        [*_wrong(found.outcomes)],
        [*_compared(compared)] if compared else [],
        [*_causes(summed)],
        [*_decoys(summed.by_decoy)],
        [*_reliability(summed.reliability)],
        [*_confusion(summed)],
        [*_left_out(found)],
    ]
    return [line for part in parts if part for line in (*part, "")][:-1]


def _figures(summed: Scores, found: Evaluation) -> Iterator[str]:
    one, others, held = summed.incidents, summed.others, summed.reliability
    strange = f", {others[1]} of a cause that obskit has not" if others[1] else ""
    quiet = f"{summed.calm.count} calm, {_many(summed.decoys.count, 'decoy')}{strange}"
    less = f", without their {' and '.join(found.lost)}" if found.lost else ""
    yield f"{_many(len(found.outcomes), 'recording')}{less}: {_many(one.count, 'incident')}, {quiet}"
    if one.count:
        low, high = interval((one.named, one.count))
        other = f", {one.accepted} by another cause that the label accepts" if one.accepted else ""
        yield _row("right cause named", f"{_of((one.named, one.count))}, 95% interval {low:.0%} to {high:.0%}{other}")
        yield _row("right cause first", f"{_of((one.top1, one.count))}, named or not")
        yield _row("among the first three", _of((one.top3, one.count)))
        yield _row("mean reciprocal rank", f"{one.mrr:.3f}")
        yield _row("found, and wrong", _of((one.sure_and_wrong, one.count)))
        yield _row("called calm", _of((one.missed, one.count)))
        yield _row("culprit right", _of(one.culprit))
        yield _row("onset", _onset(one))
    yield from _stay_calm("calm windows stay calm", summed.calm)
    yield from _stay_calm("decoys stay calm", summed.decoys)
    if others[1]:
        yield _row("others blame no cause", _of(others))
    if held.brier is not None:
        yield _row("Brier score", f"{held.brier:.3f} over {_many(held.count, 'first cause')}")
        yield _row("calibration error", f"{held.error:.3f}")
    if summed.seconds:
        yield _row("seconds a recording", f"median {summed.seconds[0]:.2f}, longest {summed.seconds[1]:.2f}")


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _row(what: str, words: str) -> str:
    return f"  {what:<23}{words}"


def _of(share: Share) -> str:
    return f"{share[0]} of {share[1]} ({share[0] / share[1]:.0%})" if share[1] else "-"


def _onset(one: Group) -> str:
    if one.onset_error is None or one.onset_distance is None:
        return "-"
    return f"{one.onset_error:+.0f} s from the truth (median), {one.onset_distance:.0f} s away (median)"


def _stay_calm(what: str, one: Quiet) -> Iterator[str]:
    if one.count:
        blamed = f", a cause was blamed in {one.blamed}" if one.blamed else ""
        yield _row(what, f"{_of((one.calm, one.count))}{blamed}")


def _wrong(outcomes: Sequence[Outcome]) -> Iterator[str]:
    wrong = [one for one in outcomes if not one.right or one.culprit_right is False]
    if wrong:
        yield "Wrong"
    for one in wrong:
        sure = "" if one.probability is None else f", first {one.first} {one.probability:.0%}"
        place = f", the truth at place {one.rank}" if one.rank > 1 else ""
        blamed = f"culprit {clean(one.blamed) or 'none'}, the label says {clean(one.culprit)}"
        culprit = f", {blamed}" if one.culprit_right is False else ""
        yield f"  {clean(one.name)}: {one.cause}, said {one.verdict}{sure}{place}{culprit}"


def _compared(found: Comparison) -> Iterator[str]:
    yield f"Against the earlier one: {len(found.better)} better, {len(found.worse)} worse, {found.same} the same"
    for what, changes in (("worse ", found.worse), ("better", found.better)):
        for change in changes:
            yield f"  {what} {clean(change.name)}: {clean(change.words)}"
    for what, names in (("not compared, another label", found.relabelled), ("new", found.new), ("gone", found.gone)):
        if names:
            yield f"  {what}: {', '.join(map(clean, names))}"


def _causes(summed: Scores) -> Iterator[str]:
    if summed.causes:
        yield from _table(
            ("cause", "n", "first", "in 3", "mrr", "culprit", "onset s"),
            [
                (
                    cause,
                    str(one.count),
                    str(one.top1),
                    str(one.top3),
                    f"{one.mrr:.2f}",
                    f"{one.culprit[0]}/{one.culprit[1]}",
                    "-" if one.onset_error is None else f"{one.onset_error:+.0f}",
                )
                for cause, one in summed.causes.items()
            ],
        )


def _decoys(found: dict[str, Decoy]) -> Iterator[str]:
    if found:
        yield from _table(
            ("innocent", "beside", "right", "alone", "calm", "taken for"),
            [
                (
                    clean(name),
                    str(one.incidents[1]),
                    str(one.incidents[0]),
                    str(one.quiet.count),
                    str(one.quiet.calm),
                    _counts(one.taken_for) or "-",
                )
                for name, one in found.items()
            ],
        )


def _reliability(held: Reliability) -> Iterator[str]:
    if held.bins:
        yield from _table(
            ("probability", "n", "said", "right"),
            [
                (f"{one.low:.0%} to {one.high:.0%}", str(one.count), f"{one.said:.0%}", f"{one.right:.0%}")
                for one in held.bins
            ],
        )


def _confusion(summed: Scores) -> Iterator[str]:
    """Yield a row a true cause; most of a square table would be empty."""
    if summed.confusion:
        yield from _table(
            ("truth", "answers"),
            [
                (truth, ", ".join(_answers(row, summed.accepted.get(truth, {}))))
                for truth, row in summed.confusion.items()
            ],
        )


def _answers(row: dict[str, int], accepted: dict[str, int]) -> Iterator[str]:
    """Yield the answers to one true cause, the most frequent first; another that the label accepts is marked."""
    for answer, count in sorted(row.items(), key=lambda item: (-item[1], item[0])):
        right = accepted.get(answer, 0)
        mark = "" if not right else " (accepted)" if right == count else f" ({right} accepted)"
        yield f"{answer} {count}{mark}"


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{what} {count}" for what, count in counted.items())


def _left_out(found: Evaluation) -> Iterator[str]:
    yield from left_out("Cannot be read", found.failed)
    yield from left_out("Left out", found.skipped)


def left_out(what: str, left: Sequence[LeftOut]) -> Iterator[str]:
    """Yield what says nothing, and why; no line when there is none."""
    if left:
        yield f"{what}: {len(left)}"
        yield from (f"  {clean(one.name)}: {clean(one.why)}" for one in left)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield aligned lines: words to the left, numbers to the right."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    left = {column for column in range(len(head)) if not any(row[column].lstrip("+-")[:1].isdigit() for row in rows)}
    for row in cells:
        padded = (
            text.ljust(width) if column == 0 or column in left else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(padded).rstrip()
