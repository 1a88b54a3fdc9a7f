"""Following one deployment, held against answers of DescribeServices in the orders in which AWS may give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.follow import Followed, follow, primary, serving
from obskit.deploy.resource import Stack
from tests.support.stack import PLACE, Clock, aws_here

OWN, OLD, OTHER = "ecs-svc/2", "ecs-svc/1", "ecs-svc/3"
STACK = Stack(name="shop", place=PLACE)
Row = dict[str, Any]


def deployment(identity: str, state: str = "IN_PROGRESS", status: str = "PRIMARY", **more: Any) -> Row:
    """Return one deployment; its revision has the number of its id."""
    revision = f"arn:aws:ecs:eu-west-1:123456789012:task-definition/shop-app:{identity[-1]}"
    return {"id": identity, "rolloutState": state, "status": status, "taskDefinition": revision} | more


def service(*deployments: Row, rollback: bool = True, **more: Any) -> Row:
    """Return a service."""
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": rollback}}
    return {"serviceName": "app", "status": "ACTIVE", "deployments": list(deployments), "events": []} | {
        "deploymentConfiguration": breaker,
        **more,
    }


@dataclass
class Answers:
    """DescribeServices, with answers told beforehand; the last is given for ever."""

    rows: list[Row | Exception]
    clock: Clock = field(default_factory=Clock)
    looks: list[Row] = field(default_factory=list)

    def followed(self, *, patience: float = 600.0) -> Followed:
        """Follow `OWN`, that took the place of `OLD`."""
        aws = aws_here(self.clock)
        aws.client("ecs").meta.events.register("before-call.ecs.DescribeServices", self._answer)
        aws.client("ecs").meta.events.register("before-call.ecs.ListServices", _listed)
        return self._follow(aws, patience)

    def _follow(self, aws: Aws, patience: float) -> Followed:
        earlier = frozenset({OLD})
        return follow(aws, STACK, "app", OWN, earlier=earlier, patience_seconds=patience, look=self._look)

    def _look(self, row: Any) -> None:
        self.looks.append(row)

    def _answer(self, **_: Any) -> Any:
        row = self.rows.pop(0) if len(self.rows) > 1 else self.rows[0]
        if isinstance(row, Exception):
            raise row
        if "Error" in row:
            return _Http(400), row
        return _Http(200), {"services": [row] if row else [], "failures": []}


@dataclass
class _Http:
    status_code: int


def _listed(**_: Any) -> Any:
    return _Http(200), {"serviceArns": ["arn:aws:ecs:eu-west-1:123456789012:service/shop/other"]}


def throttled() -> Row:
    """Return AWS's refusal of too many calls."""
    return {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}, "ResponseMetadata": {}}


def outcome(*rows: Row | Exception, patience: float = 600.0) -> str:
    """Return how a deployment ended that was seen so."""
    return Answers(list(rows)).followed(patience=patience).outcome


GOING = service(deployment(OWN), deployment(OLD, "COMPLETED", "ACTIVE"))
DONE = service(deployment(OWN, "COMPLETED"))
FAILED = service(deployment(OWN, "FAILED", rolloutStateReason="tasks failed"), deployment(OLD, "COMPLETED", "ACTIVE"))
BACK = service(deployment(OLD), deployment(OWN, "FAILED", "ACTIVE", rolloutStateReason="tasks failed", failedTasks=3))


def test_only_the_completed_deployment_itself_is_success() -> None:
    """Progress is looked at, and the end."""
    answers = Answers([GOING, GOING, DONE])

    assert answers.followed().outcome == "completed"
    assert len(answers.looks) == 3


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([GOING, BACK], id="the way back was seen"),
        pytest.param([GOING, service(deployment(OLD))], id="the failed one was gone"),
        pytest.param([GOING, service(deployment(OLD, "COMPLETED"))], id="the way back was over"),
        pytest.param([GOING, FAILED, FAILED, BACK], id="AWS took a moment"),
        pytest.param(
            [GOING, service(deployment(OTHER, rolloutStateReason="rolling back to deploymentId ecs-svc/1."))],
            id="the way back has an id of its own",
        ),
        pytest.param(
            [
                GOING,
                service(
                    deployment(OTHER, "COMPLETED"),
                    events=[{"message": f"(service app) rolling back to deployment {OTHER}."}],
                ),
            ],
            id="only a service event tells",
        ),
    ],
)
def test_a_stable_service_after_a_rollback_is_no_success(rows: list[Row]) -> None:
    """However late somebody looks."""
    assert outcome(*rows) == "rolled_back"


def test_what_was_last_seen_of_the_deployment_is_told() -> None:
    """Its reason and its failed tasks, though it is gone at the end."""
    done = Answers([GOING, BACK, service(deployment(OLD, "COMPLETED"))]).followed()

    assert (done.reason, done.failed_tasks, done.deployment) == ("tasks failed", 3, OWN)


@pytest.mark.parametrize(
    ("rollback", "least", "most"), [pytest.param(False, 0, 0, id="at once"), pytest.param(True, 40, 70, id="in vain")]
)
def test_a_failed_deployment_that_nobody_rolls_back_has_failed(rollback: bool, least: float, most: float) -> None:
    """Where AWS shall roll back it is given time to; with no completed deployment before, it cannot."""
    row = service(deployment(OWN, "FAILED"), rollback=rollback)
    answers = Answers([row])

    assert answers.followed().outcome == "failed"
    assert least <= answers.clock.now <= most


@pytest.mark.parametrize("state", ["IN_PROGRESS", "COMPLETED"])
def test_somebody_elses_deployment_overtakes(state: str) -> None:
    """Also one of an older revision: a new id is no rollback of AWS's."""
    older = deployment(OTHER, state, taskDefinition="arn:aws:ecs:eu-west-1:123456789012:task-definition/shop-app:1")

    assert outcome(GOING, service(older, deployment(OWN, "IN_PROGRESS", "ACTIVE"))) == "overtaken"


def test_a_deployment_that_aws_does_not_tell_of_yet_is_waited_for() -> None:
    """UpdateService has made it, DescribeServices still gives the service as it was."""
    stale = service(deployment(OLD, "COMPLETED"))

    assert outcome(stale, stale, GOING, DONE) == "completed"


def test_a_deployment_that_is_never_told_of_is_not_waited_for_in_vain() -> None:
    """After half a minute what is there counts."""
    answers = Answers([service(deployment(OLD, "COMPLETED"))])

    assert answers.followed().outcome == "rolled_back"
    assert 30 <= answers.clock.now <= 60


def test_patience_ends() -> None:
    """What has not ended by then is unfinished, and not waited for much longer than was said."""
    answers = Answers([GOING])

    done = answers.followed(patience=120)

    assert (done.outcome, done.seconds) == ("unfinished", answers.clock.now)
    assert 120 < answers.clock.now <= 131


def test_looks_grow_no_farther_apart_than_ten_seconds() -> None:
    """DescribeServices is throttled, and still whoever waits wants to know."""
    answers = Answers([GOING])
    answers.followed(patience=600)

    assert 600 / 10 <= len(answers.looks) <= 75


def test_throttled_and_lost_answers_are_asked_for_again() -> None:
    """A release does not fail because of the telephone."""
    lost = ConnectionClosedError(endpoint_url="https://ecs")

    assert outcome(GOING, throttled(), throttled(), lost, DONE) == "completed"


def test_what_cannot_be_asked_any_more_is_an_error() -> None:
    """It is neither success nor failure."""
    denied: Row = {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": {}}

    with pytest.raises(AwsError, match="AccessDenied"):
        outcome(GOING, denied)


@pytest.mark.parametrize("row", [{}, service(deployment(OWN), status="INACTIVE")])
def test_a_service_that_is_gone_is_an_error_that_names_others(row: Row) -> None:
    """Somebody deleted it."""
    with pytest.raises(DeployError, match="has no service app") as caught:
        outcome(GOING, row)
    assert "other" in caught.value.hint


@pytest.mark.parametrize(
    ("row", "number"),
    [
        pytest.param(DONE, "2", id="completed"),
        pytest.param(service(deployment(OWN), deployment(OLD, "COMPLETED", "ACTIVE", runningCount=2)), "1", id="going"),
        pytest.param(service(deployment(OWN, runningCount=1), deployment(OLD, "COMPLETED", "ACTIVE")), "2", id="most"),
        pytest.param(FAILED, "1", id="failed"),
        pytest.param(service(deployment(OWN, "FAILED")), "2", id="nothing else"),
        pytest.param({"taskDefinition": "shop-app:7", "deployments": []}, "7", id="no deployments"),
    ],
)
def test_what_serves_is_the_completed_deployment_else_the_one_with_most_tasks(row: Row, number: str) -> None:
    """The service's own task definition is only where it is brought to."""
    assert serving(row).rpartition(":")[2] == number


def test_a_service_without_deployments_has_no_primary_one() -> None:
    """As one of another deployment controller."""
    assert primary({}) == {}
