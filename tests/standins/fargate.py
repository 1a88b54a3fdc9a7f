"""AWS for the tests of deploying: moto with its gaps mended, and Fargate simulated. Not AWS.

Each module of the family says what AWS does (and from where that is known), what moto does, and what is simulation:

- `fargate_world`: virtual time, outcomes of images, events on their way to EventBridge.
- `fargate_tasks`, `fargate_network`: a task's life, interface, targets, Cloud Map instances.
- `fargate_services`: deployments, rolling updates, the circuit breaker, replacements.
- `fargate_api`, `fargate_checks`, `fargate_history`, `fargate_definitions`: ECS's calls, and what ECS refuses.
- `fargate_neighbours`: what other services do over time, and what they refuse to delete.
- `fargate_data`: what S3, RDS and SQS keep and refuse.
- `fargate_images`: images that are there without being pushed.
- `fargate_faults`: an injector of faults for any boto3 session.

None of it was compared with a real account; where AWS's documents leave something open, the docstrings say so.
"""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest import mock

from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.responses import ActionResult, BaseResponse
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import FakeTargetGroup
from moto.route53.models import route53_backends
from moto.server import ThreadedMotoServer

from tests.standins.aws import ACCOUNT, REGION, Row
from tests.standins.fargate_api import ACTIONS, count_clusters
from tests.standins.fargate_definitions import DEFINITIONS
from tests.standins.fargate_faults import Injector, Killed
from tests.standins.fargate_images import pushed_images
from tests.standins.fargate_neighbours import mended_neighbours
from tests.standins.fargate_network import health_for
from tests.standins.fargate_world import (
    BEGAN,
    Bus,
    HasNow,
    Outcome,
    Timeline,
    World,
    exits,
    pull_fails,
    runs_out_of_memory,
    unhealthy,
)
from tests.standins.remembered import remembered, without_images
from tests.support.stack import Clock

__all__ = [
    "Clock",
    "Fargate",
    "Injector",
    "Killed",
    "Outcome",
    "exits",
    "pull_fails",
    "runs_out_of_memory",
    "unhealthy",
]


@dataclass
class Fargate:
    """One account in one region, with a clock of its own.

    Attributes:
        clock: Time; whoever sleeps moves it. Also given to `Aws`, so that waiting lets tasks start.
        images: Outcome by image, ``repository:tag`` with or without the registry; others run for ever.
        began: The time of day when the clock stands at zero.
        seconds_a_call: Time also passes by so much with each call, for waiters that sleep for real.
        duplicate_events, shuffle_events: How EventBridge delivers.
        unpushed: Images of the stack's own repositories that nobody has pushed: ``shop/demo-app:1.0.0``.
        region: The only one that is simulated.
        world: What is there, for tests that look behind the curtain.
    """

    clock: HasNow = field(default_factory=Clock)
    images: dict[str, Outcome] = field(default_factory=dict)
    began: datetime = BEGAN
    seconds_a_call: float = 0.0
    duplicate_events: bool = False
    shuffle_events: bool = False
    unpushed: set[str] = field(default_factory=set)
    region: str = REGION
    world: World = field(init=False)

    def __post_init__(self) -> None:
        timeline = Timeline(self.clock, self.began, self.clock.now)
        bus = Bus(timeline, self.region, duplicates=self.duplicate_events, shuffle=self.shuffle_events)
        self.world = World(timeline, bus, images=self.images, region=self.region)

    @contextlib.contextmanager
    def in_process(self) -> Iterator[Fargate]:
        """Let boto3 in this process meet the simulation."""
        with without_images(), mock_aws(), self.mended(), remembered():
            yield self

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """Serve the simulation over HTTP on the loopback; yields the ``endpoint_url``."""
        from moto.moto_api._internal.models import moto_api_backend

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        with without_images(), self.mended():
            moto_api_backend.reset()
            server.start()
            try:
                host, port = server.get_host_and_port()
                yield f"http://{host}:{port}"
            finally:
                server.stop()
                moto_api_backend.reset()

    @contextlib.contextmanager
    def mended(self) -> Iterator[None]:
        """Mend the moto that is already there."""
        with contextlib.ExitStack() as stack:
            for name, answer in ACTIONS.items():
                patched = mock.patch.object(EC2ContainerServiceResponse, name, self._action(answer), create=True)
                stack.enter_context(patched)
            for name, mend in DEFINITIONS.items():
                original = getattr(EC2ContainerServiceResponse, name)
                patched = mock.patch.object(EC2ContainerServiceResponse, name, mend(self.world, original))
                stack.enter_context(patched)
            stack.enter_context(mock.patch.object(FakeTargetGroup, "health_for", health_for))
            stack.enter_context(mock.patch.object(BaseResponse, "call_action", self._timed(BaseResponse.call_action)))
            stack.enter_context(mended_neighbours(self.world))
            stack.enter_context(pushed_images(self.unpushed))
            yield

    def _action(self, answer: Callable[[World, Row], Row]) -> Callable[[BaseResponse], ActionResult]:
        def action(response: BaseResponse) -> ActionResult:
            asked = copy.deepcopy(_plain(response._get_params()))
            return ActionResult(answer(self.world, asked))

        return action

    def _alone(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Let one call in at a time: moto's S3 lists what another thread is deleting, and fails."""

        def process_request(stubber: BotocoreStubber, request: Any) -> Any:
            with self.world.lock:
                return original(stubber, request)

        return process_request

    def _timed(self, original: Callable[[BaseResponse], Any]) -> Callable[[BaseResponse], Any]:
        def call_action(response: BaseResponse) -> Any:
            with self.world.lock:
                self.clock.now += self.seconds_a_call
                self.world.settle()
                count_clusters(self.world)
                answer = original(response)
                self.world.settle()
                return answer

        return call_action

    def advance(self, seconds: float) -> None:
        """Let time pass and everything happen that is due by then."""
        with self.world.lock:
            self.clock.now += seconds
            self.world.settle()

    def zone(self, name: str) -> str:
        """Return the id of a public hosted zone, made here: ``example.com``."""
        backend = route53_backends[ACCOUNT]["aws"]
        zone = backend.create_hosted_zone(
            name=f"{name.rstrip('.')}.", private_zone=False, caller_reference=f"test {name}"
        )
        return str(zone.id)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if hasattr(value, "original_dict"):
        return _plain(value.original_dict())
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
