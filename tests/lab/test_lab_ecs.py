"""A service that behaves as ECS's does: what it decides and what it says, on a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from obskit.lab.ecs_service import EcsService
from obskit.lab.ecs_task import Action, Kill, Revision, Start, Task, Terminate
from obskit.lab.ecs_words import OUT_OF_MEMORY, TIMED_OUT, Words, wrong_code
from obskit.lab.settings import PAYMENT, SHOP, LabSettings
from obskit.sources.ecs_events import dedupe, event_from_eventbridge, event_from_service_message

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
SETTINGS = LabSettings(tasks=3, provision=2, grace=10, unhealthy_after=2, deregister=1, stop=5, breaker=3)
TARGET_GROUP = "target-group arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/demo-app/"


@dataclass
class World:
    """A service whose containers start at once, and are as healthy as `health` says of their revision.

    Attributes:
        crashes, missing: Whose containers end as soon as they run, and whose cannot be started.
    """

    name: str = SHOP
    settings: LabSettings = SETTINGS
    now: datetime = BEGIN
    rows: list[dict[str, Any]] = field(default_factory=list)
    done: list[Action] = field(default_factory=list)
    health: Callable[[Task], str] = lambda _: ""
    crashes: Callable[[Task], bool] = lambda _: False
    missing: Callable[[Task], bool] = lambda _: False
    stubborn: bool = False

    def __post_init__(self) -> None:
        chance = random.Random(7)
        words = Words(self.name, "lab", self.rows.append, chance.getrandbits, public=self.name == SHOP)
        ports = iter(range(20_000, 30_000))
        first = Revision(family=self.name)
        self.service = EcsService(self.name, self.settings, first, words, lambda: next(ports), self.now)

    def second(self, seconds: int = 1) -> None:
        """Let seconds go by: containers start and stop, checks are made once a second."""
        for _ in range(seconds):
            for action in self.service.tick(self.now):
                self.done.append(action)
                task = action.task
                if isinstance(action, Start) and self.missing(task):
                    self.service.refused(task.id, self.now, "CannotStartContainerError: no such file")
                elif isinstance(action, Start):
                    self.service.began(task.id, self.now)
                    if self.crashes(task):
                        self.service.ended(task.id, self.now, exit_code=3)
                elif isinstance(action, Kill) or not self.stubborn:
                    self.service.ended(task.id, self.now, exit_code=137 if isinstance(action, Kill) else 0)
            for task in self.service.alive:
                self.service.probed(task.id, self.health(task))
            self.now += timedelta(seconds=1)

    def messages(self) -> list[str]:
        """Return the service messages since they were last taken, task and deployment ids made short."""
        found = [row["message"] for row in self.rows if "message" in row]
        return [text.removeprefix(f"(service {self.name}) ") for text in found]

    def details(self, kind: str) -> list[dict[str, Any]]:
        """Return the details of EventBridge's events of a kind."""
        return [row["detail"] for row in self.rows if row.get("detail-type") == kind]

    def of(self, task: Task) -> list[tuple[str, str]]:
        """Return how a task's states were told."""
        found = [d for d in self.details("ECS Task State Change") if d["taskArn"] == task.arn]
        assert [d["version"] for d in found] == sorted({d["version"] for d in found}), "versions do not rise"
        return [(d["lastStatus"], d["desiredStatus"]) for d in found]

    def steady(self) -> World:
        """Let it come up, and forget how that was told."""
        self.second(8)
        assert self.service.steady
        self.rows.clear()
        return self


def test_a_service_comes_up_in_the_order_that_ecs_tells() -> None:
    """Started, provisioned, running, registered, deployment completed, steady."""
    world = World()
    world.second(8)
    task = world.service.alive[0]

    assert [text.split(":")[0].split(" (")[0] for text in world.messages()] == [
        "has started 3 tasks",
        *["registered 1 targets in"] * 3,
        f"(deployment {task.deployment}) deployment completed.",
        "has reached a steady state.",
    ]
    assert world.of(task) == [("PROVISIONING", "RUNNING"), ("PENDING", "RUNNING"), ("RUNNING", "RUNNING")]
    assert [d["eventName"] for d in world.details("ECS Deployment State Change")] == [
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
    ]


def test_a_task_that_ends_is_replaced() -> None:
    """Nobody asked it to: the essential container exited, and says how."""
    world = World().steady()
    task = world.service.alive[1]
    world.service.ended(task.id, world.now, exit_code=1)
    world.second(5)
    stopped = world.details("ECS Task State Change")[1]

    assert world.of(task) == [("DEPROVISIONING", "STOPPED"), ("STOPPED", "STOPPED")]
    assert stopped["stopCode"] == "EssentialContainerExited"
    assert stopped["stoppedReason"] == "Essential container in task exited"
    assert stopped["containers"][0]["exitCode"] == 1
    assert "reason" not in stopped["containers"][0]
    assert len(world.service.alive) == 3
    assert world.messages()[-1] == "has reached a steady state."
    assert not any("has stopped" in text for text in world.messages()), "the scheduler stopped nothing"


def test_a_task_out_of_memory_says_so_at_its_container() -> None:
    """137 alone would not tell it from a task that did not stop in time."""
    world = World().steady()
    world.service.ended(world.service.alive[0].id, world.now, exit_code=137, reason=OUT_OF_MEMORY)
    container = world.details("ECS Task State Change")[-1]["containers"][0]

    assert (container["exitCode"], container["reason"]) == (137, OUT_OF_MEMORY)


def test_an_unhealthy_task_is_drained_stopped_and_replaced() -> None:
    """After two failed checks in a row, in the words and order of ECS."""
    world = World().steady()
    sick = world.service.alive[0]
    world.health = lambda task: wrong_code(503) if task is sick else ""
    world.second(2)
    assert sick.alive
    world.second(8)

    assert [text.replace(sick.id, "ID").split(TARGET_GROUP)[0] for text in world.messages()[:5]] == [
        f"(task ID) (port {sick.port}) is unhealthy in (",
        "deregistered 1 targets in (",
        "has begun draining connections on 1 tasks.",
        f"has started 1 tasks: (task {world.service.alive[-1].id}).",
        "has stopped 1 running tasks: (task ID).",
    ]
    assert world.messages()[0].endswith("due to (reason Health checks failed with these codes: [503])")
    assert world.of(sick) == [
        (status, "STOPPED") for status in ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")
    ]
    assert sick.stop_code == "ServiceSchedulerInitiated"
    assert sick.stopped_reason.startswith(f"Task failed ELB health checks in ({TARGET_GROUP}")


def test_a_private_service_has_no_targets() -> None:
    """ECS checks its containers instead, and speaks of no target group."""
    world = World(PAYMENT).steady()
    world.health = lambda _: TIMED_OUT
    world.second(6)

    assert world.messages()[0].endswith("failed container health checks.")
    assert "target" not in " ".join(world.messages())
    assert next(iter(world.service.tasks.values())).stopped_reason == "Task failed container health checks"


def test_one_failed_check_is_none() -> None:
    """Checks have to fail in a row."""
    world = World().steady()
    for task in world.service.alive * 3:
        world.service.probed(task.id, TIMED_OUT)
        world.service.probed(task.id, "")
    world.second(2)

    assert world.rows == []


def test_a_slow_start_is_forgiven() -> None:
    """Within its grace a task may fail its checks; after it, it may not."""
    world = World(health=lambda _: TIMED_OUT)
    world.second(11)
    assert all(task.alive for task in world.service.tasks.values())
    world.second(3)

    assert not any(task.alive for task in list(world.service.tasks.values())[:3])


def test_a_grace_is_not_over_with_the_first_good_check() -> None:
    """ECS ignores failed checks all of it long; the balancer does not."""
    world = World()
    sick: list[Task] = []
    world.health = lambda task: TIMED_OUT if task in sick else ""
    world.second(5)
    sick.append(world.service.alive[0])
    world.second(6)
    assert (sick[0].alive, sick[0].health, sick[0].was_healthy) == (True, "unhealthy", True)
    world.second(4)

    assert not sick[0].alive


def test_a_stop_by_hand_is_not_the_schedulers() -> None:
    """A message of the service says what its scheduler stopped; StopTask tells of itself by the task's event."""
    world = World().steady()
    task = world.service.alive[0]
    world.service.stop(task.id, world.now, "by hand")
    world.second(8)

    assert (task.status, task.stop_code) == ("STOPPED", "UserInitiated")
    assert not any("has stopped" in text for text in world.messages())


def test_a_container_that_does_not_end_is_killed() -> None:
    """SIGTERM, the time-out, SIGKILL once."""
    world = World(stubborn=True).steady()
    world.done.clear()
    task = world.service.alive[0]
    world.service.stop(task.id, world.now, "by hand")
    world.second(12)

    assert [type(action) for action in world.done if action.task is task] == [Terminate, Kill]
    assert (task.exit_code, task.stop_code, task.stopped_reason) == (137, "UserInitiated", "by hand")


def test_a_rollout_never_has_fewer_healthy_tasks_than_wanted() -> None:
    """100 % at least, 200 % at most; old tasks go by and by, and that is no failure of theirs."""
    world = World().steady()
    old = list(world.service.alive)
    deployment = world.service.release(Revision(family=SHOP, number=2), world.now)
    for _ in range(12):
        world.second()
        assert sum(task.serving for task in world.service.tasks.values()) >= 3
        assert len(world.service.alive) <= 6

    assert {task.revision.number for task in world.service.alive} == {2}
    assert {task.stopped_reason for task in old} == {f"Scaling activity initiated by (deployment {deployment})"}
    assert world.service.primary.state == "COMPLETED"
    assert [d["reason"] for d in world.details("ECS Deployment State Change")] == [
        f"ECS deployment {deployment} in progress.",
        f"ECS deployment {deployment} completed.",
    ]


def test_a_bad_revision_is_rolled_back() -> None:
    """The circuit breaker counts tasks that could not be started; the old tasks serve all the while."""
    world = World(missing=lambda task: task.revision.number == 2).steady()
    good = world.service.primary.id
    bad = world.service.release(Revision(family=SHOP, number=2), world.now)
    for _ in range(15):
        world.second()
        assert sum(task.serving for task in world.service.tasks.values()) == 3
    told = world.details("ECS Deployment State Change")

    assert world.service.primary.id == good
    assert {task.revision.number for task in world.service.alive} == {1}
    assert [(d["eventName"], d["eventType"], d["deploymentId"]) for d in told] == [
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", bad),
        ("SERVICE_DEPLOYMENT_FAILED", "ERROR", bad),
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", good),
        ("SERVICE_DEPLOYMENT_COMPLETED", "INFO", good),
    ]
    assert told[1]["reason"] == "ECS deployment circuit breaker: task failed to start."
    assert told[2]["reason"] == f"ECS deployment circuit breaker: rolling back to deploymentId {good}."
    assert f"(deployment {bad}) deployment failed: tasks failed to start." in world.messages()
    assert f"rolling back to deployment {good}." in world.messages()


def test_a_revision_that_crashes_once_it_runs_is_not_rolled_back() -> None:
    """As on ECS: its breaker counts no task that has come to RUNNING and ended by itself, and starts the next."""
    world = World(crashes=lambda task: task.revision.number == 2).steady()
    bad = world.service.release(Revision(family=SHOP, number=2), world.now)
    for _ in range(60):
        world.second()
        assert sum(task.serving for task in world.service.tasks.values()) == 3
    codes = [d["containers"][0].get("exitCode") for d in world.details("ECS Task State Change")]

    assert (world.service.primary.id, world.service.primary.state) == (bad, "IN_PROGRESS")
    assert [d["eventName"] for d in world.details("ECS Deployment State Change")] == ["SERVICE_DEPLOYMENT_IN_PROGRESS"]
    assert codes.count(3) > 3 * SETTINGS.breaker
    assert not any("unable to consistently start" in text for text in world.messages())
    assert world.service.primary.crashed > SETTINGS.breaker, "a lab that comes up looks at it"


def test_a_healthy_task_sets_the_breaker_back() -> None:
    """As ECS does unless it is told otherwise: one task serves while its sibling cannot be started for a while."""
    turns: list[str] = []

    def for_a_while(task: Task) -> bool:
        if task.revision.number == 2:
            turns.append(task.id)
        return 1 < len(turns) < 5

    world = World(settings=replace(SETTINGS, tasks=2, breaker=2), missing=for_a_while).steady()
    world.service.release(Revision(family=SHOP, number=2), world.now)
    world.second(30)

    assert len(turns) == 5
    assert (world.service.primary.revision.number, world.service.primary.state) == (2, "COMPLETED")


def test_a_revision_that_never_becomes_healthy_is_rolled_back_too() -> None:
    """It runs and answers wrongly: the breaker counts its stops."""
    world = World(health=lambda task: wrong_code(404) if task.revision.number == 2 else "").steady()
    world.service.release(Revision(family=SHOP, number=2), world.now)
    world.second(30)

    assert {task.revision.number for task in world.service.alive} == {1}


def test_a_first_revision_that_fails_is_not_tried_for_ever() -> None:
    """There is nothing to go back to."""
    world = World(missing=lambda _: True)
    world.second(30)

    assert world.service.primary.state == "FAILED"
    assert len(world.service.tasks) == 3


def test_a_task_that_cannot_start_is_tried_ever_more_seldom() -> None:
    """It has no exit code, since it never ran, and ECS says so once."""
    world = World(settings=LabSettings(tasks=1, breaker=100, provision=1)).steady()
    world.service.stop(world.service.alive[0].id, world.now)
    starts = []
    for _ in range(40):
        for action in world.service.tick(world.now):
            if isinstance(action, Start):
                starts.append(world.now)
                world.service.refused(action.task.id, world.now, "CannotStartContainerError: no such file")
            else:
                world.service.ended(action.task.id, world.now, exit_code=0)
        world.now += timedelta(seconds=1)
    gaps = [(b - a).total_seconds() for a, b in pairwise(starts)]
    stopped = [d for d in world.details("ECS Task State Change") if d.get("stopCode") == "TaskFailedToStart"]

    assert gaps == sorted(gaps)
    assert gaps[-1] > gaps[0]
    assert "exitCode" not in stopped[0]["containers"][0]
    assert stopped[0]["stoppedReason"] == "CannotStartContainerError: no such file"
    assert world.messages().count("is unable to consistently start tasks successfully.") == 1
    assert [d["eventName"] for d in world.details("ECS Service Action")] == ["SERVICE_TASK_START_IMPAIRED"]


def test_scaling_in_stops_the_newest() -> None:
    """And scaling out starts what is missing."""
    world = World().steady()
    first = world.service.alive[0]
    world.service.scale(1, world.now)
    world.second(6)
    assert world.service.alive == [first]
    world.service.scale(4, world.now)
    world.second(6)

    assert len(world.service.alive) == 4
    assert world.service.steady


def test_what_was_stopped_on_its_way_up_still_ends() -> None:
    """Its container may come into being after nobody wants it any more."""
    world = World()
    world.second(1)
    task = world.service.alive[0]
    world.service.stop(task.id, world.now)
    pending = world.service.alive[1]
    world.second(2)
    world.service.stop(pending.id, world.now)
    world.second(6)

    assert (task.status, pending.status) == ("STOPPED", "STOPPED")
    assert task.exit_code is None


def test_stopped_tasks_are_forgotten_in_time() -> None:
    """A lab that runs for hours does not grow."""
    world = World().steady()
    world.service.ended(world.service.alive[0].id, world.now, exit_code=1)
    world.second(200)

    assert len(world.service.tasks) == 3


def test_obskit_reads_what_is_said() -> None:
    """Every row is an event to the parsers that read AWS's own."""
    world = World(crashes=lambda task: task.revision.number == 2)
    world.second(8)
    world.service.release(Revision(family=SHOP, number=2), world.now)
    world.second(15)
    read = [event_from_eventbridge(row) if "detail" in row else event_from_service_message(row) for row in world.rows]
    events = dedupe(event for event in read if event)

    assert {event.service for event in events} == {SHOP}
    assert {event.detail("cluster") for event in events} == {"lab"}
    stops = [event for event in events if event.kind == "task_stopped"]
    assert {(e.code, e.detail("exit_code"), e.revision) for e in stops} == {
        ("EssentialContainerExited", "3", "demo-app:2")
    }
