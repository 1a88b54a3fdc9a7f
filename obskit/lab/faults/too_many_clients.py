"""The server's connection slots are taken by idle clients.

The shop's pools keep one connection each and open others when they need them. What they keep is ended once, as an
idle time-out does: whoever comes back finds no slot.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from obskit.errors import SourceError
from obskit.lab.database import end_sessions, sessions
from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.settings import SHOP
from obskit.model import DATABASE

#: Slots that PostgreSQL keeps for superusers.
_RESERVED: Final = 3
_FILL_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyClients(Fault):
    """Connections beside the pool, from one task, which opens another as soon as one comes free.

    Attributes:
        clock, sleep: Seconds that only go forward, and what waits.
    """

    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def start(self, lab: Lab, strength: float) -> str:
        """Open them, and then end those that were there before."""
        import psycopg

        end = self.clock() + _FILL_SECONDS
        try:
            before = sessions(lab.database)
            lab.break_it(SHOP, "many_connections", strength, tasks="one")
            while not _is_full(sessions(lab.database), before, strength, lab) and self.clock() < end:
                self.sleep(_LOOK_SECONDS)
            end_sessions(lab.database, before)
        except psycopg.Error as error:
            raise SourceError("the database was not filled", where={"said": str(error)}) from error
        return ""

    def stop(self, lab: Lab) -> None:
        """Close them."""
        lab.mend(SHOP, "many_connections")


def _is_full(now: list[int], before: list[int], strength: float, lab: Lab) -> bool:
    return len(set(now) - set(before)) >= strength or len(now) >= lab.settings.connections - _RESERVED


FAULT = TooManyClients(
    id="too_many_clients",
    title="the database server has no connection slot left",
    truth=Truth(cause="db_connection_limit", culprit=DATABASE),
    strengths=(35.0, 100.0),
    unit="connections beside the pools; the server has 40",
    settings={"connections": 40, "shop_environment": (("POOL_SIZE", "1"), ("POOL_OVERFLOW", "7"))},
)
