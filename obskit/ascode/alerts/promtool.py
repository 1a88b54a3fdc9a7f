"""Runs the tests of alerts by ``promtool test rules``: the real evaluation, not one of ours.

A test asks for the series ``ALERTS``, which Prometheus itself keeps of every alert, so that a
change of an annotation's words breaks no test. promtool knows no LogQL: alerts on logs are
tested with their query replaced by a series of its value, which holds threshold, holding time
and labels, and not the query.

What costs is how often a rule is evaluated and how long its expression is, for promtool parses
it anew each time. So rules are evaluated as often as Prometheus will, and no oftener, but for runs
of more than eight hours, which are evaluated half as often; tests of an alert that have the same
series are one run that is looked at several times; and where services have nothing to do with each
other, tests run side by side, each with services of its own.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from obskit.ascode.alerts.build import INTERVAL, as_yaml
from obskit.ascode.alerts.cases import INTERVAL_SECONDS, Case
from obskit.ascode.alerts.rule import Rule, number, seconds
from obskit.catalogue import quoted
from obskit.errors import SourceError, UsageError

Document = dict[str, Any]
#: ``(name, series, seconds after the first sample, labels, whether it fires)``.
Single = tuple[str, Mapping[str, str], int, tuple[tuple[str, str], ...], bool]

SUFFIX = ".test.yml"
#: What stands before it in the name of a file of long runs.
LONG = ".long"
#: Runs that last longer are evaluated each minute, half as often as the groups that are built. A holding time is
#: measured to a minute there. That is right while no rule with such a test has a range or a holding time below
#: five minutes (``0s`` apart): a test of the shipped alerts holds it.
LONG_SECONDS, LONG_INTERVAL = 8 * 3600, "1m"
#: Off the threshold by so much, an alert must fire, or stay quiet.
MARGIN = 0.05
#: Times the threshold that a rate over minutes shows within one.
FAR = 20.0
#: What promtool may take: at least so long, and so long for each file of tests (an alert has one, or one more of
#: long runs; it takes a second on a busy machine).
SECONDS, SECONDS_EACH = 300.0, 10.0
#: promtool leaves garbage for longer, which saves a fourth of its time, and stays within 220 MB. What is set
#: already stays as it is. A shell does it: it adds to an environment that we do not read.
_COLLECTING = 'export GOGC="${GOGC:-400}" GOMEMLIMIT="${GOMEMLIMIT:-192MiB}"; exec "$0" "$@"'
#: PromQL's words, of any case, as its parser reads them.
_CLAUSE = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)", re.IGNORECASE)
#: What brings series of different labels together, or makes some from others or from none.
_TOGETHER = re.compile(
    r"\b(?:sum|min|max|avg|count|group|stddev|stdvar|quantile|topk|bottomk|count_values|limitk|limit_ratio)\b"
    r"(?!\s*by\s*\()"
    r"|\b(?:without|ignoring|group_left|group_right|label_replace|label_join|absent|absent_over_time|vector|scalar|info)\b",
    re.IGNORECASE,
)
_VERDICT = re.compile(r"  (?:SUCCESS|FAILED:)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """An alert's rule as a rule file has it, what else its group holds, and its tests.

    Attributes:
        alert: Its name.
        rules: Documents of the group: recordings that it needs, and the alert.
        cases: Its single tests.
        apart: A label of which no two values have to do with each other in any of the rules: tests whose
            series all have it run side by side. "" where that is not known.
    """

    __test__ = False  # its name is no test's

    alert: str
    rules: tuple[Document, ...]
    cases: tuple[Single, ...]
    apart: str = ""

    @property
    def cost(self) -> float:
        """What its tests take, against those of others: characters of expressions that promtool parses."""
        length = sum(len(str(rule["expr"])) for rule in self.rules)
        return sum(run.lasts / float(seconds(run.interval)) for run in _runs(self)) * length


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A test that failed, in promtool's words."""

    alert: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What promtool evaluates once.

    Attributes:
        singles: The tests that look at it.
        series: All of theirs.
        beside: A matcher of alerts that no test expects; "" where each test sees all alerts.
    """

    singles: tuple[Single, ...]
    series: Mapping[str, str]
    beside: str = ""

    @property
    def lasts(self) -> int:
        """When the last of its tests looks, in seconds."""
        return max(at for _, _, at, _, _ in self.singles)

    @property
    def interval(self) -> str:
        """How often rules are evaluated."""
        return LONG_INTERVAL if self.lasts > LONG_SECONDS else INTERVAL


def expanded(case: Case, rule: Rule) -> list[Single]:
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


def documents(tested: Tested) -> tuple[Document, dict[str, Document]]:
    """Return the rule file of an alert, and its test files by name, as promtool reads them.

    Annotations are left out: no test reads them, and they would be filled in anew at each evaluation.
    """
    bare = [{key: value for key, value in rule.items() if key != "annotations"} for rule in tested.rules]
    rules = {"groups": [{"name": tested.alert, "interval": INTERVAL, "rules": bare}]}
    files: dict[str, Document] = {}
    for run in _runs(tested):
        name = f"{tested.alert}{LONG if run.interval == LONG_INTERVAL else ''}{SUFFIX}"
        head: Document = {"rule_files": [f"{tested.alert}.rules.yml"], "evaluation_interval": run.interval, "tests": []}
        files.setdefault(name, head)["tests"].append(_test(tested.alert, run))
    return rules, files


def _runs(tested: Tested) -> list[_Run]:
    """Return an alert's tests by runs: those that have the same series, and of these those that can be side by side."""
    same: dict[frozenset[tuple[str, str]], list[Single]] = {}
    for single in tested.cases:
        same.setdefault(frozenset(single[1].items()), []).append(single)
    found: list[_Run] = []
    side: dict[int, list[_Run]] = {}
    for singles in same.values():
        run = _Run(singles=tuple(singles), series=singles[0][1])
        if tested.apart and all(_own(single, tested.apart, "") for single in singles):
            side.setdefault(_alike(run.lasts), []).append(run)
        else:
            found.append(run)
    joined = (_beside_each_other(runs, tested.apart) if len(runs) > 1 else runs[0] for runs in side.values())
    return [*found, *joined]


def _alike(lasts: int) -> int:
    """Return the same number for runs that may be joined: beyond a quarter of an hour, none lasts twice another."""
    return (max(lasts - 1, 0) // 900).bit_length()


def _beside_each_other(runs: Sequence[_Run], label: str) -> _Run:
    """Return several runs as one, in which each has values of a label to itself."""
    owned = [own for mark, run in enumerate(runs) for one in run.singles if (own := _own(one, label, f"-{mark}"))]
    series = {head: values for single in owned for head, values in single[1].items()}
    known = "|".join(sorted({re.escape(dict(labels)[label]) for _, _, _, labels, _ in owned}))
    return _Run(singles=tuple(owned), series=series, beside=f"{label}!~{quoted(known)}")


def _own(single: Single, label: str, mark: str) -> Single | None:
    """Return a test whose series and alerts have a label's value to themselves; None where they have not just one."""
    name, series, at, labels, firing = single
    pattern = re.compile(rf'(?<=[{{,]{re.escape(label)}=")[^"\\]*(?=")')
    values = {tuple(pattern.findall(head)) for head in series}
    if len(values) != 1 or len(value := next(iter(values))) != 1 or dict(labels).get(label, value[0]) != value[0]:
        return None
    marked = {pattern.sub(lambda found: found[0] + mark, head): points for head, points in series.items()}
    return name, marked, at, tuple({**dict(labels), label: f"{value[0]}{mark}"}.items()), firing


def _test(alert: str, run: _Run) -> Document:
    looks = [_look(alert, *single) for single in run.singles]
    if run.beside:
        looks.append(_question(alert, [run.beside], "no other alert fires", run.lasts, firing=False))
    return {
        "name": f"{alert} {'; '.join(name for name, *_ in run.singles)}",
        "interval": f"{INTERVAL_SECONDS}s",
        "input_series": [{"series": head, "values": values} for head, values in run.series.items()],
        "promql_expr_test": looks,
    }


def _look(
    alert: str, name: str, _: Mapping[str, str], at: int, labels: tuple[tuple[str, str], ...], firing: bool
) -> Document:
    return _question(alert, [f'{key}="{value}"' for key, value in labels], name, at, firing=firing)


def _question(alert: str, matchers: Sequence[str], why: str, at: int, *, firing: bool) -> Document:
    """Return the question whether an alert fires; why stands behind it, as promtool repeats the question."""
    which = ",".join((f'alertname="{alert}"', 'alertstate="firing"', *matchers))
    return {
        "expr": f"clamp_max(count(ALERTS{{{which}}}), 1) or vector(0) # {' '.join(why.split())}",
        "eval_time": f"{at}s",
        "exp_samples": [{"labels": "{}", "value": int(firing)}],
    }


def run(
    tested: Sequence[Tested], folder: Path, promtool: str = "", done: Callable[[str], object] | None = None
) -> tuple[Failure, ...]:
    """Write rule and test files into a folder and have promtool run them; return what failed.

    Args:
        tested: Alerts with their tests.
        folder: Empty; the files stay there.
        promtool: The program; found on the PATH by default.
        done: Told the name of each alert when its tests have run.

    Raises:
        UsageError: There is no promtool.
        SourceError: It did not finish in time, or a signal ended it.
    """
    program = promtool or shutil.which("promtool")
    if not program:
        raise UsageError("promtool is not here", hint="install Prometheus: apt-get install prometheus")
    files: dict[str, str] = {}
    for one in tested:
        rules, tests = documents(one)
        (folder / f"{one.alert}.rules.yml").write_text(as_yaml(rules), encoding="utf-8")
        for name, body in tests.items():
            (folder / name).write_text(as_yaml(body), encoding="utf-8")
            files[name] = one.alert
    if not files:
        return ()
    running = iter(files)
    last = {alert: name for name, alert in files.items()}

    def heard(line: str) -> None:
        if done and _VERDICT.match(line) and (name := next(running, "")) and last[files[name]] == name:
            done(files[name])

    shell = shutil.which("sh")
    command = [*((shell, "-c", _COLLECTING) if shell else ()), program, "test", "rules", *files]
    limit = max(SECONDS, SECONDS_EACH * len(files))
    code, said = _listened(command, folder, limit, heard)
    if code is None:
        raise SourceError(
            "promtool did not finish",
            where={"after": f"{limit:g} s", "alerts": str(len(tested))},
            hint="is the machine busy? obskit alerts test --only NAME tests one alert",
        )
    if code < 0:  # so Popen says that a signal ended it
        raise SourceError(
            "promtool was ended before it had finished",
            where={"signal": signal.strsignal(-code) or f"signal {-code}", "alerts": str(len(tested))},
            hint="is there memory for it, 220 MB each? obskit alerts test --only NAME runs one, of one alert",
        )
    return _failures(said, [one.alert for one in tested]) if code else ()


def _listened(
    command: Sequence[str], folder: Path, limit: float, heard: Callable[[str], None]
) -> tuple[int | None, str]:
    """Run a command to its end or for so many seconds; return its exit code, None when it was ended, and all it said.

    Each line is passed on as it comes.
    """
    lines: list[str] = []
    late = threading.Event()
    with subprocess.Popen(  # noqa: S603 (promtool, with files of ours)
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # the file on one, the failure on the other: together they have an order
        text=True,
        cwd=folder,
    ) as process:

        def end() -> None:
            late.set()
            process.kill()

        clock = threading.Timer(limit, end)
        clock.start()
        try:
            for line in process.stdout or ():
                lines.append(line)
                heard(line)
        except BaseException:
            process.kill()
            raise
        finally:
            clock.cancel()
    return None if late.is_set() else process.returncode, "".join(lines)


def _failures(said: str, alerts: Iterable[str]) -> tuple[Failure, ...]:
    """Return promtool's words by alert."""
    parts = re.split(r"^(?:Unit Testing:\s+|  FAILED:)", said, flags=re.MULTILINE)
    known = list(alerts)
    found: list[Failure] = []
    current = ""
    for part in parts:
        first = part.strip().splitlines()[0].strip() if part.strip() else ""
        if first.endswith(SUFFIX):
            current = first.removesuffix(SUFFIX).removesuffix(LONG)
        elif part.strip() and current in known:
            found.append(Failure(alert=current, said="\n".join(line.rstrip() for line in part.strip().splitlines())))
    return tuple(found) or (Failure(alert="", said=said.strip()[-2000:]),)


def apart(expr: str, label: str) -> bool:
    """Tell whether no two values of a label have to do with each other in an expression.

    So it is where whatever is added up or joined is so by that label too, and nothing asks for a value of it.
    What cannot be told from the words of the expression is taken for no.

    Args:
        expr: PromQL, whole, over series that all have the label.
        label: Its name.
    """
    clauses = [re.split(r"[\s,]+", clause) for clause in _CLAUSE.findall(expr)]
    asked = re.sub(rf'\b{re.escape(label)}!=""', "", expr)
    return (
        all(label in clause for clause in clauses)
        and not _TOGETHER.search(expr)
        and not re.search(rf"\b{re.escape(label)}[\"'`]?\s*(?:=|!)", asked)
    )


def stands_for_log(rule: Document, series: str = "obskit_value") -> Document:
    """Return a Loki rule as promtool can evaluate it: its query replaced by a series of its value."""
    comparison = re.search(r"(>=|<=|>|<)\s*[-\d.eE+]+\s*\Z", str(rule["expr"]))
    return {**rule, "expr": f"{series} {comparison[0] if comparison else '> 0'}"}
