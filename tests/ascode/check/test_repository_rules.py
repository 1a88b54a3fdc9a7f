"""Our own rules of dashboards: what each finds, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from obskit.ascode.check import Case, Skipped, all_checks, explain, run, runbook_links
from obskit.ascode.definition import Definition
from obskit.ascode.variables import filled
from tests.support.dashboard_model import GONE, MATCHERS, case, changed, definition, detail_model, found, good_model

RULES = (
    "alert-panel-links",
    "dashboard-links",
    "dashboard-uid",
    "duplicate-panel-title",
    "duplicate-title",
    "duplicate-uid",
    "duplicate-variable",
    "high-cardinality",
    "histogram-le",
    "legend-labels",
    "link-urls",
    "loki-query-type",
    "loki-selector",
    "multi-variable",
    "panel-id",
    "panel-overlap",
    "panel-repeat",
    "percent-unit",
    "range-window",
    "rate-of-sum",
    "runbook-links",
    "signal-exists",
    "target-datasource",
    "target-refid",
    "target-step",
    "threshold-order",
    "variable-all",
)

LINTER_RULES = tuple(
    name for name, module in all_checks().items() if "Grafana's dashboard-linter" in (module.__doc__ or "")
)

EXPR = "panels.1.targets.0.expr"
LEGEND = "panels.1.targets.0.legendFormat"
LOGQL = "panels.3.targets.0.expr"
JOB = "templating.list.2"
URL = "panels.1.links.1.url"
RUNBOOK = "panels.1.links.0.url"
STEPS = "panels.1.fieldConfig.defaults.thresholds.steps"

BROKEN = [
    ("dashboard-links", {URL: "/d/gone/x"}, "link 'More': no definition has the uid 'gone'", "Requests"),
    ("dashboard-links", {URL: "https://g.example.com/g/d/gone"}, "no definition has the uid 'gone'", "Requests"),
    ("dashboard-links", {URL: "/d/detail?viewPanel=panel-8"}, "detail.dashboard.py has no panel 8", "Requests"),
    ("dashboard-links", {URL: "/d/detail?var-zone=a"}, "has no variable 'zone'", "Requests"),
    ("dashboard-links", {"panels.3.description": "See [it](/d/gone)."}, "link 'it': no definition", "Lines"),
    (
        "dashboard-links",
        {"panels.1.fieldConfig.defaults.links": [{"title": "Data", "url": "/d/gone"}]},
        "link 'Data': no definition",
        "Requests",
    ),
    (
        "dashboard-links",
        {
            "panels.1.fieldConfig.overrides": [
                {"properties": [{"id": "links", "value": [{"title": "Data", "url": "/d/gone"}]}]}
            ]
        },
        "link 'Data': no definition",
        "Requests",
    ),
    ("dashboard-links", {"links.0.tags": ["theirs"]}, "asks for the tag 'theirs', which none bears", ""),
    ("dashboard-uid", {"uid": GONE}, "the dashboard has no uid", ""),
    ("dashboard-uid", {"uid": "a" * 41}, "has 41 characters", ""),
    ("dashboard-uid", {"uid": "a b"}, "characters that Grafana refuses", ""),
    ("duplicate-panel-title", {"panels.2.title": "requests "}, "twice in the row 'Traffic'", "requests "),
    ("duplicate-title", {"title": ""}, "the dashboard has no title", ""),
    ("duplicate-variable", {f"{JOB}.name": "instance"}, "the variable 'instance' is there twice", ""),
    ("duplicate-variable", {f"{JOB}.name": ""}, "a variable has no name", ""),
    ("high-cardinality", {EXPR: "rate(a_bucket[5m])"}, "a_bucket is under no aggregation", "Requests"),
    (
        "histogram-le",
        {EXPR: "histogram_quantile(0.9, sum by (job) (rate(a_bucket[5m])))"},
        "buckets that have lost their le",
        "Requests",
    ),
    (
        "histogram-le",
        {EXPR: "histogram_quantile(0.9, sum without (le) (rate(a_bucket[5m])))"},
        "buckets that have lost their le",
        "Requests",
    ),
    ("legend-labels", {LEGEND: "of {{ task }}"}, "the legend names {{task}}", "Requests"),
    ("link-urls", {"links.1.url": ""}, "there is no address", ""),
    ("link-urls", {"links.1.url": "https://a b"}, "the address has blanks in it", ""),
    ("link-urls", {"links.1.url": "https:///x"}, "there is no host in the address", ""),
    ("link-urls", {"links.1.url": "https://a:port/"}, "the address cannot be read", ""),
    ("link-urls", {"links.1.url": "javascript:alert(1)"}, "should not open javascript: from here", ""),
    ("loki-query-type", {"panels.3.targets.0.queryType": "vector"}, "queryType 'vector'", "Lines"),
    ("loki-query-type", {"panels.3.targets.0.instant": True}, "sets instant, which Loki does not read", "Lines"),
    ("loki-selector", {LOGQL: "{}"}, "streams without any of its labels", "Lines"),
    ("loki-selector", {LOGQL: '{a!="b", c=~".*"} |= `{d="e"}`'}, "streams without any", "Lines"),
    (
        "loki-selector",
        {LOGQL: '{service=~"$service"}', "templating.list.4.allValue": ".*"},
        "streams without any",
        "Lines",
    ),
    ("multi-variable", {EXPR: 'up{job="$job"}'}, 'job="$job" matches nothing when job holds several', "Requests"),
    ("multi-variable", {EXPR: "up{job != '${job:regex}'}"}, "job!=", "Requests"),
    ("multi-variable", {LOGQL: '{service="$service"}'}, "when service holds several values", "Lines"),
    (
        "multi-variable",
        {"templating.list.3.query": 'label_values(up{job="$job"}, instance)'},
        "when job holds several values",
        "instance",
    ),
    ("panel-id", {"panels.1.id": GONE}, "the panel has no id", "Requests"),
    ("panel-id", {"panels.1.id": 0}, "the panel's id is 0", "Requests"),
    ("panel-id", {"panels.1.id": "2"}, "the panel's id is '2'", "Requests"),
    ("panel-id", {"panels.2.id": 2}, "the panel's id 2 is that of 'Requests'", "Errors"),
    ("panel-overlap", {"panels.1.gridPos": GONE}, "no place on the grid", "Requests"),
    ("panel-overlap", {"panels.3.gridPos.w": 25}, "leaves the grid: x=0 y=9 w=25 h=8", "Lines"),
    ("panel-overlap", {"panels.2.gridPos.x": 13}, "leaves the grid", "Errors"),
    ("panel-overlap", {"panels.2.gridPos.y": -1}, "leaves the grid", "Errors"),
    ("panel-overlap", {"panels.2.gridPos.h": 0}, "leaves the grid", "Errors"),
    ("panel-overlap", {"panels.2.gridPos.x": 11}, "overlaps 'Requests'", "Errors"),
    (
        "panel-overlap",
        {"panels.0.panels": [{"id": n, "title": f"p{n}", "gridPos": {"x": n, "w": 4, "h": 4}} for n in (8, 9)]},
        "overlaps 'p8'",
        "p9",
    ),
    ("panel-repeat", {"panels.2.repeat": "zone"}, "repeats over 'zone', and there is no such variable", "Errors"),
    (
        "panel-repeat",
        {"templating.list.3.multi": False, "templating.list.3.includeAll": False},
        "'instance', which takes one value",
        "Errors",
    ),
    ("percent-unit", {"panels.2.fieldConfig.defaults.unit": "percent"}, "http_error_ratio is a share of 1", "Errors"),
    ("range-window", {EXPR: "max_over_time(a[30s])"}, "a range of 30 s of a holds fewer than four", "Requests"),
    ("rate-of-sum", {EXPR: "rate(sum(a_total)[5m:])"}, "rate of an aggregation takes one restart", "Requests"),
    ("runbook-links", {RUNBOOK: "https://x/runbooks/causes/gone.md"}, "has no page", "Requests"),
    ("runbook-links", {RUNBOOK: "https://x/runbooks/../runbooks/causes/a/../b.md"}, "has no page", "Requests"),
    ("runbook-links", {RUNBOOK: "https://x/pages/traffic_surge.md"}, "has no page", "Requests"),
    ("signal-exists", {"panels.1.description": "Signal: `http_request`."}, "no signal 'http_request'", "Requests"),
    (
        "signal-exists",
        {"panels.1.description": "Signals: `http_requests`, `nothing_of_it`."},
        "no signal 'nothing_of_it'",
        "Requests",
    ),
    ("target-datasource", {"panels.1.targets.0.datasource.type": "loki"}, "is for loki, and the panel", "Requests"),
    ("target-refid", {"panels.1.targets.0.refId": ""}, "query 1 of the panel has no refId", "Requests"),
    ("target-refid", {"panels.1.targets": [{"refId": "A"}, {"refId": "A"}]}, "have the refId 'A'", "Requests"),
    ("target-step", {"panels.1.targets.0.intervalFactor": 2}, "sets intervalFactor to 2", "Requests"),
    ("target-step", {"panels.1.targets.0.step": 10}, "sets step to 10", "Requests"),
    ("threshold-order", {f"{STEPS}.0.value": 0}, "the first threshold is 0, not open below", "Requests"),
    (
        "threshold-order",
        {STEPS: [{"value": None}, {"value": 2}, {"value": 1}]},
        "the threshold 1 stands after 2",
        "Requests",
    ),
    ("variable-all", {f"{JOB}.allValue": ""}, "the variable 'job' offers all", "job"),
]

FINE = [
    ("dashboard-links", {URL: "/d/detail/x?${__url_time_range}&${job:queryparam}&var-job=a&viewPanel=7"}),
    ("dashboard-links", {URL: "/d/${__field.labels.uid}"}),
    ("dashboard-links", {URL: "https://wiki.example.com/?q=/d/gone"}),
    ("dashboard-uid", {"uid": "a" * 40}),
    # Under another heading the same title says something else.
    ("duplicate-panel-title", {"panels.3": {"type": "row", "title": "B", "panels": [{"title": "Requests"}]}}),
    ("high-cardinality", {EXPR: "topk(5, rate(a_bucket[5m]))"}),
    ("histogram-le", {EXPR: "histogram_quantile(0.9, rate(a_bucket[5m]))"}),
    ("histogram-le", {EXPR: "histogram_quantile(0.9, sum by (job) (rate(native_seconds[5m])))"}),
    ("legend-labels", {LEGEND: "{{task}}", EXPR: "topk(5, up)"}),
    ("legend-labels", {LEGEND: "{{task}}", EXPR: "rate(up["}),
    ("link-urls", {"links.1.url": "mailto:a@example.com"}),
    ("link-urls", {"links.1.url": "${__data.fields.url}"}),
    ("link-urls", {"links.1.url": "d/detail"}),
    ("loki-query-type", {"panels.3.targets.0.queryType": "instant", "panels.3.targets.0.instant": True}),
    ("loki-query-type", {"panels.1.targets.0.instant": True}),
    ("loki-selector", {LOGQL: '{a=~".*", b="c"}'}),
    ("loki-selector", {LOGQL: '{a=~"$service"} | json | line_format `{{.x}}`'}),
    ("loki-selector", {LOGQL: '{a=~"(?i:x"}'}),
    ("multi-variable", {EXPR: 'label_replace(up{job=~"$job"}, "a", "job=\\"$job\\"", "b", "")'}),
    ("multi-variable", {EXPR: 'up{job="$job"}', f"{JOB}.multi": False, f"{JOB}.includeAll": False}),
    ("panel-overlap", {"panels.1.gridPos.x": GONE}),
    ("percent-unit", {"panels.2.fieldConfig.defaults.unit": "percent", "panels.2.targets.0.expr": "100 * up"}),
    ("range-window", {EXPR: "max_over_time(a[1m]) + rate(b_total[$__rate_interval])"}),
    ("rate-of-sum", {EXPR: "sum(rate(a_total[5m:30s]))"}),
    ("runbook-links", {RUNBOOK: "https://x/causes/traffic_surge/"}),
    ("runbook-links", {RUNBOOK: "https://x/runbooks/causes/traffic_surge#diagnosis"}),
    ("runbook-links", {RUNBOOK: "https://x/runbooks/causes/${cause}.md"}),
    ("target-datasource", {"panels.1.datasource": {"uid": "-- Mixed --", "type": "datasource"}}),
    ("variable-all", {f"{JOB}.type": "custom", f"{JOB}.allValue": ""}),
    ("variable-all", {f"{JOB}.includeAll": False, f"{JOB}.allValue": ""}),
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
def test_what_only_looks_wrong_is_no_problem(check: str, changes: dict[str, object], tmp_path: Path) -> None:
    """Each rule leaves alone what a person would leave alone."""
    assert found(check, changed(good_model(), changes), tmp_path) == []


@pytest.mark.parametrize(
    ("check", "query", "at"),
    [
        ("multi-variable", f'a{{{MATCHERS}}} / b{{x="1", job="$job"}}', 'job="$job"'),
        ("high-cardinality", "sum(rate(a_bucket[5m])) + rate(a_bucket[5m])", "a_bucket"),
        ("histogram-le", "histogram_quantile(0.5, up) + histogram_quantile(0.9, sum(a_bucket))", "histogram_quantile"),
        ("range-window", f"max_over_time(a{{{MATCHERS}}}[$__range]) + min_over_time(b[5s])", "b["),
    ],
)
def test_a_rule_counts_the_column_in_the_query_as_it_is_written(
    check: str, query: str, at: str, tmp_path: Path
) -> None:
    """The column leads to what is wrong, the last one here, with Grafana's variables unfilled."""
    problems = found(check, changed(good_model(), {EXPR: query}), tmp_path)

    assert [p.column for p in problems] == [query.rindex(at) + 1]


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("sum(up)", ""),
        ("sum by (a, b) (up)", "ab"),
        ("sum without (a) (up)", "bc"),
        ("max(sum by (a, b) (up))", ""),
        ("sum by (a, c) (sum by (a, b) (up))", "a"),
        ("sum without (a) (sum by (a, b) (up))", "b"),
        ("topk by (a) (5, sum by (b) (up))", "b"),
        ("-(sum by (a) (up))", "a"),
        ("sum by (a) (up) > 5", "a"),
        ("time() - sum by (a) (up)", "a"),
        ("vector(1)", ""),
        ("absent(up{a='b'})", "abc"),
        ("sum by (a) (up) or sum by (b) (up)", "ab"),
        ("sum by (a) (up) or up", "abc"),
        ("sum without (a) (up) or sum without (a, b) (up)", "bc"),
        ("sum by (a) (up) or sum without (a, b) (up)", "ac"),
        ("sum by (a) (up) and sum by (b) (up)", "a"),
        ("sum by (a) (up) / sum by (a) (up)", "a"),
        ("up / on (a, b) up", "ab"),
        ("up / ignoring (a, b) up", "c"),
        ("sum by (a) (up) * on (a) group_left (c) up", "ac"),
        ("up * on (a) group_right (c) sum by (a) (up)", "ac"),
        ("label_replace(sum(up), 'c', '$1', 'x', '(.*)')", "c"),
        ("label_replace(sum without (a) (up), 'a', '$1', 'x', '(.*)')", "abc"),
        ("count_values('c', up)", "c"),
        ("histogram_quantile(0.9, sum by (a, le) (up))", "a"),
        ("max_over_time(sum by (a) (up)[1h:])", "a"),
        ("5", ""),
    ],
)
def test_the_legend_may_name_what_the_query_can_give(query: str, labels: str, tmp_path: Path) -> None:
    """Aggregations, matching and functions drop and add labels as Prometheus does."""
    model = changed(good_model(), {EXPR: query, LEGEND: "{{a}} {{b}} {{c}}"})

    dropped = {p.message[len("the legend names {{")] for p in found("legend-labels", model, tmp_path)}

    assert dropped == set("abc") - set(labels)


def test_uids_and_titles_are_compared_across_definitions(tmp_path: Path) -> None:
    """The later definition is told which one was there first."""
    again = definition({**detail_model(), "uid": "shop", "title": "SHOP"}, "z")

    assert [p.message for p in found("duplicate-uid", good_model(), tmp_path, again)] == [
        "the uid 'shop' is that of x.dashboard.py"
    ]
    assert [p.message for p in found("duplicate-title", good_model(), tmp_path, again)] == [
        "the title 'SHOP' is that of x.dashboard.py"
    ]


def test_the_same_title_in_another_folder_is_fine(tmp_path: Path) -> None:
    """A search shows the folder beside the title."""
    again = definition({**good_model(), "uid": "other"}, "z", tmp_path / "more")

    assert found("duplicate-title", good_model(), tmp_path, again) == []


def test_links_to_runbooks_cannot_be_judged_without_runbooks(tmp_path: Path) -> None:
    """A missing folder is said; it is no dozen of dead links, and no clean bill either."""
    without = replace(case(good_model(), tmp_path), runbooks=tmp_path / "none")

    with pytest.raises(Skipped, match="no folder"):
        list(runbook_links.problems(without))


def test_a_dashboard_without_runbook_links_needs_no_runbooks(tmp_path: Path) -> None:
    """Where nothing is to be looked up, nothing is skipped."""
    model = changed(good_model(), {"panels.1.links": []})
    without = Case(definitions=(definition(model),), runbooks=tmp_path / "none")

    assert list(runbook_links.problems(without)) == []


@pytest.mark.parametrize("check", RULES)
def test_a_page_says_what_why_and_how(check: str) -> None:
    """`--explain` tells a person enough to act."""
    assert all(part in explain(check) for part in ("What it looks for:", "Why:", "How to mend it:"))


def _paths(value: object, prefix: str = "") -> list[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, inner in items for p in (f"{prefix}{key}", *_paths(inner, f"{prefix}{key}."))]


_ODD = st.one_of(st.none(), st.booleans(), st.integers(-5, 50), st.text(max_size=5), st.sampled_from(["$job", "/d/x"]))
_KEYS = st.sampled_from(["type", "uid", "list"])
_ANYTHING = st.recursive(
    _ODD, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=2), max_leaves=4
)


def _has_queries(one: Definition) -> bool:
    """Return whether a definition can tell its queries and fill them in; where it cannot, no check is to blame."""
    try:
        return all(filled(q.text, one.model, "PromQL").text for q in one.queries) and one.variables is not None
    except (AttributeError, TypeError):
        return False


@given(path=st.sampled_from(_paths(good_model())), value=_ANYTHING)
def test_a_model_of_any_shape_stops_no_check(path: str, value: object) -> None:
    """That a model is malformed is for one check to say; the others find what they can."""
    one = definition(changed(good_model(), {path: value}))
    assume(_has_queries(one))

    result = run(Case(definitions=(one,), runbooks=Path("runbooks"), alerts=Path("none")), RULES + LINTER_RULES)

    assert len(result.made) + len(result.skipped) == len(RULES + LINTER_RULES)
