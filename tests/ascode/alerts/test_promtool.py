"""What promtool is given: every test, in as few and as short runs as hold the same."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from obskit.ascode.alerts.cases import Series, steady
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load, load_cases
from obskit.ascode.alerts.promtool import LONG_INTERVAL, Single, Tested, apart, documents, run
from obskit.ascode.alerts.rule import seconds
from obskit.ascode.alerts.testing import collected
from obskit.errors import SourceError
from obskit.settings import Settings

RULE = {
    "alert": "PoolWaiting",
    "expr": "max by (service) (waiting) >= 4",
    "for": "10m",
    "annotations": {"summary": "a"},
}
ALERTS = 'clamp_max(count(ALERTS{alertname="PoolWaiting",alertstate="firing"%s}), 1) or vector(0) # %s'
DAY = 86_400


def waiting(value: float, service: str = "shop") -> Series:
    """Return one service's series."""
    return {f'waiting{{service="{service}",task_id="a"}}': steady(value)}


def single(name: str, series: Series, at: int = 60, *, firing: bool = True, **labels: str) -> Single:
    """Return a single test."""
    return name, series, at, tuple(labels.items()), firing


def files(*cases: Single, apart: str = "") -> dict[str, Any]:
    """Return the test files of an alert with such tests."""
    return documents(Tested(alert="PoolWaiting", rules=(RULE,), cases=cases, apart=apart))[1]


def runs(*cases: Single, apart: str = "") -> list[dict[str, Any]]:
    """Return what is evaluated: each run of each file."""
    return [run for file in files(*cases, apart=apart).values() for run in file["tests"]]


def script(place: Path, body: str) -> str:
    """Return a program that stands in for promtool."""
    program = place / "stand-in"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def test_a_promtool_that_is_killed_is_no_failed_test(tmp_path: Path) -> None:
    """The kernel kills it where memory is short: nothing is wrong with any alert."""
    tested = Tested(alert="PoolWaiting", rules=(RULE,), cases=(single("a", waiting(5)),))

    with pytest.raises(SourceError, match="ended before it had finished") as raised:
        run([tested], tmp_path, promtool=script(tmp_path, "kill -9 $$"))

    assert raised.value.where == {"signal": signal.strsignal(signal.SIGKILL), "alerts": "1"}
    assert "220 MB" in raised.value.hint


@pytest.mark.parametrize(("own", "heard"), [(None, "400 192MiB"), ("50", "50 192MiB")])
def test_promtool_collects_garbage_late_unless_somebody_said_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str | None, heard: str
) -> None:
    """It takes a fourth less time so; what is set already is not ours to change."""
    monkeypatch.delenv("GOMEMLIMIT", raising=False)
    monkeypatch.delenv("GOGC", raising=False)
    if own:
        monkeypatch.setenv("GOGC", own)
    tested = Tested(alert="PoolWaiting", rules=(RULE,), cases=(single("a", waiting(5)),))

    (said,) = run([tested], tmp_path, promtool=script(tmp_path, 'echo "$GOGC $GOMEMLIMIT $*"; exit 1'))

    assert said.said == f"{heard} test rules PoolWaiting.test.yml"


def test_a_long_run_is_evaluated_often_enough_for_what_it_waits_for() -> None:
    """Five times within every range and every holding time of the shipped alerts that have such a test."""
    root = Path(__file__).resolve().parents[3] / "alerts"
    definitions, _ = load(root)
    tests, _ = load_cases(root)
    least = 5 * seconds(LONG_INTERVAL)

    long = [
        one
        for one in collected(definitions, tests, Writer(settings=Settings()))
        if f"{one.alert}.long.test.yml" in documents(one)[1]
    ]

    assert long
    for one in long:
        for rule in one.rules:
            ranges = re.findall(r"\[(\w+)(?::\w*)?\]", rule["expr"])
            waits = [seconds(text) for text in (*ranges, rule.get("for", "0s"))]
            assert all(wait == 0 or wait >= least for wait in waits), one.alert


def test_a_rule_is_evaluated_as_it_is_built_but_for_the_words_that_nobody_tests() -> None:
    """As often as Prometheus will; words would be filled in anew each time."""
    rules, tests = documents(Tested(alert="PoolWaiting", rules=(RULE,), cases=(single("a", waiting(5)),)))

    assert rules["groups"] == [
        {
            "name": "PoolWaiting",
            "interval": "30s",
            "rules": [{key: value for key, value in RULE.items() if key != "annotations"}],
        }
    ]
    assert [(name, body["evaluation_interval"]) for name, body in tests.items()] == [("PoolWaiting.test.yml", "30s")]


def test_tests_with_the_same_series_are_looked_at_in_one_run() -> None:
    """Before and after the holding time; each question says what it is for, as promtool repeats it when it fails."""
    early, late = (
        single("waits", waiting(80), 585, firing=False),
        single("fires\nsoon", waiting(80), 720, service="shop"),
    )
    first, second = runs(early, single("at 3.8", waiting(3.8), firing=False), late)

    assert first["promql_expr_test"] == [
        {"expr": ALERTS % ("", "waits"), "eval_time": "585s", "exp_samples": [{"labels": "{}", "value": 0}]},
        {
            "expr": ALERTS % (',service="shop"', "fires soon"),
            "eval_time": "720s",
            "exp_samples": [{"labels": "{}", "value": 1}],
        },
    ]
    assert [one["series"] for one in first["input_series"]] == list(waiting(80))
    assert [look["eval_time"] for look in second["promql_expr_test"]] == ["60s"]


def test_what_takes_days_is_evaluated_each_minute_in_a_file_of_its_own() -> None:
    """What it waits for moves in hours; the short tests of the same alert are evaluated as often as ever."""
    found = files(single("now", waiting(5)), single("tomorrow", waiting(6), DAY))

    assert {name: (body["evaluation_interval"], len(body["tests"])) for name, body in found.items()} == {
        "PoolWaiting.test.yml": ("30s", 1),
        "PoolWaiting.long.test.yml": ("1m", 1),
    }


def test_tests_of_services_that_have_nothing_to_do_with_each_other_run_side_by_side() -> None:
    """Each with a service of its own, asked by its name; and no alert may fire that no test asked for."""
    (run,) = runs(
        single("waits", waiting(5), 1900, firing=False),
        single("fires", waiting(5), 2400, service="shop", severity="page"),
        single("is quiet", waiting(3), 3600, firing=False),
        apart="service",
    )

    assert [one["series"] for one in run["input_series"]] == [
        'waiting{service="shop-0",task_id="a"}',
        'waiting{service="shop-1",task_id="a"}',
    ]
    assert [(look["expr"], look["eval_time"]) for look in run["promql_expr_test"]] == [
        (ALERTS % (',service="shop-0"', "waits"), "1900s"),
        (ALERTS % (',service="shop-0",severity="page"', "fires"), "2400s"),
        (ALERTS % (',service="shop-1"', "is quiet"), "3600s"),
        (ALERTS % (r',service!~"shop\\-0|shop\\-1"', "no other alert fires"), "3600s"),
    ]
    assert [look["exp_samples"][0]["value"] for look in run["promql_expr_test"]] == [0, 1, 0, 0]
    for look in run["promql_expr_test"]:
        promql_parser.parse(look["expr"])


@pytest.mark.parametrize(
    "case",
    [
        single("without series", {}, firing=False),
        single("two services", {**waiting(5), **waiting(5, "pay")}),
        single("another's alert", waiting(6), service="pay"),
        single("no service", {'waiting{task_id="a"}': steady(5)}),
        single("another label", {'waiting{my_service="shop"}': steady(5)}),
    ],
)
def test_a_test_that_is_not_about_one_service_runs_alone(case: Single) -> None:
    """Its series and what it expects stay as they were written."""
    others = (single("one", waiting(5)), single("two", waiting(4)))
    (run,) = (run for run in runs(case, *others, apart="service") if case[0] in run["name"])

    assert {one["series"]: one["values"] for one in run["input_series"]} == case[1]
    assert len(run["promql_expr_test"]) == 1


def test_no_test_makes_others_last_much_longer() -> None:
    """One of two hours does not stretch those of minutes: rules would be evaluated for nothing."""
    lasting = {"a": 60, "b": 900, "c": 901, "d": 3600, "e": 1801, "f": 7200}

    found = runs(*(single(name, waiting(n), at) for n, (name, at) in enumerate(lasting.items())), apart="service")

    assert [re.findall(r"\b[a-f]\b", run["name"]) for run in found] == [["a", "b"], ["c"], ["d", "e"], ["f"]]


@pytest.mark.parametrize(
    ("expr", "is_apart"),
    [
        ('max by (service) (\nsum by (service, task) (rate(a{service!=""}[5m]))\n) >= 4', True),
        ("max by (service) (a) >= 4\nand on (service) sum by (service) (b) >= 1", True),
        ('max by (service) (a{service=~".+"}) >= 4', False),
        ('max by (service) (a{my_service="shop"}) >= 4', True),
        ("max by (job) (a) >= 4", False),
        ("max by (service) (a / on (job) group_left () b) >= 4", False),
        ("max by (service) (a) / max(a) >= 4", False),
        ("max (a) by (service) >= 4", False),
        ("sum without (task) (a) >= 4", False),
        ("topk(3, a) >= 4", False),
        ("count_over_time(a[5m]) >= 4", True),
        ("absent(a) >= 1", False),
        ('max by (service) (label_replace(a, "service", "$1", "name", "(.*)")) >= 4', False),
        ("a / ignoring (service) b >= 4", False),
        ("max by (service) (a) / MAX(a) >= 4", False),
        ('SUM(a{service!=""}) >= 4', False),
        ("max by (service) (a / ON (job) b) >= 4", False),
        ("MAX BY (service) (a) >= 4", True),
        ("Max By (job) (a) >= 4", False),
        ("sum WITHOUT (task) (a) >= 4", False),
        ("limitk(1, a) >= 4", False),
        ("limit_ratio(0.5, a) >= 4", False),
        ('max by (service) (a{"service"="shop"}) >= 4', False),
    ],
)
def test_tests_run_side_by_side_only_where_no_service_can_touch_another(expr: str, is_apart: bool) -> None:
    """All that adds up, joins or names services says so by its words; what is not understood is taken for no."""
    promql_parser.parse(expr)

    assert apart(expr, "service") is is_apart
