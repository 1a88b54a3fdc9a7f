"""Every alert has a test in which it fires, and one in which it is quiet.

What it looks for: an alert that ``alerts/tests`` has no case of that fires, or none that is quiet;
``around`` is both. A case of an alert that is not defined.

Why: an alert that was never seen to fire is a hope, and one that was never seen quiet wakes people.

How to mend it: write ``around("NAME", …)`` in ``alerts/tests/TOPIC.tests.py``; ``obskit alerts test``
runs it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from obskit.ascode.alerts.cases import CaseFile
from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem, shown
from obskit.ascode.source import arguments


def problems(case: Case) -> Iterable[Problem]:
    """Yield each alert that lacks a test, and each test of nothing."""
    tested = expectations(case.tests)
    for one in {said.name: said for said in reversed(case.said)}.values():
        lacking = [word for word in ("fires", "quiet") if word not in tested.get(one.name, set())]
        if lacking:
            words = " and ".join({"fires": "in which it fires", "quiet": "in which it is quiet"}[w] for w in lacking)
            yield one.problem(
                f"there is no test {words}", hint=f"write it in alerts/tests/{one.place.file.name}.tests.py"
            )
    yield from of_nothing(case.tests, {one.name for one in case.said})


def of_nothing(files: Sequence[CaseFile], known: Collection[str]) -> Iterable[Problem]:
    """Yield a problem for each name that is tested, and not defined."""
    for file in files:
        for name in dict.fromkeys(one.alert for one in file.cases if one.alert not in known):
            lines = arguments(file.source).get(name, [{"": 0}])
            yield Problem(
                check="",
                message=f"{name}: it is tested, and not defined",
                file=shown(file.path),
                line=lines[0][""],
                panel=name,
            )


def expectations(files: Sequence[CaseFile]) -> dict[str, set[str]]:
    """Return which of ``fires`` and ``quiet`` each alert is tested for."""
    found: dict[str, set[str]] = {}
    for file in files:
        for one in file.cases:
            both = one.expect == "around" and one.drive is not None
            found.setdefault(one.alert, set()).update(("fires", "quiet") if both else (one.expect,))
    return found
