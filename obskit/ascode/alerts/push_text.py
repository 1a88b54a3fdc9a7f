"""A plan to push rules and its outcome, for a person and for machines."""

from __future__ import annotations

from collections import Counter
from typing import Any

from obskit.ascode.alerts.push import Action, Outcome, Plan, Result
from obskit.ascode.compare import as_json, render
from obskit.escape import clean

_SIGNS = {"create": "+", "update": "~", "delete": "-", "unchanged": " ", "left": "?", "refused": "!"}


def of_plan(plan: Plan) -> str:
    """Return what a push would do: a line each, with what changes below, then the sum."""
    lines = [f"to {clean(plan.target)}"]
    for action in plan.actions:
        if action.kind == "unchanged":
            continue
        why = f": {clean(action.why)}" if action.why else ""
        lines.append(f"{_SIGNS[action.kind]} {action.kind} {_named(action)}{why}")
        lines += render(action.changes, indent="    ") if action.kind == "update" else []
    times = Counter[str](action.kind for action in plan.actions)
    summed = ", ".join(f"{times[kind]} {_PAST.get(kind, kind)}" for kind in _SIGNS if times[kind])
    lines.append(summed or "no rule of ours, here or there")
    if times["left"]:
        lines.append("what is left is defined no more: --prune deletes it")
    return "\n".join(lines)


_PAST = {"create": "to create", "update": "to update", "delete": "to delete"}


def of_outcome(outcome: Outcome) -> str:
    """Return what a push did, and of what it did not why."""
    times = Counter[str](action.kind for action in outcome.done)
    kinds = (("create", "created"), ("update", "updated"), ("delete", "deleted"))
    lines = [", ".join(f"{times[kind]} {word}" for kind, word in kinds if times[kind]) or "nothing was changed"]
    lines += [f"! failed: {_result(result)}" for result in outcome.failed]
    lines += [f"! not done: {_result(result)}" for result in outcome.not_done]
    lines += [clean(outcome.told)] if outcome.told else []
    lines += [f"! {clean(outcome.unused)}"] if outcome.unused else []
    if (outcome.failed or outcome.not_done) and outcome.again:
        lines.append("run it again to do the rest")
    return "\n".join(lines)


def document(plan: Plan, outcome: Outcome | None = None) -> dict[str, Any]:
    """Return both as plain data; without an outcome, nothing was done."""
    found: dict[str, Any] = {
        "target": plan.target,
        "differs": plan.differs,
        "actions": [
            {
                "kind": action.kind,
                "name": action.name,
                "rules": action.rules,
                "changes": as_json(action.changes),
                "why": action.why,
            }
            for action in plan.actions
        ],
    }
    if outcome is None:
        return found
    return {
        **found,
        "done": [action.name for action in outcome.done],
        "failed": [_row(result) for result in outcome.failed],
        "not_done": [_row(result) for result in outcome.not_done],
        "told": outcome.told,
        "unused": outcome.unused,
        "again": outcome.again,
    }


def _named(action: Action) -> str:
    return f"{clean(action.name)} ({action.rules} rule{'' if action.rules == 1 else 's'})"


def _result(result: Result) -> str:
    return f"{clean(result.action.name)}: {clean(result.reason)}"


def _row(result: Result) -> dict[str, Any]:
    return {"name": result.action.name, "reason": result.reason, "again": result.again}
