"""Plans and what came of them, in words and as documents for machines."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from obskit.cli.output import clean_lines
from obskit.deploy.plan import Action, Change, Plan, Step
from obskit.deploy.resource import Join, Ref, Unknown, Value
from obskit.escape import clean

if TYPE_CHECKING:
    from obskit.deploy.apply import Applied, Told
    from obskit.deploy.errors import DeployError
    from obskit.deploy.preflight import Problem
    from obskit.deploy.resource import Place, Resource
    from obskit.deploy.spec import StackSpec

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
_REVISION: Final = re.compile(r"\$\{task_definition\.[^}]*\.arn\}")


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
    lines += [] if verbose else [*_by_kind(plan, "create"), *_by_kind(plan, "delete")]
    for step in plan.steps:
        if verbose or step.action not in ("create", "delete") or step.loses_data:
            lines += _step_lines(step, names, verbose=verbose)
    if plan.kept:
        lines += ["", "Not wanted any more, and kept (--delete-data deletes them):"]
        lines += [f"  = {kept.observed.address}: {kept.reason}" for kept in plan.kept]
    return clean_lines(lines)


def _by_kind(plan: Plan, action: Action) -> list[str]:
    """Return what will be created, or deleted without a loss of data, a line a kind."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for step in plan.of(action):
        if not step.loses_data:
            by_kind[step.kind].append(step.address.removeprefix(f"{step.kind}."))
    return [f"  {_SIGNS[action]} {kind}: {', '.join(names)}" for kind, names in by_kind.items()]


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
    if _REVISION.fullmatch(after):
        return f"{_shown(change.before, {})} -> a new revision"
    return f"{_shown(change.before, {}) if before == after else before} -> {after}"


def _shown(value: Value, names: Mapping[str, str]) -> str:
    if value is None:
        return "nothing"
    plain = plain_of(value, names)
    named = isinstance(plain, str) and (not isinstance(value, str) or plain != value)
    text = str(plain) if named else json.dumps(plain, ensure_ascii=False)
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
    return f"  ! {step.address}: {clean(told.words.partition(chr(10))[0])}"


def of_applied(applied: Applied, plan: Plan, *, seconds: float, calls: int) -> str:
    """Return what came of a plan; failures last, a field a line."""
    counts = Counter(work.step.action for work in applied.done if work.what == "make" or work.step.action == "delete")
    words = [f"{counts[action]} {_DONE[action]}" for action in _SIGNS if counts[action]]
    words = words or ["nothing was done" if applied.failed else "nothing to do"]
    lines = [f"{', '.join(words)}; {len(plan.unchanged)} left as they were; {calls} calls, {seconds:.1f} s"]
    if applied.failed:
        lines += ["", f"{len(applied.failed)} failed, {len(applied.skipped)} not tried for that reason:"]
        lines += [line for work, error in applied.failed for line in _failure(work.step.address, error)]
        lines += ["Run the same command again to go on from here."]
    return "\n".join(lines)


def _failure(address: str, error: DeployError) -> list[str]:
    """Return a failure, a field a line; commands that follow each other each on its own."""
    rows = [f"{clean(key)}: {clean(value)}" for key, value in error.where.items()]
    hint = clean(error.hint).split(" && ")
    rows += [f"try: {hint[0]}", *(f"     {command}" for command in hint[1:])] if error.hint else []
    return [f"  ! {address}: {clean(error.what)}", *(f"      {row}" for row in rows)]


def applied_document(applied: Applied, plan: Plan, *, seconds: float, calls: Mapping[str, int]) -> dict[str, Any]:
    """Return what came of a plan for machines."""
    return {
        "schema_version": 1,
        "done": [
            {"what": work.what, "action": work.step.action, "address": work.step.address} for work in applied.done
        ],
        "failed": [{"address": work.step.address, "error": str(error)} for work, error in applied.failed],
        "skipped": [work.step.address for work in applied.skipped],
        "unchanged": len(plan.unchanged),
        "calls": dict(sorted(calls.items())),
        "seconds": round(seconds, 3),
    }


def of_problems(found: Sequence[Problem]) -> str:
    """Return what `apply` refuses to begin with."""
    rows = [line for one in found for line in (f"  ! {one.about}: {one.words}", f"      try: {one.hint}")]
    return clean_lines(["", "apply would stop half-way, and so does not begin:", *rows])


def problems_document(found: Sequence[Problem]) -> list[dict[str, str]]:
    """Return the same for machines."""
    return [{"about": one.about, "words": one.words, "hint": one.hint} for one in found]


def of_versions(plan: Plan) -> Iterator[str]:
    """Yield what a step brings about that cannot be taken back: another major version of the database."""
    for step in plan.of("change"):
        for change in step.changes:
            if step.kind == "database" and change.path == "EngineVersion.Major":
                versions = f"PostgreSQL {change.before} -> {change.after}"
                yield clean(f"{step.address}: {versions}: minutes without a database, no way back")


def of_images(spec: StackSpec, plan: Plan, wanted: Sequence[Resource]) -> Iterator[str]:
    """Yield where the file names another image than the one that a release has brought, which `apply` leaves."""
    named = {application.name for application in spec.applications if application.image}
    there = {one.address: one for one in plan.observed}
    for resource in wanted:
        one = there.get(resource.address)
        if one is None or resource.kind != "task_definition" or resource.name not in named:
            continue
        for path in resource.left_to_others:
            asked, runs = dict(flat(resource.fields)).get(path), dict(flat(one.fields)).get(path)
            if path.endswith(".image") and isinstance(asked, str) and isinstance(runs, str) and asked != runs:
                old, new = _parted(asked), _parted(runs)
                short = old[1] if old[0] == new[0] else asked
                release = f"obskit deploy release {resource.name} --image {short}"
                shown = new[1] if old[0] == new[0] else runs
                yield clean(f"the file's image of {resource.name} ({short}) is not what runs ({shown}): {release}")


def _parted(image: str) -> tuple[str, str]:
    """Return repository, and tag or digest."""
    name, at, digest = image.partition("@")
    head, _, tag = name.rpartition(":")
    return (name, digest) if at else (head, tag)


def of_standing(spec: StackSpec, place: Place) -> str:
    """Return where a stack is to be seen, and what comes next."""
    from obskit.deploy.resources._names import events_group, secret_name

    grafana = secret_name(spec.name, "grafana")
    asked = f"--secret-id {grafana} --region {place.region} --query SecretString --output text"
    service = next((application.name for application in spec.applications), "SERVICE")
    return clean_lines(
        [
            "",
            f"It is at    https://{spec.domain}",
            f"Grafana at  https://{spec.grafana_host}, user admin; its password:",
            f"  aws secretsmanager get-secret-value {asked}",
            "What comes next:",
            "  obskit deploy status",
            f"  export OBSKIT_ECS_CLUSTER={spec.name} OBSKIT_EVENTS_LOG_GROUP={events_group(spec.name)}",
            f"  obskit triage {service} --since 30m",
        ]
    )


def of_kept_cost(plan: Plan) -> str:
    """Return what that which is kept goes on costing; "" where that is next to nothing."""
    from obskit.deploy.cost import monthly, total
    from obskit.deploy.resource import Resource

    kept = [kept.observed for kept in plan.kept]
    _, most = total(monthly(Resource(kind=one.kind, name=one.name, fields=one.fields) for one in kept))
    return f" (they go on costing some {most:,.0f} USD a month)" if round(most) else ""


def of_snapshot(name: str, place: Place) -> str:
    """Return that a final snapshot outlives its database, and how it goes."""
    delete = f"aws rds delete-db-snapshot --db-snapshot-identifier {name} --region {place.region}"
    return clean(f"The database's final snapshot {name} is left on purpose, and costs by use; to delete it: {delete}")


def heading(name: str, place: Place, *, empty: bool = False) -> str:
    """Return which stack, and where.

    Args:
        name: The stack's.
        place: Where.
        empty: AWS was not asked, and the account is taken to have nothing of it.
    """
    account = "in an account that has nothing of it" if empty else f"account {place.account}"
    return f"stack {name} in {place.region}, {account}"


def of_assumptions(place: Place) -> str:
    """Return what stands in for what an account would have said, and what is not known without one."""
    zones = ", ".join(place.zones)
    stands = f"{place.account} stands for the account's number, {zones} for its zones"
    unseen = "Whether something of it is there, the hosted zone and the secrets that the file names were not looked at."
    return clean_lines(["", f"AWS was not asked: {stands}.", unseen])


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows with their columns below each other."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
