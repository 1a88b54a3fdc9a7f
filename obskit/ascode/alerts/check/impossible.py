"""An alert can fire.

What it looks for: a level that its signal never reaches: a share above 1 or below 0, a number that
cannot be negative below 0; and conditions that contradict each other or the level.

Why: it is the most quiet alert of all, and everybody believes that it watches.

How to mend it: correct the level; shares are from 0 to 1, not per cent.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case, Said
from obskit.ascode.alerts.rule import Operator, number
from obskit.ascode.board import signal_named
from obskit.ascode.definition import Problem
from obskit.model import Signal


def problems(case: Case) -> Iterable[Problem]:
    """Yield each level that is never reached, and each contradiction."""
    for one in case.said:
        if one.slo is None:
            yield from _of(one)


def _of(one: Said) -> Iterable[Problem]:
    rule = one.rule
    limits: list[tuple[str, Operator, float, str]] = [(rule.signal, rule.op, rule.threshold, "level")]
    limits += [(c.signal, c.op, c.value, "where") for c in rule.where]
    for signal, op, value, field in limits:
        if said := _never(signal_named(signal), op, value):
            yield one.problem(said, field)
    for number_, (signal, op, value, _) in enumerate(limits):
        for other, other_op, other_value, _ in limits[number_ + 1 :]:
            if signal == other and not rule.ahead and _excludes(op, value, other_op, other_value):
                yield one.problem(
                    f"{signal} {op} {number(value)} and {other_op} {number(other_value)} never hold together", "where"
                )


def _never(signal: Signal, op: Operator, value: float) -> str:
    """Return why a comparison never holds, or ""."""
    if op in ("<", "<=") and (value < 0 or (value == 0 and op == "<")):
        return f"{signal.id} is never {op} {number(value)}"
    known = [level.value for level in (signal.warn, signal.crit) if level]
    is_share = signal.unit == "ratio" and all(level <= 1 for level in known)
    if is_share and op in (">", ">=") and (value > 1 or (value == 1 and op == ">")) and known:
        return f"{signal.id} is a share of 1, and never {op} {number(value)}"
    return ""


def _excludes(op: Operator, value: float, other_op: Operator, other: float) -> bool:
    """Return whether no number satisfies both comparisons."""
    if op[0] == other_op[0]:
        return False
    least, most = (value, other) if op[0] == ">" else (other, value)
    return least > most or (least == most and not (op.endswith("=") and other_op.endswith("=")))
