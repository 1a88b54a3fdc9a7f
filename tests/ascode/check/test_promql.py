"""PromQL that Prometheus would refuse is found, and the place of the mistake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.check import Case
from obskit.ascode.check.promql import problems, wrong
from obskit.ascode.definition import Definition, Model, Problem

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}
SOURCE = 'dashboard = board("x")\n'


def _dashboard(**model: Any) -> Definition:
    return Definition(name="x", path=Path("x.dashboard.py"), source=SOURCE, model=model)


def _panel(*queries: str) -> Model:
    targets = [{"expr": query, "refId": chr(65 + n), "datasource": PROMETHEUS} for n, query in enumerate(queries)]
    return {"type": "timeseries", "title": "Errors", "targets": targets}


def _found(*definitions: Definition) -> list[Problem]:
    return list(problems(Case(definitions=definitions)))


@pytest.mark.parametrize(
    "query",
    [
        'sum by (service) (rate(http_requests_total{service=~"$service"}[$__rate_interval]))',
        "histogram_quantile(0.95, sum by (le) (rate(x_bucket[${window:raw}])))",
        "avg_over_time(x[$__range]) > $limit",
        "# what it means\nup",
        "limitk(5, up)",
    ],
)
def test_a_query_with_grafanas_variables_is_fine(query: str) -> None:
    """Variables are no mistakes, not even where Prometheus wants a duration."""
    assert not _found(_dashboard(panels=[_panel(query)]))


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ('sum▶(rate(x{a="$service"}[$__rate_interval])', "unclosed left parenthesis"),
        ("▶rate(x)", "expected type matrix"),
        ("sum(rate(a[5m])) / sum(▶rate(b))", "expected type matrix"),
        ("foo[$__rate_interval] ▶bar", "invalid promql query"),
        ('x{a="$service"▶', "unexpected end of input"),
        ("▶holt_winters(x[5m], 0.1, 0.2)", "unknown function"),
        ('up + ▶label_replace(x, "a", "b", "c")', "expected 5 argument"),
        ('x{a=~▶"("}', "illegal regex"),
        ("x{a=▶b}", "expected string"),
        ("sum by (a,b ▶c) (x)", "invalid promql query"),
        ("1 ▶and 2", "not allowed"),
        ("a + b ▶)", "unexpected right parenthesis"),
        ("topk(▶x, y)", "expected type scalar"),
    ],
)
def test_the_column_is_where_nothing_could_follow(marked: str, said: str) -> None:
    """promql_parser says what is wrong; where is found by cutting the query shorter until it can be completed."""
    query = marked.replace("▶", "")
    (problem,) = _found(_dashboard(panels=[_panel(query)]))

    assert said in problem.message
    assert marked.index("▶") + 1 == problem.column
    assert (query, "Errors", "x.dashboard.py", 1) == (problem.query, problem.panel, problem.file, problem.line)


def test_every_query_of_a_panel_and_every_annotation_is_read() -> None:
    """One broken query does not hide the next, and annotations ask Prometheus too."""
    notes = [{"name": "deployments", "datasource": PROMETHEUS, "expr": "changes(x[5m)"}]
    found = _found(_dashboard(panels=[_panel("up", "rate(up)", "up ++")], annotations={"list": notes}))

    assert [problem.query for problem in found] == ["rate(up)", "up ++", "changes(x[5m)"]


def test_what_is_asked_of_loki_is_not_read_as_promql() -> None:
    """Another check reads it."""
    panel = {"title": "Logs", "targets": [{"expr": '{a="b"} |= "x"', "datasource": {"type": "loki"}}]}

    assert not _found(_dashboard(panels=[panel]))


@pytest.mark.parametrize(
    "query",
    [
        'label_values(up{job="api", cluster=~"$cluster"}, instance)',
        "label_values(instance)",
        "label_values(up, instance)",
        "label_names()",
        "metrics(node_.*)",
        "query_result(topk(5, sum by (job) (up)))",
        'up{job="api"}',
    ],
)
def test_what_a_variable_may_ask_is_fine(query: str) -> None:
    """Grafana's functions of query variables are not PromQL; what stands in them is."""
    assert not _found(_dashboard(templating={"list": [_variable(query)]}))


@pytest.mark.parametrize(
    "marked",
    [
        'label_values(up{job="api"▶, instance)',
        "label_values(up{job=▶api}, instance)",
        "label_values(▶rate(up[5m]), instance)",
        "query_result(topk▶(5, sum by (job) (up))",
        "query_result(▶rate(up))",
    ],
)
def test_what_a_variable_may_not_ask_is_found_at_its_column(marked: str) -> None:
    """The column counts over the whole text, Grafana's function included."""
    (problem,) = _found(_dashboard(templating={"list": [_variable(marked.replace("▶", ""))]}))

    assert ("instance", marked.index("▶") + 1) == (problem.panel, problem.column)


def _variable(query: str) -> Model:
    return {"name": "instance", "type": "query", "datasource": PROMETHEUS, "query": {"query": query, "refId": "A"}}


_QUERY = (
    'histogram_quantile(0.9, sum by (le) (rate(x_bucket{a=~"b|c"}[5m]))) > 1'
    ' and on (le) label_replace(y, "a", "$1", "b", "(.*)")'
)
_ENDS = [m.end() for m in re.finditer(r'"[^"]*"|\[[^]]*\]|[\w.]+|=~|\S', _QUERY)]


def _wrong_at(text: str) -> int | None:
    found = wrong(text)
    return found[1] if found else None


@given(cut=st.integers(0, len(_QUERY)), put=st.text("(){}[],=\"' abc1+", max_size=3))
def test_a_column_lies_in_the_query(cut: int, put: str) -> None:
    """Whatever is broken, there is a place to look at, and no error in looking for it."""
    text = _QUERY[:cut] + put + _QUERY[cut + len(put) :]

    assert 0 <= (_wrong_at(text) or 0) <= len(text)


@pytest.mark.parametrize("end", _ENDS)
def test_a_beginning_of_a_query_is_wrong_at_its_end_or_where_a_bracket_is_open(end: int) -> None:
    """What only lacks its end is nowhere else wrong."""
    text = _QUERY[:end]
    at = _wrong_at(text)

    assert at is None or at == len(text) or text[at] == "("
