"""The chain from Prometheus' targets to the people it tells: its own topics, against real servers."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator

import promql_parser
import pytest

from obskit.catalogue import all_signals
from obskit.catalogue._written import Filling, written
from obskit.model import Signal
from obskit.settings import LabelNames
from tests.support.servers import AlertmanagerServer, WatchingServer, free_port

_TOPICS = ("alertmanager", "prometheus_delivery")
_SIGNALS = [s for s in all_signals().values() if s.topic in _TOPICS]
#: What tells nothing of a lone Alertmanager without gossip, of servers that are as they were, or of a day ago.
_SILENT = {"alertmanager_members_ratio", "prometheus_jobs_vanished", "prometheus_series_growth_ratio"}


def _id(signal: Signal) -> str:
    return signal.id


def _query(signal: str, scope: str = "") -> str:
    return written(all_signals()[signal], Filling(labels=LabelNames(), services='service="shop"', scope=scope))


@pytest.mark.parametrize("signal", _SIGNALS, ids=_id)
def test_a_signal_is_a_query_that_looks_at_its_cluster_only(signal: Signal) -> None:
    """A neighbour's Alertmanager must not stand for ours."""
    query = _query(signal.id, 'cluster="prod"')

    promql_parser.parse(query)
    promql_parser.parse(_query(signal.id))
    assert query.count('cluster="prod"') == len(re.findall(r"[a-z_]\{", query)) > 0


@pytest.mark.parametrize("signal", _SIGNALS, ids=_id)
def test_a_signal_says_what_to_do_and_no_triage_weighs_it(signal: Signal) -> None:
    """The watcher's own troubles are told by alerts; as evidence they would name the watcher as the culprit."""
    assert 60 <= len(signal.meaning) <= 320
    assert signal.meaning.endswith(".")
    assert not signal.weighed
    assert signal.floor > 0
    assert all(len(level.reason) > 20 for level in (signal.warn, signal.crit) if level)


class RefusedAlertmanager(AlertmanagerServer):
    """An Alertmanager whose webhook answers 404 (it is a page of its own), which it does not try again."""

    def __init__(self) -> None:
        super().__init__("")
        self._webhook_url = f"{self.url}/nothing"


def _fire(alertmanager: str) -> None:
    """Hand one alert to Alertmanager: Prometheus drops its first, and sends the next after a minute."""
    body = json.dumps([{"labels": {"alertname": "Anything"}}]).encode()
    request = urllib.request.Request(f"{alertmanager}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        reply.read()


@pytest.fixture(scope="module")
def watched() -> Iterator[str]:
    """Return the address of a Prometheus that watches itself, an Alertmanager, and a target that is gone."""
    nobody = f"http://127.0.0.1:{free_port()}"
    with (
        RefusedAlertmanager() as alertmanager,
        WatchingServer(
            {"alertmanager": alertmanager.url, "gone": nobody}, alertmanager=alertmanager.url, cluster="prod"
        ) as server,
    ):
        _fire(alertmanager.url)
        server.until('increase(alertmanager_notifications_failed_total{integration="webhook"}[1m]) > 0')
        server.until('up{job="gone"} == 0')
        server.until("prometheus_notifications_alertmanagers_discovered > 0")
        yield server.url


def _asked(url: str, signal: str) -> dict[str, float]:
    """Return what a signal answers now: the values of its labels by name, joined by commas, and the number."""
    query = urllib.parse.urlencode({"query": _query(signal, 'cluster="prod"')})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=10) as reply:
        rows = json.load(reply)["data"]["result"]
    return {",".join(v for _, v in sorted(row["metric"].items())): float(row["value"][1]) for row in rows}


@pytest.mark.parametrize("signal", _SIGNALS, ids=_id)
def test_real_servers_answer(watched: str, signal: Signal) -> None:
    """A name that nothing emits looks like calm."""
    assert bool(_asked(watched, signal.id)) is (signal.id not in _SILENT)


def test_real_servers_tell_what_is_wrong_and_what_is_not(watched: str) -> None:
    """The hook refuses, so that every notification by it is lost, and none of the others."""
    lost = _asked(watched, "alertmanager_notification_lost_ratio")

    assert lost["webhook"] > 0.5
    assert lost["email"] == 0
    assert _asked(watched, "alertmanager_up_ratio") == {"alertmanager": 1}
    assert _asked(watched, "alertmanager_configs") == {"alertmanager": 1}
    assert set(_asked(watched, "alertmanager_config_ok").values()) == {1}
    assert set(_asked(watched, "prometheus_alertmanagers").values()) == {1}
    assert _asked(watched, "prometheus_watchdog") == {"": 2}
