"""The tests of alerts: what they say of rules that hold, of rules that do not, and of rules that nobody tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from obskit.ascode.alerts import testing
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load, load_cases
from obskit.ascode.alerts.rule import RuleFile
from obskit.ascode.alerts.testing import TestResult, collected, mutations, names_of, speaking, survivors
from obskit.ascode.board import signal_named
from obskit.errors import UsageError
from obskit.settings import DashboardSettings, Settings

WRITER = Writer(settings=Settings())
HEAD = "from obskit.ascode.alerts import Condition, Slo, alert, around, counting, fires, quiet, steady\n\n"
ALERT = """alert(
    "{name}", "{signal}", level={level}, reason="a number of this test", severity="ticket", kind="cause",
    summary="{{value}} of {{service}}", description="It is bad.", hold="{hold}", hold_reason="of this test alone",
    where=({where}),
),
"""
WAITING = 'lambda v: {\'hikaricp_connections_pending{service="shop",task_id="a"}\': steady(v)}'
BUSY = 'Condition(signal="http_requests", op=">=", value=1, reason="somebody has to ask for it"),'

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def alert_text(name: str = "PoolWaiting", level: float = 4, hold: str = "10m", where: str = "") -> str:
    """Return the definition of an alert."""
    return ALERT.format(name=name, signal="db_pool_waiting", level=level, hold=hold, where=where)


def folder(place: Path, alerts: str, tests: str) -> tuple[Path, tuple[RuleFile, ...]]:
    """Write a folder of one definition and its tests, and load the definition."""
    (place / "tests").mkdir(parents=True, exist_ok=True)
    (place / "topic.alerts.py").write_text(f"{HEAD}RULES = ({alerts})\n", encoding="utf-8")
    (place / "tests" / "topic.tests.py").write_text(f"{HEAD}TESTS = ({tests})\n", encoding="utf-8")
    files, problems = load(place)
    assert not problems
    return place, files


def result(
    place: Path, alerts: str, tests: str, *only: str, done: Callable[[int, int], object] | None = None
) -> TestResult:
    """Run the tests of such a folder."""
    where, files = folder(place / "alerts", alerts, tests)
    return testing.tested(where, files, WRITER, place / "promtool", only=only, done=done)


def test_an_alert_with_tests_around_its_threshold_passes(tmp_path: Path) -> None:
    """Five tests stand for it: beyond, within, nothing, before the holding time, after it."""
    said = result(tmp_path, alert_text(), f'around("PoolWaiting", {WAITING}),')

    assert said.passed
    assert said.document() == {
        "passed": True,
        "alerts": ["PoolWaiting"],
        "tests": 5,
        "failures": [],
        "untested": [],
        "problems": [],
    }
    assert said.text() == "1 alert, 5 tests: 0 failed, 0 not tested"


def test_a_test_that_does_not_hold_is_told_with_promtools_words(tmp_path: Path) -> None:
    """Of the alert that it is about, and of no other."""
    two = alert_text() + alert_text("PoolCrowded", level=40)
    told: list[tuple[int, int]] = []
    series = "{'hikaricp_connections_pending{service=\"shop\"}': steady(5)}"
    tests = (
        f'around("PoolWaiting", {WAITING}), quiet("PoolCrowded", {series}, at="20m", why="few"),'
        f'fires("PoolCrowded", {series}, at="20m", why="five are a crowd"),'
    )

    said = result(tmp_path, two, tests, done=lambda *count: told.append(count))

    assert not said.passed
    assert [failure.alert for failure in said.failures] == ["PoolCrowded"]
    assert "# five are a crowd" in said.failures[0].said
    assert told == [(0, 2), (1, 2), (2, 2)], "how far it is, whatever the tests say"
    assert "failed  PoolCrowded: " in said.text()
    assert said.text().splitlines()[-1] == "2 alerts, 7 tests: 1 failed, 0 not tested"


@pytest.mark.parametrize(
    ("tests", "lacks"),
    [
        ("", "a test in which it fires and a test in which it is quiet"),
        ('quiet("PoolWaiting", {}, at="1m", why="nothing is there"),', "a test in which it fires"),
    ],
)
def test_an_alert_without_both_kinds_of_test_fails(tmp_path: Path, tests: str, lacks: str) -> None:
    """An alert that was never seen to fire is a hope."""
    said = result(tmp_path, alert_text(), tests)

    assert not said.passed
    assert said.untested == (("PoolWaiting", lacks),)
    assert f"lacks   PoolWaiting: {lacks}" in said.text()


def test_a_test_of_an_alert_that_is_not_there_fails(tmp_path: Path) -> None:
    """It was renamed, and its test tests nothing any more."""
    said = result(tmp_path, alert_text(), f'around("PoolWaiting", {WAITING}), around("Renamed", {WAITING}),')

    assert not said.passed
    (problem,) = said.problems
    assert (problem.message, problem.line) == ("Renamed: it is tested, and not defined", 3)


def test_only_what_is_named_is_tested(tmp_path: Path) -> None:
    """A writer of one alert does not wait for two hundred; a misspelt name is refused."""
    two = alert_text() + alert_text("Untested")

    assert result(tmp_path, two, f'around("PoolWaiting", {WAITING}),', "PoolWaiting").passed
    with pytest.raises(UsageError, match="there is no alert 'poolwaitin'") as refused:
        result(tmp_path, two, "", "poolwaitin")
    assert refused.value.hint == "did you mean PoolWaiting?"


def test_promtools_files_stay_where_they_were_asked_for(tmp_path: Path) -> None:
    """To be run by hand."""
    result(tmp_path, alert_text(), f'around("PoolWaiting", {WAITING}),')

    assert [path.name for path in sorted((tmp_path / "promtool").rglob("PoolWaiting.*"))] == [
        "PoolWaiting.rules.yml",
        "PoolWaiting.test.yml",
    ]


def test_an_alert_on_logs_is_tested_by_the_series_of_its_value(tmp_path: Path) -> None:
    """Of LogQL promtool knows nothing: threshold, holding time and labels are tested, the query is not."""
    alerts = ALERT.format(name="LogErrors", signal="log_errors", level=5, hold="5m", where="")
    drive = "lambda v: {'obskit_value{service=\"shop\"}': steady(v)}"

    assert result(tmp_path, alerts, f'around("LogErrors", {drive}, labels={{"service": "shop"}}),').passed


def test_the_alerts_of_objectives_need_tests_too(tmp_path: Path) -> None:
    """They are counted once, however many objectives there are."""
    place = tmp_path / "alerts"
    _, _ = folder(place, "", "")
    slo = 'Slo(name="{}", objective="99.9", failures="slo_failures", requests="slo_requests"),'
    text = f"{HEAD}SLOS = ({slo.format('a')}{slo.format('b')})\n"
    (place / "topic.alerts.py").write_text(text, encoding="utf-8")
    files, _ = load(place)

    assert names_of(files, WRITER) == ("SloBudgetBurnsFast", "SloBudgetBurnsSlowly")
    assert [name for name, _ in testing.tested(place, files, WRITER, tmp_path).untested] == list(
        names_of(files, WRITER)
    )


def test_every_mistake_is_made_once_and_noticed_by_good_tests(tmp_path: Path) -> None:
    """Threshold, holding time, comparison and condition; those of a rule that good tests hold are all noticed."""
    requests = '\'http_requests_total{service="shop",task_id="a",path="/",status="200"}\''
    idle = f"{{**({WAITING})(9), {requests}: counting(0.5)}}"
    tests = (
        f'around("PoolWaiting", lambda v: {{**({WAITING})(v), {requests}: counting(5)}}),'
        f'quiet("PoolWaiting", {idle}, at="30m", why="nobody asks"),'
    )
    where, files = folder(tmp_path / "alerts", alert_text(where=BUSY), tests)
    cases, _ = load_cases(where)

    made = mutations(files, cases, WRITER)

    assert [one.what for one in made] == [
        "threshold x1.5",
        "threshold x0.67",
        "hold x2",
        "hold x0.5",
        "operator flipped",
        "condition on http_requests dropped",
    ]
    assert len({one.tested.alert for one in made}) == len(made)
    assert survivors(made, tmp_path) == ()


def test_a_mistake_stands_in_what_the_tests_speak_and_the_right_rule_is_whole(tmp_path: Path) -> None:
    """A right rule is tested as it ships; mistakes are many, and each variant is parsed for each."""
    where, files = folder(tmp_path / "alerts", alert_text(where=BUSY), f'around("PoolWaiting", {WAITING}),')
    cases, _ = load_cases(where)
    (rule,) = files[0].rules

    (right,) = collected(files, cases, WRITER)
    mistaken = next(one.tested.rules[0]["expr"] for one in mutations(files, cases, WRITER))

    assert right.rules[0]["expr"] == WRITER.expr(rule)
    kept = mistaken.splitlines()
    assert len(kept) < len(WRITER.expr(rule).splitlines())
    assert [line for line in kept if line not in WRITER.expr(rule)] == [") >= 6"], "the threshold alone is another"
    assert "hikaricp_connections_pending" in mistaken


def test_a_mistake_keeps_the_labels_of_the_right_rule(tmp_path: Path) -> None:
    """Those that other variants name too: conditions are joined by them."""
    text = alert_text().replace("db_pool_waiting", "queue_growth").replace("{service}", "{queue}")
    drive = "lambda v: {'rabbitmq_queue_messages_ready{queue=\"mails\"}': steady(v)}"
    _, files = folder(tmp_path, text, f'around("PoolWaiting", {drive}),')
    cases, _ = load_cases(tmp_path)

    (right,) = collected(files, cases, WRITER)
    made = mutations(files, cases, WRITER)

    first = right.rules[0]["expr"].splitlines()[0]
    assert first == "max by (consumergroup, queue, dimension_QueueName) ("
    assert {one.tested.rules[0]["expr"].splitlines()[0] for one in made} == {first}


def test_objectives_are_tested_as_they_ship(tmp_path: Path) -> None:
    """With every variant of their signals, whatever the tests' series speak."""
    place = tmp_path / "alerts"
    series = '{\'http_requests_total{service="shop",status="200"}\': counting(5)}'
    folder(place, "", f'quiet("SloBudgetBurnsFast", {series}, at="1h", why="all is well"),')
    slo = 'Slo(name="availability", objective="99.9", failures="slo_failures", requests="slo_requests")'
    (place / "topic.alerts.py").write_text(f"{HEAD}SLOS = ({slo},)\n", encoding="utf-8")
    files, _ = load(place)
    cases, _ = load_cases(place)

    (right,) = collected(files, cases, WRITER)
    mistaken = next(one.tested for one in mutations(files, cases, WRITER, objectives=True))

    variants = signal_named("slo_requests").variants
    first, other = (one.rules[0]["expr"] for one in (right, mistaken))
    assert all(need in first for variant in variants for need in variant.needs)
    spoken = [need for variant in variants for need in variant.needs if need in other]
    assert set(spoken) == {"http_requests_total"}, "a mistake stands in what is left"


def test_settings_of_series_leave_each_signal_what_can_answer() -> None:
    """All that a variant needs must be there; a signal that has nothing keeps one variant, which says so."""
    asked = [signal_named(name) for name in ("http_requests", "container_storage_ratio")]
    (first, second) = (signal.variants for signal in asked)
    half = second[0].needs[:1]

    found = speaking(asked, [f'{first[1].needs[0]}{{service="shop"}}', *half], Settings())

    assert found.dashboards.instrumentation == (first[1].name, second[0].name)
    limited = Settings(dashboards=DashboardSettings(instrumentation=(first[0].name,)))
    assert speaking(asked[:1], first[1].needs, limited).dashboards.instrumentation == (first[0].name,)


def test_mistakes_that_weak_tests_pass_over_are_told(tmp_path: Path) -> None:
    """A test far beyond the threshold holds neither the threshold nor the time."""
    series = "{'hikaricp_connections_pending{service=\"shop\"}': steady(1000)}"
    tests = (
        f'fires("PoolWaiting", {series}, at="5h", why="far beyond"),quiet("PoolWaiting", {{}}, at="1m", why="nothing"),'
    )
    where, files = folder(tmp_path / "alerts", alert_text(), tests)
    cases, _ = load_cases(where)

    left = survivors(mutations(files, cases, WRITER), tmp_path)

    assert [one.what for one in left] == ["threshold x1.5", "threshold x0.67", "hold x2", "hold x0.5"]


def test_what_changes_nothing_is_no_mistake(tmp_path: Path) -> None:
    """Half of no holding time is none."""
    where, files = folder(tmp_path / "alerts", alert_text(hold="0s"), f'around("PoolWaiting", {WAITING}),')
    cases, _ = load_cases(where)

    assert [one.what for one in mutations(files, cases, WRITER)] == [
        "threshold x1.5",
        "threshold x0.67",
        "operator flipped",
    ]
    assert len(collected(files, cases, WRITER)) == 1
