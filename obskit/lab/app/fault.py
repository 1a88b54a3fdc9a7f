"""What a fault is, and what the kinds of faults share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .settings import Settings

if TYPE_CHECKING:
    import anyio

    from .service import Shop

#: Ends a fault and takes back what it took, as far as that can be.
End = Callable[[], None]
MEBIBYTE: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A fault that is asked for.

    Attributes:
        name: Of the fault.
        strength: In the fault's own unit.
        until: When it ends by itself; seconds since 1970.
        target: An address or a folder, for those that need one.
    """

    name: str
    strength: float
    until: float
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to break.

    Attributes:
        name: As in ``/faults/NAME``.
        unit: What `Wish.strength` says.
        usual: Strength where none is given.
        most: The greatest strength.
        begin: Breaks; returns what mends.
        once: Done by one worker of the task instead of each.
        target: What `Wish.target` must say; "" where it is not needed.
        refusal: Why it cannot be had here; "" where it can.
    """

    name: str
    unit: str
    usual: float
    most: float
    begin: Callable[[Wish], End]
    once: bool = False
    target: str = ""
    refusal: str = ""


@dataclass(slots=True, kw_only=True)
class Scene:
    """What faults break.

    Attributes:
        settings: What is configured.
        shop: Its parts; None in the payment service.
        loop, threads: Of the worker; there once it has started.
        answers: What spoils the payment service's answers.
    """

    settings: Settings
    shop: Shop | None
    answers: Answers
    loop: asyncio.AbstractEventLoop | None = None
    threads: anyio.CapacityLimiter | None = None


@dataclass(slots=True)
class Answers:
    """How answers are spoiled.

    Attributes:
        seconds: Each is so late.
        failing: Share that is a 500.
        throttled: Share that is a 429.
    """

    seconds: float = 0.0
    failing: float = 0.0
    throttled: float = 0.0


def again(every_seconds: float, act: Callable[[], None], *, name: str) -> End:
    """Act again and again in a thread, and return what ends it and waits for its end."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            act()
            over.wait(every_seconds)

    thread = threading.Thread(target=run, name=f"fault-{name}", daemon=True)
    thread.start()

    def end() -> None:
        over.set()
        thread.join()

    return end
