"""A whole stack in the simulated AWS, and what the tests of whole stacks do with it.

Everything runs in this process, on virtual time; nothing but boto3 stands between `obskit.deploy` and moto.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from moto.ecr.models import ecr_backends

from obskit.deploy.apply import Applied, Told, apply
from obskit.deploy.aws import Aws
from obskit.deploy.desired import desired
from obskit.deploy.observe import observe
from obskit.deploy.plan import Plan, plan, plan_destroy
from obskit.deploy.resource import Observed, Place, Resource, Stack
from obskit.deploy.resources import kinds
from obskit.deploy.spec import Application, Ci, Database, Entry, Network, StackSpec, Telemetry
from tests.standins.fargate import Fargate
from tests.support.stack import ACCOUNT, PLACE, REGION, WATCHERS, aws_here, example_spec, stack_of

#: The public zone that all domains of these tests lie in.
ZONE = "example.com"
_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"


def everything_spec(**changes: Any) -> StackSpec:
    """Return a stack that has every kind of resource, two applications of which one calls the other, unprotected.

    Args:
        changes: Attributes of `StackSpec` that shall be others.
    """
    front = Application(
        name="demo-app", image="1.0.0", path="/*", maximum=4, database=True, calls=("payments",), spot=50
    )
    payments = Application(name="payments", image="1.0.0", path="/*", host=f"pay.{ZONE}", port=9000)
    spec = example_spec(
        applications=(front, payments),
        database=Database(protected=False),
        network=Network(endpoints=True, flow_logs=True),
        entry=Entry(access_logs=True),
        telemetry=Telemetry(workspace=True),
        ci=Ci(repository="example/shop"),
    )
    return replace(spec, **changes)


def lean_spec(**changes: Any) -> StackSpec:
    """Return a stack with nearly every kind of resource, and few of each, so that it is applied fast.

    Args:
        changes: Attributes of `StackSpec` that shall be others.
    """
    (front, _) = everything_spec().applications
    spec = everything_spec(
        applications=(replace(front, calls=()),),
        watchers=tuple(watcher for watcher in WATCHERS if watcher.name == "loki"),
        network=Network(flow_logs=True),
        ci=Ci(),
    )
    return replace(spec, **changes)


@cache
def wanted(spec: StackSpec, place: Place = PLACE) -> tuple[Resource, ...]:
    """Return all that a spec wants; put together once, since that takes as long as some thirty calls."""
    return desired(spec, place, kinds())


@dataclass(frozen=True, slots=True)
class Deployed:
    """One stack in an account that is simulated.

    Attributes:
        fargate: The simulation.
        aws: Whose calls are counted.
        spec: What is wanted of it, unless a method is told otherwise.
    """

    fargate: Fargate
    aws: Aws
    spec: StackSpec

    @property
    def stack(self) -> Stack:
        """Which stack, and where."""
        return stack_of(self.spec)

    def observed(self) -> tuple[Observed, ...]:
        """Return all that the stack has."""
        return observe(self.aws, self.stack, kinds(), workers=1)

    def find(self, address: str) -> Observed:
        """Return one resource as AWS has it; only its kind is asked."""
        kind = kinds()[address.partition(".")[0]]
        return {one.address: one for one in kind.observe(self.aws, self.stack)}[address]

    def id(self, address: str, attribute: str = "id") -> str:
        """Return an attribute of a resource."""
        return self.find(address).attributes[attribute]

    def by_hand(self, service: str, method: str, /, **asked: Any) -> Any:
        """Call boto3 as somebody else would."""
        return getattr(self.aws.client(service), method)(**asked)

    def planned(self, spec: StackSpec | None = None, *, delete_data: bool = False, place: Place = PLACE) -> Plan:
        """Compare the stack with what is wanted."""
        return plan(wanted(spec or self.spec, place), self.observed(), kinds(), delete_data=delete_data)

    def apply(self, planned: Plan | None = None, *, workers: int = 1) -> Applied:
        """Do what a plan says; by default the one for what is wanted."""
        steps = self.planned() if planned is None else planned
        self.push()
        return apply(steps, self.aws, self.stack, kinds(), tell=self._told, workers=workers)

    def _told(self, told: Told) -> None:
        if told.state == "done" and told.work.step.kind == "repository":
            self.push()

    def push(self, tag: str = "1.0.0") -> None:
        """Push an image into each of the stack's repositories that has none of that tag, as CI does."""
        backend = ecr_backends[ACCOUNT][REGION]
        for name, repository in backend.repositories.items():
            if name.startswith(f"{self.spec.name}/") and not any(tag in i.image_tags for i in repository.images):
                manifest = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": {"digest": tag}})
                backend.put_image(name, manifest, tag)

    def applied(self, spec: StackSpec | None = None, *, workers: int = 1) -> Plan:
        """Plan and apply without a failure; returns the plan.

        Raises:
            AssertionError: Something failed.
        """
        steps = self.planned(spec)
        wrong = problems(self.apply(steps, workers=workers))
        assert not wrong, "\n".join(wrong)
        return steps

    def destroy(self, *, delete_data: bool = True) -> tuple[Plan, Applied]:
        """Take the stack down; returns what was planned and what came of it."""
        steps = plan_destroy(self.observed(), kinds(), delete_data=delete_data)
        return steps, self.apply(steps)

    def beside(self, spec: StackSpec) -> Deployed:
        """Return another stack in the same account."""
        return Deployed(self.fargate, self.aws, spec)


def problems(came: Applied) -> list[str]:
    """Return what failed or was skipped, one line each."""
    failed = [f"{work.what} {work.step.address}: {error}" for work, error in came.failed]
    return failed + [f"{work.what} {work.step.address}: skipped" for work in came.skipped]


def steps_of(planned: Plan) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return a plan's steps: what, of which resource, and which paths differ."""
    return [(step.action, step.address, tuple(change.path for change in step.changes)) for step in planned.steps]


@contextlib.contextmanager
def account(spec: StackSpec | None = None, **simulation: Any) -> Iterator[Deployed]:
    """Yield an empty account with a public zone, and a stack that nobody has applied yet.

    Args:
        spec: What is wanted; by default `everything_spec`.
        simulation: Arguments of `Fargate`.
    """
    fargate = Fargate(**simulation)
    with fargate.in_process():
        fargate.zone(ZONE)
        yield Deployed(fargate, aws_here(fargate.clock), spec or everything_spec())  # type: ignore[arg-type]


@contextlib.contextmanager
def deployed(spec: StackSpec | None = None, **simulation: Any) -> Iterator[Deployed]:
    """Yield a stack that was applied; arguments as in `account`."""
    with account(spec, **simulation) as one:
        one.applied()
        yield one
