"""Roles: who may take them, what they may do, and that whatever else is added is seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Fields, Join, Place, Ref, Resource, Stack
from obskit.deploy.resources import _iam
from obskit.deploy.resources._names import role_name, role_path
from obskit.deploy.resources.role import KIND, roles
from obskit.deploy.services import Container, FargateService
from obskit.deploy.spec import Application, Ci, Network, Size, StackSpec
from tests.support.kinds import all_seen, delete, made, mended, paths_that_differ, ready, seen
from tests.support.refusing import refuse
from tests.support.stack import ACCOUNT, PLACE, example_spec

REGISTRY = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
SECRET = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:"
BUCKET = Ref("bucket.loki", "arn")
KNOWN = {"bucket.loki": {"arn": "arn:aws:s3:::shop-loki"}}
MANAGED = f"arn:aws:iam::{ACCOUNT}:policy/extra"


def service(name: str, **more: Any) -> FargateService:
    """Return a service with one container that needs nothing, unless told otherwise."""
    container = more.pop("container", Container(name="app", image="quay.io/x/y:1"))
    return FargateService(name=name, size=Size(), containers=(container,), **more)


def wanted(spec: StackSpec, *services: FargateService) -> dict[str, Resource]:
    """Return the wanted roles by name."""
    return {one.name: one for one in roles(spec, PLACE, services)}


def statements(resource: Resource) -> dict[str, Any]:
    """Return the statements of a role's own policy by Sid."""
    policies = resource.fields["Policies"]
    assert isinstance(policies, Mapping)
    policy = policies["obskit"]
    assert isinstance(policy, Mapping)
    found = policy["Statement"]
    assert isinstance(found, Mapping)
    return dict(found)


@pytest.fixture
def loki() -> FargateService:
    """Return a service that may do two things to a bucket."""
    permissions: tuple[Fields, ...] = (
        {
            "Sid": "Chunks",
            "Effect": "Allow",
            "Action": ("s3:PutObject", "s3:GetObject"),
            "Resource": Join((BUCKET, "/*")),
        },
        {"Sid": "Bucket", "Effect": "Allow", "Action": ("s3:ListBucket",), "Resource": (BUCKET,)},
    )
    return service("loki", permissions=permissions, policies=(MANAGED,))


@pytest.fixture
def account(aws: Aws) -> Aws:
    """Return an account with a managed policy of its own."""
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    )
    for name in ("extra", "rogue"):
        aws.call("iam", "create_policy", PolicyName=name, PolicyDocument=document)
    return aws


def test_every_service_has_a_role_of_its_own_even_if_it_may_do_nothing(spec: StackSpec) -> None:
    """Two services that share a role share each other's permissions (CKV_AWS_249)."""
    found = wanted(spec, service("demo-app"), service("grafana"))
    assert list(found) == ["execution", "demo-app", "grafana"]
    assert found["demo-app"].fields["Policies"] == {}
    assert found["demo-app"].service == "demo-app"


def test_tasks_take_roles_on_behalf_of_this_account_alone(spec: StackSpec) -> None:
    """ECS must not be talked into using a role for a task of another account."""
    found = wanted(spec, service("demo-app"))
    trust: Any = found["demo-app"].fields["AssumeRolePolicyDocument"]
    assert trust["Statement"]["Trust"]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert trust["Statement"]["Trust"]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:*"},
    }


def test_the_role_that_starts_tasks_is_taken_without_a_condition(spec: StackSpec) -> None:
    """AWS documents conditions for task roles alone: were a key not sent, no task would start."""
    trust: Any = wanted(spec, service("demo-app"))["execution"].fields["AssumeRolePolicyDocument"]
    assert trust["Statement"]["Trust"]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert "Condition" not in trust["Statement"]["Trust"]


def test_starting_tasks_reaches_no_other_repository_group_or_secret(spec: StackSpec) -> None:
    """Of the four things that starting a task needs, only the registry's token is not limited."""
    container = Container(
        name="app",
        image=f"{REGISTRY}/shop/demo-app:1",
        secrets=(("A", Join((Ref("secret.database", "arn"), ":password::"))), ("B", Ref("secret.grafana", "arn"))),
    )
    found = statements(wanted(spec, service("demo-app", container=container, repository=True))["execution"])
    assert {sid for sid, one in found.items() if one["Resource"] == "*"} == {"RegistryToken"}
    assert found["PullImages"]["Resource"] == f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/shop/*"
    assert found["WriteLogs"]["Resource"] == f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/obskit/shop/*:*"
    assert found["ReadSecrets"]["Resource"] == (f"{SECRET}shop/database-??????", f"{SECRET}shop/grafana-??????")


@pytest.mark.parametrize(
    ("named", "resources"),
    [
        ("payments", f"{SECRET}payments-??????"),
        ("payments:key", f"{SECRET}payments-??????"),
        (f"{SECRET}payments:key::", f"{SECRET}payments-??????"),
        (f"{SECRET}payments-a1B2c3:key", f"{SECRET}payments-a1B2c3"),
    ],
)
def test_a_secret_that_an_application_names_can_be_read(named: str, resources: object, spec: StackSpec) -> None:
    """By name, by name and key, by ARN without and with the six characters that AWS adds."""
    application = replace(spec.applications[0], secrets=(("TOKEN", named),))
    found = statements(wanted(replace(spec, applications=(application,)), service("demo-app"))["execution"])
    assert resources == found["ReadSecrets"]["Resource"]


def test_a_secret_named_in_the_spec_and_in_the_container_is_allowed_once(spec: StackSpec) -> None:
    """The container has the ARN of what the spec has the name of."""
    application = Application(name="demo-app", secrets=(("TOKEN", "payments:key"),))
    container = Container(name="app", image="x:1", secrets=(("TOKEN", f"{SECRET}payments:key::"),))
    found = wanted(replace(spec, applications=(application,)), service("demo-app", container=container))
    assert statements(found["execution"])["ReadSecrets"]["Resource"] == f"{SECRET}payments-??????"


@pytest.mark.parametrize(
    "host", ["dkr.ecr.us-east-1.amazonaws.com", "dkr.ecr-fips.us-east-1.amazonaws.com", "dkr-ecr.us-east-1.on.aws"]
)
def test_a_private_image_of_another_account_can_be_pulled(spec: StackSpec, host: str) -> None:
    """What the spec names in full is pulled with this role, too, by whichever name of its registry."""
    image = f"999999999999.{host}/team/tool@sha256:abc"
    found = statements(wanted(spec, service("demo-app", container=Container(name="app", image=image)))["execution"])
    assert found["PullImages"]["Resource"] == "arn:aws:ecr:us-east-1:999999999999:repository/team/tool"


def test_keys_of_an_applications_secrets_decrypt_them_and_nothing_else(spec: StackSpec) -> None:
    """Only by way of Secrets Manager, in the region of the key; without a key of its own there is no statement."""
    keys = tuple(f"arn:aws:kms:{region}:{ACCOUNT}:key/mrk-1" for region in ("eu-west-1", "us-east-1"))
    application = replace(spec.applications[0], secrets=(("TOKEN", "payments"),), secret_keys=keys)
    found = statements(wanted(replace(spec, applications=(application,)), service("demo-app"))["execution"])

    assert found["DecryptSecrets"]["Action"] == "kms:Decrypt"
    assert found["DecryptSecrets"]["Resource"] == keys
    via = ("secretsmanager.eu-west-1.amazonaws.com", "secretsmanager.us-east-1.amazonaws.com")
    assert found["DecryptSecrets"]["Condition"] == {"StringEquals": {"kms:ViaService": via}}
    assert "DecryptSecrets" not in statements(wanted(spec, service("demo-app"))["execution"])


def test_pull_through_caches_may_be_filled_and_nothing_beside_them(spec: StackSpec) -> None:
    """AWS makes the repository of an image that is fetched for the first time on behalf of the role."""
    container = Container(name="app", image=f"{REGISTRY}/mirror/quay/prometheus/prometheus:v3.14.0")
    cached = replace(spec, registry=f"{REGISTRY}/mirror/")
    found = statements(wanted(cached, service("prometheus", container=container))["execution"])

    caches = tuple(
        f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/mirror/{name}/*" for name in ("docker-hub", "ecr-public", "quay")
    )
    assert found["PullImages"]["Resource"] == caches
    assert found["FillCaches"]["Resource"] == caches
    assert found["FillCaches"]["Action"] == ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")
    for registry in ("", "mirror.example.com/cache"):
        assert "FillCaches" not in statements(wanted(replace(spec, registry=registry), service("a"))["execution"])


@pytest.mark.parametrize(
    ("ci", "subject"),
    [
        (Ci(repository="acme/shop", branch="release"), "repo:acme/shop:ref:refs/heads/release"),
        (Ci(repository="acme/shop", environment="production"), "repo:acme/shop:environment:production"),
    ],
)
def test_one_branch_or_environment_of_one_repository_takes_the_role_of_ci(ci: Ci, subject: str) -> None:
    """Both audience and subject are compared as a whole: no pattern."""
    trust: Any = wanted(example_spec(ci=ci))["ci"].fields["AssumeRolePolicyDocument"]
    statement = trust["Statement"]["Trust"]
    assert statement["Principal"] == {
        "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    }
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": subject,
        }
    }


def test_ci_passes_the_roles_of_the_stack_and_no_other(place: Place) -> None:
    """Whoever can pass any role to a task can do whatever any role may."""
    spec = example_spec(ci=Ci(repository="acme/shop"))
    found = wanted(spec, service("demo-app", repository=True))
    passing = statements(found["ci"])["PassRoles"]
    assert passing["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/obskit/shop/eu-west-1/*"
    assert role_path("shop", place) == "/obskit/shop/eu-west-1/"
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    assert statements(found["ci"])["PushImages"]["Resource"].endswith(":repository/shop/*")


def test_ci_changes_nothing_outside_of_the_stack() -> None:
    """Without a resource stand only reading, the token, and what AWS does not limit."""
    spec = example_spec(ci=Ci(repository="acme/shop"))
    found = statements(wanted(spec, service("demo-app", repository=True))["ci"])
    unlimited = {one for s in found.values() if s["Resource"] == "*" for one in _actions(s)}
    assert unlimited == {
        "ec2:DescribeAvailabilityZones",
        "ecr:GetAuthorizationToken",
        "ecs:DescribeTaskDefinition",
        "ecs:ListServices",
        "ecs:ListTaskDefinitions",
        "ecs:ListTasks",
        "ecs:RegisterTaskDefinition",
    }


def _actions(statement: Mapping[str, Any]) -> tuple[str, ...]:
    actions = statement["Action"]
    return (actions,) if isinstance(actions, str) else actions


def test_roles_for_ci_and_flow_logs_are_wanted_only_where_they_are_used(spec: StackSpec) -> None:
    """A role that nobody takes is one more to be stolen."""
    assert {"execution"} == set(wanted(spec))
    more = replace(spec, ci=Ci(repository="acme/shop"), network=Network(flow_logs=True))
    assert {"execution", "ci", "flow-logs"} == set(wanted(more))


def test_what_was_created_is_what_was_wanted(account: Aws, stack: Stack, loki: FargateService) -> None:
    """No role of any sort differs from itself, and `create` and `observe` agree about its ARN."""
    spec = example_spec(ci=Ci(repository="acme/shop"), network=Network(flow_logs=True))
    for resource in wanted(spec, loki, service("demo-app", repository=True)).values():
        made(KIND, account, stack, resource, KNOWN)
        assert paths_that_differ(KIND, account, stack, resource, KNOWN) == frozenset()
    assert {"execution", "loki", "demo-app", "ci", "flow-logs"} == set(all_seen(KIND, account, stack))


def test_looking_costs_two_calls_however_many_roles_there_are(account: Aws, stack: Stack, spec: StackSpec) -> None:
    """One lists the stack's roles, one tells policies and tags."""
    for resource in wanted(spec, service("a"), service("b"), service("c")).values():
        made(KIND, account, stack, resource)
    account.calls.clear()
    assert len(list(KIND.observe(account, stack))) == 4
    assert sum(account.calls.values()) == 2


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_who_may_not_read_the_whole_account_reads_role_by_role(
    code: str, account: Aws, stack: Stack, spec: StackSpec, loki: FargateService
) -> None:
    """Many accounts give nobody all policies at once; what is seen is the same."""
    for resource in wanted(spec, loki).values():
        made(KIND, account, stack, resource, KNOWN)
    whole = all_seen(KIND, account, stack)

    refuse(account, "iam", "GetAccountAuthorizationDetails", code, "not authorized")

    assert all_seen(KIND, account, stack) == whole


def _inline(aws: Aws, role: str) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    aws.call("iam", "put_role_policy", RoleName=role, PolicyName="rogue", PolicyDocument=document)


def _widened(aws: Aws, role: str) -> None:
    policy = aws.call("iam", "get_role_policy", RoleName=role, PolicyName="obskit")["PolicyDocument"]
    policy["Statement"][0]["Resource"] = "*"
    policy["Statement"].append({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    aws.call("iam", "put_role_policy", RoleName=role, PolicyName="obskit", PolicyDocument=json.dumps(policy))


def _reordered(aws: Aws, role: str) -> None:
    policy = aws.call("iam", "get_role_policy", RoleName=role, PolicyName="obskit")["PolicyDocument"]
    first, second = policy["Statement"]
    first["Action"] = list(reversed(first["Action"]))
    second["Resource"] = [second["Resource"]]
    policy["Statement"] = [second, first]
    aws.call("iam", "put_role_policy", RoleName=role, PolicyName="obskit", PolicyDocument=json.dumps(policy))


def _trusts_somebody(aws: Aws, role: str) -> None:
    trust = _iam.policy(
        [{"Sid": "Trust", "Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "sts:AssumeRole"}]
    )
    aws.call("iam", "update_assume_role_policy", RoleName=role, PolicyDocument=_iam.written(trust))


TRUST = "AssumeRolePolicyDocument.Statement.Trust"
DRIFTS: dict[str, tuple[Callable[[Aws, str], Any], set[str]]] = {
    "an inline policy was added": (_inline, {"Policies.rogue"}),
    "a statement was widened, one added": (
        _widened,
        {"Policies.obskit.Statement.Chunks.Resource", "Policies.obskit.Statement.statement-3"},
    ),
    "the policy went": (
        lambda aws, role: aws.call("iam", "delete_role_policy", RoleName=role, PolicyName="obskit"),
        {"Policies.obskit"},
    ),
    "the same in another order": (_reordered, set()),
    "a managed policy was added": (
        lambda aws, role: aws.call(
            "iam", "attach_role_policy", RoleName=role, PolicyArn=MANAGED.replace("extra", "rogue")
        ),
        {"ManagedPolicies"},
    ),
    "a managed policy went": (
        lambda aws, role: aws.call("iam", "detach_role_policy", RoleName=role, PolicyArn=MANAGED),
        {"ManagedPolicies"},
    ),
    "a boundary was set": (
        lambda aws, role: aws.call("iam", "put_role_permissions_boundary", RoleName=role, PermissionsBoundary=MANAGED),
        {"PermissionsBoundary"},
    ),
    "somebody else may take it": (
        _trusts_somebody,
        {f"{TRUST}.Condition", f"{TRUST}.Principal.AWS", f"{TRUST}.Principal.Service"},
    ),
    "sessions last longer": (
        lambda aws, role: aws.call("iam", "update_role", RoleName=role, Description="x", MaxSessionDuration=43200),
        {"Description", "MaxSessionDuration"},
    ),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_change_by_hand_is_seen_at_its_path_and_mended(
    drift: str, account: Aws, stack: Stack, spec: StackSpec, loki: FargateService
) -> None:
    """Whatever widens a role is shown as exactly that, and taken back."""
    act, paths = DRIFTS[drift]
    resource = wanted(spec, loki)["loki"]
    role = made(KIND, account, stack, resource, KNOWN).attributes["name"]
    act(account, role)
    assert paths == paths_that_differ(KIND, account, stack, resource, KNOWN)
    assert mended(KIND, account, stack, resource, KNOWN) == frozenset()


def test_deleting_takes_what_was_added_by_hand_along(
    account: Aws, stack: Stack, spec: StackSpec, loki: FargateService
) -> None:
    """IAM refuses to delete a role that has policies; that there is none any more is no error."""
    before = made(KIND, account, stack, wanted(spec, loki)["loki"], KNOWN)
    _inline(account, before.attributes["name"])
    delete(KIND, account, stack, "loki")
    assert all_seen(KIND, account, stack) == {}


def test_an_interrupted_creation_goes_on(account: Aws, stack: Stack, spec: StackSpec, loki: FargateService) -> None:
    """Whether IAM had made the role alone, or with another trust: the next run finishes it."""
    resource = wanted(spec, loki)["loki"]
    first = made(KIND, account, stack, resource, KNOWN)
    _trusts_somebody(account, first.attributes["name"])
    account.call("iam", "delete_role_policy", RoleName=first.attributes["name"], PolicyName="obskit")
    made(KIND, account, stack, resource, KNOWN)
    assert paths_that_differ(KIND, account, stack, resource, KNOWN) == frozenset()


def test_a_role_of_somebody_else_is_not_touched(account: Aws, stack: Stack, spec: StackSpec, place: Place) -> None:
    """The error names the role."""
    name = role_name("shop", place, "execution")
    account.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument="{}")
    with pytest.raises(DeployError, match="not this stack's"):
        KIND.create(account, stack, ready(wanted(spec)["execution"], stack))
    assert list(KIND.observe(account, stack)) == []


def test_the_same_stack_in_another_region_has_roles_of_its_own(account: Aws, stack: Stack, spec: StackSpec) -> None:
    """IAM knows no regions: without one in their names the two stacks would take each other's roles."""
    made(KIND, account, stack, wanted(spec)["execution"])
    there = replace(stack, place=replace(PLACE, region="us-east-1"))
    assert all_seen(KIND, account, there) == {}
    made(KIND, account, there, next(roles(spec, there.place, ())))
    assert len(all_seen(KIND, account, stack)) == len(all_seen(KIND, account, there)) == 1


def test_new_tags_are_written(account: Aws, stack: Stack, spec: StackSpec) -> None:
    """`retag` leaves other tags alone."""
    before = made(KIND, account, stack, wanted(spec)["execution"])
    KIND.retag(account, stack, before, {"owner": "somebody"})
    after = seen(KIND, account, stack, "execution").tags
    assert after == {**(before.tags or {}), "owner": "somebody"}


def test_a_name_too_long_for_iam_is_cut_and_stays_unique(place: Place) -> None:
    """Two that begin alike end with different hashes."""
    one, two = (role_name("s" * 20, place, "long-" * 8 + end) for end in "ab")
    assert len(one) == len(two) == 64
    assert one != two


@pytest.mark.parametrize("encoded", [False, True])
def test_a_document_reads_the_same_url_encoded(encoded: bool) -> None:
    """IAM gives documents URL-encoded, boto3 decodes them, not all that speaks for AWS does."""
    text = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["a:B"],"Resource":"*"}}'
    if encoded:
        text = text.replace("{", "%7B").replace('"', "%22").replace(" ", "%20")
    assert _iam.read(text)["Statement"] == {"statement-1": {"Effect": "Allow", "Action": "a:B", "Resource": "*"}}


def test_a_statement_of_several_unknown_resources_becomes_one_each() -> None:
    """Which of two ARNs comes first is not known before they are, so no list of both is compared."""
    group = Ref("log_group.events", "arn")
    statement: Fields = {
        "Sid": "Read",
        "Effect": "Allow",
        "Action": "logs:Get",
        "Resource": (group, Join((group, ":*"))),
    }
    found: Any = _iam.policy([statement])["Statement"]
    assert {"Read1": group, "Read2": Join((group, ":*"))} == {sid: one["Resource"] for sid, one in found.items()}


def test_the_example_has_a_role_for_each_of_its_services(spec: StackSpec, place: Place) -> None:
    """Applications and watchers alike."""
    found = [one.name for one in KIND.wanted(spec, place)]
    assert found == ["execution", "demo-app", *(watcher.name for watcher in spec.watchers)]
