"""No rule costs more than its interval allows.

What it looks for, with ``--prometheus URL``: an expression that reads more than a million samples each
time that it is evaluated, or that Prometheus refuses.

Why: Prometheus reads some ten million samples a second and core. A rule of a million takes a tenth of a
second, each half minute, for ever; those of a group wait for each other, and alerts come late.

How to mend it: record it by a rule, aggregate less, or look back for less.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.check._live import readable
from obskit.ascode.checking import server
from obskit.ascode.definition import Problem
from obskit.ascode.live import STEPS

#: Of one evaluation.
MOST_SAMPLES = 1_000_000


def problems(case: Case) -> Iterable[Problem]:
    """Yield each rule that costs too much."""
    found = list(readable(case))
    answers = server(case.prometheus).run(one.expr for one, _ in found)
    for one, _ in found:
        ran = answers[one.expr]
        if ran.refused:
            yield one.problem(f"Prometheus refuses it: {ran.refused}", query=one.expr)
        elif ran.samples / STEPS > MOST_SAMPLES:
            each = round(ran.samples / STEPS)
            yield one.problem(f"each evaluation reads {each} samples, more than {MOST_SAMPLES}", query=one.expr)
