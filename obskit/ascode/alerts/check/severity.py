"""Severity and kind are words that routes know.

What it looks for: a ``severity`` other than ``page`` and ``ticket``, a ``kind`` other than ``symptom`` and
``cause``.

Why: Alertmanager routes by them. An alert of a severity that no route knows goes to the default, which
nobody reads at night.

How to mend it: ``page`` when a person must act now, ``ticket`` when tomorrow will do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.rule import Kind, Severity
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each word that no route knows."""
    for one in case.said:
        for field, known in (("severity", get_args(Severity)), ("kind", get_args(Kind))):
            word = getattr(one.rule, field)
            if word not in known:
                yield one.problem(f"there is no {field} {word!r}", field, hint=f"write {' or '.join(known)}")
