"""Repositories: tags that never move, images scanned when they arrive."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Resource, Stack
from obskit.deploy.resources.repository import KIND, repositories
from obskit.deploy.services import Container, FargateService
from obskit.deploy.spec import Size, StackSpec
from tests.support.kinds import all_seen, delete, made, mended, paths_that_differ, ready, seen
from tests.support.stack import ACCOUNT

SERVICE = FargateService(
    name="demo-app", size=Size(), containers=(Container(name="app", image="x:1"),), repository=True
)
NAME: dict[str, Any] = {"repositoryName": "shop/demo-app"}


@pytest.fixture
def wanted() -> Resource:
    """Return the wanted repository."""
    (resource,) = repositories([SERVICE, replace(SERVICE, name="grafana", repository=False)])
    return resource


def test_what_was_created_is_what_was_wanted(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """Images are data: nobody can pull what was deleted."""
    found = made(KIND, aws, stack, wanted)
    assert paths_that_differ(KIND, aws, stack, wanted) == frozenset()
    assert found.keeps_data
    assert found.attributes["uri"] == f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/shop/demo-app"


def _lifecycle(aws: Aws) -> None:
    text = aws.call("ecr", "get_lifecycle_policy", **NAME)["lifecyclePolicyText"]
    policy = json.loads(text)
    policy["rules"][0]["selection"]["countNumber"] = 1
    policy["rules"].reverse()
    aws.call("ecr", "put_lifecycle_policy", lifecyclePolicyText=json.dumps(policy), **NAME)


def _shared(aws: Aws) -> None:
    statement = {"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.call("ecr", "set_repository_policy", policyText=text, **NAME)


DRIFTS: dict[str, tuple[Callable[[Aws], Any], set[str]]] = {
    "tags can be moved": (
        lambda aws: aws.call("ecr", "put_image_tag_mutability", imageTagMutability="MUTABLE", **NAME),
        {"imageTagMutability"},
    ),
    "images are not scanned": (
        lambda aws: aws.call(
            "ecr", "put_image_scanning_configuration", imageScanningConfiguration={"scanOnPush": False}, **NAME
        ),
        {"imageScanningConfiguration.scanOnPush"},
    ),
    "images go earlier": (_lifecycle, {"lifecyclePolicy.1.selection.countNumber"}),
    "images stay": (lambda aws: aws.call("ecr", "delete_lifecycle_policy", **NAME), {"lifecyclePolicy"}),
    "open to all": (_shared, {"repositoryPolicy"}),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_change_by_hand_is_seen_at_its_path_and_mended(drift: str, aws: Aws, stack: Stack, wanted: Resource) -> None:
    """Rules of a lifecycle are compared one by one, by their priority."""
    act, paths = DRIFTS[drift]
    made(KIND, aws, stack, wanted)
    act(aws)
    assert paths == paths_that_differ(KIND, aws, stack, wanted)
    assert mended(KIND, aws, stack, wanted) == frozenset()


def test_other_encryption_needs_another_repository(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """ECR cannot change it."""
    tags = [{"Key": key, "Value": value} for key, value in ready(wanted, stack).tags.items()]
    aws.call("ecr", "create_repository", encryptionConfiguration={"encryptionType": "KMS"}, tags=tags, **NAME)
    paths = paths_that_differ(KIND, aws, stack, wanted)
    assert "encryptionConfiguration.encryptionType" in paths
    assert KIND.replace_on == ("encryptionConfiguration",)


def test_a_repository_of_somebody_else_is_not_touched(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """Its images are somebody's."""
    aws.call("ecr", "create_repository", **NAME)
    with pytest.raises(DeployError, match="not this stack's"):
        KIND.create(aws, stack, ready(wanted, stack))
    assert all_seen(KIND, aws, stack) == {}


def test_an_interrupted_creation_goes_on(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """The repository may be there without its lifecycle policy."""
    made(KIND, aws, stack, wanted)
    aws.call("ecr", "delete_lifecycle_policy", **NAME)
    made(KIND, aws, stack, wanted)
    assert paths_that_differ(KIND, aws, stack, wanted) == frozenset()


def test_deleting_takes_the_images_along(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """That it is wanted is decided elsewhere; deleting what is gone is no error."""
    made(KIND, aws, stack, wanted)
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": "sha256:0"}, "layers": []})
    sort = "application/vnd.docker.distribution.manifest.v2+json"
    aws.call("ecr", "put_image", imageManifest=manifest, imageManifestMediaType=sort, imageTag="1", **NAME)
    delete(KIND, aws, stack, "demo-app")
    assert all_seen(KIND, aws, stack) == {}


def test_another_stacks_repository_is_not_seen(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """Neither by a name that begins alike, nor one within our name that bears another tag."""
    made(KIND, aws, replace(stack, name="shop2"), wanted)
    tags = [{"Key": "obskit:stack", "Value": "other"}]
    aws.call("ecr", "create_repository", repositoryName="shop/theirs", tags=tags)
    assert all_seen(KIND, aws, stack) == {}


def test_new_tags_are_written(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """`retag` leaves other tags alone."""
    before = made(KIND, aws, stack, wanted)
    KIND.retag(aws, stack, before, {"owner": "somebody"})
    assert seen(KIND, aws, stack, "demo-app").tags == {**(before.tags or {}), "owner": "somebody"}


def test_the_example_has_a_repository_for_its_application_alone(spec: StackSpec, stack: Stack) -> None:
    """The watchers' images are public."""
    assert [one.name for one in KIND.wanted(spec, stack.place)] == ["demo-app"]


def test_images_without_a_tag_go_after_a_week_and_the_newest_tags_stay(wanted: Resource) -> None:
    """Images without a tag do not count among the five hundred that can be rolled back to."""
    rules: Any = wanted.fields["lifecyclePolicy"]
    untagged, tagged = (rules[priority]["selection"] for priority in ("1", "2"))

    assert (untagged["tagStatus"], untagged["countNumber"], untagged["countUnit"]) == ("untagged", 7, "days")
    assert (tagged["tagStatus"], tagged["tagPatternList"], tagged["countNumber"]) == ("tagged", ("*",), 500)
