"""Checks of alerts: each broken file of ``broken/`` is found with its place; each check tells right from wrong.

A definition's first line says what has to be said of it: ``# expect: CHECK @LINE: WORDS``; a runbook
says it in a comment. The line is the one that a person has to look at, 0 when it is the whole file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from obskit.ascode.alerts.check import EXCLUDED, Built, Case, Place, Result, all_checks, explain, run
from obskit.ascode.alerts.check.runbooks_alike import MOST_SHARED
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load, load_cases
from obskit.ascode.alerts.rule import RuleFile
from obskit.ascode.definition import Problem
from obskit.ascode.exclusions import apply, read
from obskit.ascode.execute import LOADING
from obskit.ascode.live import LivePrometheus
from obskit.ascode.load import load as load_dashboards
from obskit.errors import UsageError
from obskit.settings import Connection, Settings
from tests.support.node import grafana_tools
from tests.support.servers import PrometheusServer

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(__file__).parent / "broken"
FILES = tuple(
    sorted(
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.suffix in (".py", ".md") and " expect: " in path.read_text(encoding="utf-8")
    )
)
#: Checks that no definition alone can break: expressions are the catalogue's, the rest needs a server.
ELSEWHERE = {
    "absent",
    "alert-panel",
    "comparison",
    "group-interval",
    "live-cost",
    "live-count",
    "live-labels",
    "live-metrics",
    "logql",
    "nan",
    "promtool",
    "recording-name",
    "regexp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a file promises."""

    check: str
    line: int
    words: str

    def fits(self, problem: Problem) -> bool:
        """Tell whether this is the problem."""
        return (problem.check, problem.line) == (self.check, self.line) and self.words in problem.message


def _expected(name: str) -> Expected:
    found = re.search(r"^(?:#|<!--) expect: (\S+) @(\d+): (.+?)(?: -->)?$", (FOLDER / name).read_text(), re.MULTILINE)
    assert found, f"{name} does not say what is expected of it"
    return Expected(check=found[1], line=int(found[2]), words=found[3])


@cache
def _result() -> Result:
    """Return what is said of the folder: by the loader, and by every check that needs no server."""
    files, problems = load(FOLDER)
    tests, untestable = load_cases(FOLDER)
    writer = Writer(settings=Settings(), dashboards=load_dashboards(ROOT / "dashboards")[0])
    result = run(Case(files=files, tests=tests, writer=writer, runbooks=FOLDER / "runbooks"))
    kept, _ = apply(result.problems, read(FOLDER / "checks.toml", EXCLUDED), EXCLUDED)
    return replace(result, problems=(*problems, *untestable, *kept))


def _of(name: str) -> list[Problem]:
    grafana_tools()
    return [problem for problem in _result().problems if Path(problem.file).name == Path(name).name]


@pytest.mark.parametrize("name", FILES)
def test_what_is_broken_is_found_with_its_place(name: str) -> None:
    """Check, line and words are those that the file promises."""
    expected = _expected(name)

    found = _of(name)

    assert any(expected.fits(problem) for problem in found), (expected, found)


@pytest.mark.parametrize("name", FILES)
def test_nothing_else_is_said_of_it(name: str) -> None:
    """One slip is one problem, or the fix is looked for in the wrong place."""
    expected = _expected(name)

    assert [problem for problem in _of(name) if not expected.fits(problem)] == []


def test_nothing_is_said_of_what_is_sound() -> None:
    """The definitions of the broken pages are whole, and so is the second of two pages that are alike."""
    grafana_tools()
    said_of = {Path(problem.file).name for problem in _result().problems}

    assert said_of == {Path(name).name for name in FILES}
    assert len(FILES) >= 50


def test_every_check_that_a_definition_can_break_is_broken_by_one() -> None:
    """A new check needs its broken definition here, or a test below."""
    assert {_expected(name).check for name in FILES} == {LOADING, *all_checks()} - ELSEWHERE


def test_only_what_needs_a_server_is_not_checked() -> None:
    """A check that is passed over in silence finds nothing."""
    grafana_tools()

    assert {check for check, _ in _result().skipped} == {name for name in ELSEWHERE if name.startswith("live-")}


@pytest.mark.parametrize("name", sorted(all_checks()))
def test_every_check_has_a_page(name: str) -> None:
    """It says what is looked for, why, and how to mend it."""
    page = explain(name)

    assert all(words in page for words in ("What it looks for", "Why: ", "How to mend it: "))
    assert page.splitlines()[0].endswith(".")


def test_an_unknown_check_is_refused() -> None:
    """With what there is."""
    with pytest.raises(UsageError, match="there is no check 'nope'"):
        explain("nope")


# ----------------------------------------------------------------- expressions that no definition writes

SOURCE = 'from obskit.ascode.alerts import alert\n\nRULES = (alert("Handmade", "db_errors"),)\n'


class Handmade(Case):
    """Rules as a rule file may hold them, whoever wrote it."""

    def __init__(self, *rules: Built) -> None:
        super().__init__(files=(), writer=Writer(settings=Settings()))
        self.__dict__["_built"] = (rules, ())


def rule(expr: str, language: str = "PromQL", group: str = "g", interval: str = "30s", **more: Any) -> Built:
    """Return an alert with an expression."""
    file = RuleFile(name="hand", path=Path("hand.alerts.py"), source=SOURCE)
    own = {} if "record" in more else {"alert": "Handmade", "for": "5m", "labels": {}, "annotations": {}}
    document = {**own, "expr": expr, **more}
    place = Place(file=file, name="Handmade")
    return Built(document=document, language=language, place=place, group=group, interval=interval)


def said(check: str, *rules: Built) -> list[str]:
    """Return what a check says of rules."""
    return [problem.message for problem in run(Handmade(*rules), [check]).problems]


@pytest.mark.parametrize(
    ("check", "expr", "words"),
    [
        ("comparison", "sum(up)", "nothing is compared"),
        ("comparison", "up > bool 0", "nothing is compared"),
        ("comparison", "(up > 0) or vector(1)", "nothing is compared"),
        ("nan", "sum by (service) (a / b) > 1", "sum of a division"),
        ("nan", "avg(rate(a[5m]) / sum(b)) > 1", "avg of a division"),
        ("fragile", "topk(3, a) > 1", "topk chooses"),
        ("regexp", 'a{b=~"^foo.*"} > 1', "anchored already"),
        ("regexp", 'a{b=~"foo"} > 1', "nothing in it is regular"),
        ("regexp", 'a{b=~".*"} > 1', "matches everything"),
        ("rate-window", "rate(a[45s]) > 1", "45 s"),
        ("promql", "rate(a) > 1", "PromQL: "),
    ],
)
def test_an_expression_that_misleads_is_found(check: str, expr: str, words: str) -> None:
    """Each as somebody would write it; the problem names the alert."""
    (message,) = said(check, rule(expr))

    assert message.startswith("Handmade: ")
    assert words in message


@pytest.mark.parametrize(
    ("check", "expr"),
    [
        ("comparison", "sum(up) < 3"),
        ("comparison", "(a > 1 and b) / 0.001"),
        ("comparison", "absent(up)"),
        ("comparison", "up == 0 unless on () vector(1)"),
        ("nan", "sum(a) / sum(b) > 1"),
        ("nan", "sum(a / (b > 0)) > 1"),
        ("nan", "sum(a / 1024) > 1"),
        ("nan", "max by (service) (a / b) > 1"),
        ("fragile", "a / b > 1"),
        ("regexp", 'a{b=~"foo|bar",c!="x",d=~".+"} > 1'),
        ("regexp", r'a{b=~"price\\$"} > 1'),
        ("rate-window", "rate(a[1m]) > 1"),
    ],
)
def test_an_expression_that_is_right_is_passed_over(check: str, expr: str) -> None:
    """A check that cries wolf is excluded, and then finds nothing."""
    assert said(check, rule(expr)) == []


def test_what_is_absent_between_two_scrapes_must_hold() -> None:
    """For two scrapes at least."""
    assert "absent holds between two scrapes" in said("absent", rule("absent(up)", **{"for": "0s"}))[0]
    assert said("absent", rule("absent(up)", **{"for": "2m"})) == []


def test_a_group_that_is_evaluated_too_rarely_is_found_once() -> None:
    """Prometheus looks five minutes back."""
    assert said("group-interval", rule("a > 1", interval="10m"), rule("b > 1", interval="10m")) == [
        "Handmade: its group g is evaluated each '10m': 5m is the most"
    ]
    assert said("group-interval", rule("a > 1", interval="5m")) == []


@pytest.mark.parametrize(
    ("name", "right"), [("service:requests:rate5m", True), ("requests_rate", False), ("a:B:c", False)]
)
def test_a_recording_is_called_by_level_metric_and_operations(name: str, right: bool) -> None:
    """Three parts in lower case."""
    assert (said("recording-name", rule("a", record=name)) == []) is right


def test_a_label_that_the_expression_cannot_give_is_found_in_the_built_texts() -> None:
    """Of two that stand side by side one is enough: exporters name the same thing differently."""
    both = "{{ $labels.service }}{{ $labels.service_name }} is down"
    lost = "{{ $labels.task }} of {{ $labels.service }} is down"

    assert said("template", rule("sum by (service) (a) > 1", annotations={"summary": both})) == []
    (message,) = said("template", rule("sum by (service) (a) > 1", annotations={"summary": lost}))
    assert "names the label task" in message


def test_a_value_in_a_label_is_found() -> None:
    """Each evaluation would be a new alert."""
    (message,) = said("template", rule("a > 1", labels={"level": "{{ $value }}"}))

    assert "a new alert at each evaluation" in message


def test_promtool_says_what_no_check_of_ours_says() -> None:
    """A template function that does not exist, and the same recording twice; each of its own rule."""
    broken = rule("a > 1", annotations={"summary": "{{ $value | nope }}"})
    other = rule("b > 1", group="h")
    place = broken.place
    twice = [replace(rule("a", record="a:b:c", group="i"), place=place) for _ in range(2)]

    messages = said("promtool", other, broken, *twice)

    assert [m for m in messages if 'function "nope" not defined' in m] == [messages[0]]
    assert "a:b:c: promtool: there is a rule with this name and labels already" in messages
    assert len(messages) == 2
    assert said("promtool", rule("rate(b) > 1"), rule("c > 1", **{"for": "5m1h"})) == [], "said by others"


def test_logql_that_loki_cannot_read_is_found() -> None:
    """By the grammar that Grafana has."""
    grafana_tools()

    (message,) = said("logql", rule('sum(rate({a="b"} |~ c [5m])) > 1', language="LogQL"))

    assert "LogQL does not go on with" in message
    assert said("logql", rule('sum(rate({a="b"} |~ `c` [5m])) > 1', language="LogQL")) == []


def test_without_dashboards_panels_are_not_checked_and_with_others_they_are_missed() -> None:
    """An alert on what no panel shows has no link."""
    files, _ = load(FOLDER)
    sound = tuple(file for file in files if file.name == "pages")
    nodes = tuple(d for d in load_dashboards(ROOT / "dashboards")[0] if d.name == "node")

    skipped = run(Case(files=sound, writer=Writer(settings=Settings())), ["alert-panel"])
    missed = run(Case(files=sound, writer=Writer(settings=Settings(), dashboards=nodes)), ["alert-panel"])

    assert [name for name, _ in skipped.skipped] == ["alert-panel"]
    assert {problem.message.partition(": ")[2] for problem in missed.problems} == {"no panel shows db_errors"}
    assert len(missed.problems) == len(sound[0].rules)


def test_without_runbooks_nothing_is_said_of_them(tmp_path: Path) -> None:
    """It is said that they were not checked."""
    case = Case(files=(), writer=Writer(settings=Settings()), runbooks=tmp_path / "none")

    assert {name for name, _ in run(case).skipped} >= {
        "alert-runbook",
        "runbook-form",
        "runbook-owner",
        "runbooks-alike",
    }
    assert MOST_SHARED < 1


# ------------------------------------------------------------------------------- with a live Prometheus


@pytest.fixture(scope="module")
def prometheus() -> Iterator[LivePrometheus]:
    """Return a real server with thirty services that are down, and one metric without their label."""
    now = round(time.time() * 1000)
    recent = [(now - back * 1000, 0.0) for back in range(600, -1, -15)]
    with PrometheusServer() as server:
        server.write([({"__name__": "up", "service": f"s{number}"}, recent) for number in range(30)])
        server.write([({"__name__": "requests_total", "code": "200"}, recent)])
        yield LivePrometheus(Connection(url=server.url, timeout_seconds=10), now=time.time())


@pytest.mark.parametrize(
    ("check", "expr", "words"),
    [
        ("live-metrics", "request_total > 1", "nothing emits request_total"),
        ("live-labels", 'requests_total{service!="",service=~".+"} > 1', "requests_total carries no label service"),
        ("live-count", "up == 0", "held for 30 series"),
        ("live-cost", "up{ > 1", None),
        ("live-metrics", "request_total > 1 or requests_total > 1", None),
        ("live-count", "sum(up) == 0", None),
        ("live-cost", "sum(up) == 0", None),
    ],
)
def test_live_checks_tell_what_is_there(prometheus: LivePrometheus, check: str, expr: str, words: str | None) -> None:
    """A metric, a label, a flood; of alternatives one is enough, and what does not parse is said elsewhere."""
    case = Handmade(rule(expr))
    case.__dict__["prometheus"] = prometheus

    messages = [problem.message for problem in run(case, [check]).problems]

    assert (messages == []) is (words is None)
    assert all(words in message for message in messages if words)


def test_what_our_own_rules_record_is_there(prometheus: LivePrometheus) -> None:
    """It is, as soon as they are loaded."""
    case = Handmade(rule("requests_total", record="a:requests:sum"), rule("a:requests:sum > 1"))
    case.__dict__["prometheus"] = prometheus

    assert run(case, ["live-metrics"]).problems == ()
