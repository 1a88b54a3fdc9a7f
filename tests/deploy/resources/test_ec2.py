"""What the kinds of EC2 share: hearing late, detaching, and refusals in successful answers."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError
from obskit.deploy.resources._ec2 import by_name, detach, heard, unsuccessful
from tests.support.stack import Clock

UNHEARD = "InvalidVpcID.NotFound"
ASKED = {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"}


def test_what_ec2_has_not_heard_of_yet_is_asked_for_again(aws: Aws, clock: Clock) -> None:
    """A VPC that was made a second ago may be unknown to the next call."""
    with Stubber(aws.client("ec2")) as stub:
        stub.add_client_error("create_subnet", UNHEARD)
        stub.add_response("create_subnet", {"Subnet": {"SubnetId": "subnet-1"}})

        answer = heard(aws, "create_subnet", idempotent=False, **ASKED)

    assert answer["Subnet"]["SubnetId"] == "subnet-1"
    assert clock.now > 0


def test_what_ec2_never_hears_of_is_an_error(aws: Aws, clock: Clock) -> None:
    """Waiting is bounded by `settle_seconds`."""
    with Stubber(aws.client("ec2")) as stub:
        for _ in range(100):
            stub.add_client_error("create_subnet", UNHEARD)

        with pytest.raises(AwsError, match=UNHEARD):
            heard(aws, "create_subnet", idempotent=False, **ASKED)

    assert aws.settle_seconds < clock.now < aws.settle_seconds + 10


def test_another_failure_is_not_waited_for(aws: Aws, clock: Clock) -> None:
    """A limit that is reached does not go away by itself."""
    with Stubber(aws.client("ec2")) as stub:
        stub.add_client_error("create_subnet", "SubnetLimitExceeded")

        with pytest.raises(AwsError, match="SubnetLimitExceeded"):
            heard(aws, "create_subnet", idempotent=False, **ASKED)

    assert clock.now == 0


@pytest.mark.parametrize("code", ["Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"])
def test_a_gateway_that_is_off_already_is_no_error(aws: Aws, code: str) -> None:
    """Detaching twice is what an interrupted deletion does."""
    with Stubber(aws.client("ec2")) as stub:
        stub.add_client_error("detach_internet_gateway", code)

        detach(aws, "igw-1", "vpc-1")
        stub.assert_no_pending_responses()


def test_a_gateway_that_is_in_use_is_waited_for_and_then_said(aws: Aws, clock: Clock) -> None:
    """EC2 keeps it while something in the VPC has a public address."""
    with Stubber(aws.client("ec2")) as stub:
        for _ in range(100):
            stub.add_client_error("detach_internet_gateway", "DependencyViolation", "mapped public address(es)")

        with pytest.raises(AwsError, match="mapped public"):
            detach(aws, "igw-1", "vpc-1")

    assert clock.now > aws.settle_seconds


def test_a_refusal_in_a_successful_answer_is_an_error_unless_the_thing_is_gone() -> None:
    """Some calls of EC2 succeed by their status whatever happens."""
    gone = {"Unsuccessful": [{"Error": {"Code": "InvalidVpcEndpoint.NotFound", "Message": "x"}}]}
    held = {"Unsuccessful": [{"Error": {"Code": "OperationNotPermitted", "Message": "not you"}}]}

    unsuccessful(gone, "ec2:DeleteVpcEndpoints")
    unsuccessful({}, "ec2:DeleteVpcEndpoints")
    with pytest.raises(AwsError, match="not you"):
        unsuccessful(held, "ec2:DeleteVpcEndpoints")


def test_two_ids_of_one_name_both_stand() -> None:
    """The second stands under its id, so that it is seen."""
    assert by_name(["b", "a", "c"], {"a": "private-1", "b": "private-1"}) == {"private-1": "a", "b": "b", "c": "c"}
