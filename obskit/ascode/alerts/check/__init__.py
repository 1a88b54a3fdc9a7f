"""Checks of alerts: one file a check.

A check is a module here. Its docstring is the page that ``obskit alerts check --explain NAME``
prints: what it looks for, why that matters, how to mend it. Its name is the module's with dashes.
It defines::

    def problems(case: Case) -> Iterable[Problem]: ...

`Said.problem` and `Built.problem` make a problem that names file, line and alert; the check's own
name is filled in by `obskit.ascode.checking`. A check that cannot be made raises `Skipped` with the
reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from obskit.ascode.alerts.cases import CaseFile
from obskit.ascode.alerts.check._built import Built, Place, Said, built_from, said_in
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.rule import RuleFile
from obskit.ascode.alerts.runbooks import Runbook, runbooks_in
from obskit.ascode.checking import Asked, Result, Skipped, checks_in, page_of, run_all
from obskit.ascode.definition import Problem
from obskit.ascode.exclusions import Kind

__all__ = ["EXCLUDED", "Built", "Case", "Place", "Result", "Said", "Skipped", "all_checks", "explain", "run"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What checks look at.

    Attributes:
        files: All definitions.
        writer: How rules are written here; its dashboards are those whose panels alerts link.
        tests: All files of tests.
        runbooks: The folder that holds ``alerts/`` and ``causes/``.
        prometheus: A live one, where one was named.
    """

    files: tuple[RuleFile, ...]
    writer: Writer
    tests: tuple[CaseFile, ...] = ()
    runbooks: Path = Path("runbooks")
    prometheus: Asked | None = None

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """Every alert as its definition says it."""
        return said_in(self.files, self.writer)

    @cached_property
    def _built(self) -> tuple[tuple[Built, ...], tuple[Problem, ...]]:
        return built_from(self.files, self.writer)

    @property
    def built(self) -> tuple[Built, ...]:
        """Every rule as a server gets it; what cannot be built is left out."""
        return self._built[0]

    @property
    def unbuilt(self) -> tuple[Problem, ...]:
        """A problem for each alert that cannot be built."""
        return self._built[1]

    @cached_property
    def pages(self) -> tuple[Runbook, ...]:
        """Every runbook, those of alerts first.

        Raises:
            Skipped: There is no folder of runbooks.
        """
        if not self.runbooks.is_dir():
            raise Skipped(f"there is no folder {self.runbooks}: name the one that holds the runbooks")
        return runbooks_in(self.runbooks)

    def alerts(self, language: str = "") -> Iterator[Built]:
        """Yield what is built and wakes somebody, of one language where one is named."""
        for one in self.built:
            if one.is_alert and language in ("", one.language):
                yield one


def all_checks() -> dict[str, ModuleType]:
    """Return every check's module by its name."""
    return checks_in(__name__)


#: How ``alerts/checks.toml`` is read.
EXCLUDED = Kind(checks=all_checks, file_key="topic", part_key="alert", suffix=".alerts.py")


def explain(name: str) -> str:
    """Return a check's page.

    Raises:
        UsageError: There is no such check.
    """
    return page_of(__name__, name)


def run(case: Case, names: Sequence[str] = ()) -> Result:
    """Make the checks, all by default, and return what they found."""
    return run_all(__name__, case, names)
