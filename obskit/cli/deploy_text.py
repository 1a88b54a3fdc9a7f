"""Plans and what came of them, in words and as documents for machines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from obskit.cli.output import clean_lines
from obskit.deploy.plan import Action, Change, Plan, Step
from obskit.deploy.resource import Join, Ref, Unknown, Value
from obskit.escape import clean

if TYPE_CHECKING:
    from obskit.deploy.apply import Applied, Told
    from obskit.deploy.resource import Place

_SIGNS: Final[Mapping[Action, str]] = {"create": "+", "change": "~", "replace": "±", "delete": "-"}
_DONE: Final[Mapping[Action, str]] = {
    "create": "created",
    "change": "changed",
    "replace": "replaced",
    "delete": "deleted",
}
_PLANNED: Final[Mapping[Action, str]] = {
    "create": "to create",
    "change": "to change",
    "replace": "to replace",
    "delete": "to delete",
}
#: A value longer than this is cut on a terminal; JSON has it whole.
_LONGEST: Final = 90
_LEAST_ID: Final = 6


def of_plan(plan: Plan, heading: str, *, verbose: bool = False) -> str:
    """Return a plan as text.

    Args:
        plan: What is to be done.
        heading: Names the stack and its place.
        verbose: Also the fields of what is created.
    """
    names = names_of_ids(plan)
    lines = [f"{heading}: {_count(plan)}"]
    lines += [""] if plan.steps else []
    lines += [] if verbose else _created(plan)
    for step in plan.steps:
        if verbose or step.action != "create":
            lines += _step_lines(step, names, verbose=verbose)
    if plan.kept:
        lines += ["", "Not wanted any more, and kept (--delete-data deletes them):"]
        lines += [f"  = {kept.observed.address}: {kept.reason}" for kept in plan.kept]
    return clean_lines(lines)


def _created(plan: Plan) -> list[str]:
    """Return what will be created, a line a kind."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for step in plan.of("create"):
        by_kind[step.kind].append(step.address.removeprefix(f"{step.kind}."))
    return [f"  + {kind}: {', '.join(names)}" for kind, names in by_kind.items()]


def _count(plan: Plan) -> str:
    counts = Counter(step.action for step in plan.steps)
    words = [f"{counts[action]} {_PLANNED[action]}" for action in _SIGNS if counts[action]]
    same = f"{len(plan.unchanged)} as they shall be"
    return ", ".join([*words, *([same] if plan.unchanged or not words else [])])


def _step_lines(step: Step, names: Mapping[str, str], *, verbose: bool) -> list[str]:
    how = ""
    if step.action == "replace":
        how = " (the old one has to go first)" if step.delete_first else " (the new one comes first)"
    lines = [f"  {_SIGNS[step.action]} {step.address}{how}{'  LOSES DATA' if step.loses_data else ''}"]
    width = min(max((len(c.path) for c in step.changes), default=0), 48)
    lines += [f"      {c.path:<{width}}  {_both(c, names)}" for c in step.changes]
    if verbose and step.action == "create" and step.wanted is not None:
        lines += [f"      {path}  {_shown(value, names)}" for path, value in flat(step.wanted.fields)]
    return lines


def flat(value: Value, path: str = "") -> list[tuple[str, Value]]:
    """Return the leaves of a value with their paths."""
    if not isinstance(value, Mapping) or not value:
        return [(path, value)]
    return [leaf for key in sorted(value) for leaf in flat(value[key], f"{path}.{key}" if path else key)]


def names_of_ids(plan: Plan) -> dict[str, str]:
    """Return ids and ARNs of the stack's resources -> how a spec refers to them."""
    return {
        value: f"${{{one.address}.{attribute}}}"
        for one in plan.observed
        for attribute, value in one.attributes.items()
        if len(value) >= _LEAST_ID and attribute in ("id", "arn")
    }


def _both(change: Change, names: Mapping[str, str]) -> str:
    """Return before and after; where both have one name, as a revision and the next one have, the id before."""
    before, after = _shown(change.before, names), _shown(change.after, names)
    return f"{_shown(change.before, {}) if before == after else before} -> {after}"


def _shown(value: Value, names: Mapping[str, str]) -> str:
    if value is None:
        return "nothing"
    plain = plain_of(value, names)
    text = plain if isinstance(plain, str) else str(plain)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def plain_of(value: Value, names: Mapping[str, str] | None = None) -> Any:
    """Return a value as JSON knows it, with references as they are written and ids by their names."""
    if isinstance(value, Ref | Join | Unknown):
        return str(value)
    if isinstance(value, Mapping):
        return {str((names or {}).get(key, key)): plain_of(inner, names) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain_of(inner, names) for inner in value]
    return (names or {}).get(value, value) if isinstance(value, str) else value


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan for machines: steps, how many are unchanged, what is kept."""
    names = names_of_ids(plan)
    return {
        "steps": [_step_document(step, names) for step in plan.steps],
        "unchanged": list(plan.unchanged),
        "kept": [{"address": kept.observed.address, "reason": kept.reason} for kept in plan.kept],
    }


def _step_document(step: Step, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "action": step.action,
        "address": step.address,
        "changes": [_change_document(change, names) for change in step.changes],
        "loses_data": step.loses_data,
        **({"delete_first": step.delete_first} if step.action == "replace" else {}),
    }


def _change_document(change: Change, names: Mapping[str, str]) -> dict[str, Any]:
    return {"path": change.path, "before": plain_of(change.before, names), "after": plain_of(change.after, names)}


def of_told(told: Told) -> str:
    """Return one line of progress; "" for a beginning."""
    step, seconds = told.work.step, f"{told.seconds:.1f} s"
    sign = "-" if told.work.what == "delete" else "+" if step.action in ("create", "replace") else "~"
    if told.state == "begins":
        return ""
    if told.state == "waits":
        return f"  … {step.address}: {clean(told.words)} ({told.seconds:.0f} s)"
    if told.state == "done":
        return f"  {sign} {step.address}  {seconds}"
    if told.state == "skipped":
        return f"  ? {step.address}: not tried, since something that it waits for failed"
    words = clean(told.words).replace("\n", "\n    ")
    return f"  ! {step.address}: {words}"


def of_applied(applied: Applied, plan: Plan, *, seconds: float, calls: int) -> str:
    """Return what came of a plan, in one to a few lines."""
    counts = Counter(work.step.action for work in applied.done if work.what == "make" or work.step.action == "delete")
    words = [f"{counts[action]} {_DONE[action]}" for action in _SIGNS if counts[action]] or ["nothing to do"]
    lines = [f"{', '.join(words)}; {len(plan.unchanged)} left as they were; {calls} calls, {seconds:.1f} s"]
    if applied.failed:
        failed = ", ".join(work.step.address for work, _ in applied.failed)
        lines += [
            f"{len(applied.failed)} failed: {failed}; {len(applied.skipped)} not tried. "
            "Run it again to go on from here."
        ]
    return "\n".join(lines)


def applied_document(applied: Applied, plan: Plan, *, seconds: float, calls: Mapping[str, int]) -> dict[str, Any]:
    """Return what came of a plan for machines."""
    return {
        "done": [
            {"what": work.what, "action": work.step.action, "address": work.step.address} for work in applied.done
        ],
        "failed": [{"address": work.step.address, "error": str(error)} for work, error in applied.failed],
        "skipped": [work.step.address for work in applied.skipped],
        "unchanged": len(plan.unchanged),
        "calls": dict(sorted(calls.items())),
        "seconds": round(seconds, 3),
    }


def heading(name: str, place: Place) -> str:
    """Return which stack, and where."""
    return f"stack {name} in {place.region}, account {place.account}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows with their columns below each other."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
