"""Secrets: made here, sent once, never read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Resource, Stack
from obskit.deploy.resources.secret import KIND
from obskit.deploy.spec import StackSpec
from tests.support.kinds import all_seen, delete, made, mended, paths_that_differ, ready, seen
from tests.support.stack import PLACE


@pytest.fixture
def wanted(spec: StackSpec) -> dict[str, Resource]:
    """Return the wanted secrets by name."""
    return {one.name: one for one in KIND.wanted(spec, PLACE)}


def value(aws: Aws, name: str) -> dict[str, str]:
    """Return what is inside of a secret."""
    text = aws.call("secretsmanager", "get_secret_value", SecretId=name)["SecretString"]
    found: dict[str, str] = json.loads(text)
    return found


def test_a_stack_without_a_database_has_no_password_for_one(spec: StackSpec) -> None:
    """Only what is used is made."""
    without = replace(spec, database=None)
    assert [one.name for one in KIND.wanted(without, PLACE)] == ["grafana", "grafana-key"]


def test_each_secret_has_its_user_and_a_password_of_its_own(
    aws: Aws, stack: Stack, wanted: dict[str, Resource]
) -> None:
    """Letters and digits alone, so that it stands in a URL as it is."""
    for resource in wanted.values():
        made(KIND, aws, stack, resource)
        assert paths_that_differ(KIND, aws, stack, resource) == frozenset()
    values = {name: value(aws, f"shop/{name}") for name in wanted}
    users = {name: one["username"] for name, one in values.items()}
    assert users == {"grafana": "admin", "database": "app", "grafana-database": "grafana", "grafana-key": "grafana"}
    passwords = {one["password"] for one in values.values()}
    assert len(passwords) == 4
    assert all(len(one) == 32 and one.isascii() and one.isalnum() for one in passwords)


def test_looking_never_asks_for_a_value(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """Neither creating nor looking nor comparing gets a password out of AWS or shows one."""
    made(KIND, aws, stack, wanted["database"])
    assert "secretsmanager:GetSecretValue" not in aws.calls
    found = seen(KIND, aws, stack, "database")
    assert value(aws, "shop/database")["password"] not in repr(found)


def test_what_opens_kept_data_counts_as_data(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """Without these nobody gets into a database that is kept, nor reads what Grafana encrypted there."""
    keeps = {name: made(KIND, aws, stack, resource).keeps_data for name, resource in wanted.items()}
    assert keeps == {"grafana": False, "database": True, "grafana-database": False, "grafana-key": True}


DRIFTS: dict[str, tuple[Callable[[Aws], Any], set[str]]] = {
    "another description": (
        lambda aws: aws.call("secretsmanager", "update_secret", SecretId="shop/database", Description="mine"),
        {"Description"},
    ),
    "another key": (
        lambda aws: aws.call("secretsmanager", "update_secret", SecretId="shop/database", KmsKeyId="alias/mine"),
        {"KmsKeyId"},
    ),
    "another value": (
        lambda aws: aws.call("secretsmanager", "put_secret_value", SecretId="shop/database", SecretString="{}"),
        set(),
    ),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_change_by_hand_is_seen_at_its_path_and_mended(
    drift: str, aws: Aws, stack: Stack, wanted: dict[str, Resource]
) -> None:
    """But for the value: whoever changes a password means it."""
    act, paths = DRIFTS[drift]
    made(KIND, aws, stack, wanted["database"])
    act(aws)
    assert paths == paths_that_differ(KIND, aws, stack, wanted["database"])
    assert mended(KIND, aws, stack, wanted["database"]) == frozenset()


def test_a_change_leaves_the_password_alone(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """A new one would lock the services out of the database."""
    made(KIND, aws, stack, wanted["database"])
    before = value(aws, "shop/database")
    aws.call("secretsmanager", "update_secret", SecretId="shop/database", Description="mine", KmsKeyId="alias/mine")
    mended(KIND, aws, stack, wanted["database"])
    assert before == value(aws, "shop/database")


def test_a_secret_without_a_value_gets_one(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """ECS starts no task with such a secret, so it is a difference."""
    resource = ready(wanted["grafana"], stack)
    tags = [{"Key": key, "Value": one} for key, one in resource.tags.items()]
    description = resource.fields["Description"]
    aws.call("secretsmanager", "create_secret", Name="shop/grafana", Description=description, Tags=tags)
    assert paths_that_differ(KIND, aws, stack, resource) == {"Current"}
    assert mended(KIND, aws, stack, resource) == frozenset()
    assert value(aws, "shop/grafana")["username"] == "admin"


def test_a_secret_that_waits_for_its_deletion_is_taken_back_with_its_password(
    aws: Aws, stack: Stack, wanted: dict[str, Resource]
) -> None:
    """It is not seen, its name is taken, and a database that was kept knows its password."""
    made(KIND, aws, stack, wanted["database"])
    before = value(aws, "shop/database")
    aws.call("secretsmanager", "delete_secret", SecretId="shop/database")
    assert all_seen(KIND, aws, stack) == {}
    made(KIND, aws, stack, wanted["database"])
    assert before == value(aws, "shop/database")


def test_creating_what_is_there_already_keeps_its_password(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """An interrupted run may have created it."""
    made(KIND, aws, stack, wanted["database"])
    before = value(aws, "shop/database")
    made(KIND, aws, stack, wanted["database"])
    assert before == value(aws, "shop/database")


@pytest.mark.parametrize("leaving", [False, True])
def test_a_secret_of_somebody_else_is_not_touched(
    leaving: bool, aws: Aws, stack: Stack, wanted: dict[str, Resource]
) -> None:
    """Neither one in use nor one that waits for its deletion."""
    aws.call("secretsmanager", "create_secret", Name="shop/grafana", SecretString="theirs")
    if leaving:
        aws.call("secretsmanager", "delete_secret", SecretId="shop/grafana")
    with pytest.raises(DeployError, match="not this stack's"):
        KIND.create(aws, stack, ready(wanted["grafana"], stack))
    assert list(KIND.observe(aws, stack)) == []


def test_deleting_frees_the_name_at_once(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """And deleting what is gone is no error."""
    made(KIND, aws, stack, wanted["grafana"])
    delete(KIND, aws, stack, "grafana")
    assert all_seen(KIND, aws, stack) == {}
    made(KIND, aws, stack, wanted["grafana"])


def test_another_stacks_secrets_are_not_seen(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """Names that begin alike are others' all the same."""
    made(KIND, aws, replace(stack, name="shop2"), wanted["grafana"])
    assert all_seen(KIND, aws, stack) == {}


def test_new_tags_are_written(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """`retag` leaves other tags alone."""
    before = made(KIND, aws, stack, wanted["grafana"])
    KIND.retag(aws, stack, before, {"owner": "somebody"})
    assert seen(KIND, aws, stack, "grafana").tags == {**(before.tags or {}), "owner": "somebody"}
