"""The rules of Grafana's dashboard-linter: what each finds, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from obskit.ascode.check import explain
from tests.support.dashboard_model import GONE, LOKI, MATCHERS, PROMETHEUS, RATE, changed, found, good_model

#: Names of dashboard-linter's rules, without "-rule"; target-promql and target-logql are ours promql and logql.
RULES = (
    "template-datasource",
    "template-job",
    "template-instance",
    "template-label-promql",
    "template-on-time-change-reload",
    "panel-datasource",
    "panel-title-description",
    "panel-units",
    "panel-no-targets",
    "target-logql-auto",
    "target-rate-interval",
    "target-job",
    "target-instance",
    "target-counter-agg",
    "uneditable-dashboard",
)

EXPR = "panels.1.targets.0.expr"
LOGQL = "panels.3.targets.0.expr"
JOB = "templating.list.2"
SECOND_SOURCE = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}

BROKEN = [
    ("template-datasource", {"templating.list.0.name": "DS"}, "'DS' has a name of its own", ""),
    ("template-datasource", {"templating.list.0.label": "Source"}, "is labelled 'Source'", ""),
    ("template-datasource", {"templating.list": []}, "no variable for the data source", ""),
    ("template-datasource", {"templating.list.1": SECOND_SOURCE}, "second variable for a data source", ""),
    ("template-job", {JOB: GONE}, "there is no variable 'job'", ""),
    ("template-job", {f"{JOB}.multi": False}, "takes one value only", ""),
    ("template-job", {f"{JOB}.allValue": ".*"}, "all of the variable 'job' is '.*'", ""),
    ("template-job", {f"{JOB}.type": "custom"}, "of type 'custom', not a query", ""),
    ("template-job", {f"{JOB}.datasource": LOKI}, "does not ask the Prometheus that the dashboard chooses", ""),
    ("template-job", {f"{JOB}.label": "Scrape"}, "is labelled 'Scrape'", ""),
    ("template-instance", {"templating.list.3": GONE}, "there is no variable 'instance'", ""),
    ("template-label-promql", {f"{JOB}.query": "label_values(up{, job)"}, "what is no selector", "job"),
    ("template-label-promql", {f"{JOB}.query": "label_values(up, 1job)"}, "'1job', which is no label", "job"),
    ("template-label-promql", {f"{JOB}.query": "values(up, job)"}, "values(), which Grafana does not know", "job"),
    ("template-label-promql", {f"{JOB}.query": "query_result(sum()"}, "query_result() that is no", "job"),
    ("template-label-promql", {f"{JOB}.query": "query_result(sum by)"}, "query_result() that is no PromQL", "job"),
    ("template-label-promql", {f"{JOB}.query": "metrics()"}, "metrics() of nothing", "job"),
    ("template-label-promql", {f"{JOB}.query": {"query": "up -", "refId": "x"}}, "neither a function", "job"),
    ("template-on-time-change-reload", {f"{JOB}.refresh": 1}, "'job' is not asked again", ""),
    ("panel-datasource", {"panels.1.datasource.uid": "P12"}, "asks the fixed data source 'P12'", "Requests"),
    ("panel-datasource", {"panels.1.datasource": GONE}, "asks whatever data source is Grafana's default", "Requests"),
    ("panel-datasource", {"panels.1.datasource.uid": "$other"}, "there is no such variable", "Requests"),
    ("panel-datasource", {"panels.3.datasource.uid": "$prometheus_datasource"}, "of type prometheus", "Lines"),
    ("panel-datasource", {"panels.1.targets.0.datasource.uid": "P12"}, "query A asks the fixed", "Requests"),
    ("panel-datasource", {"annotations.list.1.datasource.uid": "P1"}, "the annotation 'Restarts' asks the fixed", ""),
    ("panel-datasource", {f"{JOB}.datasource.uid": "P1"}, "the variable 'job' asks the fixed", ""),
    ("panel-title-description", {"panels.1.title": " "}, "panel 2 of type timeseries has no title", " "),
    ("panel-title-description", {"panels.0.title": ""}, "panel 1 of type row has no title", ""),
    ("panel-title-description", {"panels.1.description": ""}, "the panel has no description", "Requests"),
    ("panel-units", {"panels.1.fieldConfig.defaults.unit": GONE}, "the panel has no unit", "Requests"),
    ("panel-units", {"panels.2.fieldConfig": GONE}, "the panel has no unit", "Errors"),
    ("panel-no-targets", {"panels.1.targets": []}, "the panel asks nothing", "Requests"),
    ("panel-no-targets", {"panels.1.targets.0.hide": True}, "are all hidden", "Requests"),
    ("panel-no-targets", {EXPR: " "}, "query A is empty", "Requests"),
    ("target-logql-auto", {LOGQL: 'rate({a="b"}[5m])'}, "[5m] does not follow the zoom", "Lines"),
    ("target-logql-auto", {LOGQL: 'rate({a="b"}[$__interval])'}, "[$__interval] does not", "Lines"),
    ("target-logql-auto", {LOGQL: 'rate({a="b"}[$__range])'}, "[$__range] does not", "Lines"),
    ("target-rate-interval", {EXPR: RATE.replace("$__rate_interval", "5m")}, "rate of http_requests_total", "Requests"),
    (
        "target-rate-interval",
        {EXPR: "irate(a_total[$__interval])"},
        "not over $__rate_interval: irate of",
        "Requests",
    ),
    ("target-rate-interval", {EXPR: "increase(a_total[$__interval])"}, "increase of a_total", "Requests"),
    ("target-job", {EXPR: RATE.replace("$job", "api")}, "http_requests_total is not narrowed by job", "Requests"),
    ("target-job", {EXPR: RATE.replace("job=~", "job=")}, "is not narrowed by job", "Requests"),
    ("target-job", {EXPR: f"{RATE} / {{a='b'}}"}, "{…} is not narrowed by job", "Requests"),
    ("target-instance", {EXPR: 'up{job=~"$job"}'}, "up is not narrowed by instance", "Requests"),
    ("target-counter-agg", {EXPR: "sum(a_total)"}, "the counter a_total is not under rate", "Requests"),
    ("target-counter-agg", {EXPR: "max_over_time(a_total[1h])"}, "the counter a_total", "Requests"),
    ("target-counter-agg", {EXPR: "rate(sum(a_total)[5m:])"}, "the counter a_total", "Requests"),
    ("target-counter-agg", {EXPR: '{__name__="a_total"}'}, "the counter a_total", "Requests"),
    ("target-counter-agg", {EXPR: "histogram_quantile(0.9, a_bucket)"}, "the counter a_bucket", "Requests"),
    ("uneditable-dashboard", {"editable": True}, "can be edited in Grafana", ""),
    ("uneditable-dashboard", {"editable": GONE}, "can be edited in Grafana", ""),
]

FINE = [
    # A data source variable of the only type may have the short name.
    ("template-datasource", {"templating.list.0.name": "datasource", "templating.list.0.label": "Data source"}),
    ("template-job", {f"{JOB}.datasource.uid": "$prometheus_datasource"}),
    ("template-label-promql", {f"{JOB}.query": "query_result(topk(5, up{job=~'$job'}))"}),
    ("template-label-promql", {f"{JOB}.query": 'up{job="a",instance="b"}'}),
    ("template-label-promql", {f"{JOB}.query": "label_values(job)"}),
    ("template-label-promql", {f"{JOB}.query": "label_names()"}),
    ("template-label-promql", {f"{JOB}.query": "metrics(node_.+)"}),
    # Loki's functions are Loki's.
    ("template-label-promql", {"templating.list.4.query": '{stream="a"} |'}),
    ("panel-datasource", {"panels.1.datasource": {"type": "datasource", "uid": "-- Mixed --"}}),
    ("panel-datasource", {"panels.1.targets.0.datasource": GONE}),
    ("panel-units", {"panels.1.type": "logs", "panels.1.fieldConfig": GONE}),
    ("panel-units", {"panels.2.fieldConfig": {"defaults": {"mappings": [{"type": "value"}]}}}),
    ("panel-units", {"panels.2.fieldConfig": GONE, "panels.2.options": {"reduceOptions": {"fields": "/x/"}}}),
    (
        "panel-units",
        {"panels.1.fieldConfig": {"overrides": [{"properties": [{"id": "unit", "value": "s"}]}]}},
    ),
    ("panel-no-targets", {"panels.1.libraryPanel": {"uid": "x"}, "panels.1.targets": []}),
    ("target-logql-auto", {LOGQL: 'rate({a="b"}[${__auto}])'}),
    ("target-logql-auto", {LOGQL: 'rate({a="b"}[$__range])', "panels.3.targets.0.queryType": "instant"}),
    ("target-logql-auto", {LOGQL: 'rate({a="b"}[5m])', "panels.3.targets.0.hide": True}),
    ("target-rate-interval", {EXPR: "rate(a_total[${__rate_interval}])"}),
    ("target-rate-interval", {EXPR: "rate(a_total[$__range]) + increase(a_total[1h]) + max_over_time(a[5m])"}),
    ("target-rate-interval", {EXPR: "rate(a_total[${__range_s}s])"}),
    # A query that does not parse is the check promql's to report.
    ("target-rate-interval", {EXPR: "rate(a_total[5m]"}),
    ("target-job", {EXPR: RATE.replace("$job", "${job:regex}")}),
    ("target-job", {EXPR: RATE.replace("$job", "[[job]]")}),
    ("target-job", {LOGQL: '{app="a"}'}),
    ("target-counter-agg", {EXPR: "sum(rate((a_total[5m])))"}),
    ("target-counter-agg", {EXPR: "count(a_total) + absent(a_total) + resets(a_total[1h])"}),
    ("target-counter-agg", {EXPR: "node_memory_MemTotal_bytes"}),
    ("target-counter-agg", {LOGQL: "sum(a_total)"}),
]


@pytest.mark.parametrize("check", RULES)
def test_a_good_dashboard_passes(check: str, tmp_path: Path) -> None:
    """Two types of data source, variables, links, words: none of it breaks a rule."""
    assert found(check, good_model(), tmp_path) == []


@pytest.mark.parametrize(("check", "changes", "message", "panel"), BROKEN)
def test_what_breaks_a_rule_is_found_in_its_place(
    check: str, changes: dict[str, object], message: str, panel: str, tmp_path: Path
) -> None:
    """Each rule finds the one thing that is wrong, and names file, line and panel."""
    problems = found(check, changed(good_model(), changes), tmp_path)

    assert [message in p.message for p in problems] == [True]
    assert [(p.check, Path(p.file).name, p.line, p.panel) for p in problems] == [(check, "x.dashboard.py", 1, panel)]


@pytest.mark.parametrize(("check", "changes"), FINE)
def test_what_users_of_the_linter_complain_of_is_no_problem(
    check: str, changes: dict[str, object], tmp_path: Path
) -> None:
    """Mixed dashboards, other spellings and ranges that are meant break no rule."""
    assert found(check, changed(good_model(), changes), tmp_path) == []


@pytest.mark.parametrize(
    ("check", "query", "at"),
    [
        ("target-counter-agg", f"sum(a) +\n  sum(b_total{{{MATCHERS}}})", "b_total"),
        ("target-counter-agg", "rate(a_total[5m]) / a_total", "a_total"),
        ("target-rate-interval", f"rate(a{{{MATCHERS}}}[$__rate_interval]) / rate(b_total[5m])", "b_total"),
        ("target-job", f"a{{{MATCHERS}}} / b", "b"),
    ],
)
def test_a_rule_counts_the_column_in_the_query_as_it_is_written(
    check: str, query: str, at: str, tmp_path: Path
) -> None:
    """The column leads to the selector, the last one here, with Grafana's variables unfilled."""
    problems = found(check, changed(good_model(), {EXPR: query}), tmp_path)

    assert [p.column for p in problems] == [query.rindex(at) + 1]
    assert [p.query for p in problems] == [query]


def test_the_column_of_a_logql_range_is_its_bracket(tmp_path: Path) -> None:
    """Brackets inside of strings are none."""
    query = 'rate({a="[1m]"} |= `[2m]` [5m])'

    problems = found("target-logql-auto", changed(good_model(), {LOGQL: query}), tmp_path)

    assert [p.column for p in problems] == [query.index("[5m]") + 1]


def test_a_dashboard_of_loki_alone_needs_nothing_of_prometheus(tmp_path: Path) -> None:
    """No rule about jobs, instances or rates applies to it."""
    model = good_model()
    model["templating"]["list"] = [model["templating"]["list"][1], model["templating"]["list"][4]]
    model["annotations"] = {"list": []}
    model["panels"] = [model["panels"][3]]

    assert [p for check in RULES for p in found(check, model, tmp_path) if Path(p.file).name == "x.dashboard.py"] == []


def test_a_dashboard_of_words_needs_no_data_source(tmp_path: Path) -> None:
    """What asks nothing has nobody to choose."""
    model = good_model() | {"templating": {"list": []}, "panels": [good_model()["panels"][4]], "annotations": {}}

    assert found("template-datasource", model, tmp_path) == []
    assert found("panel-datasource", model, tmp_path) == []


def test_a_mixed_panel_is_judged_by_its_targets(tmp_path: Path) -> None:
    """A target of a mixed panel has no panel to take its source from."""
    mixed = {"type": "datasource", "uid": "-- Mixed --"}
    model = changed(good_model(), {"panels.1.datasource": mixed, "panels.1.targets.0.datasource": GONE})

    problems = found("panel-datasource", model, tmp_path)

    assert ["query A asks whatever" in p.message for p in problems] == [True]


@pytest.mark.parametrize("check", RULES)
def test_a_page_says_what_why_and_how(check: str) -> None:
    """`--explain` tells a person enough to act."""
    page = explain(check)

    assert all(part in page for part in ("What it looks for:", "Why:", "How to mend it:", "dashboard-linter"))


def test_the_sources_of_the_model_are_what_the_rules_know() -> None:
    """The good model asks by the names that obskit's own dashboards use."""
    assert (PROMETHEUS["uid"], LOKI["uid"]) == ("${prometheus_datasource}", "${loki_datasource}")
