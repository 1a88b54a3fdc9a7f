"""A release whose program cannot be imported, or is not there: no new task becomes healthy, and the old ones serve.

ECS rolls back only what cannot be started. A program that cannot be imported has come to RUNNING before it ends with
code 1: the breaker does not count it, and ECS starts the next one, for as long as the deployment lasts.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from obskit.lab.fault import Truth
from obskit.lab.faults._released import SLOW_START, Change, Released

#: A program that no image has.
MISSING: Final = "shop-server-of-another-image"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRevision(Released):
    """The application's own start, with an import of what is not there before it."""

    def change(self, strength: float) -> Change:
        """A module that was not packed, a name that is no longer in one, or a program that nobody finds."""
        if strength > 2:
            return Change(command=(MISSING,))
        wrong = "import shop_pricing" if strength < 2 else "from obskit.lab.app.orders import checkout"
        code = f"{wrong}\nfrom obskit.lab.app.__main__ import main\nraise SystemExit(main([]))"
        return Change(command=(sys.executable, "-c", code))


FAULT = BadRevision(
    id="bad_revision",
    title="a release does not come up",
    truth=Truth(cause="bad_deployment"),
    strengths=(1.0, 2.0, 3.0),
    unit="1: a module is missing; 2: a name is missing in a module; 3: the program itself is missing",
    settings=SLOW_START,
)
