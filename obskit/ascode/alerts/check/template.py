"""Texts of alerts say what they are meant to.

What it looks for: braces that are no placeholder; placeholders of labels that the alert does not
carry; templates written by hand (``{{ $value }}``); ``$labels.…`` of the built rule that its expression
cannot give; ``$value`` in a label.

Why: a text with a broken template arrives as "error expanding template", at night. A value in a label
makes a new alert of each evaluation: it never holds long enough, and each one notifies.

How to mend it: write ``{value}``, ``{service}`` or another label of the alert in single braces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.alerts.check import Built, Case, Said
from obskit.ascode.definition import Problem
from obskit.ascode.promql_labels import labels_given

_PLACEHOLDER = re.compile(r"\{[A-Za-z_]\w*\}")
#: Placeholders without anything between them: exporters name the same thing differently, and one of them is set.
_RUN = re.compile(r"(?:\{\{ ?\$labels\.\w+[^}]*\}\})+")
_LABEL = re.compile(r"\$labels\.(\w+)")
_VALUE = re.compile(r"\$value\b|\.Value\b")


def problems(case: Case) -> Iterable[Problem]:
    """Yield each text that would arrive broken."""
    yield from (one for one in case.unbuilt if "no label" in one.message)
    for said in case.said:
        yield from _of_texts(said)
    for one in case.alerts():
        yield from _of_rule(one)


def _of_texts(one: Said) -> Iterable[Problem]:
    for field in ("summary", "description"):
        rest = _PLACEHOLDER.sub("", getattr(one.rule, field))
        if "{{" in rest or "}}" in rest or "$value" in rest or "$labels" in rest:
            yield one.problem(f"its {field} is a template written by hand", field, hint="write {value} or {service}")
        elif "{" in rest or "}" in rest:
            yield one.problem(
                f"its {field} has a brace that is no placeholder", field, hint="write {value} or {service}"
            )


def _of_rule(one: Built) -> Iterable[Problem]:
    for label, text in one.document.get("labels", {}).items():
        if _VALUE.search(str(text)):
            yield one.problem(f"its label {label} holds the value: a new alert at each evaluation", label)
    if one.tree is None:
        return
    given = labels_given(one.tree)
    for key, text in one.document.get("annotations", {}).items():
        for run in dict.fromkeys(_RUN.findall(str(text))):
            labels = _LABEL.findall(run)
            if not any(given.may_have(label) for label in labels):
                named = ", ".join(labels)
                yield one.problem(f"its {key} names the label {named}, which its expression cannot give", key, "by")
