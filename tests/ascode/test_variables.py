"""Grafana's variables are filled in so that parsers read queries, and errors are found again."""

from __future__ import annotations

from typing import Any

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.definition import Model
from obskit.ascode.variables import Filled, filled, references, unknown, unknown_references, variables_of


def _model(*variables: Model) -> Model:
    return {"templating": {"list": list(variables)}}


def _custom(name: str, value: Any, **more: Any) -> Model:
    return {"name": name, "type": "custom", "current": {"text": "", "value": value}, **more}


MODEL = _model(
    {"name": "service", "type": "query", "query": "label_values(up, service)", "multi": True},
    {"name": "prometheus_datasource", "type": "datasource", "query": "prometheus"},
    _custom("quantile", "0.99"),
    {"name": "window", "type": "interval", "current": {"value": "10m"}, "query": "1m,10m"},
    {"name": "cluster", "type": "constant", "query": "blue"},
    {"name": "search", "type": "textbox", "current": {"value": ""}},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate(x[$__rate_interval])", "rate(x[4m])"),
        ("rate(x[${__rate_interval}])", "rate(x[4m])"),
        ("rate(x[$__interval])", "rate(x[1m])"),
        ("rate(x[$__range])", "rate(x[1h])"),
        ("rate(x[${__range_s}s])", "rate(x[3600s])"),
        ("x * $__interval_ms", "x * 60000"),
        ("x @ ${__to:date:seconds}", "x @ 1700003600"),
        ('rate({a="b"}[$__auto])', 'rate({a="b"}[1m])'),
        ('x{service=~"$service"}', 'x{service=~"word"}'),
        ('x{service=~"${service:regex}"}', 'x{service=~"word"}'),
        ('x{service=~"[[service]]"}', 'x{service=~"word"}'),
        ('x{service=~"[[service:regex]]"}', 'x{service=~"word"}'),
        ("histogram_quantile($quantile, x)", "histogram_quantile(0.99, x)"),
        ("rate(x[$window])", "rate(x[10m])"),
        ("rate(x[1h:$window])", "rate(x[1h:10m])"),
        ('x{cluster="$cluster"}', 'x{cluster="blue"}'),
        ('{a="b"} |~ "(?i)$search"', '{a="b"} |~ "(?i)"'),
        ("rate(x[$service])", "rate(x[5m])"),
        ("rate(x[${service}m])", "rate(x[5m])"),
        ("x offset $service", "x offset 5m"),
        ("x offset -$service", "x offset -5m"),
        ("topk($service, x)", "topk(1, x)"),
        ("topk by (a) ($service, x)", "topk by (a) (1, x)"),
        ("x > $service", "x > 1"),
        ("x > bool $service", "x > bool 1"),
        ("x / $service{a='b'}", "x / word{a='b'}"),
        ("sum by ($service) (x)", "sum by (word) (x)"),
        ('x # "$service', 'x # "word'),
    ],
)
def test_a_variable_becomes_what_its_place_needs(text: str, expected: str) -> None:
    """A duration between brackets and after offset, a number after an operator, a word elsewhere."""
    assert expected == filled(text, MODEL, "PromQL").text


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        (_custom("v", ["a", "b"], multi=True), 'x{l=~"$v"}', 'x{l=~"(a|b)"}'),
        (_custom("v", ["a.b"], multi=True), 'x{l=~"$v"}', r'x{l=~"a\\.b"}'),
        (_custom("v", "a.b"), 'x{l=~"$v"}', 'x{l=~"a.b"}'),
        (_custom("v", ["$__all"], includeAll=True, allValue=".+"), 'x{l=~"$v"}', 'x{l=~".+"}'),
        (
            _custom("v", "$__all", includeAll=True, options=[{"value": "$__all"}, {"value": "c"}]),
            'x{l=~"$v"}',
            'x{l=~"c"}',
        ),
        ({"name": "v", "type": "custom", "query": "one : 1, two : 2"}, "topk($v, x)", "topk(1, x)"),
        ({"name": "v", "type": "custom", "current": {}, "options": [{"value": "7"}]}, "topk($v, x)", "topk(7, x)"),
        ({"name": "v", "type": "interval", "current": {"value": "$__auto_interval_v"}}, "x[$v]", "x[1m]"),
        ({"name": "v", "type": "interval", "current": {"value": "auto"}}, "x[$v]", "x[1m]"),
        (_custom("v", "$__rate_interval"), "x[$v]", "x[4m]"),
        (_custom("v", "$other"), 'x{l="$v"}', 'x{l="word"}'),
        (_custom("v", 'a"b\\'), 'x{l="$v"}', r'x{l="a\"b\\"}'),
        (_custom("v", "a`b"), "x{l=`$v`}", "x{l=`ab`}"),
        (_custom("v", "a"), "x{l=${v:doublequote}}", 'x{l="a"}'),
        (_custom("v", "a"), "x{l=${v:singlequote}}", "x{l='a'}"),
        (_custom("v", 5), "x > $v", "x > 5"),
    ],
)
def test_what_the_dashboard_holds_is_put_in_as_grafana_would(variable: Model, text: str, expected: str) -> None:
    """Current value before first option before definition; many values become one regular expression."""
    assert expected == filled(text, _model(variable), "PromQL").text


def test_a_value_that_is_no_duration_stays_a_mistake() -> None:
    """Stand-ins are for what is not known: a written value is not mended behind the author's back."""
    assert filled("rate(x[$v])", _model(_custom("v", "nonsense")), "PromQL").text == "rate(x[nonsense])"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x[$__rate_interval] + $service", ()),
        ('x{a="$servce", b="${servce}", c="[[other]]"}', ("servce", "other")),
        ('label_replace(x, "a", "$1-${2}", "b", "(.*)(.)")', ()),
        ('label_replace(x, "a", "$host", "b", "(?P<host>.*):.*")', ()),
        ('{a="b"} | line_format "{{ $x := .y }}{{ $x }}"', ()),
        ('{a="b"} | line_format "{{ .y }} $x"', ("x",)),
        ("x[$__auto_interval_step]", ()),
        ("x[$__rate_intervall]", ("__rate_intervall",)),
        ("x{a=~'.*$'}", ()),
    ],
)
def test_an_undefined_variable_is_named_once_and_what_only_looks_like_one_is_not(
    text: str, names: tuple[str, ...]
) -> None:
    """Groups of regular expressions and variables of Go templates are not Grafana's."""
    assert names == unknown(text, MODEL)


def test_an_undefined_variable_is_filled_in_too() -> None:
    """One mistake is reported once: the parser does not trip over what another check reports."""
    assert filled('x{a="$a"}[$b]', {}, "PromQL").text == 'x{a="word"}[5m]'


def test_an_error_behind_a_variable_is_found_at_its_place_in_the_text_as_written() -> None:
    """Values are longer or shorter than references; columns are the author's."""
    text = 'rate(x{a="$service"}[$__rate_interval]) foo'
    found = filled(text, MODEL, "PromQL")

    assert text.index("foo") == found.original(found.text.index("foo"))


def test_an_error_inside_a_value_is_found_at_its_reference() -> None:
    """Nobody can look for a column in a value that is not there."""
    found = filled("a + $quantile", MODEL, "PromQL")

    assert found.original(found.text.index("99")) == 4


@pytest.mark.parametrize(
    "model", [{}, {"templating": None}, {"templating": {"list": 5}}, {"templating": {"list": ["x", None]}}]
)
def test_a_dashboard_without_variables_has_none(model: Model) -> None:
    """Odd models are another check's problem."""
    assert not variables_of(model)


_NAMES = tuple(variables_of(MODEL))
_REFERENCES = st.sampled_from(
    [
        spelt.format(name)
        for name in (*_NAMES, "__rate_interval", "__range_s")
        for spelt in ("${{{0}}}", "[[{0}]]", "${{{0}:regex}}")
    ]
)
#: No "$" or "[" at an end, so that no reference arises where two parts meet.
_LITERALS = st.text(alphabet='xé😀(){}"`#\\ \n=~,5]', max_size=6)


@given(parts=st.lists(st.tuples(_LITERALS, _REFERENCES), max_size=8), end=_LITERALS)
def test_every_position_leads_back_to_its_own_character(parts: list[tuple[str, str]], end: str) -> None:
    """What was not filled in is found where it stood; what was, at its reference; the order is kept."""
    text = "".join(part for pair in parts for part in pair) + end
    found = filled(text, MODEL, "PromQL")
    back = [found.original(position) for position in range(len(found.text) + 1)]

    assert sorted(back) == back
    assert len(text) == back[-1]
    inside = {p for start, stop, _, _ in found.spans for p in range(start, stop)}
    assert all(found.text[p] == text[back[p]] for p in range(len(found.text)) if p not in inside)
    assert all(text[back[p]] in "$[" for p in inside)


@given(parts=st.lists(st.tuples(_LITERALS, _REFERENCES), max_size=8))
def test_no_known_variable_remains(parts: list[tuple[str, str]]) -> None:
    """A parser never sees one of Grafana's variables."""
    text = "".join(part for pair in parts for part in pair)

    assert not list(references(filled(text, MODEL, "LogQL").text))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("v$,: a", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "name", "text"]), inner, max_size=2)
    ),
    max_leaves=6,
)
_VARIABLE = st.fixed_dictionaries(
    {"name": st.just("v"), "type": st.sampled_from(["custom", "interval", "textbox", "constant", "query", 3])},
    optional={
        "current": _JSON,
        "options": _JSON,
        "query": _JSON,
        "multi": _JSON,
        "includeAll": _JSON,
        "allValue": _JSON,
    },
)


@given(text=st.text(alphabet="$[]{}()\"'`\\#v1_:| \n", max_size=30), variable=_VARIABLE)
def test_no_text_and_no_variable_is_too_odd(text: str, variable: Model) -> None:
    """Definitions come from people: whatever they hold, the check goes on."""
    model = _model(variable)
    found = filled(text, model, "PromQL")

    assert isinstance(found, Filled)
    assert all(0 <= found.original(position) <= len(text) for position in range(len(found.text) + 1))
    assert set(unknown(text, model)) == {one.name for one in unknown_references(text, model)}


@pytest.mark.parametrize("kind", ["query", "datasource", "custom", "adhoc"])
@pytest.mark.parametrize(
    "text",
    ["rate(x[$v])", 'x{a=~"$v"}', "topk($v, x)", "x > $v", "sum by ($v) (x)", "x offset $v", "$v{a='b'}", "$v + 1"],
)
def test_a_variable_that_only_a_server_can_answer_fits_everywhere(kind: str, text: str) -> None:
    """What is not known is never reported as a mistake."""
    promql_parser.parse(filled(text, _model({"name": "v", "type": kind}), "PromQL").text)


@pytest.mark.parametrize("kind", [["custom"], {"a": 1}, None, 1])
def test_a_type_of_any_shape_is_no_type_that_we_know(kind: object) -> None:
    """A server may say anything."""
    model = {"templating": {"list": [{"name": "a", "type": kind, "query": "x"}]}}

    assert filled("$a", model, "PromQL").text == "word"
