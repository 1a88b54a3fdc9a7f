"""Users: they come by chance, more at noon than at midnight, look, think, fill a cart, sometimes buy, and give up.

A rate of arrivals is kept whatever the service does, up to a number of users at once: users do not wait for each
other. They come to loopback only.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from obskit.lab import wire

#: After so many seconds without an answer a user is gone.
PATIENCE_SECONDS: Final = 10.0
#: Between two actions of one user, on average.
_THINK_SECONDS: Final = 1.0
_PRODUCTS: Final = 24
#: What a user does, and how often of a hundred.
_HABITS: Final = (("browse", 55), ("look", 30), ("buy", 15))
#: Between two looks at a rate that is (nearly) nothing.
_IDLE_SECONDS: Final = 0.5


def rhythm(second: float, day: float) -> float:
    """Return how busy a time of day is: 0.5 at midnight, 1.5 at noon, 1 on average.

    Args:
        second: Since the lab's start, which is at 9 in the morning.
        day: Seconds of a whole day.
    """
    return 1.0 - 0.5 * math.cos(2 * math.pi * (second / day + 9 / 24))


@dataclass(slots=True)
class Counted:
    """What users met since the start."""

    sent: int = 0
    failed: int = 0
    gone: int = 0


class Load:
    """Sends users to one port.

    Args:
        port: Of the balancer.
        rate: Visits a second on average.
        day: Seconds of a day.
        most: Users at once.
        chance: Where chance comes from.

    Attributes:
        factor: Multiplies the rate; 0 stops it.
        counted: Requests sent, those that failed, and visits that found too many users.
    """

    def __init__(
        self, port: int, rate: float, day: float, most: int, chance: random.Random, clock: Callable[[], float]
    ) -> None:
        self.factor = 1.0
        self.counted = Counted()
        self._port, self._rate, self._day, self._most = port, rate, day, most
        self._chance = chance
        self._clock = clock
        self._users: set[asyncio.Task[None]] = set()

    def rate(self, second: float) -> float:
        """Return visits a second at a time since the start."""
        return self._rate * self.factor * rhythm(second, self._day)

    async def run(self) -> None:
        """Send users for ever."""
        begun = self._clock()
        while True:
            rate = self.rate(self._clock() - begun)
            pause = self._chance.expovariate(rate) if rate > 0 else _IDLE_SECONDS
            await asyncio.sleep(min(pause, _IDLE_SECONDS))
            if pause > _IDLE_SECONDS or rate <= 0:
                continue  # the rate may be another one by now
            if len(self._users) >= self._most * max(1.0, self.factor):
                self.counted.gone += 1
                continue
            user = asyncio.create_task(self._visit())
            self._users.add(user)
            user.add_done_callback(self._users.discard)

    async def _visit(self) -> None:
        habit = self._chance.choices([name for name, _ in _HABITS], [share for _, share in _HABITS])[0]
        if habit == "browse":
            await self._ask("GET", "/products")
        elif habit == "look":
            await self._ask("GET", f"/products/{self._product()}")
        else:
            await self._buy()

    async def _buy(self) -> None:
        cart = await self._ask("POST", "/carts")
        if not isinstance(cart, dict):
            return
        await self._think()
        line = {"product_id": self._product(), "quantity": self._chance.randint(1, 3)}
        if not await self._ask("POST", f"/carts/{cart['id']}/items", line):
            return
        await self._think()
        key = f"{self._chance.getrandbits(64):016x}"
        await self._ask("POST", "/orders", {"cart_id": cart["id"]}, key=key)

    async def _think(self) -> None:
        await asyncio.sleep(min(self._chance.expovariate(1 / _THINK_SECONDS), 5 * _THINK_SECONDS))

    def _product(self) -> int:
        return self._chance.randint(1, _PRODUCTS)

    async def _ask(self, method: str, path: str, body: object = None, *, key: str = "") -> object:
        """Return the answer's JSON; None where it failed."""
        headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
        self.counted.sent += 1
        try:
            answer = await wire.ask(
                self._port,
                method,
                path,
                headers=headers,
                body=b"" if body is None else orjson.dumps(body),
                seconds=PATIENCE_SECONDS,
            )
            if answer.status < 400:
                return orjson.loads(answer.body)
        except (OSError, ValueError):
            pass
        self.counted.failed += 1
        return None


def steady_clock() -> float:
    """Return seconds that only go forward."""
    return time.monotonic()
