"""A stack that stands: one application, applied to the simulated Fargate, for the tests of what comes after `apply`."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast
from unittest import mock

import pytest

from obskit.cli import main
from obskit.deploy.apply import Told, apply
from obskit.deploy.aws import Aws
from obskit.deploy.desired import desired
from obskit.deploy.plan import plan
from obskit.deploy.release import Ask
from obskit.deploy.resource import Resource, Stack
from obskit.deploy.resources import kinds
from obskit.deploy.spec import Entry, StackSpec
from tests.standins.fargate import Fargate
from tests.support.stack import ACCOUNT, PLACE, REGION, Clock, aws_here, example_spec, stack_of

SERVICE: Final = "demo-app"
REPOSITORY: Final = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop/demo-app"
_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
#: What the application needs in order to run, and what keeps ECS's events.
_NEEDED: Final = ("service.demo-app", "event_rule.ecs", "queue.events", "queue.events-dead")


@dataclass
class Standing:
    """A stack that stands, and who looks at it.

    Attributes:
        fargate: The simulation; its ``images`` say what becomes of which image.
        aws: To ask and change it; waiting costs no time.
        spec, stack: What was applied.
        told: What releases said of their progress.
    """

    fargate: Fargate
    aws: Aws
    spec: StackSpec
    stack: Stack
    told: list[str]

    def ask(self, **changes: Any) -> Ask:
        """Return how to release: with the simulation's time."""
        return replace(Ask(now=self.now, tell=self.told.append, patience_seconds=1200.0), **changes)

    def now(self) -> datetime:
        """Return the simulation's time of day."""
        return self.fargate.world.timeline.moment()

    def ecs(self, method: str, **asked: Any) -> Any:
        """Call ECS about the cluster."""
        return self.aws.call("ecs", method, cluster=self.stack.name, **asked)

    @property
    def row(self) -> dict[str, Any]:
        """The service as DescribeServices has it."""
        return dict(self.ecs("describe_services", services=[SERVICE], include=["TAGS"])["services"][0])

    @property
    def revision(self) -> str:
        """``family:7`` that the service is at."""
        return str(self.row["taskDefinition"]).rpartition("/")[2]

    def definition(self, revision: str) -> dict[str, Any]:
        """Return a task definition with ``tags``."""
        answer = self.aws.call("ecs", "describe_task_definition", taskDefinition=revision, include=["TAGS"])
        return {**answer["taskDefinition"], "tags": {t["key"]: t["value"] for t in answer.get("tags", ())}}

    def image(self, revision: str) -> str:
        """Return the image that a revision's program runs."""
        containers = self.definition(revision)["containerDefinitions"]
        return str(next(c["image"] for c in containers if c["name"] == "app"))

    def breaker(self, *, enable: bool, rollback: bool) -> None:
        """Set the circuit breaker, as somebody does out of band."""
        breaker = {"enable": enable, "rollback": rollback}
        configuration = {"deploymentCircuitBreaker": breaker, "minimumHealthyPercent": 100, "maximumPercent": 200}
        self.ecs("update_service", service=SERVICE, deploymentConfiguration=configuration)


def needed(wanted: tuple[Resource, ...], *addresses: str) -> tuple[Resource, ...]:
    """Return some of what is wanted, and all that it needs."""
    known = {resource.address: resource for resource in wanted}
    seen, todo = set[str](), list(addresses)
    while todo:
        address = todo.pop()
        if address in known and address not in seen:
            seen.add(address)
            todo += known[address].needs
    return tuple(resource for resource in wanted if resource.address in seen)


def push(aws: Aws, tag: str, architecture: str = "amd64") -> None:
    """Push an index of one platform to the application's repository."""
    platform = {"architecture": architecture, "os": "linux"}
    row = {"mediaType": _MANIFEST, "digest": f"sha256:{tag.encode().hex():0>64}", "size": 1, "platform": platform}
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [row]}
    aws.call(
        "ecr",
        "put_image",
        repositoryName="shop/demo-app",
        imageManifest=json.dumps(index),
        imageManifestMediaType=_INDEX,
        imageTag=tag,
    )


@contextmanager
def standing(*also: str, began: datetime | None = None, **given: Any) -> Iterator[Standing]:
    """Yield a stack of one application whose deployment has completed.

    Args:
        also: Addresses of what else shall be there.
        began: The time at which it stands; by default the simulation's own.
        given: Arguments of `Fargate`.
    """
    import jsonpath_ng.ext

    fargate = Fargate(**given)
    # moto's EventBridge parses the same few paths for each event anew, and makes a parser each time
    parse = functools.cache(vars(jsonpath_ng.ext)["parse"])
    paths = mock.patch.object(jsonpath_ng.ext, "parse", parse)
    with fargate.in_process(), paths:
        fargate.zone("example.com")
        aws = aws_here(cast("Clock", fargate.clock))
        certificate = aws.call("acm", "request_certificate", DomainName="shop.example.com", ValidationMethod="DNS")
        application = replace(example_spec().applications[0], database=False)
        entry = Entry(certificate=certificate["CertificateArn"])
        spec = example_spec(applications=(application,), database=None, entry=entry)
        stack, every = stack_of(spec), kinds()
        wanted = needed(desired(spec, PLACE, every), *_NEEDED, *also)

        def told(one: Told) -> None:
            if (one.work.step.address, one.state) == ("repository.demo-app", "done"):
                push(aws, "1.0.0")

        applied = apply(plan(wanted, (), every), aws, stack, every, workers=1, tell=told)
        assert not applied.failed, applied.failed
        if began is not None:
            fargate.world.timeline.began += began - fargate.world.timeline.moment()
        aws.calls.clear()
        yield Standing(fargate, aws, spec, stack, [])


def minutes_ago(minutes: float) -> datetime:
    """Return a time of the real clock, for commands that read it."""
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() - 60 * minutes, UTC)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str


Typed = Callable[..., Said]


def typed(shop: Standing, monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return the command line in an empty folder, with nothing configured but AWS.

    To wait moves the simulation's clock alone: `time` is Python's own, and Aws takes it from there.
    """
    for name in [*os.environ]:
        if name.startswith(("OBSKIT_", "AWS_")):
            monkeypatch.delenv(name)
    for name, value in (("ACCESS_KEY_ID", "testing"), ("SECRET_ACCESS_KEY", "testing"), ("DEFAULT_REGION", REGION)):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.chdir(folder)
    clock = cast("Clock", shop.fargate.clock)

    def run(*argv: str | Path) -> Said:
        with monkeypatch.context() as patch:
            patch.setattr(time, "sleep", clock.sleep)
            patch.setattr(time, "monotonic", clock.monotonic)
            code = main([str(a) for a in argv])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Said(code, captured.out, captured.err)

    return run
