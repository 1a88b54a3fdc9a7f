"""Runs programs and tasks for the supervisor: each in a session of its own, with an environment of our making."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from obskit.errors import SourceError
from obskit.lab.ecs_task import Task
from obskit.lab.lines import Splitter

#: All that a child sees of our environment.
PLAIN: Final = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
#: The demo application, as its image starts it.
APPLICATION: Final = (sys.executable, "-m", "obskit.lab.app")
_PIECE: Final = 64 * 1024
_LOG_TAIL: Final = 600


class Program:
    """One of Debian's programs.

    Args:
        name: For people.
        command: Its arguments, the program first.
        folder: Where it works; its output goes to ``log`` in it.
        user: Whom it runs as; None for ourselves.
    """

    def __init__(self, name: str, command: Sequence[str], folder: Path, user: int | None = None) -> None:
        self.name = name
        self._command = list(command)
        self._folder = folder
        self._user = user
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Its process id; 0 while it does not run."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else 0

    async def start(self) -> None:
        """Start it.

        Raises:
            OSError: It cannot be started.
        """
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=PLAIN,
                start_new_session=True,
                user=self._user,
            )

    async def finish(self) -> None:
        """Wait until it has done its work.

        Raises:
            SourceError: It failed; with its last words.
        """
        if self._process and await self._process.wait():
            raise SourceError(f"{self.name} failed", where={"said": self.last_words()})

    async def stop(self, number: int = signal.SIGTERM, *, seconds: float = 5.0) -> None:
        """End it: by a signal, and by SIGKILL after so many seconds."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            kill_session(process.pid)
            await process.wait()

    async def until(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Look again and again until it is ready.

        Raises:
            SourceError: It ended, or was not ready in time; with its last words.
        """
        end = asyncio.get_running_loop().time() + seconds
        while not await asyncio.to_thread(is_ready):
            if not self.pid:
                raise SourceError(f"{self.name} ended", where={"said": self.last_words()})
            if asyncio.get_running_loop().time() > end:
                raise SourceError(f"{self.name} was not ready after {seconds:g} s", where={"said": self.last_words()})
            await asyncio.sleep(0.05)

    def last_words(self) -> str:
        """Return the end of what it has said."""
        try:
            return (self._folder / "log").read_text(errors="replace")[-_LOG_TAIL:].strip()
        except OSError:
            return ""


class Container:
    """A task's processes.

    Attributes:
        pid: Of the first one, which leads the session of all.
    """

    def __init__(self, process: asyncio.subprocess.Process, output: IO[bytes]) -> None:
        self.pid = process.pid
        self.out_of_memory = False
        self._process = process
        self._output = output

    @classmethod
    async def start(cls, task: Task, folder: Path, environment: Mapping[str, str], descriptors: int) -> Container:
        """Start a task.

        Args:
            task: Its revision says the command.
            folder: The task's alone.
            environment: The whole of it.
            descriptors: The most open files of each of its processes.

        Raises:
            OSError: The command cannot be started.
        """
        # A pipe of our own: asyncio's would make the end of the first process wait for that of the last.
        reading, writing = os.pipe()
        output = os.fdopen(reading, "rb", buffering=0)
        try:
            process = await asyncio.create_subprocess_exec(
                *(task.revision.command or APPLICATION),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=asyncio.subprocess.STDOUT,
                cwd=folder,
                env={**PLAIN, **environment},
                start_new_session=True,
            )
        except BaseException:
            output.close()
            raise
        finally:
            os.close(writing)
        with contextlib.suppress(ProcessLookupError):  # before it has had the time to start another process
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        return cls(process, output)

    async def run(self, take: Callable[[list[str]], None]) -> int:
        """Pass its lines on until its end, and return its exit code as a container has it.

        Args:
            take: Called with lines as they come.
        """
        reader = asyncio.create_task(self._read(take))
        try:
            code = await self._process.wait()
        except asyncio.CancelledError:
            reader.cancel()
            raise
        # A container ends with its first process, whatever others it has.
        kill_session(self.pid)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader, 1.0)
        return 128 - code if code < 0 else code

    async def _read(self, take: Callable[[list[str]], None]) -> None:
        stream, splitter = asyncio.StreamReader(), Splitter()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), self._output)
        try:
            while True:
                data = await stream.read(_PIECE)
                if lines := splitter.lines(data):
                    take(lines)
                if not data:
                    return
        finally:
            transport.close()

    def terminate(self) -> None:
        """Ask it to end, as `docker stop` asks a container's first process."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """End it at once, with all its processes."""
        kill_session(self.pid)


def kill_session(leader: int) -> None:
    """Kill a session's processes; its leader's process group, which nothing in the lab leaves."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
