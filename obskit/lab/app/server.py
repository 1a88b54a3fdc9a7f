"""The processes: gunicorn supervises, uvicorn serves in each worker, and SIGTERM drains before it ends.

gunicorn starts a worker anew that has ended or hangs, and ends with a code of its own where one cannot start.
"""

from __future__ import annotations

import logging
import time
from types import FrameType
from typing import Any, Final

from fastapi import FastAPI
from gunicorn.app.base import BaseApplication
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from . import runtime
from .application import create_app
from .settings import Settings

_LOG: Final = logging.getLogger(__name__)
#: Longer than the 60 s after which a load balancer closes an idle connection: who closes first while the
#: other sends makes a 502.
_KEEPALIVE_SECONDS: Final = 75
#: A worker whose event loop gave no sign for so long is killed.
_HANGING_SECONDS: Final = 30
#: Of the time to stop, what is kept for closing pools and for the supervisor.
_CLOSING_SECONDS: Final = 1.0


class DrainingServer(Server):
    """On SIGTERM it becomes unready, serves on for a while, takes no more, and ends when all is answered."""

    _drained_at = 0.0
    _said = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Begin to drain; a second signal ends the draining."""
        app: FastAPI = self.config.app  # type: ignore[assignment]
        if self._drained_at:
            self.should_exit = True
        app.state.readiness.draining = True
        self._drained_at = self._drained_at or time.monotonic() + app.state.settings.drain_seconds

    async def on_tick(self, counter: int) -> bool:
        """Look whether the draining is over; uvicorn asks ten times a second."""
        if self._drained_at and not self._said:
            # Not in the signal handler: it may have interrupted the writing of a line.
            self._said = True
            _LOG.info("told to stop: unready, and still serving for a while")
        if self._drained_at and time.monotonic() >= self._drained_at:
            self.should_exit = True
        return await super().on_tick(counter)


class Worker(UvicornWorker):  # type: ignore[misc]
    """A worker process."""

    CONFIG_KWARGS: Final[dict[str, Any]] = {
        "loop": "asyncio",
        "http": "h11",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
    }

    async def _serve(self) -> None:
        settings: Settings = self.app.settings
        self.config.app = self.wsgi
        self.config.timeout_graceful_shutdown = max(
            1, int(settings.stop_seconds - settings.drain_seconds - 2 * _CLOSING_SECONDS)
        )
        server = DrainingServer(config=self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            raise SystemExit(3)  # gunicorn's WORKER_BOOT_ERROR: it gives up instead of trying for ever


class _RootLogger(Logger):  # type: ignore[misc]
    """Gunicorn's own lines go where all others go."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers = []
        self.error_log.propagate = True


class Supervisor(BaseApplication):  # type: ignore[misc]
    """gunicorn, set up.

    Args:
        settings: What is configured.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings; nothing is read from files or the environment."""
        settings = self.settings
        chosen = {
            "bind": f"{settings.host}:{settings.port}",
            "workers": settings.workers,
            "worker_class": Worker,
            "worker_tmp_dir": str(settings.folder),
            # Imported once, before workers are forked: they share its memory.
            "preload_app": True,
            "timeout": _HANGING_SECONDS,
            "graceful_timeout": int(settings.stop_seconds - _CLOSING_SECONDS),
            "keepalive": _KEEPALIVE_SECONDS,
            "logger_class": _RootLogger,
            "loglevel": settings.log_level,
            "control_socket_disable": True,
            "child_exit": lambda _server, worker: runtime.forget(settings.folder / "workers", worker.pid),
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serve, and end the process with gunicorn's code."""
        try:
            super().run()
        except HaltServer as end:
            # The first worker that could not start halts it; the second one, while it halts, would be a traceback.
            _LOG.critical("halted: %s", end.reason)
            raise SystemExit(end.exit_status) from None

    def load(self) -> FastAPI:
        """Return the application that each worker serves."""
        return create_app(self.settings)
