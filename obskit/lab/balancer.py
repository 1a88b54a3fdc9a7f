"""A load balancer before a service's tasks: round robin over healthy targets, and what CloudWatch would say of it.

As an ALB does it: a target group without a healthy target sends to all that are registered, one without any
answers 503; no connection is a 502, no answer in time a 504. A client that closes first gets nothing: its request
is broken off at the target too, and counted as a 460, which is an error of the balancer's and a client's.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from obskit.lab import wire
from obskit.lab.ecs_task import Task

#: CloudWatch's period for balancers.
PERIOD_SECONDS: Final = 60.0
#: An ALB's idle time-out by default; users of this lab are gone long before.
_IDLE_SECONDS: Final = 60.0
#: An ALB's own status of a request whose client has closed before there was an answer.
CLIENT_CLOSED: Final = 460
#: So long after its first request there is nothing yet that a minute could be guessed from.
_FIRST_SECONDS: Final = 5.0


def candidates(tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks that may get requests: healthy ones, or all registered where none is healthy."""
    registered = [task for task in tasks if task.registered]
    return [task for task in registered if task.health == "healthy"] or registered


class RoundRobin:
    """Takes one after the other, whoever comes and goes."""

    def __init__(self) -> None:
        self._last = ""

    def choose(self, tasks: Sequence[Task]) -> Task | None:
        """Return the next of the candidates, None where there is none."""
        found = sorted(candidates(tasks), key=lambda task: task.id)
        if not found:
            return None
        chosen = next((task for task in found if task.id > self._last), found[0])
        self._last = chosen.id
        return chosen


@dataclass(frozen=True, slots=True)
class Passed:
    """One request that has passed.

    Attributes:
        at: Seconds of a steady clock.
        seconds: Until the target's answer.
        status: What the user got, or `CLIENT_CLOSED`.
        target: Whether the target gave it, rather than the balancer.
    """

    at: float
    seconds: float
    status: int
    target: bool


class Tally:
    """What has passed within the last minute.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._passed: deque[Passed] = deque()
        self._since: float | None = None

    @property
    def is_young(self) -> bool:
        """Whether so little time has passed that a minute cannot be guessed yet."""
        return self._since is None or self._clock() - self._since < _FIRST_SECONDS

    def add(self, passed: Passed) -> None:
        """Count a request."""
        self._since = passed.at if self._since is None else self._since
        self._passed.append(passed)

    def metrics(self, target_group: str, tasks: Sequence[Task]) -> list[str]:
        """Return lines in Prometheus' text format, named as YACE names CloudWatch's.

        Args:
            target_group: ``targetgroup/NAME/ID``.
            tasks: All of the service.

        Returns:
            Counts of the first minute are those that a whole one would have at the same rate, so that a lab's start is
            no surge of traffic; in its first seconds, what has passed.
        """
        now = self._clock()
        since, counted = now - PERIOD_SECONDS, min(now - (now if self._since is None else self._since), PERIOD_SECONDS)
        whole = 1.0 if self.is_young else PERIOD_SECONDS / counted
        while self._passed and self._passed[0].at < since:
            self._passed.popleft()
        passed = list(self._passed)
        answered, own = ([one for one in passed if one.target is target] for target in (True, False))
        times = sorted(one.seconds for one in answered)
        registered = [task for task in tasks if task.registered]
        healthy = sum(task.health == "healthy" for task in registered)
        values = {
            "request_count_sum": len(passed) * whole,
            "httpcode_target_4_xx_count_sum": sum(400 <= one.status < 500 for one in answered) * whole,
            "httpcode_target_5_xx_count_sum": sum(one.status >= 500 for one in answered) * whole,
            "httpcode_elb_4_xx_count_sum": sum(400 <= one.status < 500 for one in own) * whole,
            "httpcode_elb_5_xx_count_sum": sum(one.status >= 500 for one in own) * whole,
            "target_connection_error_count_sum": sum(one.status == 502 for one in own) * whole,
            "healthy_host_count_average": healthy,
            "un_healthy_host_count_average": sum(task.health == "unhealthy" for task in registered),
            "request_count_per_target_sum": len(passed) * whole / max(healthy, 1),
        }
        if times:
            values |= {
                "target_response_time_average": sum(times) / len(times),
                "target_response_time_p50": times[len(times) // 2],
                "target_response_time_p99": times[min(len(times) - 1, len(times) * 99 // 100)],
            }
        labels = f'{{dimension_TargetGroup="{target_group}",dimension_LoadBalancer="app/lab/0"}}'
        return [f"aws_applicationelb_{name}{labels} {value:.6g}" for name, value in values.items()]


class Balancer:
    """Listens on a loopback port.

    Args:
        tasks: Returns all tasks of the service as they are now.
    """

    def __init__(self, tasks: Callable[[], Sequence[Task]]) -> None:
        self.tally = Tally()
        self._tasks = tasks
        self._turn = RoundRobin()

    async def answer(self, request: wire.Message) -> wire.Message:
        """Pass a request on and return its answer, the target's or our own; cancelled where the client has gone."""
        begun = time.monotonic()
        task = self._turn.choose(self._tasks())
        try:
            found, ours = (None, 503) if task is None else await _passed_on(task.port, request)
        except asyncio.CancelledError:
            now = time.monotonic()
            self.tally.add(Passed(now, now - begun, CLIENT_CLOSED, target=False))
            raise
        now = time.monotonic()
        self.tally.add(Passed(now, now - begun, found.status if found else ours, found is not None))
        return found or wire.plain(ours, f"{ours}\n")


async def _passed_on(port: int, request: wire.Message) -> tuple[wire.Message | None, int]:
    """Return the target's answer, or None and the balancer's own status."""
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    try:
        answer = await wire.ask(
            port, request.method, request.target, headers=headers, body=request.body, seconds=_IDLE_SECONDS
        )
    except TimeoutError:
        return None, 504
    except (OSError, ValueError):
        return None, 502
    return answer, 0
