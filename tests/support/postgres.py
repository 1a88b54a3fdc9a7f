"""A real PostgreSQL for tests: Debian's programs, in a throw-away folder, on a free loopback port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.servers import POLL_SECONDS, START_SECONDS, STOP_SECONDS, free_port

#: Debian keeps them out of the PATH.
_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
#: PostgreSQL refuses to run as root; the first of these that exists takes its place.
_USERS = ("postgres", "nobody")


def _program(name: str) -> str:
    found = shutil.which(name) or next((str(path / name) for path in _DEBIAN if (path / name).exists()), "")
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


class PostgresServer:
    """A server with one superuser, whose password is asked for, for as long as the context lasts.

    Args:
        settings: Of ``postgresql.conf``, instead of those for tests.

    Attributes:
        port: On 127.0.0.1.
        user, password, database: What clients log in with.
        folder: Its data and log; removed afterwards.
    """

    user = "shop"
    password = "right-horse"
    database = "postgres"

    def __init__(self, **settings: str) -> None:
        self.port = free_port()
        self.folder = Path()
        self._process: subprocess.Popen[bytes] | None = None
        # Nothing here has to survive a power cut.
        self._settings = {"fsync": "off", "max_connections": "40", **settings}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that tell the demo application of it."""
        return {
            "DATABASE_HOST": "127.0.0.1",
            "DATABASE_PORT": str(self.port),
            "DATABASE_NAME": self.database,
            "DATABASE_USER": self.user,
            "DATABASE_PASSWORD": self.password,
        }

    def __enter__(self) -> Self:
        initdb, postgres = _program("initdb"), _program("postgres")
        self.folder = Path(tempfile.mkdtemp(prefix="obskit-postgres-"))
        try:
            secret = self.folder / "password"
            secret.write_text(self.password)
            data = self.folder / "data"
            self._own(secret)
            self._run([initdb, "-D", str(data), "-U", self.user, f"--pwfile={secret}", "--auth=scram-sha-256", "-N"])
            chosen = {
                "listen_addresses": "127.0.0.1",
                "port": str(self.port),
                "unix_socket_directories": str(self.folder),
                **self._settings,
            }
            options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
            with (self.folder / "log").open("wb") as log:
                self._process = subprocess.Popen(
                    [postgres, "-D", str(data), *options], stdout=log, stderr=log, cwd=self.folder, user=_user()
                )
            self._wait(self._process)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def log(self) -> str:
        """Return what it has said."""
        return (self.folder / "log").read_text(errors="replace")

    def _own(self, path: Path) -> None:
        if (user := _user()) is not None:
            for owned in (self.folder, path):
                os.chown(owned, user, -1)

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, user=_user())
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and "ready to accept connections" not in self.log():
            try:
                process.wait(POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        if "ready to accept connections" not in self.log():
            raise RuntimeError(f"postgres did not start:\n{self.log()[-2000:]}")

    def _stop(self) -> None:
        if self._process is not None:
            # "Fast": whoever is connected is thrown out.
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _user() -> int | None:
    """Return whom it runs as; None for whoever runs the tests."""
    if os.getuid() != 0:
        return None
    for name in _USERS:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is nobody else")
