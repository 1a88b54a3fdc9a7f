"""What Security Hub and Checkov would say of a stack, before it stands.

A file in this package is one topic; its ``CHECKS`` are found by `obskit.discover`. A check looks at the
wanted fields of a resource, and where it has to at all the others. It bears the ids by which the tools
know the question: ``ECS.2`` of Security Hub, ``CKV_AWS_333`` of Checkov.

Nothing is left out in silence: a finding that is meant is waived with a reason, a question that does not
arise says why not, a waiver that waives nothing is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

from obskit.deploy.resource import Resource, Value
from obskit.deploy.security._waivers import DEFAULT_WAIVERS
from obskit.deploy.spec import Waiver
from obskit.discover import modules_in

State = Literal["pass", "fail", "waived", "not applicable", "unused waiver"]


@dataclass(frozen=True, slots=True)
class Good:
    """The answer is as it shall be.

    Attributes:
        part: Of the resource that was asked: ``containers.app``; "" for the whole.
    """

    part: str = ""


@dataclass(frozen=True, slots=True)
class Bad:
    """The answer is not as it shall be.

    Attributes:
        why: What it is, without any secret.
        todo: What to do; keys of the stack's file by their names.
        part: As above.
    """

    why: str
    todo: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Moot:
    """The question does not arise.

    Attributes:
        why: What is missing for it.
        part: As above.
    """

    why: str
    part: str = ""


Answer = Good | Bad | Moot
Everything = Mapping[str, Resource]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question.

    Attributes:
        ids: By which Security Hub and Checkov know it; a finding is made for each.
        title: What shall be so.
        kinds: Of the resources that are asked; those that the stack does not have make it moot.
        judge: Answers for one resource, once or for each of its parts; all resources of the stack are
            given by address.
    """

    ids: tuple[str, ...]
    title: str
    kinds: tuple[str, ...]
    judge: Callable[[Resource, Everything], Iterable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityFinding:
    """How one question was answered for one resource.

    Attributes:
        id: As the tool calls it.
        title: What shall be so.
        address: Of the resource; "" where the stack has none of the kind. Of an unused waiver: its pattern.
        part: Of the resource; "" for the whole.
        state: How it came out.
        why: Why it fails, is waived or does not arise; "" where it passes.
        todo: What to do; "" where there is nothing to do.
    """

    id: str
    title: str
    address: str
    part: str = ""
    state: State
    why: str = ""
    todo: str = ""


def findings(
    resources: Iterable[Resource], waivers: Iterable[Waiver] = (), *, defaults: Iterable[Waiver] = DEFAULT_WAIVERS
) -> tuple[SecurityFinding, ...]:
    """Ask all questions of all resources.

    Args:
        resources: All that a spec wants, tagged, references and all.
        waivers: The spec's own. Each has to waive something.
        defaults: What obskit itself waives; these may be without use.

    Returns:
        A finding for each id and resource (or part of it), by id and address; then the unused waivers.
    """
    everything = {resource.address: resource for resource in resources}
    own, shipped = tuple(waivers), tuple(defaults)
    used: set[Waiver] = set()
    answers = [
        _waived(finding, (*own, *shipped), used) for check in all_checks() for finding in _asked(check, everything)
    ]
    unused = [
        SecurityFinding(
            id=waiver.id,
            title="waiver",
            address=waiver.resource,
            state="unused waiver",
            why=f"nothing that fails needs it: {waiver.reason}",
            todo="take it out of the stack's file",
        )
        for waiver in own
        if waiver not in used
    ]
    return (*sorted(answers, key=lambda f: (_sortable(f.id), f.address, f.part)), *unused)


@cache
def all_checks() -> tuple[Check, ...]:
    """Return the checks of all topics."""
    return tuple(check for module in modules_in(__name__) for check in module.CHECKS)


def _asked(check: Check, everything: Everything) -> Iterator[SecurityFinding]:
    asked = [resource for resource in everything.values() if resource.kind in check.kinds]
    for number in check.ids:
        if not asked:
            why = f"the stack has no {' and no '.join(kind.replace('_', ' ') for kind in check.kinds)}"
            yield SecurityFinding(id=number, title=check.title, address="", state="not applicable", why=why)
        for resource in asked:
            for answer in check.judge(resource, everything):
                yield _finding(number, check.title, resource.address, answer)


def _finding(number: str, title: str, address: str, answer: Answer) -> SecurityFinding:
    finding = SecurityFinding(id=number, title=title, address=address, part=answer.part, state="pass")
    if isinstance(answer, Bad):
        return replace(finding, state="fail", why=answer.why, todo=answer.todo)
    if isinstance(answer, Moot):
        return replace(finding, state="not applicable", why=answer.why)
    return finding


def _waived(finding: SecurityFinding, waivers: Iterable[Waiver], used: set[Waiver]) -> SecurityFinding:
    """Return the finding, waived where it fails and a waiver fits; the first one that fits counts as used."""
    if finding.state != "fail":
        return finding
    names = (finding.address, f"{finding.address}.{finding.part}")
    for waiver in waivers:
        if waiver.id == finding.id and any(fnmatchcase(name, waiver.resource) for name in names):
            used.add(waiver)
            return replace(finding, state="waived", why=f"{finding.why}; meant: {waiver.reason}", todo="")
    return finding


def _sortable(number: str) -> tuple[str, int]:
    """Return a key by which ECS.9 comes before ECS.10."""
    digits = re.search(r"\d+$", number)
    return (number[: digits.start()], int(digits.group())) if digits else (number, 0)


def at(fields: Value, *path: str) -> Value:
    """Return what stands at a path of fields; None where nothing does."""
    for key in path:
        fields = fields.get(key) if isinstance(fields, Mapping) else None
    return fields


def entries(fields: Value, *path: str) -> Mapping[str, Value]:
    """Return a mapping that stands at a path of fields; an empty one where none does."""
    found = at(fields, *path)
    return found if isinstance(found, Mapping) else {}


def holds(path: tuple[str, ...], wanted: Value, why: str, todo: str) -> Callable[[Resource, Everything], list[Answer]]:
    """Return a judge that wants one value at one path.

    Args:
        path: Into the fields.
        wanted: The value.
        why, todo: As in `Bad`.
    """

    def judge(resource: Resource, everything: Everything) -> list[Answer]:  # noqa: ARG001
        return [Good() if at(resource.fields, *path) == wanted else Bad(why, todo)]

    return judge
