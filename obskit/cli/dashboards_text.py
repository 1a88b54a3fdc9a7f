"""How ``obskit dashboards …`` words what it found: texts for a person, documents for a machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from obskit.ascode.definition import Problem
from obskit.escape import clean

if TYPE_CHECKING:
    from obskit.ascode.check import Result
    from obskit.ascode.pull import Match
    from obskit.ascode.push import Action, Outcome, Plan
    from obskit.files import State
    from obskit.model import Signal

#: What to do with what was provisioned.
PROVISIONED = """
Mount provisioning/ at /etc/grafana/provisioning and dashboards/ at /etc/grafana/dashboards. Grafana needs
OBSKIT_PROMETHEUS_URL and OBSKIT_LOKI_URL in its own environment, and with --alerting OBSKIT_RECEIVER_URL, the webhook
that its alerts are posted to."""
#: Characters of a query around the place that is wrong.
MOST_OF_A_QUERY = 120
_SIGNS = {"create": "+", "update": "~", "delete": "-", "refused": "!", "unchanged": " "}
_DONE = {"create": "created", "update": "updated", "delete": "deleted", "refused": "refused", "unchanged": "unchanged"}


def of_problems(problems: Iterable[Problem]) -> str:
    """Return a paragraph for each problem: file and line, what is wrong, where, what to do."""
    return "\n".join(_problem(p) for p in problems)


def _problem(p: Problem) -> str:
    place = f"{p.file}:{p.line}" if p.line else p.file or "obskit"
    lines = [f"{clean(place)}: {p.severity}: {clean(p.message)} [{p.check}]"]
    lines += [f"  panel:  {clean(p.panel)}"] if p.panel else []
    lines += _marked(p.query, p.column) if p.query else []
    lines += [f"  try:    {clean(p.hint)}"] if p.hint else []
    return "\n".join(lines)


def _marked(query: str, column: int) -> list[str]:
    """Return the query's line that holds the column, cut around it, and a mark below it."""
    if not column:
        first, _, rest = query.partition("\n")
        more = f" … and {rest.count(chr(10)) + 1} more lines" if rest else ""
        return [f"  query:  {clean(first[:MOST_OF_A_QUERY])}{'…' if len(first) > MOST_OF_A_QUERY else ''}{more}"]
    start = query.rfind("\n", 0, column - 1) + 1
    line, offset = query[start:].partition("\n")[0], column - 1 - start
    left = max(0, offset - MOST_OF_A_QUERY // 2)
    before = ("…" if left else "") + _in_place(line[left:offset])
    after = _in_place(line[offset : offset + MOST_OF_A_QUERY // 2])
    return [f"  query:  {before}{after}", f"          {' ' * len(before)}^ column {column}"]


def _in_place(text: str) -> str:
    """Return a text cleaned, its blanks kept, so that what stands below it stays below it."""
    return re.sub(r"\s", " ", clean(text, lines=True))


def of_result(result: Result, excluded: int) -> str:
    """Return the problems, then one line that counts."""
    errors = sum(p.severity == "error" for p in result.problems)
    warnings = len(result.problems) - errors
    parts = [of_problems(result.problems)] if result.problems else []
    parts += [f"not checked: {names}: {_in_lines(why)}" for why, names in _by_reason(result.skipped)]
    parts += [f"failed: {names}: {_in_lines(why)}" for why, names in _by_reason(result.failed)]
    hidden = f", {excluded} excluded with a reason" if excluded else ""
    lost = f", {_count(len(result.failed), 'check')} failed" if result.failed else ""
    found = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}{hidden}"
    parts.append(f"{found}; {_count(len(result.made), 'check')} made{lost}")
    return "\n".join(parts)


def _by_reason(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each reason once, with the checks that it is about."""
    reasons = dict.fromkeys(why for _, why in pairs)
    return [(reason, ", ".join(name for name, why in pairs if why == reason)) for reason in reasons]


def _in_lines(reason: str) -> str:
    """Return an error's headline and its indented lines; any other line break is of what somebody else said."""
    return "\n".join(map(_in_place, re.sub(r"\n(?!  \w)", " ", reason).split("\n")))


def _on_one_line(reason: str) -> str:
    """Return an error's lines as one, its parts told apart."""
    return "; ".join(clean(line) for line in reason.splitlines())


def workflow_commands(result: Result) -> str:
    """Return GitHub's workflow commands, which mark the lines in a pull request.

    A check that was not made is a warning there, one whose server failed an error: silence would
    read as "all is well".
    """
    lines = [
        f"::{p.severity} file={_data(p.file, True)},line={max(p.line, 1)},title={_data(p.check, True)}::"
        f"{_data(' | '.join(part for part in (p.message, p.panel, p.query, p.hint) if part))}"
        for p in result.problems
    ]
    for kind, pairs in (("warning title=not checked", result.skipped), ("error title=failed", result.failed)):
        lines += [f"::{kind}::{_data(f'{names}: {_on_one_line(why)}')}" for why, names in _by_reason(pairs)]
    return "".join(f"{line}\n" for line in lines)


def of_unchecked(result: Result) -> str:
    """Return a line for each reason why checks were not made, those against a live server left out."""
    pairs = [(name, why) for name, why in result.skipped if not name.startswith("live-")]
    return "".join(f"not checked: {names}: {_in_lines(why)}\n" for why, names in _by_reason(pairs))


def of_signals(signals: Sequence[Signal]) -> str:
    """Return a line for each signal, by topic: id, unit, which instrumentations tell it."""
    lines: list[str] = []
    for topic, found in groupby(signals, key=lambda signal: signal.topic):
        lines.append(topic)
        for signal in found:
            names = ", ".join(dict.fromkeys(variant.name for variant in signal.variants))
            lines.append(f"  {signal.id:<32} {signal.title} ({signal.unit})")
            lines.append(f"  {'':<32} {names}")
    return "\n".join(lines)


def signal_document(signal: Signal) -> dict[str, Any]:
    """Return a signal for machines."""
    return {
        "id": signal.id,
        "topic": signal.topic,
        "title": signal.title,
        "unit": signal.unit,
        "meaning": signal.meaning,
        "variants": {variant.name: variant.query for variant in signal.variants},
    }


def _data(text: str, is_property: bool = False) -> str:
    """Escape as workflow commands want it: what is left unescaped would begin another command."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


def of_checks(checks: Mapping[str, ModuleType]) -> str:
    """Return each check's name and the first line of its page."""
    width = max(map(len, checks))
    return "\n".join(
        f"{name:<{width}}  {(module.__doc__ or '').strip().splitlines()[0]}" for name, module in checks.items()
    )


def of_files(written: Sequence[tuple[Path, State]], word: str) -> str:
    """Return a line for each file, what became of it, and a count.

    A file that is no longer defined goes, unless somebody changed it since it was written.
    """
    said = {"wrote": "wrote  ", "same": "same   ", "removed": "removed", "kept": "kept   "}
    lines = [f"{said[state]} {clean(str(path))}" for path, state in written]
    kept = [path for path, state in written if state == "kept"]
    if kept:
        files = _count(len(kept), "file is", "files are")
        lines.append(f"{files} no longer defined, but changed since: delete by hand")
    there = sum(state in ("wrote", "same") for _, state in written)
    return "\n".join([*lines, f"{_count(there, word)}, {sum(state != 'same' for _, state in written)} changed"])


def of_plan(plan: Plan, *, markdown: bool = False) -> str:
    """Return what a push would do: a heading for each dashboard, its changes and edits below."""
    lines: list[str] = []
    for action in plan.actions:
        lines += _action(action) if action.kind != "unchanged" else []
    counts = ", ".join(
        f"{sum(a.kind == kind for a in plan.actions)} {word}"
        for kind, word in (
            ("create", "to create"),
            ("update", "to update"),
            ("delete", "to delete"),
            ("refused", "refused"),
            ("unchanged", "unchanged"),
        )
        if kind in ("create", "update", "unchanged") or any(a.kind == kind for a in plan.actions)
    )
    if not markdown:
        return "\n".join([*lines, counts])
    body = "\n".join(lines).replace("```", "'''")
    return f"### Dashboards: {counts}\n" + (f"\n```diff\n{body}\n```\n" if lines else "")


def _action(action: Action) -> list[str]:
    from obskit.ascode.compare import render

    folder = f" in {action.folder}" if action.folder else ""
    moved = f", moved from {action.moved_from or 'the root'}" if action.moved_from is not None else ""
    lines = [clean(f"{_SIGNS[action.kind]} {action.kind} {action.uid}  {action.title}{folder}{moved}")]
    lines += [f"    {clean(action.why)}"] if action.why else []
    if action.edits:
        by = f" by {', '.join(action.edited_by)}" if action.edited_by else ""
        lines.append(f"    edited in Grafana{clean(f'x{by}')[1:]}:")
        lines += render(action.edits, indent="      ")
        if _undoes(action):
            return [*lines, "    a push would undo that, and nothing else"]
        lines += ["    a push would:"] if action.changes else []
    return [*lines, *render(action.changes, indent="      " if action.edits else "    ")]


def _undoes(action: Action) -> bool:
    """Return whether a push would only take back what was edited."""
    edited = {(change.at, str(change.old), str(change.new)) for change in action.edits}
    return edited == {(change.at, str(change.new), str(change.old)) for change in action.changes}


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan for machines; models are left out, since they are in the repository and in Grafana."""
    return {"differs": plan.differs, "actions": [_action_document(action) for action in plan.actions]}


def _action_document(action: Action) -> dict[str, Any]:
    from obskit.ascode.compare import as_json

    return {
        "kind": action.kind,
        "uid": action.uid,
        "title": action.title,
        "folder": action.folder,
        "moved_from": action.moved_from,
        "changes": as_json(action.changes),
        "edits": as_json(action.edits),
        "edited_by": list(action.edited_by),
        "why": action.why,
    }


def outcome_document(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Return a plan and what came of it for machines."""
    return {
        **plan_document(plan),
        "done": [action.uid for action in outcome.done],
        "failed": [{"uid": r.action.uid, "reason": r.reason, "again": r.again} for r in outcome.failed],
        "not_done": [{"uid": r.action.uid, "reason": r.reason} for r in outcome.not_done],
    }


def of_outcome(outcome: Outcome, url: str = "") -> str:
    """Return what was done, what failed, what was not begun, and how to go on."""
    lines = [
        f"{_DONE[done.kind]}  {done.title}  {f'{url}/d/' if url and done.kind != 'delete' else ''}{done.uid}"
        for done in outcome.done
    ]
    lines += [f"failed   {failed.action.uid}  {failed.reason}" for failed in outcome.failed]
    lines += [f"not done {missed.action.uid}  {missed.reason}" for missed in outcome.not_done]
    total = [_count(len(outcome.done), "change") + " made"]
    total += [f"{len(outcome.failed)} failed"] if outcome.failed else []
    total += [f"{len(outcome.not_done)} not begun"] if outcome.not_done else []
    lines.append(", ".join(total))
    if outcome.failed or outcome.not_done:
        lines.append(
            "run the same command again: it goes on where this one stopped"
            if outcome.again
            else "put right what failed, then run the same command again"
        )
    return "\n".join(clean(line) for line in lines)


def of_matches(matches: Sequence[Match]) -> str:
    """Return which signal each query of a pulled dashboard is, and what the catalogue does not know."""
    lines = [f"{m.how:<12}  {m.signal_id or '-':<28}  {clean(m.panel)} ({clean(m.ref)})" for m in matches]
    known = sum(bool(m.signal_id) for m in matches)
    of = _count(len(matches), "query", "queries")
    return "\n".join([*lines, f"{known} of {of} {'is' if known == 1 else 'are'} a signal of the catalogue"])


def of_preview(out: Path, counts: Mapping[str, int]) -> str:
    """Return where the preview is, and how many panels show something."""
    named = (("data", "with data"), ("empty", "empty"), ("failed", "failed"), ("not_asked", "not asked"))
    parts = [f"{counts[state]} {word}" for state, word in named if counts[state] or state == "data"]
    return f"{clean(str(out))}: panels: {', '.join(parts)}"


def _count(number: int, word: str, plural: str = "") -> str:
    return f"{number} {word if number == 1 else plural or f'{word}s'}"
