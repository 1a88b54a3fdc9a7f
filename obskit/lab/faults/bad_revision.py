"""A release whose program cannot be imported: each new task ends with code 1, until ECS rolls back."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from obskit.lab.fault import Truth
from obskit.lab.faults._released import Change, Released


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRevision(Released):
    """The application's own start, with an import of what is not there before it."""

    def change(self, strength: float) -> Change:
        """A module that was not packed, or a name that is no longer in one."""
        wrong = "import shop_pricing" if strength < 2 else "from obskit.lab.app.orders import checkout"
        code = f"{wrong}\nfrom obskit.lab.app.__main__ import main\nraise SystemExit(main([]))"
        return Change(command=(sys.executable, "-c", code))


FAULT = BadRevision(
    id="bad_revision",
    title="a release crashes on import",
    truth=Truth(cause="bad_deployment"),
    strengths=(1.0, 2.0),
    unit="1: a module is missing; 2: a name is missing in a module",
)
