"""Which variant a server speaks, and what is sent to it."""

from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.catalogue import _speak, all_signals
from obskit.model import Signal, Variant

_SIGNALS = [s for s in all_signals().values() if s.variants[0].language == "PromQL"]
_VARIANTS = [(signal, variant) for signal in _SIGNALS for variant in signal.variants]


def _series_for(variant: Variant, name: str = "shop", **labels: str) -> dict[str, list[dict[str, str]]]:
    """Return an index in which every metric of the variant has one series of the service."""
    own = {"service": name, "task_id": "t1", "status": "500", "server_address": "db", "route": "/x", "cluster": "prod"}
    if variant.service_from:
        own[variant.service_from[0]] = f"targetgroup/{name}/1" if "Group" in variant.service_from[0] else name
    return {metric: [{"__name__": metric, **own, **labels}] for metric in variant.needs}


def _ask(signal: Signal, variant: Variant, name: str = "shop") -> list[_speak.Question]:
    series = _series_for(variant, name)
    if signal.scope == "shared":
        return _speak.ask_about_shared([signal], series, cluster="prod", rate="20s")
    return _speak.ask_about_services([signal], series, [name], cluster="prod", rate="20s")


@pytest.mark.parametrize(("signal", "variant"), _VARIANTS, ids=lambda x: getattr(x, "id", getattr(x, "name", "")))
def test_every_variant_is_a_query_that_parses_and_leaves_no_placeholder(signal: Signal, variant: Variant) -> None:
    """What the catalogue holds can be sent as it is."""
    questions = _ask(signal, variant)

    assert questions, "the variant's own metrics do not select it"
    for question in questions:
        assert "$" not in question.query.replace('$"', "").replace(".*$", "")
        promql_parser.parse(question.query)


@given(st.text(min_size=1, max_size=30).filter(lambda t: "/" not in t))
def test_hostile_service_names_stay_inside_their_quotes(name: str) -> None:
    """Quotes, backslashes and braces in a name neither break the query nor widen it."""
    signal = all_signals()["http_requests"]
    (question,) = _ask(signal, signal.variants[0], name)

    expression = str(promql_parser.parse(question.query))
    assert expression.count("http_requests_total") == 1 or "http_requests_total" in name


def test_services_of_different_instrumentation_are_asked_in_their_own_words() -> None:
    """A Python and a Node service in one investigation each get the variant that they speak."""
    signal = all_signals()["http_requests"]
    python, otel = signal.variants[0], signal.variants[1]
    series = {**_series_for(python, "shop"), **_series_for(otel, "orders")}

    questions = _speak.ask_about_services([signal], series, ["shop", "orders"], cluster="prod", rate="1m")

    assert {python.name, otel.name} == {q.variant.name for q in questions}


def test_a_metric_without_a_cluster_label_is_not_restricted_by_it() -> None:
    """A matcher on a label that a metric lacks would select nothing."""
    signal = all_signals()["ecs_running_tasks"]
    series = {"ecs_service_running_tasks": [{"__name__": "ecs_service_running_tasks", "service": "shop"}]}

    (question,) = _speak.ask_about_services([signal], series, ["shop"], cluster="prod", rate="1m")

    assert "cluster" not in question.query


def test_signal_ids_are_unique_and_carry_their_topic() -> None:
    """A finding names one signal, and its topic says which file to open."""
    assert len(all_signals()) == len({(s.topic, s.id) for s in all_signals().values()})
    assert all(s.title and s.unit and s.variants for s in all_signals().values())
