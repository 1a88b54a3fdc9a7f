"""``/live``: the process answers. ``/health``: it may be sent requests.

The balancer asks for ``/health``. A task whose database fails stays ready by default: with one database behind
all tasks, unready tasks would all be replaced at once, and the new ones would be no better. ``HEALTH_DATABASE=require``
decides otherwise.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Final, Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, FastAPI, Response
from sqlalchemy import exc

from .database import Database
from .settings import Settings

_LOG: Final = logging.getLogger(__name__)
#: A database that was reached so recently is not asked again.
_GOOD_SECONDS: Final = 2.0
#: A balancer's check waits 5 s where nothing else is set; our answer has to come before.
_ASK_SECONDS: Final = 2.0


@dataclass(slots=True)
class Readiness:
    """Whether a worker may take requests.

    Attributes:
        started: Everything is set up, the tables included.
        draining: It was told to stop.
    """

    started: bool = False
    draining: bool = False


class DatabaseHealth:
    """Whether the database was reached lately; asked in threads that requests cannot take.

    Args:
        database: Whom to ask.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._good_until = 0.0
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self) -> Literal["ok", "failing"]:
        """Return how it is, after two seconds at most."""
        if time.monotonic() < self._good_until:
            return "ok"
        self._limiter = self._limiter or anyio.CapacityLimiter(2)
        with anyio.move_on_after(_ASK_SECONDS):
            try:
                await anyio.to_thread.run_sync(self._database.ping, limiter=self._limiter, abandon_on_cancel=True)
            except exc.SQLAlchemyError as error:
                _LOG.warning("health: the database fails: %s", str(error).splitlines()[0])
                return "failing"
            self._good_until = time.monotonic() + _GOOD_SECONDS
            return "ok"
        _LOG.warning("health: the database did not answer within %g s", _ASK_SECONDS)
        return "failing"


def add(app: FastAPI, settings: Settings, readiness: Readiness, database: DatabaseHealth | None) -> None:
    """Add both addresses; they need no thread, so that they answer while all threads are taken."""
    router = APIRouter(tags=["health"])

    @router.get("/live")
    async def live() -> dict[str, str]:
        """Tell that the process answers."""
        return {"status": "alive"}

    @router.get("/health")
    async def health(response: Response) -> dict[str, str]:
        """Tell whether requests may be sent here: 200, or 503 with the reason."""
        found = {"status": "ready", "version": settings.version}
        if readiness.draining:
            found["status"] = "draining"
        elif not readiness.started:
            found["status"] = "starting"
        elif database is not None:
            found["database"] = await database()
            if found["database"] != "ok" and settings.health_database == "require":
                found["status"] = "database failing"
        if found["status"] != "ready":
            response.status_code = 503
        return found

    app.include_router(router)
