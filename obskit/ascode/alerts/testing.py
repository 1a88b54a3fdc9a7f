"""Runs all tests of alerts, says which alerts have none, and how many seeded mistakes the tests notice."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

from obskit.ascode.alerts.build import Document, alert_document
from obskit.ascode.alerts.cases import Case, CaseFile
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load_cases
from obskit.ascode.alerts.promtool import Failure, Tested, apart, expanded, run, stands_for_log
from obskit.ascode.alerts.rule import Rule, RuleFile, number, seconds
from obskit.ascode.alerts.slo import Slo
from obskit.ascode.alerts.slo_rules import FAST, SLOWLY, tested_slo
from obskit.ascode.board import signal_named
from obskit.ascode.definition import Problem
from obskit.catalogue._written import variants_of
from obskit.errors import UsageError
from obskit.model import Signal
from obskit.settings import Settings
from obskit.settings_values import nearest

#: promtools at once, where there are as many cores: each takes up to 220 MB, so all of them less than a small
#: runner's two GB.
PROCESSES = 4
#: Alerts that one promtool is given, so that the processes end at about the same time.
BATCH = 40
#: A threshold or a holding time is mistaken by so much.
FACTORS = (1.5, 1 / 1.5)
_LEVEL = re.compile(r"(?<=\n\) )(>=|<=|>|<)(?= )")
_FLIPPED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
_SLO_LEVEL = re.compile(r"(?<=> )\d+(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """What the tests said.

    Attributes:
        alerts: Names of the alerts that were tested, in their order.
        cases: How many tests were run.
        failures: What failed, in promtool's words.
        untested: ``(alert, what it lacks)``: a test that fires, one that is quiet.
        problems: Files of tests that could not be loaded, and tests of alerts that are not there.
    """

    __test__ = False  # its name is no test's

    alerts: tuple[str, ...]
    cases: int
    failures: tuple[Failure, ...]
    untested: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every test passed and every alert has both kinds."""
        return not (self.failures or self.untested or self.problems)

    def text(self) -> str:
        """Return what failed, what is not tested, and a line that counts."""
        from obskit.escape import clean

        lines = [f"{p.file}:{p.line}: error: {p.message}" for p in self.problems]
        for failure in self.failures:
            first, *rest = failure.said.splitlines() or [""]
            lines += [f"failed  {failure.alert}: {first.strip()}", *(f"  {line}" for line in rest)]
        lines += [f"lacks   {alert}: {what}" for alert, what in self.untested]
        failed = len({failure.alert for failure in self.failures})
        known = "1 alert" if len(self.alerts) == 1 else f"{len(self.alerts)} alerts"
        counts = f"{known}, {self.cases} tests: {failed} failed, {len(self.untested)} not tested"
        return "\n".join([*(clean(line, lines=True) for line in lines), counts])

    def document(self) -> dict[str, Any]:
        """Return the same for machines."""
        return {
            "passed": self.passed,
            "alerts": list(self.alerts),
            "tests": self.cases,
            "failures": [{"alert": f.alert, "said": f.said} for f in self.failures],
            "untested": [{"alert": alert, "lacks": what} for alert, what in self.untested],
            "problems": [{"file": p.file, "line": p.line, "message": p.message, "hint": p.hint} for p in self.problems],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A rule with one mistake in it.

    Attributes:
        alert: The rule's name.
        what: The mistake: ``threshold x1.5``.
        tested: The mistaken rule under a name of its own, with the tests of the right one.
    """

    alert: str
    what: str
    tested: Tested


def tested(
    folder: Path,
    files: Sequence[RuleFile],
    writer: Writer,
    place: Path,
    only: Sequence[str] = (),  # noqa: PT028 (it runs tests, and is none)
    done: Callable[[int, int], object] | None = None,  # noqa: PT028
) -> TestResult:
    """Run the tests of a folder's alerts.

    Args:
        folder: Of the definitions; its ``tests`` are loaded.
        files: The definitions.
        writer: How rules are written.
        place: A folder that promtool's files are written into, and left.
        only: Names of alerts; all by default.
        done: Told of how many alerts the tests have run, of how many; by any thread, first of none.

    Raises:
        UsageError: There is no promtool, or no alert of a name.
        SourceError: promtool did not finish.
    """
    loaded, problems = load_cases(folder)
    known = names_of(files, writer)
    for name in only:
        if name not in known:
            raise UsageError(f"there is no alert {name!r}", hint=nearest(name, sorted(known)))
    found = [one for one in collected(files, loaded, writer) if not only or one.alert in only]
    lacks = {name: _lacking(name, found) for name in known if not only or name in only}
    return TestResult(
        alerts=tuple(name for name in known if not only or name in only),
        cases=sum(len(one.cases) for one in found),
        failures=_run(found, place, done),
        untested=tuple((name, what) for name, what in lacks.items() if what),
        problems=(*problems, *_of_nothing(loaded, known)),
    )


def names_of(files: Iterable[RuleFile], writer: Writer) -> tuple[str, ...]:
    """Return the names of all alerts, those of objectives once, in their order."""
    from obskit.ascode.alerts.check import Case as Checked

    return tuple(dict.fromkeys(one.name for one in Checked(files=tuple(files), writer=writer).said))


def collected(files: Iterable[RuleFile], tests: Sequence[CaseFile], writer: Writer) -> tuple[Tested, ...]:
    """Return every alert that has a test, with what its group needs and its single tests.

    Rules and objectives are tested as they ship, with all variants of their queries.
    """
    cases = [case for file in tests for case in file.cases]
    found: list[Tested] = []
    for file in files:
        for rule in file.rules:
            mine = [case for case in cases if case.alert == rule.name]
            if mine:
                found.append(_tested(rule, writer.by(rule), _document(rule, file.name, writer), mine))
        if any(isinstance(slo, Slo) for slo in file.slos):
            found += [one for one in tested_slo(file, cases, writer) if one.cases]
    return tuple(found)


def mutations(
    files: Iterable[RuleFile], tests: Sequence[CaseFile], writer: Writer, *, objectives: bool = False
) -> tuple[Mutation, ...]:
    """Return every rule with each mistake that a tired person makes, one at a time.

    The threshold half as large again or two thirds, the holding time twice or half; the comparison
    turned round; a condition left out. What does not change a rule (half of no holding time) is left
    out, and so are variants of queries that no series of the tests can answer: they would be parsed
    for each mistake, and say nothing.

    Args:
        files: The definitions.
        tests: Those of the right rules.
        writer: How rules are written.
        objectives: Also the alerts of objectives; their tests take seconds for each mistake.
    """
    cases = [case for file in tests for case in file.cases]
    found: list[Mutation] = []
    for file in files:
        for rule in file.rules:
            mine = [case for case in cases if case.alert == rule.name]
            by, spoken = writer.by(rule), _spoken(mine, rule, writer)
            kept = replace(rule, by=by)  # fewer variants name fewer labels
            right = _document(kept, file.name, spoken)
            for what, document in _mistaken(kept, right, file.name, spoken) if mine else ():
                name = f"{rule.name}_{len(found)}"
                one = _tested(rule, by, {**document, "alert": name}, mine)
                found.append(Mutation(alert=rule.name, what=what, tested=one))
        slos = [slo for slo in file.slos if isinstance(slo, Slo)] if objectives else []
        counted = (signal for slo in slos for signal in (slo.bad, signal_named(slo.requests)))
        heads = (head for case in cases if case.alert in (FAST, SLOWLY) for head in case.series)
        speaks = replace(writer, settings=speaking(counted, heads, writer.settings))
        for one in tested_slo(file, cases, speaks) if slos else ():
            for what, rules in _mistaken_slo(one):
                name = f"{one.alert}_{len(found)}"
                renamed = tuple({**rule, "alert": name} if "alert" in rule else rule for rule in rules)
                twin = replace(one, alert=name, rules=renamed)
                found.append(Mutation(alert=one.alert, what=what, tested=twin))
    return tuple(found)


def survivors(found: Sequence[Mutation], place: Path) -> tuple[Mutation, ...]:
    """Return the mutations that no test notices; many are given to one promtool.

    Args:
        found: As `mutations` returns them.
        place: A folder that promtool's files are written into.

    Raises:
        UsageError: There is no promtool.
        SourceError: It did not finish, or failed without naming an alert.
    """
    failed = {failure.alert for failure in _run([one.tested for one in found], place)}
    if "" in failed:
        raise UsageError("promtool failed without naming an alert", hint="run obskit alerts test first")
    return tuple(one for one in found if one.tested.alert not in failed)


def _run(found: Sequence[Tested], place: Path, done: Callable[[int, int], object] | None = None) -> tuple[Failure, ...]:
    """Run promtool over batches, as many at once as there are cores; what failed, in the order of the alerts.

    What takes longest is dealt out first, so that batches take alike.
    """
    processes = min(PROCESSES, _cores())
    count = max(processes, -(-len(found) // BATCH))
    longest = sorted(found, key=lambda one: -one.cost)
    batches = [batch for start in range(count) if (batch := longest[start::count])]
    folders = [place / f"{index:02d}" for index in range(len(batches))]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    ran: list[str] = []
    one_by_one = Lock()

    def tell(alert: str) -> None:
        with one_by_one:
            ran.append(alert)
            if done:
                done(len(ran), len(found))

    if done:
        done(0, len(found))
    with ThreadPoolExecutor(processes, thread_name_prefix="obskit-promtool") as pool:
        ends = [pool.submit(run, batch, folder, done=tell) for batch, folder in zip(batches, folders, strict=True)]
        failures = [failure for end in ends for failure in end.result()]
    order = {one.alert: number for number, one in enumerate(found)}
    return tuple(sorted(failures, key=lambda failure: order.get(failure.alert, -1)))


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _spoken(cases: Sequence[Case], rule: Rule, writer: Writer) -> Writer:
    """Return a writer of the variants that the series of a rule's tests speak."""
    series = (head for case in cases for _, heads, *_ in expanded(case, rule) for head in heads)
    asked = (rule.signal, *(condition.signal for condition in (*rule.where, *rule.unless)))
    return replace(writer, settings=speaking(map(signal_named, asked), series, writer.settings))


def speaking(signals: Iterable[Signal], series: Iterable[str], settings: Settings) -> Settings:
    """Return settings of an environment in which there are such series and no others.

    Of each signal those variants are left whose metrics are all there, and of one that has none the
    first, which then says that it has none. A variant of the same name of another signal stays with it.

    Args:
        signals: What is asked for.
        series: As promtool writes them: ``up{job="shop"}``.
        settings: Those of the whole environment.
    """
    metrics = {head.partition("{")[0] for head in series}
    names: dict[str, None] = {}
    for signal in signals:
        known = variants_of(signal, settings.dashboards.instrumentation)
        names |= dict.fromkeys(v.name for v in [v for v in known if metrics.issuperset(v.needs)] or known[:1])
    return replace(settings, dashboards=replace(settings.dashboards, instrumentation=tuple(names)))


def _document(rule: Rule, topic: str, writer: Writer) -> Document:
    document = alert_document(rule, topic, writer)
    return stands_for_log(document) if writer.language(rule) == "LogQL" else document


def _tested(rule: Rule, by: Sequence[str], document: Document, cases: Sequence[Case]) -> Tested:
    single = tuple(one for case in cases for one in expanded(case, rule))
    alone = by[0] if by and apart(document["expr"], by[0]) else ""
    return Tested(alert=document["alert"], rules=(document,), cases=single, apart=alone)


def _lacking(name: str, found: Sequence[Tested]) -> str:
    firing = {fires for one in found if one.alert == name for *_, fires in one.cases}
    words = {True: "a test in which it fires", False: "a test in which it is quiet"}
    return " and ".join(word for wanted, word in words.items() if wanted not in firing)


def _of_nothing(tests: Sequence[CaseFile], known: Sequence[str]) -> Iterator[Problem]:
    """Yield a problem for each test of an alert that is not there."""
    from obskit.ascode.alerts.check.alert_tested import of_nothing

    yield from of_nothing(tests, set(known))


def _mistaken(rule: Rule, right: Document, topic: str, writer: Writer) -> Iterator[tuple[str, Document]]:
    """Yield each mistake and the document that it makes, those left out that change nothing."""
    made: list[tuple[str, Document]] = []
    for factor in FACTORS:
        wrong = replace(rule, threshold=rule.threshold * factor)
        made.append((f"threshold x{factor:.2g}", _document(wrong, topic, writer)))
    hold = seconds(rule.hold)
    holds = ((factor, f"{round(float(hold) * factor)}s") for factor in (2, 0.5) if hold)
    made += [(f"hold x{factor:g}", {**right, "for": text}) for factor, text in holds]
    flipped = _LEVEL.sub(lambda found: _FLIPPED[found[0]], str(right["expr"]), count=1)
    if flipped == right["expr"]:  # one on logs, as promtool evaluates it
        flipped = re.sub(r"(>=|<=)", lambda found: _FLIPPED[found[0]], flipped, count=1)
    made.append(("operator flipped", {**right, "expr": flipped}))
    for index, condition in enumerate(rule.where):
        rest = replace(rule, where=rule.where[:index] + rule.where[index + 1 :])
        made.append((f"condition on {condition.signal} dropped", _document(rest, topic, writer)))
    for what, document in made:
        if (document["expr"], document["for"]) != (right["expr"], right["for"]):
            yield what, document


def _mistaken_slo(right: Tested) -> Iterator[tuple[str, tuple[Document, ...]]]:
    """Yield an objective's alert with each of its thresholds mistaken."""
    for at, rule in enumerate(right.rules):
        expr = str(rule["expr"])
        for found in _SLO_LEVEL.finditer(expr) if "alert" in rule else ():
            for factor in FACTORS:
                text = f"{expr[: found.start()]}{number(float(found[0]) * factor)}{expr[found.end() :]}"
                changed = (*right.rules[:at], {**rule, "expr": text}, *right.rules[at + 1 :])
                yield f"{found[0]} x{factor:.2g}", changed
