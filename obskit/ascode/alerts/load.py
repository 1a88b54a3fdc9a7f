"""Runs ``alerts/*.alerts.py`` and ``alerts/tests/*.tests.py``."""

from __future__ import annotations

from pathlib import Path

from obskit.ascode.alerts.cases import SUFFIX as TESTS_SUFFIX
from obskit.ascode.alerts.cases import Case, CaseFile
from obskit.ascode.alerts.rule import SUFFIX, Rule, RuleFile
from obskit.ascode.alerts.slo import Slo
from obskit.ascode.definition import Problem
from obskit.ascode.execute import BrokenError, executed, line_of_name, load_all


def load(folder: Path) -> tuple[tuple[RuleFile, ...], tuple[Problem, ...]]:
    """Return the files of a folder by name, and what kept others from being loaded.

    Raises:
        UsageError: There is no such folder, or no definition in it.
    """
    return load_all(folder, SUFFIX, _rules)


def load_cases(folder: Path) -> tuple[tuple[CaseFile, ...], tuple[Problem, ...]]:
    """Return the tests of a folder's ``tests``; none where there is no such folder.

    Raises:
        UsageError: There is no test in it.
    """
    tests = folder / "tests"
    return load_all(tests, TESTS_SUFFIX, _cases) if tests.is_dir() else ((), ())


def _rules(path: Path) -> RuleFile:
    source, found = executed(path)
    rules, slos = found.get("RULES", ()), found.get("SLOS", ())
    if "RULES" not in found and "SLOS" not in found:
        raise BrokenError("it defines neither RULES nor SLOS", hint="write RULES = (alert(...),)")
    for name, value, kind in (("RULES", rules, Rule), ("SLOS", slos, Slo)):
        if not isinstance(value, tuple | list) or not all(isinstance(one, kind) for one in value):
            call = "alert(...)" if kind is Rule else "Slo(...)"
            raise BrokenError(f"{name} holds what is none", line=line_of_name(source, name), hint=f"write {call}")
    return RuleFile(name=path.name.removesuffix(SUFFIX), path=path, source=source, rules=tuple(rules), slos=tuple(slos))


def _cases(path: Path) -> CaseFile:
    source, found = executed(path)
    cases = found.get("TESTS")
    if not isinstance(cases, tuple | list) or not all(isinstance(one, Case) for one in cases):
        hint = "write TESTS = (around(...), fires(...), quiet(...))"
        raise BrokenError("it defines no TESTS", line=line_of_name(source, "TESTS"), hint=hint)
    return CaseFile(name=path.name.removesuffix(TESTS_SUFFIX), path=path, source=source, cases=tuple(cases))
