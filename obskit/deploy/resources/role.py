"""The stack's IAM roles: one that starts tasks, one for each service's own calls, CI's, the flow logs'.

Roles lie below a path of the stack's own, so that all of them are found by it, wanted or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Resource, Stack, Value, touched
from obskit.deploy.resources import _iam, _role_policies
from obskit.deploy.resources._json import mapping
from obskit.deploy.resources._names import role_name, role_path
from obskit.deploy.resources._tags import as_dict, as_list, name_of
from obskit.deploy.services import FargateService, services
from obskit.deploy.spec import StackSpec

#: Name of the inline policy of each role.
_POLICY: Final = "obskit"
_SESSION_SECONDS: Final = 3600  # the least that IAM takes
#: What `get_account_authorization_details` may give at once.
_PAGE: Final = 1000
_DENIED: Final = ("AccessDenied", "AccessDeniedException")


class RoleKind(Kind):
    """A role with its trust, its inline policies and the managed policies that are attached to it."""

    name = "role"

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the roles of all services and of the stack."""
        return roles(spec, place, services(spec, place))

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the roles below the stack's path.

        Listing roles tells no tags and no policies, one call tells those of all roles of the account:
        with the eight roles of a small stack that is 2 calls instead of 40. Who may not read the whole account
        makes the 40.
        """
        listed = list(aws.pages("iam", "list_roles", "Roles", PathPrefix=role_path(stack.name, stack.place)))
        if not listed:
            return
        details = _details(aws, listed)
        for row in listed:
            detail = details.get(row["Arn"])
            tags = as_dict(detail.get("Tags")) if detail else {}
            if detail and (name := name_of(self.name, tags, stack)):
                yield Observed(
                    kind=self.name, name=name, fields=_observed(row, detail), attributes=_attributes(row), tags=tags
                )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create a role with its trust and tags, then its policies.

        Raises:
            DeployError: The account has a role of that name which is not this stack's.
        """
        fields, name = resource.fields, role_name(stack.name, stack.place, resource.name)
        try:
            role = aws.call(
                "iam",
                "create_role",
                RoleName=name,
                Path=role_path(stack.name, stack.place),
                AssumeRolePolicyDocument=_iam.written(fields["AssumeRolePolicyDocument"]),
                Description=fields["Description"],
                MaxSessionDuration=fields["MaxSessionDuration"],
                Tags=as_list(resource.tags),
            )["Role"]
        except AwsError as error:
            if error.code != "EntityAlreadyExists":
                raise
            role = _ours(aws, stack, name)
            _write_role(aws, name, fields)
        _write_policies(aws, name, fields, {})
        return _attributes(role)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Bring trust, settings and policies to what is wanted, and take away what is not."""
        name = before.attributes["name"]
        if touched(paths, "AssumeRolePolicyDocument", "Description", "MaxSessionDuration"):
            _write_role(aws, name, resource.fields)
        if touched(paths, "Policies", "ManagedPolicies"):
            _write_policies(aws, name, resource.fields, before.fields)
        if touched(paths, "PermissionsBoundary"):
            quiet(lambda: aws.call("iam", "delete_role_permissions_boundary", idempotent=True, RoleName=name))
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        aws.call("iam", "tag_role", idempotent=True, RoleName=before.attributes["name"], Tags=as_list(tags))

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete a role after its policies, those included that somebody has added since."""
        name = before.attributes["name"]
        quiet(lambda: _strip(aws, name))
        quiet(lambda: aws.call("iam", "delete_role", idempotent=True, settle=True, RoleName=name))


def roles(spec: StackSpec, place: Place, found: Iterable[FargateService]) -> Iterator[Resource]:
    """Yield the roles of a stack. A service that needs no permission still has a role of its own.

    Args:
        spec, place: The stack.
        found: Its services.
    """
    found = tuple(found)
    # Without a condition: AWS documents aws:SourceAccount for task roles alone. Did it not send it when it starts a
    # task, none would start; and passing this role is up to this account anyway.
    tasks = _iam.trust(_role_policies.TASKS)
    yield _role("execution", f"Starts tasks of {spec.name}", tasks, _role_policies.execution(spec, place, found))
    own = _iam.trust(_role_policies.TASKS, place, place.arn("ecs", "*"))
    for service in found:
        document = _iam.policy(service.permissions) if service.permissions else None
        words = f"What {service.name} of {spec.name} may do"
        yield _role(service.name, words, own, document, managed=service.policies, service=service.name)
    if spec.ci.repository:
        trusted, may = _role_policies.ci_trust(spec, place), _role_policies.ci(spec, place, found)
        yield _role("ci", f"Releases {spec.name} from {spec.ci.repository}", trusted, may)
    if spec.network.flow_logs:
        trusted = _iam.trust("vpc-flow-logs.amazonaws.com", place, place.arn("ec2", "vpc-flow-log/*"))
        yield _role("flow-logs", f"Writes flow logs of {spec.name}", trusted, _role_policies.flow_logs(spec, place))


def _role(
    name: str,
    description: str,
    trusted: Fields,
    document: Fields | None,
    *,
    managed: tuple[str, ...] = (),
    service: str = "",
) -> Resource:
    fields: dict[str, Value] = {
        "AssumeRolePolicyDocument": trusted,
        "Description": description,
        "ManagedPolicies": tuple(sorted(set(managed))),
        "MaxSessionDuration": _SESSION_SECONDS,
        "PermissionsBoundary": None,
        "Policies": {_POLICY: document} if document else {},
    }
    return Resource(kind=RoleKind.name, name=name, fields=fields, service=service)


def _details(aws: Aws, listed: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return tags, policies and boundaries of roles by ARN, as the account's details have them."""
    try:
        rows = aws.pages("iam", "get_account_authorization_details", "RoleDetailList", Filter=["Role"], MaxItems=_PAGE)
        return {row["Arn"]: row for row in rows}
    except AwsError as error:
        if error.code not in _DENIED:
            raise
    one_by_one = ((row["Arn"], quiet(partial(_detail, aws, row["RoleName"]))) for row in listed)
    return {arn: detail for arn, detail in one_by_one if detail is not None}


def _detail(aws: Aws, name: str) -> Mapping[str, Any]:
    inline = [
        aws.call("iam", "get_role_policy", RoleName=name, PolicyName=policy)
        for policy in aws.pages("iam", "list_role_policies", "PolicyNames", RoleName=name)
    ]
    attached = list(aws.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name))
    role: Mapping[str, Any] = aws.call("iam", "get_role", RoleName=name)["Role"]
    return {**role, "AttachedManagedPolicies": attached, "RolePolicyList": inline}


def _observed(row: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Value]:
    """Return the fields of one role.

    Args:
        row: As listed: it alone has description and duration.
        detail: As told with the account's: it alone has policies and boundary.
    """
    return {
        "AssumeRolePolicyDocument": _iam.read(detail["AssumeRolePolicyDocument"]),
        "Description": row.get("Description", ""),
        "ManagedPolicies": tuple(sorted(one["PolicyArn"] for one in detail.get("AttachedManagedPolicies") or ())),
        "MaxSessionDuration": int(row.get("MaxSessionDuration", _SESSION_SECONDS)),
        "PermissionsBoundary": (detail.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
        "Policies": {one["PolicyName"]: _iam.read(one["PolicyDocument"]) for one in detail.get("RolePolicyList") or ()},
    }


def _attributes(row: Mapping[str, Any]) -> Attributes:
    return {"arn": str(row["Arn"]), "name": str(row["RoleName"])}


def _ours(aws: Aws, stack: Stack, name: str) -> Mapping[str, Any]:
    """Return a role that exists.

    Raises:
        DeployError: It is not this stack's.
    """
    role: Mapping[str, Any] = aws.call("iam", "get_role", RoleName=name)["Role"]
    here = role.get("Path") == role_path(stack.name, stack.place)
    if not here or name_of(RoleKind.name, as_dict(role.get("Tags")), stack) is None:
        raise DeployError(
            f"the role {name} exists and is not this stack's",
            where={"role": str(role["Arn"]), "stack": stack.name},
            hint="delete or rename it, or give the stack another name",
        )
    return role


def _write_role(aws: Aws, name: str, fields: Fields) -> None:
    document = _iam.written(fields["AssumeRolePolicyDocument"])
    aws.call("iam", "update_assume_role_policy", idempotent=True, RoleName=name, PolicyDocument=document)
    aws.call(
        "iam",
        "update_role",
        idempotent=True,
        RoleName=name,
        Description=fields["Description"],
        MaxSessionDuration=fields["MaxSessionDuration"],
    )


def _write_policies(aws: Aws, name: str, fields: Fields, before: Fields) -> None:
    """Put what is wanted; take away what is there and not wanted. What there is already is left alone."""
    inline, old = mapping(fields["Policies"]), mapping(before.get("Policies"))
    for policy, document in inline.items():
        if document != old.get(policy):
            text = _iam.written(document)
            aws.call("iam", "put_role_policy", idempotent=True, RoleName=name, PolicyName=policy, PolicyDocument=text)
    for policy in old.keys() - inline.keys():
        _delete_inline(aws, name, policy)
    managed, attached = _texts(fields["ManagedPolicies"]), _texts(before.get("ManagedPolicies"))
    for arn in sorted(managed - attached):
        aws.call("iam", "attach_role_policy", idempotent=True, RoleName=name, PolicyArn=arn)
    for arn in sorted(attached - managed):
        _detach(aws, name, arn)


def _strip(aws: Aws, name: str) -> None:
    for policy in list(aws.pages("iam", "list_role_policies", "PolicyNames", RoleName=name)):
        _delete_inline(aws, name, policy)
    for row in list(aws.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)):
        _detach(aws, name, row["PolicyArn"])


def _delete_inline(aws: Aws, name: str, policy: str) -> None:
    quiet(lambda: aws.call("iam", "delete_role_policy", idempotent=True, RoleName=name, PolicyName=policy))


def _detach(aws: Aws, name: str, arn: str) -> None:
    quiet(lambda: aws.call("iam", "detach_role_policy", idempotent=True, RoleName=name, PolicyArn=arn))


def _texts(value: Value) -> set[str]:
    return {str(one) for one in value} if isinstance(value, tuple) else set()


KIND = RoleKind()
