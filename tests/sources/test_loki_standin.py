"""The stand-in for Loki answers what a real Loki was recorded to answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.standins.loki import FAULTS, LokiStandIn

RECORDINGS = Path(__file__).parents[1] / "recordings" / "loki"
RECORDED = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDINGS.glob("*.json"))}
IN_ORDER = sorted(RECORDED, key=lambda name: float(RECORDED[name]["recorded_at"]))
PUSHES = [name for name in IN_ORDER if "push" in name]
QUERIES = [name for name in IN_ORDER if "push" not in name]
#: Their texts quote the inside of the real one's JSON decoder.
STATUS_ONLY = {"push_bad_json", "push_int_ts"}


def replay(url: str, name: str) -> requests.Response:
    """Send a recorded request to another server."""
    request = RECORDED[name]["request"]
    headers = dict(request["headers"])
    if request["method"] == "POST" and "query" in name + request["url"]:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    body = None if request["body"] is None else request["body"].encode()
    return requests.request(request["method"], url + request["url"], headers=headers, data=body, timeout=10)


def comparable(answer: dict[str, Any], *, exact_time: bool) -> Any:
    """Return an answer without what is not promised: order of streams and of lines that share an instant."""
    data = answer.get("data")
    if not isinstance(data, dict):
        rows = data or []
        return sorted(json.dumps(row, sort_keys=True) for row in rows)
    rows = data["result"]
    if data["resultType"] == "streams":
        return sorted((sorted(r["stream"].items()), sorted(r["values"])) for r in rows)
    if data["resultType"] == "vector" and not exact_time:
        return sorted((sorted(r["metric"].items()), r["value"][1]) for r in rows)
    return sorted((sorted(r["metric"].items()), r.get("values") or r["value"]) for r in rows)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[bool, LokiStandIn]]:
    """A stand-in without and one with tenants, both holding what was pushed to the recorded ones."""
    with (
        LokiStandIn(now=lambda: 1795544895.9) as plain,
        LokiStandIn(auth=True, now=lambda: 1795545226.5) as tenants,
    ):
        for name in PUSHES:
            replay((tenants if name.startswith("auth_") else plain).url, name)
        gz = {"stream": {"app": "facts", "service": "gz"}, "values": [["1795544894178097784", "gz line"]]}
        requests.post(f"{plain.url}/loki/api/v1/push", json={"streams": [gz]}, timeout=10).raise_for_status()
        yield {False: plain, True: tenants}


def the_same(name: str, response: requests.Response) -> None:
    """Compare an answer with the recorded one."""
    recorded = RECORDED[name]["response"]
    assert (recorded["status"], name) == (response.status_code, name)
    if "json" in recorded:
        exact = "time=" in RECORDED[name]["request"]["url"]
        wanted = comparable(recorded["json"], exact_time=exact)
        if name == "label_values":  # the real one names a stream of 20 days ago that it still has in memory
            wanted.remove('"old"')
        assert wanted == comparable(response.json(), exact_time=exact)
    elif name not in STATUS_ONLY:
        assert recorded["text"] == response.text


@pytest.mark.parametrize("name", PUSHES)
def test_a_recorded_push_gets_the_recorded_answer(name: str) -> None:
    """A push is taken or refused with the status and the words of the real one."""
    with LokiStandIn(auth=name.startswith("auth_"), now=lambda: 1795544895.9 + 400) as loki:
        if name == "push_too_far_behind":
            replay(loki.url, "push_ok")
        response = replay(loki.url, name)
    if name == "push_too_far_behind":  # the recorded stream was newest at another instant
        assert "entry too far behind, entry timestamp is: 2026-11-24T15:26:14Z" in response.text
        assert response.status_code == 400
    else:
        the_same(name, response)


@pytest.mark.parametrize("name", [n for n in QUERIES if n != "auth_series_limit_500"])
def test_a_recorded_query_gets_the_recorded_answer(name: str, servers: dict[bool, LokiStandIn]) -> None:
    """A query gets the status, the words and the data of the real one."""
    the_same(name, replay(servers[name.startswith("auth_")].url, name))


def test_more_than_500_series_are_refused(servers: dict[bool, LokiStandIn]) -> None:
    """A count of 600 streams is refused in the real one's words; the lines themselves are not."""
    at = 1795545226305398959
    streams = [{"stream": {"app": "card", "pod": f"p{i}"}, "values": [[str(at + i), f"l{i}"]]} for i in range(600)]
    url, tenant = servers[True].url, {"X-Scope-OrgID": "t1"}
    pushed = requests.post(f"{url}/loki/api/v1/push", json={"streams": streams}, headers=tenant, timeout=10)
    lines = requests.get(
        f"{url}/loki/api/v1/query_range", params={"query": '{app="card"}', "limit": "1000"}, headers=tenant, timeout=10
    )

    assert pushed.status_code == 204
    the_same("auth_series_limit_500", replay(url, "auth_series_limit_500"))
    assert len(lines.json()["data"]["result"]) == 600


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("sum by (service) (count_over_time({service=~`a|b`} |= `x` [10s]))", {"a": "2", "b": "1"}),
        ("sum by (service) (rate({service=~`a|b`} |= `x` [10s]))", {"a": "0.2", "b": "0.1"}),
        ("sum(count_over_time({service=`a`} != `x` [10s])) by (service) * 3", {"a": "3"}),
        ('sum by (service) (count_over_time({service!="b",job="j"} |~ `(?i)X\\d` !~ "x2" [10s]))', {"a": "1"}),
        ("sum by (service) (count_over_time({service=~`a`} [10s])) / 2", {"a": "1.5"}),
    ],
)
def test_a_count_takes_filters_groups_and_a_factor(query: str, wanted: dict[str, str]) -> None:
    """The metric queries that obskit sends, and a few more, are counted as LogQL defines them."""
    rows = {"a": ["x1", "x2", "other"], "b": ["x1"]}
    streams = [
        {
            "stream": {"service": s, "job": "j"},
            "values": [[str(1_795_545_000_000_000_000 + i), line] for i, line in enumerate(ls)],
        }
        for s, ls in rows.items()
    ]
    with LokiStandIn(now=lambda: 1_795_545_009.0) as loki:
        requests.post(f"{loki.url}/loki/api/v1/push", json={"streams": streams}, timeout=10)
        answer = requests.get(f"{loki.url}/loki/api/v1/query", params={"query": query}, timeout=10).json()

    assert wanted == {row["metric"]["service"]: row["value"][1] for row in answer["data"]["result"]}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_answered_as_it_is_worded(fault: str) -> None:
    """A fault replaces every answer, until it is taken away again."""
    with LokiStandIn() as loki:
        loki.fault = fault
        troubled = requests.get(f"{loki.url}/ready", timeout=10)
        loki.fault = ""
        fine = requests.get(f"{loki.url}/ready", timeout=10)

    assert (FAULTS[fault][0], FAULTS[fault][2]) == (troubled.status_code, troubled.content)
    assert fine.text == "ready\n"
