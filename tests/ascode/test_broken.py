"""Each definition of ``broken/`` is broken as somebody would break it, and each is found with its place.

A file's first line says what has to be said of it: ``# expect: CHECK @LINE: WORDS``. The line is the
one that a person has to look at, 0 when it is the whole file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from obskit.ascode.check import Case, Result, all_checks, run
from obskit.ascode.definition import SUFFIX, Problem
from obskit.ascode.exclusions import apply, read
from obskit.ascode.execute import LOADING
from obskit.ascode.load import load
from tests.support.node import grafana_tools

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "broken"
NAMES = tuple(sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}")))
#: What one slip brings with it, beside the problem that the file is there for.
FOLLOWS = {
    "graph_of_old": {"structure", "panel-units"},
    "no_source_variable": {"panel-datasource"},
    "rate_of_a_sum": {"target-counter-agg"},
    "repeats_over_nothing": {"unknown-variable"},
    "unknown_function": {"promql"},
}
#: Checks that no definition alone can break: they look at alerts, or at a live Prometheus.
ELSEWHERE = {"alert-panel-links", "live-cost", "live-data", "live-labels", "live-metrics"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the first line of a file promises."""

    check: str
    line: int
    words: str

    def fits(self, problem: Problem) -> bool:
        """Tell whether this is the problem."""
        return (problem.check, problem.line) == (self.check, self.line) and self.words in problem.message


def _expected(name: str) -> Expected:
    first = (FOLDER / f"{name}{SUFFIX}").read_text(encoding="utf-8").partition("\n")[0]
    found = re.fullmatch(r"# expect: (\S+) @(\d+): (.+)", first)
    assert found, f"{name} does not begin with what is expected of it"
    return Expected(check=found[1], line=int(found[2]), words=found[3])


@cache
def _result() -> Result:
    """Return what is said of the folder: by the loader, and by every check that needs no server."""
    definitions, problems = load(FOLDER)
    case = Case(definitions=definitions, runbooks=ROOT / "runbooks", alerts=FOLDER / "no-alerts")
    result = run(case)
    kept, _ = apply(result.problems, read(FOLDER / "checks.toml"))
    return replace(result, problems=(*problems, *kept))


def _of(name: str) -> list[Problem]:
    grafana_tools()
    return [problem for problem in _result().problems if Path(problem.file).name == f"{name}{SUFFIX}"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_broken_is_found_with_its_place(name: str) -> None:
    """Check, line and words are those that the file promises."""
    expected = _expected(name)

    found = _of(name)

    assert any(expected.fits(problem) for problem in found), (expected, found)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_else_is_said_of_it(name: str) -> None:
    """One slip is one problem, or the fix is looked for in the wrong place."""
    expected = _expected(name)

    others = {problem.check for problem in _of(name) if not expected.fits(problem)}

    assert others == FOLLOWS.get(name, set())


def test_every_file_of_the_folder_is_found() -> None:
    """None is clean, and what is said is said of files that are there."""
    grafana_tools()

    said_of = {Path(problem.file).name.removesuffix(SUFFIX) for problem in _result().problems}

    assert set(NAMES) == said_of
    assert len(NAMES) >= 25


def test_every_check_that_a_definition_can_break_is_broken_by_one() -> None:
    """A new check needs its broken definition here."""
    job_and_instance = {"template-job", "template-instance", "target-job", "target-instance"}

    assert {_expected(name).check for name in NAMES} == {LOADING, *all_checks()} - ELSEWHERE - job_and_instance


def test_only_what_needs_a_server_or_alerts_is_not_checked() -> None:
    """A check that is passed over in silence finds nothing."""
    grafana_tools()

    assert {check for check, _ in _result().skipped} == ELSEWHERE
