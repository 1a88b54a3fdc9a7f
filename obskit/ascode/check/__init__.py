"""Checks of dashboards: one file a check.

A check is a module here. Its docstring is the page that ``obskit dashboards check --explain
NAME`` prints: what it looks for, why that matters, how to mend it. Its name is the module's
with dashes. It defines::

    def problems(case: Case) -> Iterable[Problem]: ...

`Definition.problem` makes a problem that names file, line and panel; the check's own name is
filled in here. A check that cannot be made raises `Skipped` with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from obskit.ascode.checking import Asked, Result, Skipped, checks_in, page_of, run_all
from obskit.ascode.definition import Definition

__all__ = ["Case", "Result", "Skipped", "all_checks", "explain", "run"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What checks look at.

    Attributes:
        definitions: All dashboards that could be loaded.
        unread: Uids of the others, as links name them: a link to one of them is not what is wrong.
        runbooks: The folder of runbooks; links to them must resolve.
        alerts: The folder of alert rules; their panel links must resolve.
        prometheus: A live one, where one was named.
    """

    definitions: tuple[Definition, ...]
    unread: tuple[str, ...] = ()
    runbooks: Path = Path("runbooks")
    alerts: Path = Path("alerts")
    prometheus: Asked | None = None


def all_checks() -> dict[str, ModuleType]:
    """Return every check's module by its name."""
    return checks_in(__name__)


def explain(name: str) -> str:
    """Return a check's page.

    Raises:
        UsageError: There is no such check.
    """
    return page_of(__name__, name)


def run(case: Case, names: Sequence[str] = ()) -> Result:
    """Make the checks, all by default, and return what they found."""
    return run_all(__name__, case, names)
