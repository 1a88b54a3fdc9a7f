"""A dashboard comes back as the repository would hold it, and says which signals it shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.canonical import canonical
from obskit.ascode.definition import Model
from obskit.ascode.grafana import Grafana
from obskit.ascode.pull import Match, matches, pull
from obskit.catalogue import all_signals
from obskit.catalogue._written import Filling, written
from obskit.errors import UsageError
from obskit.model import Signal
from obskit.settings import LabelNames
from tests.standins.grafana import GrafanaStandIn

#: An environment that calls everything otherwise than ours.
THEIRS = Filling(
    labels=LabelNames(service="job", task="pod", status="code", peer="upstream", route="handler", log_service="app"),
    services='job=~"$service"',
    scope='cluster="$cluster"',
    names="$service",
    selector='{app=~"$service"}',
    rate="$__rate_interval",
)
TYPES = {"PromQL": "prometheus", "LogQL": "loki"}


@pytest.fixture
def server() -> Iterator[GrafanaStandIn]:
    """Start an empty Grafana's stand-in."""
    with GrafanaStandIn() as running:
        yield running


def asking(*queries: str, kind: str = "prometheus") -> Model:
    """Return a dashboard of one panel that asks these."""
    targets = [{"refId": chr(65 + n), "expr": query} for n, query in enumerate(queries)]
    return {"panels": [{"id": 1, "title": "P", "datasource": {"type": kind, "uid": "x"}, "targets": targets}]}


def found(query: str, kind: str = "prometheus") -> list[tuple[str, str]]:
    """Return which signals a query matches, and how."""
    return [(match.signal_id, match.how) for match in matches(asking(query, kind=kind))]


def test_it_comes_back_without_grafanas_own_keys(server: GrafanaStandIn) -> None:
    """No id, no version; the schema's version stays, because Grafana migrates by it."""
    server.put({"uid": "u", "title": "T", "schemaVersion": 42, **asking("business_orders_total")})
    server.edit_in_ui("u", None, panel_defaults=True)
    model, matched = pull("u", Grafana(server.connection()))

    assert sorted(model) == ["panels", "schemaVersion", "title", "uid"]
    assert model == canonical(server.models["u"], keep=("schemaVersion",))
    assert [(m.panel, m.ref) for m in matched] == [("P", "A")]


def test_an_unknown_uid_is_the_askers_mistake(server: GrafanaStandIn) -> None:
    """The message says where a uid is to be read."""
    with pytest.raises(UsageError, match="no dashboard with the uid 'nothing'") as raised:
        pull("nothing", Grafana(server.connection()))
    assert "/d/" in raised.value.hint


@pytest.mark.parametrize("signal", all_signals().values(), ids=lambda signal: signal.id)
def test_a_signals_own_query_is_told_whatever_the_labels_are_called(signal: Signal) -> None:
    """Each signal is found again by its query, or another that asks the very same."""
    language = signal.variants[0].language
    ((signal_id, how),) = found(written(signal, THEIRS), TYPES[language])
    same = all_signals()[signal_id]

    assert how == "same query"
    assert signal_id == signal.id or written(same, THEIRS) == written(signal, THEIRS)


def test_another_way_to_write_it_is_the_same_query() -> None:
    """Spaces, parentheses, ranges, groupings, whom it is about, one variant alone, one number of it."""
    for query in (
        'sum by (job) (rate( http_requests_total{ job="checkout" , namespace=~"$ns"}[1m] ))',
        "(sum((rate(http_requests_total[$__interval]))))",
        "sum(sum by (service) (rate(http_requests_total[${window}])))",
        'sum without (instance) (rate(http_requests_total{cluster="a"}[5m]))',
    ):
        assert found(query) == [("http_requests", "same query")], query


def test_another_question_of_the_same_metric_is_said_to_be_one() -> None:
    """A status makes another query; so does another function. Each signal of the metric is named."""
    for query in (
        'sum(rate(http_requests_total{status="418"}[5m]))',
        "max(rate(http_requests_total[5m]))",
    ):
        answers = found(query)

        assert ("http_requests", "same metrics") in answers
        assert {how for _, how in answers} == {"same metrics"}


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("business_orders_total", "prometheus"),
        ("sum by (", "prometheus"),
        ("vector(1)", "prometheus"),
        ("{app=`x`} |= `nothing that we ask`", "loki"),
        ("SELECT 1", "postgres"),
    ],
)
def test_what_the_catalogue_does_not_know_is_said(query: str, kind: str) -> None:
    """Foreign metrics, broken queries and other languages match nothing, and break nothing."""
    assert matches(asking(query, kind=kind)) == (Match(panel="P", ref="A", signal_id="", how="none"),)


@given(st.text(max_size=60) | st.sampled_from(["(" * 5000, "$" * 50, "[[[[", "${a:b:c}", "x[$__range:]"]))
def test_no_text_breaks_it(query: str) -> None:
    """Queries come from whoever may edit a dashboard."""
    matches(asking(query))
    matches(asking(query, kind="loki"))
