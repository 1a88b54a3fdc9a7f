"""What a deployment would stumble over: each question with each answer, and nothing is written to find out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError
from obskit.deploy.image_names import parsed
from obskit.deploy.services import services
from obskit.deploy.spec import Ci, StackSpec
from obskit.deploy.verify import Verified, verify
from tests.standins.fargate_faults import Injector
from tests.standins.registry import RegistryStandIn
from tests.support.stack import PLACE, aws_here
from tests.support.standing import REPOSITORY, Standing, push, standing

_READING = ("Describe", "List", "Get", "BatchGet", "Head", "Simulate")


@pytest.fixture(scope="module")
def shop() -> Iterator[Standing]:
    """Yield a stack that stands, and that no test here changes: each brings another spec or other answers."""
    with standing() as found:
        push(found.aws, "arm", "arm64")
        for name, text in (("shared/api", '{"user": "u", "pin": "hunter2"}'), ("plain", "just text"), ("going", "x")):
            found.aws.call("secretsmanager", "create_secret", Name=name, SecretString=text)
        found.aws.call("secretsmanager", "delete_secret", SecretId="going")
        found.spec = replace(found.spec, watchers=())
        yield found


@pytest.fixture(autouse=True)
def registry(shop: Standing, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegistryStandIn]:
    """Yield a registry that stands for all public ones, and has the images of the sidecars."""
    get = requests.get

    def instead(url: str, **asked: Any) -> Any:
        return get(f"http://{found.host}/{url.partition('://')[2].partition('/')[2]}", **asked)

    with RegistryStandIn() as found:
        for service in services(shop.spec, PLACE):
            for container in service.containers[1:]:
                image = parsed(container.image)
                found.push_index(image.repository, image.tag, "amd64", "arm64")
        monkeypatch.setattr(requests, "get", instead)
        yield found


def fresh() -> Aws:
    """Return AWS as somebody else's session sees it; IAM's simulator allows everything."""
    aws = aws_here()
    aws.session.events.register("before-call.iam.SimulatePrincipalPolicy", _allowed)
    return aws


def _allowed(params: Any, **_: Any) -> Any:
    arns = [value for key, value in params["body"].items() if key.startswith("ResourceArns")]
    rows = [{"EvalActionName": "logs:PutLogEvents", "EvalResourceName": arn, "EvalDecision": "allowed"} for arn in arns]
    return SimpleNamespace(status_code=200), {"EvaluationResults": rows, "IsTruncated": False}


def rows(shop: Standing, spec: StackSpec | None = None, aws: Aws | None = None) -> list[Verified]:
    """Verify."""
    return list(verify(aws or fresh(), spec or shop.spec, PLACE))


def only(found: list[Verified], check: str) -> Verified:
    """Return the one row of a check that is not good."""
    [row] = [row for row in found if row.check == check and row.state != "good"]
    return row


def application(shop: Standing, **changes: Any) -> StackSpec:
    """Return the spec with another application."""
    return replace(shop.spec, applications=(replace(shop.spec.applications[0], **changes),))


def test_a_stack_that_stands_is_good_in_every_check_and_nothing_is_written(shop: Standing) -> None:
    """All that was called reads."""
    aws = fresh()
    found = rows(shop, aws=aws)

    assert {row.state for row in found} == {"good"}, [row for row in found if row.state != "good"]
    assert {row.check for row in found} == {"image", "role", "ports", "log group", "zone"}
    assert [row.hint for row in found if row.hint] == []
    assert [call for call in aws.calls if not call.partition(":")[2].startswith(_READING)] == []


def test_a_stack_that_is_not_there_says_what_is_to_be_done_first(shop: Standing) -> None:
    """Its own repository comes with the stack, so the image cannot be there."""
    spec = replace(shop.spec, name="other")
    row = only(rows(shop, spec), "image")

    assert (row.state, row.words) == ("bad", "its repository is not there yet")
    assert row.hint.startswith("apply the stack, then build and push")


# --------------------------------------------------------------------------- images


def test_an_image_that_nobody_pushed_is_bad(shop: Standing) -> None:
    """With what to do."""
    shop.fargate.unpushed.add(f"{REPOSITORY.partition('/')[2]}:9.9.9")
    row = only(rows(shop, application(shop, image="9.9.9", image_owner="spec")), "image")

    assert (row.state, row.about, row.hint) == ("bad", f"{REPOSITORY}:9.9.9", "build and push it")
    assert row.words == "not pushed yet"


def test_where_ci_owns_the_image_the_one_that_it_released_counts(shop: Standing) -> None:
    """The tag of the file was used once, and may have been cleaned up long ago."""
    found = rows(shop, application(shop, image="9.9.9"))

    assert {row.state for row in found if row.check == "image"} == {"good"}
    assert f"{REPOSITORY}:1.0.0" in {row.about for row in found}


def test_an_image_for_another_processor_is_bad(shop: Standing) -> None:
    """An index and a single image alike; what it is there for is said."""
    arm = application(shop, image="arm", image_owner="spec")
    row = only(rows(shop, arm), "image")
    good = rows(shop, replace(arm, applications=(replace(arm.applications[0], architecture="ARM64"),)))

    assert (row.state, row.words) == ("bad", "there for arm64, not for amd64")
    assert "--platform linux/amd64" in row.hint
    assert {r.state for r in good if r.about == f"{REPOSITORY}:arm"} == {"good"}


def test_an_image_of_a_public_registry_is_asked_there(shop: Standing, registry: RegistryStandIn) -> None:
    """Missing, single, of no known processor, and refused."""
    registry.push("team/app", "arm", "arm64")
    registry.answers["/v2/team/app/manifests/odd"] = 200, b"{}"
    registry.answers["/v2/team/app/manifests/mine"] = 403, b"{}"

    def of(tag: str) -> tuple[str, str]:
        row = only(rows(shop, application(shop, image=f"ghcr.io/team/app:{tag}", image_owner="spec")), "image")
        return row.state, row.words

    assert of("gone") == (
        "bad",
        "the registry has no such image (404); url: https://ghcr.io/v2/team/app/manifests/gone",
    )
    assert of("arm") == ("bad", "there for arm64, not for amd64")
    assert of("odd") == ("not seen", "it does not say for which processor it is")
    assert of("mine")[0] == "not seen"


def test_an_image_that_may_not_be_asked_is_not_seen(shop: Standing) -> None:
    """That is no proof that it is missing."""
    aws = fresh()
    Injector(aws.session).fail("ecr:BatchGetImage", "denied")

    assert only(rows(shop, aws=aws), "image").state == "not seen"


# --------------------------------------------------------------------------- secrets


def test_a_secret_and_its_key(shop: Standing) -> None:
    """ECS would read them at the start of each task; no value is shown."""
    expected = {
        "shared/api": ("good", "there", ""),
        "shared/api:pin": ("good", "there, with key pin", ""),
        "shared/api:pint": (
            "bad",
            "there, but it has no key pint; it has pin, user",
            "add the key, or correct its name",
        ),
        "plain:key": ("bad", "there, but it has no key key; it has none", "add the key, or correct its name"),
        "missing": ("bad", "ResourceNotFoundException", "create it, or correct its name"),
        "going": ("bad", "marked deleted", "restore it"),
    }
    secrets = tuple((f"S{n}", name) for n, name in enumerate(expected))
    found = [row for row in rows(shop, application(shop, secrets=secrets)) if row.check == "secret"]

    for row in found:
        name = row.about.partition(" of ")[0].removesuffix(",").replace(", key ", ":")
        state, words, hint = expected.pop(name)
        assert (row.state, words in row.words, row.hint) == (state, True, hint), row
        assert row.about.endswith("of demo-app")
    assert expected == {}
    assert "hunter2" not in str(found)


def test_a_secret_that_may_not_be_read_is_not_seen(shop: Standing) -> None:
    """The execution role may, nevertheless."""
    aws = fresh()
    Injector(aws.session).fail("secretsmanager:GetSecretValue", "denied")

    assert only(rows(shop, application(shop, secrets=(("PIN", "plain"),)), aws), "secret").state == "not seen"


def test_a_secret_that_apply_makes_is_good(shop: Standing) -> None:
    """It is not there yet, and will be."""
    from obskit.deploy.spec import Database

    found = rows(shop, replace(application(shop, database=True), database=Database()))

    assert {(row.state, row.words) for row in found if row.check == "secret"} == {("good", "apply makes it")}
    assert [row.about for row in found if row.check == "secret"] == ["database, key password, of demo-app"]


# --------------------------------------------------------------------------- roles and log groups


TRUSTED = [
    ({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}, "ec2.amazonaws.com"),
    ([{"Effect": "Allow", "Principal": {"Service": ["a.aws", "not-ecs-tasks.amazonaws.com"]}}], "a.aws, not-ecs"),
    ([{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}}], "nobody"),
    ([{"Effect": "Allow", "Principal": "*"}], "nobody"),
    ([{"Effect": "Deny", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}], "nobody"),
]


@pytest.mark.parametrize(("statements", "named"), TRUSTED)
def test_a_role_that_tasks_may_not_take_is_bad(shop: Standing, statements: Any, named: str) -> None:
    """Who is trusted instead is said; to be refused is not to be trusted."""
    aws = fresh()

    def answer(**_: Any) -> Any:
        role = {"RoleName": "x", "AssumeRolePolicyDocument": json.dumps({"Statement": statements})}
        return SimpleNamespace(status_code=200), {"Role": role}

    aws.session.events.register("before-call.iam.GetRole", answer)
    found = [row for row in rows(shop, aws=aws) if row.check == "role"]

    assert {row.state for row in found} == {"bad"}
    assert all(named in row.words and "apply" in row.hint for row in found)


def test_a_role_that_may_not_be_read_is_not_seen(shop: Standing) -> None:
    """It may be all right."""
    aws = fresh()
    Injector(aws.session).fail("iam:GetRole", "denied", times=9)

    assert {row.state for row in rows(shop, aws=aws) if row.check == "role"} == {"not seen"}


@pytest.mark.parametrize(
    ("decisions", "state"),
    [
        (["allowed", "allowed"], "good"),
        (["allowed", "implicitDeny"], "bad"),
        (["explicitDeny"], "bad"),
        ([], "not seen"),
    ],
)
def test_whether_logs_can_be_written_is_asked_of_iams_simulator(
    shop: Standing, decisions: list[str], state: str
) -> None:
    """Each action on each group; IAM tells of several resources one level down."""
    aws = aws_here()
    found: list[str] = []

    def answer(params: Any, **_: Any) -> Any:
        arn = next(value for key, value in params["body"].items() if key.startswith("ResourceArns"))
        specific = [{"EvalResourceName": arn, "EvalResourceDecision": one} for one in decisions]
        row = {"EvalResourceName": "*", "EvalDecision": "implicitDeny", "ResourceSpecificResults": specific}
        results = [row] if specific else []
        found.append(arn)
        return SimpleNamespace(status_code=200), {"EvaluationResults": results, "IsTruncated": False}

    aws.session.events.register("before-call.iam.SimulatePrincipalPolicy", answer)
    [row] = [row for row in rows(shop, aws=aws) if row.check == "log group"]

    assert (row.state, row.about) == (state, "/obskit/shop/demo-app")
    assert len(found) == 1


def test_a_simulator_that_may_not_be_asked_is_not_seen(shop: Standing) -> None:
    """Few may."""
    aws = aws_here()
    Injector(aws.session).fail("iam:SimulatePrincipalPolicy", "denied")

    assert only(rows(shop, aws=aws), "log group").state == "not seen"


# --------------------------------------------------------------------------- ports, zones, provider


def test_a_target_group_of_another_port_is_bad(shop: Standing) -> None:
    """The balancer would ask where nobody listens."""
    row = only(rows(shop, application(shop, port=9090)), "ports")

    assert (row.state, row.about, row.words) == ("bad", "target_group.demo-app", "differs in Port")


@pytest.mark.parametrize("zone", ["", "example.com", "example.com."])
def test_a_host_in_a_zone_of_the_account_is_good(shop: Standing, zone: str) -> None:
    """The closest one, or the one that the file names."""
    spec = replace(shop.spec, entry=replace(shop.spec.entry, hosted_zone=zone))

    found = [row for row in rows(shop, spec) if row.check == "zone"]
    assert [(row.state, row.words) for row in found] == [("good", "in hosted zone example.com")] * len(found)


def test_a_host_without_a_zone_is_bad(shop: Standing) -> None:
    """Its records could not be written."""
    row = only(rows(shop, replace(shop.spec, domain="shop.example.org")), "zone")

    assert (row.state, row.about) == ("bad", "shop.example.org")
    assert "no public hosted zone of this account holds shop.example.org" in row.words
    assert "create a public hosted zone" in row.hint


def test_zones_that_may_not_be_listed_are_not_seen(shop: Standing) -> None:
    """Nor is that an error: who verifies need not see DNS."""
    aws, counted = fresh(), fresh()
    hosts = len([row for row in rows(shop, aws=counted) if row.check == "zone"])
    of_the_stack = counted.calls["route53:ListHostedZones"] - hosts
    seen: list[bool] = []

    def refuse(**_: Any) -> Any:
        seen.append(True)
        error = {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {}}
        return (SimpleNamespace(status_code=403), error) if len(seen) > of_the_stack else None

    aws.session.events.register_first("before-call.route53.ListHostedZones", refuse)

    assert {row.state for row in rows(shop, aws=aws) if row.check == "zone"} == {"not seen"}


def test_a_workflow_needs_githubs_provider(shop: Standing) -> None:
    """Once an account; without a workflow nobody asks for it."""
    spec = replace(shop.spec, ci=Ci(repository="team/shop"))
    missing = only(rows(shop, spec), "provider")
    denied = fresh()
    Injector(denied.session).fail("iam:GetOpenIDConnectProvider", "denied")
    url = "https://token.actions.githubusercontent.com"
    unseen = only(rows(shop, spec, denied), "provider")
    shop.aws.call("iam", "create_open_id_connect_provider", Url=url, ThumbprintList=["0" * 40])
    found = [row for row in rows(shop, spec) if row.check == "provider"]

    assert (missing.state, "create the provider" in missing.hint) == ("bad", True)
    assert (unseen.state, unseen.hint) == ("not seen", "")
    assert [(row.state, row.words) for row in found] == [("good", "there")]


def test_what_there_is_must_be_known(shop: Standing) -> None:
    """Whoever cannot read the stack cannot verify it."""
    aws = fresh()
    Injector(aws.session).fail("ecs:DescribeClusters", "denied")

    with pytest.raises(AwsError, match="DescribeClusters"):
        rows(shop, aws=aws)
