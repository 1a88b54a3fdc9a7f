"""Runs the tests of alerts by ``promtool test rules``: the real evaluation, not one of ours.

A test asks for the series ``ALERTS``, which Prometheus itself keeps of every alert, so that a
change of an annotation's words breaks no test. promtool knows no LogQL: alerts on logs are
tested with their query replaced by a series of its value, which holds threshold, holding time
and labels, and not the query.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from obskit.ascode.alerts.build import as_yaml
from obskit.ascode.alerts.cases import INTERVAL_SECONDS, Case
from obskit.ascode.alerts.rule import Rule, number, seconds
from obskit.errors import SourceError, UsageError

Document = dict[str, Any]

#: Off the threshold by so much, an alert must fire, or stay quiet.
MARGIN = 0.05
#: Times the threshold that a rate over minutes shows within one.
FAR = 20.0
#: What promtool may take: at least so long, and so long for each alert (one takes a second on an idle machine).
SECONDS, SECONDS_EACH = 300.0, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """An alert's rule as a rule file has it, what else its group holds, and its tests.

    Attributes:
        alert: Its name.
        rules: Documents of the group: recordings that it needs, and the alert.
        cases: ``(name, series, seconds after the first sample, labels, whether it fires)``.
    """

    alert: str
    rules: tuple[Document, ...]
    cases: tuple[tuple[str, Mapping[str, str], int, tuple[tuple[str, str], ...], bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A test that failed, in promtool's words."""

    alert: str
    said: str


def expanded(case: Case, rule: Rule) -> list[tuple[str, Mapping[str, str], int, tuple[tuple[str, str], ...], bool]]:
    """Return the single tests that a case stands for.

    Around a threshold: just beyond it fires after the holding time, just within it does not; far
    beyond it, it does not fire before the holding time is over, and does soon after; without
    any series it is quiet.
    """
    if case.expect != "around" or case.drive is None:
        at = int(seconds(case.at)) if case.at else 0
        return [(case.why or case.expect, case.series, at, case.labels, case.expect == "fires")]
    outward = -1 if rule.op == "<=" else 1
    bad = case.bad if case.bad is not None else _off(rule.threshold, outward * MARGIN)
    good = case.good if case.good is not None else _off(rule.threshold, -outward * MARGIN)
    far = case.far if case.far is not None else rule.threshold * (FAR if outward > 0 else 1 / FAR)
    hold, over = int(seconds(rule.hold)), int(seconds(rule.over))
    ahead = 3600 if rule.ahead else 0  # a straight line needs its hour
    late = hold + over + ahead + 8 * INTERVAL_SECONDS
    found = [
        (f"fires at {number(bad)}", case.drive(bad), late, case.labels, True),
        (f"is quiet at {number(good)}", case.drive(good), late, (), False),
        ("is quiet without series", {}, late, (), False),
    ]
    if hold:
        found.append((f"waits for {rule.hold}", case.drive(far), hold - INTERVAL_SECONDS, (), False))
        soon = hold + ahead + 8 * INTERVAL_SECONDS
        found.append((f"fires soon after {rule.hold}", case.drive(far), soon, case.labels, True))
    return found


def _off(threshold: float, share: float) -> float:
    """Return a value a share of the threshold away from it; of zero, that share itself."""
    exact = Decimal(repr(threshold))
    return float(exact + (abs(exact) or Decimal(1)) * Decimal(repr(share)))


def documents(tested: Tested) -> tuple[Document, Document]:
    """Return the rule file and the test file of an alert, as promtool reads them."""
    rules = {"groups": [{"name": tested.alert, "interval": f"{INTERVAL_SECONDS}s", "rules": list(tested.rules)}]}
    tests = [_test(tested.alert, *case) for case in tested.cases]
    return rules, {"evaluation_interval": f"{INTERVAL_SECONDS}s", "tests": tests}


def _test(
    alert: str, name: str, series: Mapping[str, str], at: int, labels: tuple[tuple[str, str], ...], firing: bool
) -> Document:
    matchers = [f'alertname="{alert}"', 'alertstate="firing"', *(f'{key}="{value}"' for key, value in labels)]
    return {
        "name": f"{alert} {name}",
        "interval": f"{INTERVAL_SECONDS}s",
        "input_series": [{"series": head, "values": values} for head, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"clamp_max(count(ALERTS{{{','.join(matchers)}}}), 1) or vector(0)",
                "eval_time": f"{at}s",
                "exp_samples": [{"labels": "{}", "value": int(firing)}],
            }
        ],
    }


def run(tested: Sequence[Tested], folder: Path, promtool: str = "") -> tuple[Failure, ...]:
    """Write rule and test files into a folder and have promtool run them; return what failed.

    Args:
        tested: Alerts with their tests.
        folder: Empty; the files stay there.
        promtool: The program; found on the PATH by default.

    Raises:
        UsageError: There is no promtool.
        SourceError: It did not finish, or could not read a file.
    """
    program = promtool or shutil.which("promtool")
    if not program:
        raise UsageError("promtool is not here", hint="install Prometheus: apt-get install prometheus")
    names = []
    for one in tested:
        rules, tests = documents(one)
        (folder / f"{one.alert}.rules.yml").write_text(as_yaml(rules), encoding="utf-8")
        file = folder / f"{one.alert}.test.yml"
        file.write_text(as_yaml({"rule_files": [f"{one.alert}.rules.yml"], **tests}), encoding="utf-8")
        names.append(file.name)
    if not names:
        return ()
    try:
        done = subprocess.run(  # noqa: S603 (promtool, with files of ours)
            [program, "test", "rules", *names],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # the file on one, the failure on the other: together they have an order
            text=True,
            check=False,
            cwd=folder,
            timeout=max(SECONDS, SECONDS_EACH * len(names)),
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            "promtool did not finish",
            where={"after": f"{error.timeout:g} s", "alerts": str(len(names))},
            hint="is the machine busy? obskit alerts test --only NAME tests one alert",
        ) from error
    if done.returncode == 0:
        return ()
    return _failures(done.stdout, [one.alert for one in tested])


def _failures(said: str, alerts: Iterable[str]) -> tuple[Failure, ...]:
    """Return promtool's words by alert."""
    parts = re.split(r"^(?:Unit Testing:\s+|  FAILED:)", said, flags=re.MULTILINE)
    known = list(alerts)
    found: list[Failure] = []
    current = ""
    for part in parts:
        first = part.strip().splitlines()[0].strip() if part.strip() else ""
        if first.endswith(".test.yml"):
            current = first.removesuffix(".test.yml")
        elif part.strip() and current in known:
            found.append(Failure(alert=current, said="\n".join(line.rstrip() for line in part.strip().splitlines())))
    return tuple(found) or (Failure(alert="", said=said.strip()[-2000:]),)


def stands_for_log(rule: Document, series: str = "obskit_value") -> Document:
    """Return a Loki rule as promtool can evaluate it: its query replaced by a series of its value."""
    comparison = re.search(r"(>=|<=|>|<)\s*[-\d.eE+]+\s*\Z", str(rule["expr"]))
    return {**rule, "expr": f"{series} {comparison[0] if comparison else '> 0'}"}
