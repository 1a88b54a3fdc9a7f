"""The workspace of Amazon Managed Prometheus."""

from __future__ import annotations

from dataclasses import replace

import pytest
from moto.amp.models import amp_backends

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Resource, Stack
from obskit.deploy.resources.metrics_workspace import KIND
from obskit.deploy.spec import StackSpec, Telemetry
from tests.support.kinds import all_seen, delete, made, mended, paths_that_differ, seen
from tests.support.stack import ACCOUNT, PLACE, REGION, example_spec


@pytest.fixture
def wanted() -> Resource:
    """Return the wanted workspace."""
    (resource,) = KIND.wanted(example_spec(telemetry=Telemetry(workspace=True)), PLACE)
    return resource


def test_none_is_wanted_unless_the_spec_says_so(spec: StackSpec) -> None:
    """It costs money for every sample."""
    assert list(KIND.wanted(spec, PLACE)) == []


def test_what_was_created_is_what_was_wanted(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """The endpoint is known when it was created, and the same when it is looked at; samples are data."""
    found = made(KIND, aws, stack, wanted)
    assert paths_that_differ(KIND, aws, stack, wanted) == frozenset()
    assert found.attributes["endpoint"].endswith(f"/workspaces/{found.attributes['id']}/")
    assert found.keeps_data


def test_another_alias_is_seen_and_mended(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """It is found by its tag, whatever it is called."""
    number = made(KIND, aws, stack, wanted).attributes["id"]
    aws.call("amp", "update_workspace_alias", workspaceId=number, alias="mine")
    assert paths_that_differ(KIND, aws, stack, wanted) == {"alias"}
    assert mended(KIND, aws, stack, wanted) == frozenset()


def test_deleting_twice_is_no_error(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """The second finds nothing."""
    made(KIND, aws, stack, wanted)
    delete(KIND, aws, stack, "main")
    assert all_seen(KIND, aws, stack) == {}


def test_another_stacks_workspace_is_not_seen(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """Even with our alias, which AWS lets several bear."""
    made(KIND, aws, replace(stack, name="other"), wanted)
    assert all_seen(KIND, aws, stack) == {}


def test_new_tags_are_written(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """`retag` leaves other tags alone."""
    before = made(KIND, aws, stack, wanted)
    KIND.retag(aws, stack, before, {"owner": "somebody"})
    assert seen(KIND, aws, stack, "main").tags == {**(before.tags or {}), "owner": "somebody"}


def becomes(number: str, status: str) -> None:
    """Let AWS say that a workspace has another status."""
    amp_backends[ACCOUNT][REGION].workspaces[number].status = {"statusCode": status}


def test_a_new_workspace_is_waited_for(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """Until then Prometheus could not write to it."""
    attributes = made(KIND, aws, stack, wanted).attributes
    becomes(attributes["id"], "CREATING")
    assert KIND.waiting(aws, stack, attributes) == "the workspace is CREATING"


def test_a_workspace_that_failed_is_replaced(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """Waiting longer does not help, and nothing is in it."""
    attributes = made(KIND, aws, stack, wanted).attributes
    becomes(attributes["id"], "CREATION_FAILED")
    with pytest.raises(DeployError, match="could not be created"):
        KIND.waiting(aws, stack, attributes)
    assert paths_that_differ(KIND, aws, stack, wanted) == {"status"}
    assert "status" in KIND.replace_on
    assert not seen(KIND, aws, stack, "main").keeps_data


def test_a_workspace_that_is_being_deleted_is_gone_and_waited_for(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """It is there no more for whoever plans."""
    before = made(KIND, aws, stack, wanted)
    becomes(before.attributes["id"], "DELETING")
    assert all_seen(KIND, aws, stack) == {}
    assert KIND.leaving(aws, stack, before) == "the workspace is DELETING"
