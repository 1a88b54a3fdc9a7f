"""Runs checks: one module a check, whose docstring is the page that ``--explain`` prints.

A package of checks holds modules that define ``problems(case) -> Iterable[Problem]``; what a case
is, the package says. A check's name is its module's with dashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Protocol

from obskit.ascode.definition import Problem
from obskit.discover import modules_in
from obskit.errors import SourceError, UsageError
from obskit.settings_values import nearest


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


def server(named: Asked | None) -> Asked:
    """Return the live Prometheus that a check asks.

    Raises:
        Skipped: None was named.
    """
    if named is None:
        raise Skipped("no live Prometheus was named: --prometheus URL")
    return named


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
def checks_in(package: str) -> dict[str, ModuleType]:
    """Return every check's module by its name."""
    return {module.__name__.rpartition(".")[2].replace("_", "-"): module for module in modules_in(package)}


def page_of(package: str, name: str) -> str:
    """Return a check's page.

    Raises:
        UsageError: There is no such check.
    """
    checks = checks_in(package)
    try:
        return (checks[name].__doc__ or "").strip()
    except KeyError:
        raise UsageError(f"there is no check {name!r}", hint=nearest(name, checks)) from None


def run_all(package: str, case: object, names: Sequence[str] = ()) -> Result:
    """Make the checks of a package, all by default, and return what they found."""
    for name in names:
        page_of(package, name)
    found: list[Problem] = []
    skipped: list[tuple[str, str]] = []
    failed: list[tuple[str, str]] = []
    made: list[str] = []
    for name, module in checks_in(package).items():
        if names and name not in names:
            continue
        try:
            problems: Iterable[Problem] = module.problems(case)
            found += [replace(problem, check=name) for problem in problems]
            made.append(name)
        except Skipped as why:
            skipped.append((name, str(why)))
        except SourceError as error:
            failed.append((name, str(error)))
    order = sorted(set(found), key=lambda p: (p.file, p.line, p.panel, p.check, p.message, p.query, p.column))
    return Result(problems=tuple(order), skipped=tuple(skipped), failed=tuple(failed), made=tuple(made))
