"""AWS in this process for the tests of deploying."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.resource import Place, Stack
from obskit.deploy.spec import StackSpec
from tests.standins.fargate_data import mended_data
from tests.standins.remembered import mocked_aws
from tests.support.stack import PLACE, Clock, aws_here, example_spec, stack_of


@pytest.fixture
def clock() -> Clock:
    """Return time that passes only when somebody sleeps."""
    return Clock()


@pytest.fixture
def aws(clock: Clock) -> Iterator[Aws]:
    """Yield AWS as moto plays it."""
    with mocked_aws():
        yield aws_here(clock)


@pytest.fixture
def place() -> Place:
    """Return where the stack stands."""
    return PLACE


@pytest.fixture
def spec() -> StackSpec:
    """Return a stack with one public application, a database and the watchers."""
    return example_spec()


@pytest.fixture
def stack(spec: StackSpec) -> Stack:
    """Return the stack's identity."""
    return stack_of(spec)


@pytest.fixture
def data_as_aws() -> Iterator[None]:
    """Let S3, RDS and SQS in moto do what AWS does."""
    with mended_data():
        yield
