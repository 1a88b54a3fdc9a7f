"""Behaves as an ECS service does, and decides only: no process, no socket, no clock of its own.

Told what happened to tasks, it says what ECS would say and returns what is to be done. Rolling deployments
with 100 % healthy at least and 200 % at most, and a circuit breaker that rolls back.

The breaker counts as ECS does. Its API reference says (``Deployment.failedTasks``) that a task has failed that could
not be launched, did not come to RUNNING, or failed a health check and was stopped for it; and
(``DeploymentCircuitBreaker.resetOnHealthyTask``) that a task that becomes healthy sets the count to 0, unless one
chooses otherwise. A task that runs and then crashes is none of these: its deployment is neither failed nor rolled
back, and ECS starts the next (users ask for a change in aws/containers-roadmap, "ECS deployment circuit breaker
should deal with exceptional exit container", still open). The same holds for "unable to consistently start".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from obskit.lab.ecs_task import REGION, Action, Deployment, Kill, Revision, Start, Task, Terminate
from obskit.lab.ecs_words import ESSENTIAL, Words
from obskit.lab.settings import LabSettings

_SCHEDULER: Final = "ServiceSchedulerInitiated"
#: Where ECS puts tasks in turn.
_ZONES: Final = tuple(f"{REGION}{letter}" for letter in "abc")
_MAXIMUM_PERCENT: Final = 200
#: So many tasks in a row that could not start, and ECS says so and waits between two more.
_IMPAIRED_AFTER: Final = 3
_LONGEST_BACKOFF_SECONDS: Final = 60.0
#: DescribeTasks knows stopped tasks for a while too.
_REMEMBERED: Final = timedelta(minutes=2)


class EcsService:
    """One service and its tasks.

    Args:
        name: Of the service.
        settings: Desired count, patience, thresholds.
        revision: The first one.
        words: Who says what ECS would.
        new_port: Where the next task shall listen.

    Attributes:
        desired: How many tasks it shall have; see `scale`.
        tasks: By id, in the order of their creation; stopped ones for a while.
        deployments: The last is the primary one.
    """

    def __init__(
        self,
        name: str,
        settings: LabSettings,
        revision: Revision,
        words: Words,
        new_port: Callable[[], int],
        now: datetime,
    ) -> None:
        self.name = name
        self.desired = settings.count(name)
        self.tasks: dict[str, Task] = {}
        self.deployments: list[Deployment] = []
        self._settings = settings
        self._words = words
        self._new_port = new_port
        self._made = 0
        self._steady = False
        self._refused = 0
        self._not_before = now
        self.release(revision, now)

    @property
    def primary(self) -> Deployment:
        """The deployment that is wanted."""
        return self.deployments[-1]

    @property
    def steady(self) -> bool:
        """Whether it has reached a steady state."""
        return self._steady

    @property
    def alive(self) -> list[Task]:
        """The tasks that the service counts on, the oldest first."""
        return [task for task in self.tasks.values() if task.alive]

    def release(self, revision: Revision, now: datetime) -> str:
        """Begin to roll a revision out, and return the deployment's id."""
        self._begin(revision, now, "ECS deployment {} in progress.")
        return self.primary.id

    def scale(self, desired: int, now: datetime) -> None:
        """Want so many tasks."""
        self.desired = desired
        self._steady = False
        self._words.action(now, "SERVICE_DESIRED_COUNT_UPDATED")

    def stop(self, task_id: str, now: datetime, reason: str = "Task stopped by user") -> None:
        """Stop a task as somebody's StopTask does."""
        self._stop(self.tasks[task_id], now, "UserInitiated", reason)

    def began(self, task_id: str, now: datetime) -> None:
        """A task's container runs: it becomes a target."""
        task = self.tasks[task_id]
        task.started, self._refused = now, 0
        if not task.alive:  # stopped on its way up
            task.status = "DEACTIVATING"
            self._words.task(now, task)
            return
        task.status, task.registered = "RUNNING", True
        self._words.task(now, task)
        self._words.registered(now)

    def refused(self, task_id: str, now: datetime, reason: str) -> None:
        """A task's container could not be started at all.

        Args:
            reason: ECS's words, such as ``CannotStartContainerError: …``.
        """
        task = self.tasks[task_id]
        task.stop_code, task.stopped_reason, task.container_reason = "TaskFailedToStart", reason, reason
        task.stopping = now
        self._end(task, now)
        self._refused += 1
        self._not_before = now + timedelta(seconds=min(2.0 ** (self._refused - 1), _LONGEST_BACKOFF_SECONDS))
        if self._refused == _IMPAIRED_AFTER:
            self._words.message(now, "is unable to consistently start tasks successfully.")
            self._words.action(now, "SERVICE_TASK_START_IMPAIRED")

    def ended(self, task_id: str, now: datetime, *, exit_code: int, reason: str = "") -> None:
        """A task's container ended, by itself or because it was told to.

        Args:
            exit_code: 128 and the signal's number where a signal ended it.
            reason: ECS's words about the container, such as `OUT_OF_MEMORY`.
        """
        task = self.tasks[task_id]
        asked = bool(task.stop_code)
        task.exit_code, task.container_reason, task.execution_stopped = exit_code, reason, now
        if not asked:
            task.stop_code, task.stopped_reason, task.stopping = "EssentialContainerExited", ESSENTIAL, now
        if task.registered:
            task.registered = False
            self._words.deregistered(now, draining=False)
        self._end(task, now)
        if task.stop_code == _SCHEDULER:  # of what others stop, its message says nothing
            self._words.stopped(now, [task])

    def probed(self, task_id: str, problem: str) -> None:
        """A target was checked.

        Args:
            problem: The balancer's words, "" for a good answer.
        """
        task = self.tasks.get(task_id)
        if task is None or not task.alive or not task.registered:
            return
        if not problem:
            task.health, task.failures, task.was_healthy, task.reason = "healthy", 0, True, ""
            deployment = self._of(task)
            deployment.failed = deployment.crashed = 0
            return
        task.failures, task.reason = task.failures + 1, problem
        if task.failures >= self._settings.unhealthy_after:
            task.health = "unhealthy"

    def tick(self, now: datetime) -> list[Action]:
        """Return what is to be done now."""
        self._fail_unhealthy(now)
        actions = [action for task in list(self.tasks.values()) if (action := self._advance(task, now))]
        self._break(now)
        self._start_missing(now)
        self._stop_surplus(now)
        self._conclude(now)
        for task in [t for t in self.tasks.values() if t.stopped and now - t.stopped > _REMEMBERED]:
            del self.tasks[task.id]
        return actions

    def _advance(self, task: Task, now: datetime) -> Action | None:
        """Move a task on whose time has come."""
        settings = self._settings
        if task.status == "PROVISIONING" and (now - task.created).total_seconds() >= settings.provision:
            if not task.alive:
                self._end(task, now)
                return None
            task.status, task.pulled = "PENDING", now
            self._words.task(now, task)
            return Start(task)
        if task.status == "DEACTIVATING" and task.stopping:
            if (now - task.stopping).total_seconds() < settings.deregister:
                return None
            task.status, task.terminated = "STOPPING", now
            self._words.task(now, task)
            return Terminate(task)
        late = task.terminated and (now - task.terminated).total_seconds() >= settings.stop
        if task.status == "STOPPING" and late and not task.killed:
            task.killed = True
            return Kill(task)
        return None

    def _fail_unhealthy(self, now: datetime) -> None:
        """Stop tasks that failed their checks; all of a task's grace long ECS ignores them, even if it was healthy."""
        for task in self.alive:
            young = task.started is None or (now - task.started).total_seconds() < self._settings.grace
            if task.health == "unhealthy" and not young:
                self._words.unhealthy(now, task)
                self._stop(task, now, _SCHEDULER, self._words.failed_checks)

    def _break(self, now: datetime) -> None:
        """Fail the deployment whose tasks fail, and roll back to the last good one."""
        bad = self.primary
        if bad.state != "IN_PROGRESS" or bad.failed < self._settings.breaker:
            return
        bad.state = "FAILED"
        self._words.message(now, f"(deployment {bad.id}) deployment failed: tasks failed to start.")
        self._words.deployment(
            now, "SERVICE_DEPLOYMENT_FAILED", bad, "ECS deployment circuit breaker: task failed to start."
        )
        good = next((d for d in reversed(self.deployments[:-1]) if d.good), None)
        if good is None:
            return
        # ECS goes back to the old deployment itself: it is the primary one again.
        self.deployments.remove(good)
        self.deployments.append(good)
        good.state, good.failed, good.crashed = "IN_PROGRESS", 0, 0
        self._words.message(now, f"rolling back to deployment {good.id}.")
        reason = f"ECS deployment circuit breaker: rolling back to deploymentId {good.id}."
        self._words.deployment(now, "SERVICE_DEPLOYMENT_IN_PROGRESS", good, reason)

    def _start_missing(self, now: datetime) -> None:
        alive, primary = self.alive, self.primary
        if primary.state == "FAILED" or now < self._not_before:
            return
        own = sum(task.deployment == primary.id for task in alive)
        most = math.ceil(self.desired * _MAXIMUM_PERCENT / 100)
        missing = min(self.desired - own, most - len(alive))
        if missing <= 0:
            return
        self._steady = False
        new = [self._new(now) for _ in range(missing)]
        self._words.started(now, new)
        for task in new:
            self._words.task(now, task)

    def _stop_surplus(self, now: datetime) -> None:
        """Stop what belongs to older deployments, as far as enough healthy tasks stay, and what is too many."""
        primary = self.primary
        old = [task for task in self.alive if task.deployment != primary.id]
        # First those that serve nobody.
        old.sort(key=lambda task: task.serving)
        own = [task for task in self.alive if task.deployment == primary.id]
        serving = sum(task.serving for task in self.alive)
        surplus = own[self.desired :]
        for task in (*old, *surplus):
            if task.serving:
                if serving <= self.desired:
                    continue
                serving -= 1
            self._stop(task, now, _SCHEDULER, f"Scaling activity initiated by (deployment {primary.id})")

    def _conclude(self, now: datetime) -> None:
        """Say that a rollout is complete and the state steady."""
        primary, alive = self.primary, self.alive
        moving = [t for t in self.tasks.values() if t.status != "STOPPED" and t.deployment != primary.id]
        done = not moving and len(alive) == self.desired and all(task.serving for task in alive)
        if not done:
            self._steady = self._steady and len(alive) == self.desired
            return
        if primary.state == "IN_PROGRESS":
            primary.state, primary.good = "COMPLETED", True
            self.deployments = [primary]
            self._words.message(now, f"(deployment {primary.id}) deployment completed.")
            reason = f"ECS deployment {primary.id} completed."
            self._words.deployment(now, "SERVICE_DEPLOYMENT_COMPLETED", primary, reason)
        if not self._steady:
            self._steady = True
            self._words.message(now, "has reached a steady state.")
            self._words.action(now, "SERVICE_STEADY_STATE")

    def _begin(self, revision: Revision, now: datetime, reason: str) -> None:
        deployment = Deployment(id=self._words.new_deployment_id(), revision=revision, begun=now)
        self.deployments.append(deployment)
        self._steady = False
        self._refused, self._not_before = 0, now
        self._words.deployment(now, "SERVICE_DEPLOYMENT_IN_PROGRESS", deployment, reason.format(deployment.id))

    def _new(self, now: datetime) -> Task:
        task = Task(
            id=self._words.new_task_id(),
            service=self.name,
            cluster=self._settings.cluster,
            revision=self.primary.revision,
            deployment=self.primary.id,
            zone=_ZONES[self._made % len(_ZONES)],
            port=self._new_port(),
            created=now,
        )
        self._made += 1
        self.tasks[task.id] = task
        return task

    def _stop(self, task: Task, now: datetime, code: str, reason: str) -> None:
        if not task.alive:
            return
        task.desired, task.stop_code, task.stopped_reason, task.stopping = "STOPPED", code, reason, now
        self._steady = False
        self._count(task)
        if task.registered:
            task.registered = False
            self._words.deregistered(now, draining=True)
        if task.status == "RUNNING":
            task.status = "DEACTIVATING"
        # What is still on its way up ends when it would have started.
        self._words.task(now, task)

    def _end(self, task: Task, now: datetime) -> None:
        self._steady = False
        if task.alive:
            self._count(task)
        task.desired, task.status = "STOPPED", "DEPROVISIONING"
        self._words.task(now, task)
        task.status, task.stopped = "STOPPED", now
        self._words.task(now, task)

    def _count(self, task: Task) -> None:
        """Count a task that is over against its deployment, as far as it failed or crashed."""
        deployment = self._of(task)
        if task.stop_code == "TaskFailedToStart" or task.stopped_reason == self._words.failed_checks:
            deployment.failed += 1
        elif task.stop_code == "EssentialContainerExited" and not task.was_healthy:
            deployment.crashed += 1

    def _of(self, task: Task) -> Deployment:
        """Return a task's deployment; one that is long over counts for nothing."""
        gone = Deployment(id=task.deployment, revision=task.revision, begun=task.created)
        return next((d for d in self.deployments if d.id == task.deployment), gone)
