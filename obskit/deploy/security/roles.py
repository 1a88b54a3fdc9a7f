"""What roles may do, and who may take them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from obskit.deploy.resource import Resource, Value
from obskit.deploy.security import Answer, Bad, Check, Everything, Good, at, entries

_TODO = "name the actions and resources that are needed"


def _texts(value: Value) -> tuple[str, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(one for one in values if isinstance(one, str))


def _statements(bad: Callable[[Value], bool], why: str) -> Callable[[Resource, Everything], Iterator[Answer]]:
    """Return a judge that looks at every statement of a role's own policies."""

    def judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
        found = [
            f"Policies.{name}.Statement.{sid}"
            for name, policy in sorted(entries(resource.fields, "Policies").items())
            for sid, statement in sorted(entries(policy, "Statement").items())
            if at(statement, "Effect") == "Allow" and bad(statement)
        ]
        yield from (Bad(why, _TODO, part) for part in found)
        if not found:
            yield Good()

    return judge


def _all_actions(statement: Value) -> bool:
    return "*" in _texts(at(statement, "Action"))


def _all(statement: Value) -> bool:
    return _all_actions(statement) and "*" in _texts(at(statement, "Resource"))


def _whole_service(statement: Value) -> bool:
    return any(action.endswith(":*") for action in _texts(at(statement, "Action")))


def _trusted(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    statements = entries(resource.fields, "AssumeRolePolicyDocument", "Statement").values()
    principals = [at(one, "Principal") for one in statements if at(one, "Effect") == "Allow"]
    anybody = any(one == "*" or "*" in _texts(at(one, "AWS")) for one in principals)
    yield Bad("anybody may take it", "name who may take it") if anybody else Good()


def _administrator(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    policies = _texts(resource.fields.get("ManagedPolicies"))
    bad = any(policy.endswith(":aws:policy/AdministratorAccess") for policy in policies)
    yield Bad("it is an administrator", "name narrower policies under the application's policies") if bad else Good()


_KIND = ("role",)
CHECKS = (
    Check(ids=("CKV_AWS_61",), title="not anybody may take a role", kinds=_KIND, judge=_trusted),
    Check(
        ids=("CKV_AWS_62",),
        title="no role may do everything with everything",
        kinds=_KIND,
        judge=_statements(_all, "it may do everything with everything"),
    ),
    Check(
        ids=("CKV_AWS_63",),
        title="no role has all actions",
        kinds=_KIND,
        judge=_statements(_all_actions, "it has all actions"),
    ),
    Check(
        ids=("IAM.21",),
        title="no role has all actions of a service",
        kinds=_KIND,
        judge=_statements(_whole_service, "it has all actions of a service"),
    ),
    Check(ids=("CKV_AWS_274",), title="no role is an administrator", kinds=_KIND, judge=_administrator),
)
