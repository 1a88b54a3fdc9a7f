"""Objectives: exact numbers, series of their own, and alerts that fire when the budget burns and not before."""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.alerts import promtool, slo_rules
from obskit.ascode.alerts.build import as_yaml
from obskit.ascode.alerts.cases import Case, counting, fires, quiet
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load, load_cases
from obskit.ascode.alerts.rule import RuleFile, number, seconds
from obskit.ascode.alerts.slo import Slo, expanded, problems
from obskit.ascode.alerts.slo_rules import BURNS, FAST, SLOWLY, WINDOWS, rules_of
from obskit.ascode.load import load as load_dashboards
from obskit.catalogue.slo import slow_requests
from obskit.settings import DashboardSettings, LabelNames, Settings

ROOT = Path(__file__).resolve().parents[3]
COUNTER = ("Prometheus client, counter",)
WRITER = Writer(settings=Settings(dashboards=DashboardSettings(instrumentation=COUNTER)))
#: What runs within this is run here too; the rest by `obskit alerts test`.
LONGEST_SECONDS = 3600


def slo(**fields: Any) -> Slo:
    """Return an objective of 99.9 % availability, but for what is said."""
    usual = {"name": "availability", "objective": "99.9", "failures": "slo_failures", "requests": "slo_requests"}
    return Slo(**{**usual, **fields})


def file_of(*slos: Slo, name: str = "slo", source: str = "") -> RuleFile:
    """Return a file of objectives."""
    return RuleFile(name=name, path=Path(f"alerts/{name}.alerts.py"), source=source, slos=slos)


def texts_of(*slos: Slo, writer: Writer = WRITER) -> str:
    """Return the rule files of objectives, one after the other."""
    return "".join(as_yaml({"groups": [group.document()]}) for group in expanded(slos, "slo", writer))


def rules(*slos: Slo, writer: Writer = WRITER) -> list[dict[str, Any]]:
    """Return the rules of objectives."""
    return [rule for group in expanded(slos, "slo", writer) for rule in group.rules]


# --- what is written ---


def test_the_text_of_three_nines_is_known(golden: Callable[[str, str], None]) -> None:
    """A change of a window, a factor or a label is a change of who is woken: it is read before it is taken."""
    golden("alerts/availability_99_9.rules.yml", texts_of(slo()))


@pytest.mark.parametrize(
    ("period", "factors"),
    [("30d", ["14.4", "6", "3", "1"]), ("28d", ["13.44", "5.6", "2.8", "0.933333"]), ("4w", None)],
)
def test_factors_are_the_share_of_the_budget_over_the_window(period: str, factors: list[str] | None) -> None:
    """2, 5, 10 and 10 % of the budget in an hour, six hours, a day and three days, as the SRE workbook has them."""
    found = [number(burn.factor(period)) for burn in BURNS]

    assert (factors or [number(burn.factor("28d")) for burn in BURNS]) == found


@pytest.mark.parametrize(
    ("objective", "thresholds"),
    [
        ("99.9", ["0.0144", "0.006", "0.003", "0.001"]),
        ("99.95", ["0.0072", "0.003", "0.0015", "0.0005"]),
        ("99.99", ["0.00144", "0.0006", "0.0003", "0.0001"]),
        ("95", ["0.72", "0.3", "0.15", "0.05"]),
    ],
)
def test_thresholds_are_exact(objective: str, thresholds: list[str]) -> None:
    """Binary floats would make 0.014399999999999 of the first."""
    text = texts_of(slo(objective=objective))

    assert thresholds == [number(burn.threshold(slo(objective=objective))) for burn in BURNS]
    assert all(text.count(f"> {threshold}\n") == 2 for threshold in thresholds)


@given(st.decimals(min_value="95", max_value="99.9999", places=4), st.integers(min_value=28, max_value=92))
def test_no_number_has_the_noise_of_binary_floats(objective: Decimal, days: int) -> None:
    """Whatever the objective: digits that nobody wrote make a reader doubt all of them."""
    one = slo(objective=str(objective), period=f"{days}d")

    for text in (number(burn.threshold(one)) for burn in BURNS):
        assert "e" not in text.lower()
        assert len(text.replace(".", "").lstrip("0")) <= 12, text


def test_every_expression_is_promql_of_old_and_new_servers() -> None:
    """promql-parser speaks for newer servers than the promtool that runs the tests."""
    every = Writer(settings=Settings())
    latency = slo(name="latency", failures="slo_slow_requests", requests="slo_timed_requests", limit="0.25")

    for rule in rules(slo(), slo(service="shop", objective="99"), latency, writer=every):
        promql_parser.parse(rule["expr"])


def test_a_window_is_a_ratio_of_sums() -> None:
    """A mean of ratios would let a calm night weigh as much as a busy noon."""
    found = {rule["record"]: rule["expr"] for rule in rules(slo()) if "record" in rule}

    for window in WINDOWS[1:]:
        expr = found[f"service:slo_error:ratio_rate{window}"]
        assert expr.count(f"[{window}]") == 2
        assert "avg" not in expr
        assert expr.endswith("> 0)"), "no requests, no ratio: neither NaN nor 0"


def test_recordings_are_named_by_level_metric_and_operations() -> None:
    """``level:metric:operations``, as Prometheus' own guide has it."""
    names = [rule["record"] for rule in rules(slo()) if "record" in rule]

    assert all(re.fullmatch(r"service:slo_[a-z_]+:[a-z]+(_[a-z]+)?\w*", name) for name in names)
    assert len(names) == len(set(names)) == 22


def test_an_alert_says_burn_rate_objective_runbook_and_panel() -> None:
    """Who is woken sees how bad, of what, what to do, and where to look."""
    dashboards, _ = load_dashboards(ROOT / "dashboards")
    fast, slowly = (r for r in rules(slo(), writer=replace(WRITER, dashboards=dashboards)) if "alert" in r)

    assert fast["labels"] == {"severity": "page", "kind": "symptom", "topic": "slo", "slo": "availability"}
    assert slowly["labels"]["severity"] == "ticket"
    for alert in (fast, slowly):
        notes = alert["annotations"]
        assert "{{ $labels.service }} burns" in notes["summary"]
        assert "{{ end }} times as fast as 99.9 % over 30 days allows" in notes["summary"]
        assert (ROOT / notes["runbook_url"]).is_file()
        assert notes["__dashboardUid__"] == "obskit-slo"
        assert alert["expr"].endswith(") / 0.001"), "its value is the burn rate"


def test_a_label_of_another_name_still_tells_the_service() -> None:
    """Routes and inhibitions go by ``service``, whatever the exporter calls it."""
    writer = replace(WRITER, settings=replace(WRITER.settings, labels=LabelNames(service="ecs_service")))
    fast = next(rule for rule in rules(slo(), writer=writer) if rule.get("alert") == FAST)

    assert fast["labels"]["service"] == "{{ $labels.ecs_service }}"
    assert 'ecs_service!=""' in fast["expr"]


@pytest.mark.parametrize(
    ("limit", "seconds_bound", "milliseconds_bound"),
    [("1", 'le=~"1([.]0)?"', 'le=~"1000([.]0)?"'), ("0.25", 'le="0.25"', 'le=~"250([.]0)?"')],
)
def test_a_limit_is_a_bucket_however_it_is_written(limit: str, seconds_bound: str, milliseconds_bound: str) -> None:
    """Clients write the bound 1 as 1 or 1.0, and an older agent counts in milliseconds."""
    queries = {variant.name: variant.query for variant in slow_requests(limit).variants}

    assert seconds_bound in queries["OpenTelemetry"]
    assert milliseconds_bound in queries["OpenTelemetry before 1.23"]
    assert seconds_bound in texts_of(
        slo(name="latency", failures="slo_slow_requests", requests="slo_timed_requests", limit=limit),
        writer=Writer(settings=Settings()),
    )


# --- whose objective ---


def test_an_objective_of_all_leaves_out_whoever_has_one_of_their_own() -> None:
    """Else two rules would record one series, and the stricter alert would fire for both."""
    every, own, other = slo(), slo(service="shop", objective="99"), slo(service="a.b", objective="99.5")
    first, second = texts_of(every, own), texts_of(every, own, other)

    assert 'service!="",service!="shop"' in first
    assert 'service!="",service!~"a\\\\.b|shop"' in second
    assert 'slo="availability",service="shop"' in first
    for rule in rules(every, own):
        selectors = re.findall(r"\{[^}]*\}", rule["expr"])
        assert len({'service="shop"' in selector for selector in selectors}) == 1


def test_two_objectives_of_one_series_are_found() -> None:
    """Prometheus would refuse the second's samples, or take either's."""
    source = 'SLOS = (\n    Slo(name="availability"),\n    Slo(name="availability"),\n)\n'
    twice = problems([file_of(slo(), slo(), source=source)])
    apart = problems([file_of(slo(), name="a"), file_of(slo(service="shop"), name="b")])

    assert [(p.file, p.line, p.message) for p in twice] == [
        ("alerts/slo.alerts.py", 3, "there are two objectives availability of all services")
    ]
    assert [p.message for p in apart] == ["the objective availability stands in alerts/a.alerts.py too"]
    assert problems([file_of(slo(), slo(service="shop"), slo(name="latency"))]) == ()


# --- how it behaves ---


def ran(folder: Path, file: RuleFile, cases: list[Case]) -> list[str]:
    """Have promtool run tests of objectives; return what it says of those that failed."""
    return [failure.said for failure in promtool.run(slo_rules.tested_slo(file, cases, WRITER), folder)]


def shop(share: float, service: str = "shop", rate: float = 100.0) -> dict[str, str]:
    """Return requests of which a share fails."""
    head = f'http_requests_total{{service="{service}",path="/"'
    return {
        f'{head},status="200"}}': counting(rate * (1 - share)),
        f'{head},status="503"}}': counting(rate * share),
    }


@pytest.fixture(scope="module")
def ours() -> tuple[RuleFile, list[Case]]:
    """Return our own objectives and their tests, but those that run for long."""
    files, _ = load(ROOT / "alerts")
    cases, _ = load_cases(ROOT / "alerts")
    (file,) = (file for file in files if file.name == "slo")
    (found,) = (file.cases for file in cases if file.name == "slo")
    short = [case for case in found if seconds(case.at) <= LONGEST_SECONDS]
    assert {(case.alert, case.expect) for case in short} == {
        (alert, expect) for alert in (FAST, SLOWLY) for expect in ("fires", "quiet")
    }
    return file, short


def test_our_own_objectives_pass_their_tests(ours: tuple[RuleFile, list[Case]], tmp_path: Path) -> None:
    """As they ship: fast burn, slow burn, low traffic, none, recovered, exactly at the objective."""
    shipped = slo_rules.tested_slo(*ours, Writer(settings=Settings()))

    assert promtool.run(shipped, tmp_path) == ()


@pytest.mark.parametrize(
    ("alert", "old", "new", "test"),
    [
        (FAST, "> 0.006", "> 0.009", "fires when 0.65 % fails"),
        (FAST, "> 0.006", "> 0.004", "is quiet when 0.55 % fails"),
        (FAST, "> 4.5", "> 3.5", "is quiet when four of twelve fail"),
        (FAST, "> 4.5", "> 5.5", "fires when five of 13 requests fail"),
        (SLOWLY, "> 0.001", "> 0.0015", "fires when 0.12 % fails"),
        (SLOWLY, "> 0.001", "> 0.0006", "is quiet when 0.09 % fails"),
    ],
)
def test_a_wrong_number_fails_its_test(
    ours: tuple[RuleFile, list[Case]], tmp_path: Path, alert: str, old: str, new: str, test: str
) -> None:
    """Tests that pass whatever the threshold is would show nothing."""
    (one,) = (tested for tested in slo_rules.tested_slo(*ours, WRITER) if tested.alert == alert)
    cases = tuple(case for case in one.cases if case[0] == test)
    wrong = tuple({**rule, "expr": rule["expr"].replace(old, new)} for rule in one.rules)

    (failure,) = promtool.run([replace(one, rules=wrong, cases=cases)], tmp_path)

    assert failure.alert == alert


def test_each_service_is_held_to_its_own_objective(tmp_path: Path) -> None:
    """0.65 % of failures pages where 99.9 % is promised, and nobody where 99 % is."""
    file = file_of(slo(), slo(service="shop", objective="99"))
    both = {**shop(0.0065), **shop(0.0065, service="pay")}
    cases = [
        fires(FAST, both, at="20m", labels={"service": "pay"}, why="fires for the stricter"),
        quiet(FAST, shop(0.0065), at="20m", why="is quiet for the laxer"),
        fires(FAST, shop(0.07), at="20m", labels={"service": "shop"}, why="fires for the laxer when it is worse"),
    ]

    assert ran(tmp_path, file, cases) == []


def test_what_is_recorded_is_right(tmp_path: Path) -> None:
    """Two requests a second of which 0.05 % fails: half the speed that is allowed, half of the budget left."""
    every, ours = '{__name__=~"service:slo.*"}', '{__name__=~"service:slo.*",service="shop",slo="availability"}'
    tests = {
        "service:slo_objective:ratio": "0.999",
        "round(service:slo_requests:rate5m, 0.001)": "2",
        "round(service:slo_failures:rate5m, 0.0001)": "0.001",
        "round(service:slo_burn_rate:ratio_rate1h, 0.001)": "0.5",
        "round(service:slo_burn_rate:ratio_rate5m, 0.001)": "0.5",
        "round(service:slo_error_budget:remaining_ratio, 0.001)": "0.5",
        # An hour of 0.001 failures a second, but for the first rates, which look back to before the first sample.
        "round(service:slo_failures:increase1h, 0.2)": "3.6",
        f"count({every}) - count({ours})": "0",
    }
    rows = [
        {
            "expr": f"abs({expr} - {value}) < bool 0.0001",
            "eval_time": "80m",
            "exp_samples": [{"labels": _labels(expr), "value": 1}],
        }
        for expr, value in tests.items()
    ]
    assert _promtool(tmp_path, shop(0.0005, rate=2.0), rows) == ""


def test_without_requests_nothing_is_recorded_of_them(tmp_path: Path) -> None:
    """A share of nothing is no number: it would be drawn, compared, and carried on as NaN."""
    shares = '{__name__=~"service:slo_(error|burn_rate|error_budget):.*"}'
    rows: list[dict[str, Any]] = [{"expr": shares, "eval_time": "30m", "exp_samples": []}]

    assert _promtool(tmp_path, shop(0.5, rate=0.0), rows) == ""


def test_latency_without_the_bucket_is_not_known(tmp_path: Path) -> None:
    """No bucket at the limit is not the same as "no request was slow"."""
    series = {'http_request_duration_seconds_count{service="shop",path="/"}': counting(10)}
    one = slo(name="latency", failures="slo_slow_requests", requests="slo_timed_requests", limit="0.3")
    rows: list[dict[str, Any]] = [
        {
            "expr": "count(service:slo_requests:rate5m)",
            "eval_time": "30m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        },
        {"expr": '{__name__=~"service:slo_(failures|error|burn_rate).*"}', "eval_time": "30m", "exp_samples": []},
    ]

    assert _promtool(tmp_path, series, rows, one) == ""


def test_five_failures_are_the_least_that_chance_hardly_makes() -> None:
    """The reason that `Slo.least_failures` gives, computed: services that meet 99.9 %, at the worst traffic."""

    def chance(least: int, factor: float) -> float:
        expected = least / factor
        below = sum(math.exp(-expected) * expected**k / math.factorial(k) for k in range(least))
        return 1 - below

    by_year = {least: chance(least, 14.4) * 365 * 24 for least in (1, 2, 3, 4, 5)}

    assert slo().least_failures == 5
    assert 1 / by_year[5] > 3, "years from one to the next"
    assert by_year[4] > 1
    assert 365 * 24 / by_year[1] < 16, "hours from one to the next"
    assert 2 < chance(5, 6) * 365 * 4 < 3


def test_rules_stand_for_the_alerts() -> None:
    """What is asked of every alert, a runbook and a panel for example, can be asked of these."""
    fast, slowly = rules_of(slo(), WRITER)

    assert (fast.name, fast.severity, fast.threshold, fast.signal) == (FAST, "page", 14.4, "slo_burn_rate_1h")
    assert (slowly.name, slowly.severity, slowly.threshold, slowly.signal) == (
        SLOWLY,
        "ticket",
        3.0,
        "slo_burn_rate_1d",
    )


def _labels(expr: str) -> str:
    return "{}" if expr.startswith("count") else '{service="shop", slo="availability"}'


def _promtool(folder: Path, series: dict[str, str], rows: list[dict[str, Any]], one: Slo | None = None) -> str:
    """Return what promtool says of expressions over all that an objective records; "" when they hold."""
    writer = Writer(settings=Settings()) if one else WRITER
    found = rules(one or slo(), writer=writer)
    document = {"groups": [{"name": "slo", "interval": "30s", "rules": found}]}
    (folder / "rules.yml").write_text(as_yaml(document), encoding="utf-8")
    given = [{"series": head, "values": values} for head, values in series.items()]
    test = {"interval": "15s", "input_series": given, "promql_expr_test": rows}
    body = {"rule_files": ["rules.yml"], "evaluation_interval": "30s", "tests": [test]}
    (folder / "test.yml").write_text(as_yaml(body), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr
