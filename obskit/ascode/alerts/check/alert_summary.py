"""A summary is one sentence with the number in it.

What it looks for: a summary that is empty, longer than 120 characters, of several sentences or lines,
or that ends in a full stop; without ``{value}``, where the value says more than yes or no (a count compared
with 1, a prediction); of an alert that carries the service, without ``{service}``; a description that is
empty, or says no more than the summary.

Why: it is all that a phone shows at night. Without the value nobody knows how bad it is; without the
service, for whom.

How to mend it: "{service} answers {value} of its requests with an error".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.alerts.check import Case, Said
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.rule import Rule
from obskit.ascode.definition import Problem

#: What a phone shows of a notification in two lines.
MOST_CHARACTERS = 120


def problems(case: Case) -> Iterable[Problem]:
    """Yield what is wrong with each alert's two texts."""
    for one in case.said:
        for said in _of_summary(one, case.writer):
            yield one.problem(said, "summary")
        description = one.rule.description.strip()
        if not description:
            yield one.problem("its description is empty", "description")
        elif description.rstrip(".") == one.rule.summary.strip().rstrip("."):
            yield one.problem("its description says no more than its summary", "description")


def _of_summary(one: Said, writer: Writer) -> Iterable[str]:
    text = one.rule.summary
    if not text.strip():
        yield "its summary is empty"
        return
    if "\n" in text or re.search(r"[.!?]\s+[A-Z{]", text):
        yield "its summary is more than one sentence"
    elif text.rstrip().endswith("."):
        yield "its summary ends in a full stop"
    if len(text) > MOST_CHARACTERS and one.slo is None:
        yield f"its summary has {len(text)} characters, more than {MOST_CHARACTERS}"
    if "{value}" not in text and not _is_yes_or_no(one.rule):
        yield "its summary does not say {value}"
    labels = writer.settings.labels
    label = labels.log_service if writer.language(one.rule) == "LogQL" else labels.service
    if one.rule.catalogued.scope == "service" and label in (one.rule.by or (label,)) and "{service}" not in text:
        yield "its summary does not say of which {service}"


def _is_yes_or_no(rule: Rule) -> bool:
    """Return whether the value adds nothing: it is 0 or 1, or what will be, by a straight line."""
    return bool(rule.ahead) or (rule.catalogued.unit == "count" and rule.threshold <= 1)
