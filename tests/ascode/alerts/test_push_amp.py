"""Amazon Managed Prometheus: what it accepts is not yet in use; in-process moto stands for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import boto3
import pytest
from moto.amp.models import PrometheusServiceBackend, RuleGroupNamespace
from moto.core.exceptions import JsonRESTError

from obskit.ascode.alerts.build import as_yaml
from obskit.ascode.alerts.push import PushError, plan, push
from obskit.ascode.alerts.push_amp import Amp
from obskit.settings import AwsSettings
from tests.standins.faulty import FaultyServer, status
from tests.standins.remembered import mocked_aws
from tests.support.rule_pushing import (
    REGION,
    amp,
    group,
    kinds,
)


@pytest.fixture
def workspace() -> Iterator[str]:
    """Yield a workspace of moto's."""
    with mocked_aws():
        yield boto3.client("amp", region_name=REGION).create_workspace(alias="obskit")["workspaceId"]


class Statuses:
    """What moto's namespaces say of themselves: what is left of these after each change, then ACTIVE."""

    def __init__(self, *statuses: tuple[str, str]) -> None:
        self._statuses, self._left = statuses, list(statuses)
        self._real = RuleGroupNamespace.to_dict

    def __call__(self, namespace: RuleGroupNamespace) -> dict[str, Any]:
        """Return what DescribeRuleGroupsNamespace gives."""
        code, reason = self._left.pop(0) if self._left else ("ACTIVE", "")
        return {**self._real(namespace), "status": {"statusCode": code, "statusReason": reason}}

    def patched(self) -> Any:
        """Put it into moto: AWS's side, not ours."""

        def told(namespace: RuleGroupNamespace) -> dict[str, Any]:
            return self(namespace)

        return mock.patch.object(RuleGroupNamespace, "to_dict", told)


def test_amazon_is_waited_for_until_the_rules_are_in_use(workspace: str) -> None:
    """It takes a file first and reads it afterwards; the pauses grow."""
    pauses: list[float] = []
    target = amp(workspace, pause=pauses.append)
    found = plan(target, [group(1)], prune=True)
    with Statuses(*[("CREATING", "")] * 7).patched():  # the first of them is the answer to the creation
        outcome = push(found, target)

    assert outcome.complete
    assert pauses == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_amazons_reason_is_told(workspace: str) -> None:
    """A file that it refuses is accepted first."""
    target = amp(workspace)
    with Statuses(("CREATING", ""), ("CREATION_FAILED", "1:2: parse error\x1b[31m")).patched():
        outcome = push(plan(target, [group(1)], prune=True), target)

    assert "CREATION_FAILED" in outcome.failed[0].reason
    assert "1:2: parse error" in outcome.failed[0].reason
    assert "\x1b" not in outcome.failed[0].reason
    assert not outcome.again


def test_what_failed_there_is_pushed_again_though_it_is_the_same(workspace: str) -> None:
    """Its data is ours already; it is not in use."""
    target = amp(workspace)
    push(plan(target, [group(1)], prune=True), target)
    with Statuses(("ACTIVE", ""), ("UPDATE_FAILED", "quota")).patched():
        found = plan(target, [group(1)], prune=True)

    assert kinds(found) == {"obskit-1": "update"}
    assert found.actions[0].why == "UPDATE_FAILED: quota"
    assert push(found, target).complete


def test_amazon_is_not_waited_for_beyond_the_deadline(workspace: str) -> None:
    """And a second run goes on from there."""
    target = amp(workspace, wait_seconds=0.6)
    with Statuses(*[("CREATING", "")] * 1000).patched():
        outcome = push(plan(target, [group(1)], prune=True), target)

    assert "still CREATING" in outcome.failed[0].reason
    assert outcome.again
    assert push(plan(target, [group(1)], prune=True), target).complete


def test_what_is_being_deleted_is_made_anew_when_it_is_gone(workspace: str) -> None:
    """Amazon takes no new one under its name until then; a run that was cut may have left it so."""
    target = amp(workspace)
    push(plan(target, [group(1)], prune=True), target)
    with Statuses(*[("DELETING", "")] * 2).patched():  # listed, and described
        found = plan(target, [group(1)], prune=True)

    assert kinds(found) == {"obskit-1": "create"}
    assert push(found, target).complete


def test_a_deletion_is_waited_for(workspace: str) -> None:
    """What is gone already is no failure."""
    target = amp(workspace)
    push(plan(target, [group(1)], prune=True), target)
    target.delete("obskit-1")
    target.delete("obskit-1")

    assert target.held() == {}


def test_a_deletion_that_amazon_takes_back_is_told(workspace: str) -> None:
    """It is there again, or still."""
    target = amp(workspace)
    push(plan(target, [group(1)], prune=True), target)
    nothing_happens = mock.patch.object(PrometheusServiceBackend, "delete_rule_groups_namespace")
    with nothing_happens, pytest.raises(PushError) as caught:
        target.delete("obskit-1")

    assert "did not delete obskit-1: ACTIVE" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error", "says", "again"),
    [
        (403, "AccessDeniedException", "allow aps:ListRuleGroupsNamespaces", False),
        (403, "ExpiredTokenException", "would not list", False),
        (400, "ThrottlingException", "would not list", True),
        (500, "InternalServerException", "would not list", True),
    ],
)
def test_amazons_refusal_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, code: int, error: str, says: str, again: bool
) -> None:
    """And whether to run it again."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    with FaultyServer(status(code, json.dumps({"__type": error, "message": "no"}).encode())) as server:
        target = Amp("ws-1", AwsSettings(region=REGION, endpoint_url=server.url))
        with pytest.raises(PushError) as caught:
            target.held()

    assert f"{error}: no" in str(caught.value)
    assert says in str(caught.value)
    assert caught.value.again is again


def test_a_refusal_while_pushing_is_told(workspace: str) -> None:
    """Of taking and of deleting; after one that every request would meet, nothing new is begun."""
    target = amp(workspace)
    push(plan(target, [group(9)], prune=True), target)
    refusal = JsonRESTError("ServiceQuotaExceededException", "300 groups")
    with mock.patch.object(PrometheusServiceBackend, "create_rule_groups_namespace", side_effect=refusal):
        outcome = push(plan(target, [group(9), group(1)], prune=True), target)
    with mock.patch.object(PrometheusServiceBackend, "delete_rule_groups_namespace", side_effect=refusal):
        kept = push(plan(target, [group(1)], prune=True), target)

    assert "aps:CreateRuleGroupsNamespace: ServiceQuotaExceededException: 300 groups" in outcome.failed[0].reason
    assert "a higher quota" in outcome.failed[0].reason
    assert not outcome.again
    assert [r.action.name for r in kept.failed] == ["obskit-9"]


def test_without_a_region_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No guess is made."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(PushError) as caught:
        Amp("ws-1", AwsSettings()).held()
    assert "set OBSKIT_AWS_REGION" in str(caught.value)


def test_a_workspace_that_is_not_there_is_told(workspace: str) -> None:
    """With what to look at."""
    with pytest.raises(PushError) as caught:
        plan(amp("ws-00000000"), [group(1)], prune=True)

    assert "is the workspace's id right, and the region?" in str(caught.value)
    assert "aps:ListRuleGroupsNamespaces" in str(caught.value)


def test_the_data_are_the_file_as_it_is_built(workspace: str) -> None:
    """AWS shows it in its console; boto3 does the base64."""
    target = amp(workspace)
    push(plan(target, [group(1)], prune=True), target)
    row = boto3.client("amp", region_name=REGION).describe_rule_groups_namespace(workspaceId=workspace, name="obskit-1")

    assert row["ruleGroupsNamespace"]["data"].decode() == as_yaml({"groups": [group(1).document()]})
