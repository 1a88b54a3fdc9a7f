"""Keeps one service's tasks as the machine's processes: does what `EcsService` decides, and tells it what happened."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from obskit.lab import wire
from obskit.lab.balancer import Balancer
from obskit.lab.ecs_service import EcsService
from obskit.lab.ecs_task import Kill, Revision, Start, Task, Terminate
from obskit.lab.ecs_words import NO_ANSWER, OUT_OF_MEMORY, TIMED_OUT, wrong_code
from obskit.lab.lines import Collector
from obskit.lab.machine import Usage
from obskit.lab.runner import Container
from obskit.lab.settings import LabSettings

#: A target that is new is checked this often, until it is healthy once.
_NEW_SECONDS: Final = 0.5
_FAULT_SECONDS: Final = 5.0
#: The application ends faults by itself after this; nobody holds one for longer.
_FAULT_HOURS: Final = 24


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Host:
    """One service on this machine.

    Args:
        service: Who decides.
        settings: Of the lab.
        folder: Of all its tasks.
        environment: What each task gets, besides what its revision and its place say.
        collector: Takes the lines.

    Attributes:
        service: Who decides.
        balancer: Before its tasks.
        used: What each task uses, by id; see `measured`.
        faults: What is broken in its tasks, by name, and in those to come where it says ``all``.
    """

    def __init__(
        self,
        service: EcsService,
        settings: LabSettings,
        folder: Path,
        environment: Callable[[], Mapping[str, str]],
        collector: Collector,
    ) -> None:
        self.service = service
        self.balancer = Balancer(lambda: list(service.tasks.values()))
        self.used: dict[str, Usage] = {}
        self.faults: dict[str, dict[str, Any]] = {}
        self._settings = settings
        self._folder = folder
        self._environment = environment
        self._collector = collector
        self._containers: dict[str, Container] = {}
        self._due: dict[str, float] = {}
        self._asking: set[str] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._revisions = 1

    def tick(self) -> None:
        """Do what is due."""
        for action in self.service.tick(now()):
            container = self._containers.get(action.task.id)
            if isinstance(action, Start):
                self._in_background(self._run(action.task))
            elif container and isinstance(action, Terminate):
                container.terminate()
            elif container and isinstance(action, Kill):
                container.kill()
        self._check()

    def release(self, change: Mapping[str, Any]) -> str:
        """Roll out a revision, and return the deployment's id.

        Args:
            change: ``environment`` (over that of the lab), ``command``, ``cpu``, ``memory``, ``tag``: what
                differs from the present revision's defaults.
        """
        self._revisions += 1
        revision = Revision(
            family=self.service.name,
            number=self._revisions,
            command=tuple(change.get("command") or ()),
            environment=tuple(sorted((str(k), str(v)) for k, v in (change.get("environment") or {}).items())),
            cpu=int(change.get("cpu") or self._settings.cpu),
            memory=int(change.get("memory") or self._settings.memory),
            tag=str(change.get("tag") or ""),
        )
        return self.service.release(revision, now())

    def measured(self, used: Mapping[int, Usage]) -> None:
        """Take what sessions use, and kill those that use more memory than their task has."""
        self.used = {name: used[c.pid] for name, c in self._containers.items() if c.pid in used}
        for name, usage in self.used.items():
            task = self.service.tasks.get(name)
            if task and usage.memory > task.revision.memory * 2**20:
                self._containers[name].out_of_memory = True
                self._containers[name].kill()

    @property
    def sessions(self) -> list[int]:
        """The sessions of its tasks."""
        return [container.pid for container in self._containers.values()]

    def pid(self, task_id: str) -> int:
        """Return the process id of a task's first process; 0 where it has none."""
        container = self._containers.get(task_id)
        return container.pid if container else 0

    async def stop(self) -> None:
        """End all tasks at once."""
        for container in self._containers.values():
            container.kill()
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def break_it(self, name: str, wish: Mapping[str, Any], tasks: str) -> list[str]:
        """Switch a fault on, and return the ids of the tasks that have it.

        Args:
            name: As the application calls it.
            wish: ``strength`` and ``target``.
            tasks: ``all`` and those to come, ``one``, or a task's id.

        Raises:
            ValueError: The application refuses; with its words.
        """
        found = [task for task in self.service.alive if task.status == "RUNNING"]
        if tasks == "one":
            found = found[:1]
        elif tasks != "all":
            found = [task for task in found if task.id == tasks]
        self.faults[name] = {"wish": dict(wish), "tasks": tasks if tasks == "all" else [task.id for task in found]}
        broken = []
        for task in found:
            try:
                await self._break(task, name, wish)
            except OSError:  # it is on its way out, or hangs already
                continue
            except ValueError:
                del self.faults[name]
                raise
            broken.append(task.id)
        return broken

    async def mend(self, name: str) -> None:
        """Switch a fault off in all tasks; one that does not answer is left to its fate."""
        self.faults.pop(name, None)
        running = [task for task in self.service.alive if task.status == "RUNNING"]
        asked = (self._fault_call(task, "DELETE", name, b"") for task in running)
        await asyncio.gather(*asked, return_exceptions=True)

    async def _break(self, task: Task, name: str, wish: Mapping[str, Any]) -> None:
        body = {**{k: v for k, v in wish.items() if v not in (None, "")}, "seconds": _FAULT_HOURS * 3600}
        answer = await self._fault_call(task, "POST", name, json.dumps(body).encode())
        if answer.status >= 400:
            raise ValueError(f"{task.service}: fault {name}: {answer.status} {answer.body.decode(errors='replace')}")

    async def _fault_call(self, task: Task, method: str, name: str, body: bytes) -> wire.Message:
        headers = {"content-type": "application/json"}
        return await wire.ask(task.port, method, f"/faults/{name}", headers=headers, body=body, seconds=_FAULT_SECONDS)

    async def _run(self, task: Task) -> None:
        """Run a task until its end."""
        folder = self._folder / task.id
        folder.mkdir(parents=True)
        settings = self._settings
        environment = {
            **self._environment(),
            "SERVICE_NAME": task.service,
            "VERSION": task.revision.tag or f"r{task.revision.number}",
            "PORT": str(task.port),
            "RUN_DIR": str(folder),
            "STOP_SECONDS": f"{max(settings.stop - 1, 2):g}",
            "ECS_TASK_ID": task.id,
            **dict(task.revision.environment),
        }
        try:
            try:
                container = await Container.start(task, folder, environment, settings.descriptors)
            except OSError as error:
                said = error.strerror or str(error)
                self.service.refused(task.id, now(), f"CannotStartContainerError: failed to create task: {said}")
                return
            self._containers[task.id] = container
            self.service.began(task.id, now())
            code = await container.run(lambda lines: self._collector.add(task.service, task.id, lines))
            if task.id in self.service.tasks:
                reason = OUT_OF_MEMORY if container.out_of_memory else ""
                self.service.ended(task.id, now(), exit_code=code, reason=reason)
        finally:
            self._containers.pop(task.id, None)
            self.used.pop(task.id, None)
            shutil.rmtree(folder, ignore_errors=True)

    def _check(self) -> None:
        """Begin the health checks that are due."""
        clock = asyncio.get_running_loop().time()
        for task in self.service.alive:
            due = self._due.get(task.id, 0.0)
            if task.registered and clock >= due and task.id not in self._asking:
                every = self._settings.health_every if task.was_healthy else _NEW_SECONDS
                self._due[task.id] = clock + every
                self._asking.add(task.id)
                self._in_background(self._probe(task))
        self._due = {name: due for name, due in self._due.items() if name in self.service.tasks}

    async def _probe(self, task: Task) -> None:
        problem = ""
        try:
            answer = await wire.ask(task.port, "GET", "/health", seconds=self._settings.health_timeout)
            problem = "" if answer.status == 200 else wrong_code(answer.status)
        except TimeoutError:
            problem = TIMED_OUT
        except (OSError, ValueError):
            problem = NO_ANSWER
        finally:
            self._asking.discard(task.id)
        # A program that is still starting is no failure yet, as long as its grace lasts.
        first = not problem and not task.was_healthy
        if task.was_healthy or not problem or self._is_late(task):
            self.service.probed(task.id, problem)
        if first:
            await self._pass_on(task)

    def _is_late(self, task: Task) -> bool:
        return task.started is not None and (now() - task.started).total_seconds() > self._settings.grace

    async def _pass_on(self, task: Task) -> None:
        """Break a new task as all others are broken."""
        for name, fault in list(self.faults.items()):
            if fault["tasks"] == "all":
                try:
                    await self._break(task, name, fault["wish"])
                except (OSError, ValueError):
                    continue

    def _in_background(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception():
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a task of the lab failed", "exception": task.exception(), "task": task}
            )
