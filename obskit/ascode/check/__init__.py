"""Checks of dashboards: one file a check.

A check is a module here. Its docstring is the page that ``obskit dashboards check --explain
NAME`` prints: what it looks for, why that matters, how to mend it. Its name is the module's
with dashes. It defines::

    def problems(case: Case) -> Iterable[Problem]: ...

`Definition.problem` makes a problem that names file, line and panel; the check's own name is
filled in here. A check that cannot be made raises `Skipped` with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Protocol

from obskit.ascode.definition import Definition, Problem
from obskit.discover import modules_in
from obskit.errors import SourceError, UsageError


class Answered(Protocol):
    """What came of a query over the last hour; see `obskit.ascode.live.Ran`."""

    @property
    def series(self) -> int:
        """How many the answer has."""

    @property
    def samples(self) -> int:
        """How many samples the server looked at."""

    @property
    def refused(self) -> str:
        """The server's own words where it refused."""


class Asked(Protocol):
    """A live Prometheus, as far as checks ask it; `obskit.ascode.live.LivePrometheus` is one."""

    def metric_names(self) -> frozenset[str]:
        """Return the names of all metrics that it holds."""

    def labels_of(self, metrics: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Return the label names that each metric's series carry."""

    def run(self, queries: Iterable[str]) -> Mapping[str, Answered]:
        """Return what came of each query over an hour."""


class Skipped(Exception):  # noqa: N818 (not an error: a check that cannot be made here)
    """Why a check was not made: what is missing, and how to get it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What checks look at.

    Attributes:
        definitions: All dashboards.
        runbooks: The folder of runbooks; links to them must resolve.
        alerts: The folder of alert rules; their panel links must resolve.
        prometheus: A live one, where one was named.
    """

    definitions: tuple[Definition, ...]
    runbooks: Path = Path("runbooks")
    alerts: Path = Path("alerts")
    prometheus: Asked | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the checks said.

    Attributes:
        problems: By file, line and check.
        skipped: ``(check, why)``: what they need is not here.
        failed: ``(check, why)``: the server that they ask failed.
        made: Names of the checks that were made.
    """

    problems: tuple[Problem, ...]
    skipped: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str], ...]
    made: tuple[str, ...]


@cache
def all_checks() -> dict[str, ModuleType]:
    """Return every check's module by its name."""
    return {module.__name__.rpartition(".")[2].replace("_", "-"): module for module in modules_in(__name__)}


def explain(name: str) -> str:
    """Return a check's page.

    Raises:
        UsageError: There is no such check.
    """
    try:
        return (all_checks()[name].__doc__ or "").strip()
    except KeyError:
        raise UsageError(f"there is no check {name!r}", hint=f"there are {', '.join(all_checks())}") from None


def run(case: Case, names: Sequence[str] = ()) -> Result:
    """Make the checks, all by default, and return what they found."""
    for name in names:
        explain(name)
    found: list[Problem] = []
    skipped: list[tuple[str, str]] = []
    failed: list[tuple[str, str]] = []
    made: list[str] = []
    for name, module in all_checks().items():
        if names and name not in names:
            continue
        try:
            found += [replace(problem, check=name) for problem in _found(module, case)]
            made.append(name)
        except Skipped as why:
            skipped.append((name, str(why)))
        except SourceError as error:
            failed.append((name, str(error)))
    order = sorted(set(found), key=lambda p: (p.file, p.line, p.panel, p.check, p.message, p.query, p.column))
    return Result(problems=tuple(order), skipped=tuple(skipped), failed=tuple(failed), made=tuple(made))


def _found(module: ModuleType, case: Case) -> list[Problem]:
    problems: Iterable[Problem] = module.problems(case)
    return list(problems)
