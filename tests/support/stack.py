"""A stack for tests: where it stands, what is wanted, and AWS in this process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from obskit.deploy.aws import Aws
from obskit.deploy.resource import Place, Stack
from obskit.deploy.spec import Application, StackSpec, Watcher

REGION = "eu-west-1"
ACCOUNT = "123456789012"
PLACE = Place(account=ACCOUNT, region=REGION, zones=(f"{REGION}a", f"{REGION}b", f"{REGION}c"))
DOMAIN = "shop.example.com"

WATCHERS = (
    Watcher(name="prometheus", cpu=1024, memory=4096, storage=50),
    Watcher(name="grafana", cpu=512, memory=1024),
    Watcher(name="loki", cpu=1024, memory=2048, storage=50),
    Watcher(name="alloy", cpu=256, memory=512),
    Watcher(name="node-exporter", cpu=256, memory=512),
)


def example_spec(**changes: Any) -> StackSpec:
    """Return a stack with one public application, a database and the watchers.

    Args:
        changes: Attributes of `StackSpec` that shall be others.
    """
    application = Application(
        name="demo-app", image="1.0.0", path="/*", cpu=512, memory=1024, minimum=2, maximum=6, database=True
    )
    spec = StackSpec(
        name="shop",
        domain=DOMAIN,
        region=REGION,
        owner="platform",
        commit="0123abc",
        applications=(application,),
        watchers=WATCHERS,
    )
    return replace(spec, **changes)


def stack_of(spec: StackSpec) -> Stack:
    """Return the identity of a spec's stack."""
    return Stack(name=spec.name, place=PLACE)


class Clock:
    """Time that passes only when somebody sleeps.

    Attributes:
        now: Seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    advance = sleep

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


def aws_here(clock: Clock | None = None) -> Aws:
    """Return boto3 on whatever moto mocks in this process; waiting costs no time."""
    import boto3
    import botocore.session

    from tests.standins.remembered import loader

    clock = clock or Clock()
    core = botocore.session.get_session()
    core.register_component("data_loader", loader())
    session = boto3.Session(
        botocore_session=core, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    return Aws(session=session, sleep=clock.sleep, monotonic=clock.monotonic)
