"""Calls to AWS: what is tried again, what never is, what is waited for, and how failures read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError, SSLError

from obskit.deploy.aws import Aws, absent, quiet
from obskit.deploy.errors import AwsError
from tests.support.stack import Clock, aws_here

Answer = dict[str, Any] | Exception


class Http:
    """As much of an answer as botocore looks at."""

    def __init__(self, status: int) -> None:
        self.status_code = status


def error(code: str, message: str = "", status: int = 400) -> dict[str, Any]:
    """Return a failure as botocore parses it."""
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}


def saying(aws: Aws, service: str, *answers: Answer) -> list[dict[str, Any]]:
    """Let a service give these answers, one a call; returns what it is asked."""
    left, asked = iter(answers), list[dict[str, Any]]()

    def answer(params: dict[str, Any], **_: Any) -> Any:
        asked.append(params)
        found = next(left)
        if isinstance(found, Exception):
            raise found
        status = int(found.get("ResponseMetadata", {}).get("HTTPStatusCode", 200))
        return Http(status), found

    aws.client(service).meta.events.register("before-call", answer)
    return asked


@pytest.fixture
def aws(clock: Clock) -> Aws:
    """Return an Aws that speaks to nobody but `saying`."""
    return aws_here(clock)


def test_throttling_is_tried_again_whatever_the_call(aws: Aws, clock: Clock) -> None:
    """What was refused as too fast has not been done."""
    asked = saying(aws, "ecs", error("ThrottlingException"), error("ThrottlingException"), {"cluster": {}})

    assert aws.call("ecs", "create_cluster", clusterName="a") == {"cluster": {}}
    assert (len(asked), aws.calls["ecs:CreateCluster"]) == (3, 3)
    assert clock.now > 0


@pytest.mark.parametrize(
    "lost",
    [
        error("InternalError", status=500),
        error("ServiceUnavailable", status=503),
        ReadTimeoutError(endpoint_url="https://ecs"),
    ],
    ids=["500", "503", "time-out"],
)
def test_a_lost_answer_is_asked_for_again_only_where_that_does_no_harm(aws: Aws, lost: Answer) -> None:
    """A list may be read twice; a cluster may not be made twice, and the failure says that it may be there."""
    saying(aws, "ecs", lost, {"clusterArns": []}, lost, {}, lost)

    assert aws.call("ecs", "list_clusters") == {"clusterArns": []}
    assert aws.call("ecs", "delete_cluster", idempotent=True, cluster="a") == {}
    with pytest.raises(AwsError) as raised:
        aws.call("ecs", "create_cluster", clusterName="a")
    assert raised.value.ambiguous


def test_what_never_left_is_sent_again(aws: Aws) -> None:
    """No connection was made, so nothing can have been done."""
    asked = saying(aws, "ecs", ConnectTimeoutError(endpoint_url="https://ecs"), {"cluster": {}})

    assert aws.call("ecs", "create_cluster", clusterName="a") == {"cluster": {}}
    assert len(asked) == 2


def test_a_certificate_that_is_not_trusted_is_not_tried_again(aws: Aws) -> None:
    """It will not be trusted at the next try."""
    asked = saying(aws, "ecs", SSLError(endpoint_url="https://ecs", error=Exception("untrusted")), {})

    with pytest.raises(AwsError, match="SSLError"):
        aws.call("ecs", "list_clusters")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidParameterException", "ECS was unable to assume the role"),
        ("AWS.SimpleQueueService.QueueDeletedRecently", "wait 60 seconds"),
        ("ValidationException", "Unable to assume IAM role"),
        ("InvalidParameterException", "The target group does not have an associated load balancer."),
    ],
)
def test_what_aws_has_not_heard_of_yet_is_waited_for_where_that_is_expected(aws: Aws, code: str, message: str) -> None:
    """IAM and others take seconds to tell each other; without `settle` it is a failure at once."""
    saying(aws, "ecs", error(code, message), {"service": {}}, error(code, message))

    assert aws.call("ecs", "create_service", settle=True, serviceName="a") == {"service": {}}
    with pytest.raises(AwsError):
        aws.call("ecs", "create_service", serviceName="a")


def test_settling_has_an_end(aws: Aws, clock: Clock) -> None:
    """What never settles is a failure, after about as long as is promised."""
    saying(aws, "ecs", *[error("DependencyViolation")] * 100)

    with pytest.raises(AwsError, match="DependencyViolation"):
        aws.call("ecs", "create_cluster", settle=True, clusterName="a")
    assert aws.settle_seconds <= clock.now <= aws.settle_seconds + 20


def test_what_shall_stop_waits_for_nothing(aws: Aws, clock: Clock) -> None:
    """Ctrl-C must not hang for as long as a database takes."""
    aws.stopping.set()
    saying(aws, "ecs", error("ThrottlingException"), {})

    with pytest.raises(AwsError, match="ThrottlingException"):
        aws.call("ecs", "list_clusters")
    with pytest.raises(AwsError, match="Stopped"):
        aws.until(lambda: "it is creating", patience_seconds=3600, what="database.main")
    assert clock.now == 0


def test_waiting_ends_with_its_reason(aws: Aws, clock: Clock) -> None:
    """Whoever gives up says what was waited for last."""
    with pytest.raises(AwsError) as raised:
        aws.until(lambda: "2 of 3 tasks run", patience_seconds=60, what="service.a")
    assert "2 of 3 tasks run" in str(raised.value)
    assert clock.now >= 60


@pytest.mark.parametrize(
    ("service", "method", "key", "token"),
    [("ecs", "list_clusters", "clusterArns", "nextToken"), ("iam", "list_roles", "Roles", "Marker")],
)
def test_pages_are_followed_by_botos_own_knowledge(aws: Aws, service: str, method: str, key: str, token: str) -> None:
    """Each service has its own names for a page's end."""
    more = {"IsTruncated": True} if service == "iam" else {}
    asked = saying(aws, service, {key: ["a"], token: "2", **more}, {key: ["b"]})

    assert list(aws.pages(service, method, key)) == ["a", "b"]
    assert len(asked) == 2


def test_secrets_do_not_reach_an_error(aws: Aws) -> None:
    """AWS sometimes says back what it was told."""
    saying(aws, "ecs", error("InvalidParameterException", "bad value password=hunter2secret in environment"))

    with pytest.raises(AwsError) as raised:
        aws.call("ecs", "create_cluster", clusterName="a")
    assert "hunter2secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("code", "gone"),
    [
        ("InvalidVpcID.NotFound", True),
        ("NoSuchBucket", True),
        ("ResourceNotFoundException", True),
        ("DBInstanceNotFoundFault", True),
        ("AWS.SimpleQueueService.NonExistentQueue", True),
        ("ClusterNotFoundException", True),
        ("AccessDenied", False),
        ("InvalidParameterException", False),
    ],
)
def test_what_is_not_there_is_told_from_what_may_not_be_seen(code: str, gone: bool) -> None:
    """Deleting tolerates the one, never the other."""
    assert absent(AwsError("x:Y", code, "")) is gone


def test_quiet_is_quiet_about_absence_alone() -> None:
    """Everything else is still a failure."""

    def failing(code: str) -> Callable[[], Any]:
        def call() -> Any:
            raise AwsError("x:Y", code, "")

        return call

    assert quiet(failing("NoSuchEntity")) is None
    with pytest.raises(AwsError):
        quiet(failing("AccessDenied"))
