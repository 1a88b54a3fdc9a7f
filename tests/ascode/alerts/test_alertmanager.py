"""Alertmanager's configuration: who is told, and what keeps still meanwhile, by amtool and a real Alertmanager."""

from __future__ import annotations

import contextlib
import json
import queue
import re
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from obskit.ascode.alerts.alertmanager import (
    AlertmanagerSettings,
    Receiver,
    config,
    problems,
    text,
)
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.inhibition import inhibitions
from obskit.ascode.alerts.load import load
from obskit.ascode.alerts.rule import Rule, RuleFile, Severity
from obskit.ascode.alerts.rule import alert as said
from obskit.ascode.alerts.slo import Slo
from obskit.errors import UsageError
from obskit.settings import Settings
from tests.support.servers import START_SECONDS, AlertmanagerServer

ROOT = Path(__file__).resolve().parents[3]
WRITER = Writer(settings=Settings())
PAGER = Receiver(name="oncall", kind="pagerduty", file="/run/secrets/pagerduty-key")
TEAM = Receiver(name="team", kind="slack", file="/run/secrets/slack-url", channel="#team")
HOOK = Receiver(name="shop-team", url="https://hooks.example.com/shop", file="/run/secrets/shop-token")
#: Where somebody listens who is told of every alert.
URL = "https://obskit.example.com/alerts"
SETTINGS = AlertmanagerSettings(
    url=URL, receivers=(PAGER, TEAM, HOOK), page="oncall", ticket="team", services=(("shop", "shop-team"),)
)


def alert(name: str, signal: str, cause: str = "", severity: Severity = "page", **more: Any) -> Rule:
    """Return an alert; a symptom where it names no cause."""
    kind: Any = more.pop("kind", "cause" if cause else "symptom")
    texts = {"summary": "{value}", "description": "It is high.", "hold": "5m", "hold_reason": "so that it lasts"}
    reason = "a level for this test"
    return said(name, signal, severity=severity, kind=kind, cause=cause, level=1.0, reason=reason, **texts, **more)


POOL = alert("PoolFull", "db_pool_used_ratio", "db_pool_exhausted")
POOL_TICKET = alert("PoolFilling", "db_pool_used_ratio", "db_pool_exhausted", severity="ticket")
WORKERS = alert("WorkersBusy", "http_workers_ratio", "worker_saturation")
WORKERS_TICKET = alert("WorkersBusyOften", "http_workers_ratio", "worker_saturation", severity="ticket")
ERRORS = alert("ErrorsHigh", "http_error_ratio")
LOCKS = alert("LocksHeld", "pg_blocked", "lock_contention")
BLIND = alert("ScrapesFail", "prometheus_targets_down", "telemetry_blind")
OBJECTIVE = Slo(name="availability", objective="99.9", failures="slo_failures", requests="slo_requests")


def file_of(*rules: Rule, slos: tuple[Slo, ...] = (), source: str = "") -> RuleFile:
    """Return a file of alerts."""
    return RuleFile(name="own", path=Path("alerts/own.alerts.py"), source=source, rules=rules, slos=slos)


def pairs(*rules: Rule, slos: tuple[Slo, ...] = ()) -> dict[tuple[str, str], list[str]]:
    """Return which alert inhibits which, and what they must have in common."""
    found: dict[tuple[str, str], list[str]] = {}
    for rule in inhibitions([file_of(*rules, slos=slos)], WRITER):
        for source in names_in(rule["source_matchers"]):
            for target in names_in(rule["target_matchers"]):
                found[source, target] = rule.get("equal", [])
    return found


def names_in(matchers: list[str]) -> list[str]:
    """Return the names of alerts that the first matcher is about."""
    found = re.fullmatch(r'alertname=~?"([A-Za-z0-9|]+)"', matchers[0])
    assert found, matchers
    return found[1].split("|")


@pytest.fixture(scope="module")
def ours() -> tuple[RuleFile, ...]:
    """Return our own alerts."""
    files, found = load(ROOT / "alerts")
    assert not found
    return files


# --- routes ---


@pytest.fixture(scope="module")
def written(ours: tuple[RuleFile, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the configuration of our own alerts as a file."""
    path = tmp_path_factory.mktemp("alertmanager") / "alertmanager.yml"
    path.write_text(text(config(ours, WRITER, SETTINGS)), encoding="utf-8")
    return path


def test_amtool_takes_our_own(written: Path) -> None:
    """A file that Alertmanager refuses at its next start would leave nobody told."""
    done = subprocess.run(
        ["amtool", "check-config", str(written)], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert re.search(r"[1-9]\d* inhibit rules", done.stdout)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (("severity=page", "service=pay", "topic=http"), "obskit,oncall"),
        (("severity=page", "service=shop", "topic=http"), "obskit,shop-team"),
        (("severity=ticket", "service=pay"), "obskit,team"),
        (("severity=ticket", "service=shop"), "obskit,shop-team"),
        (("severity=page", "topic=postgres"), "obskit,oncall"),
        (("alertname=FromElsewhere",), "obskit"),
    ],
)
def test_an_alert_goes_to_obskit_and_to_whom_it_concerns(
    written: Path, labels: tuple[str, ...], receivers: str
) -> None:
    """All go to obskit, pages to a person too, tickets to the team, both to a service's own team if it has one."""
    command = [
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={written}",
        f"--verify.receivers={receivers}",
        *labels,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.stdout.strip(), done.returncode) == (receivers, 0)


def test_the_watchdog_goes_to_whoever_notices_its_absence_and_to_nobody_else() -> None:
    """It always fires: as a page it would wake somebody every four hours."""
    files = [file_of(alert("Watchdog", "prometheus_targets_down"))]
    with_one = AlertmanagerSettings(receivers=(PAGER, TEAM), page="oncall", watchdog="team")
    first = config(files, WRITER, with_one)["route"]["routes"][0]
    none = AlertmanagerSettings(receivers=(PAGER,), page="oncall")

    assert (first["receiver"], first["matchers"]) == ("team", ['alertname="Watchdog"'])
    assert "continue" not in first
    assert config(files, WRITER, none)["route"]["routes"][0]["receiver"] == "nobody"
    assert [p.message for p in problems(files, none)] == ["nobody notices when Watchdog stays away"]
    assert not any("Watchdog" in str(route) for route in config([file_of(POOL)], WRITER, none)["route"]["routes"])


def test_there_is_no_secret_in_it_and_the_same_bytes_each_time(ours: tuple[RuleFile, ...]) -> None:
    """The file stands in a repository; secrets are files where Alertmanager runs."""
    body = text(config(ours, WRITER, SETTINGS))

    assert body == text(config(tuple(reversed(ours)), WRITER, SETTINGS))
    assert "routing_key_file: /run/secrets/pagerduty-key" in body
    assert "api_url_file: /run/secrets/slack-url" in body
    assert "credentials_file: /run/secrets/shop-token" in body
    assert not re.search(r"routing_key:|api_url:|credentials:", body)


def test_a_page_waits_for_longer_than_an_evaluation(ours: tuple[RuleFile, ...]) -> None:
    """A cause that fires with its symptom, but in another group, must be there before anybody is woken by both."""
    _, page, ticket = config(ours, WRITER, AlertmanagerSettings(receivers=(PAGER, TEAM), page="oncall", ticket="team"))[
        "route"
    ]["routes"][-3:]

    assert (page["receiver"], page["group_wait"]) == ("oncall", "45s")
    assert (ticket["receiver"], ticket["repeat_interval"]) == ("team", "1d")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (AlertmanagerSettings(receivers=(PAGER,), page="on-call"), "alertmanager.page names 'on-call'"),
        (AlertmanagerSettings(receivers=(PAGER,), page="oncall", ticket="x"), "alertmanager.ticket names 'x'"),
        (AlertmanagerSettings(receivers=(PAGER,), services=(("shop", "y"),)), "alertmanager.services.shop names 'y'"),
        (AlertmanagerSettings(receivers=(PAGER, PAGER), page="oncall"), "'oncall' is defined twice"),
        (
            AlertmanagerSettings(url=URL, receivers=(Receiver(name="obskit", url="http://x"),)),
            "'obskit' is defined twice",
        ),
        (AlertmanagerSettings(page="obskit"), "alertmanager.page names 'obskit'"),
        (AlertmanagerSettings(receivers=(Receiver(name="a"),), page="a"), "'a' has no url"),
        (AlertmanagerSettings(receivers=(Receiver(name="a", kind="slack", file="f"),), page="a"), "'a' has no channel"),
    ],
)
def test_a_route_that_leads_nowhere_is_refused(settings: AlertmanagerSettings, words: str) -> None:
    """Alertmanager would refuse the file, or drop the page."""
    (problem,) = (p for p in problems([], settings) if p.severity == "error")

    assert words in problem.message
    assert problem.hint
    with pytest.raises(UsageError, match=re.escape(words)):
        config([], WRITER, settings)


@pytest.mark.parametrize(
    ("url", "words"), [("", "pages wake nobody"), (URL, "pages wake nobody: obskit alone is told")]
)
def test_that_pages_wake_nobody_is_said(url: str, words: str) -> None:
    """Whether obskit is told or nobody at all."""
    (problem,) = problems([], AlertmanagerSettings(url=url))

    assert (problem.severity, problem.message) == ("warning", words)


def test_by_default_nobody_is_told(ours: tuple[RuleFile, ...]) -> None:
    """A notification to an address where nobody listens fails for ever, and is an alert of its own."""
    document = config(ours, WRITER, AlertmanagerSettings())

    assert (document["route"], document["receivers"]) == ({"receiver": "nobody"}, [{"name": "nobody"}])
    assert document["inhibit_rules"]


@pytest.mark.parametrize(
    "told",
    [
        {"page": "oncall"},
        {"ticket": "team"},
        {"watchdog": "team"},
        {"services": (("shop", "team"),)},
        {"page": "oncall", "ticket": "team", "watchdog": "team", "services": (("shop", "team"),)},
    ],
)
def test_without_an_address_obskit_is_in_no_route(ours: tuple[RuleFile, ...], told: dict[str, Any]) -> None:
    """People are told as with one; what concerns nobody goes to nobody; every receiver that a route names is there."""
    document = config(ours, WRITER, AlertmanagerSettings(receivers=(PAGER, TEAM), **told))
    with_one = config(ours, WRITER, AlertmanagerSettings(url=URL, receivers=(PAGER, TEAM), **told))

    names = {receiver["name"] for receiver in document["receivers"]}
    assert document["route"]["receiver"] == "nobody"
    assert document["route"]["routes"] == [r for r in with_one["route"]["routes"] if r["receiver"] != "obskit"]
    assert {r["receiver"] for r in document["route"]["routes"]} <= names
    assert "obskit" not in names
    assert len(names) == len(document["receivers"])


# --- inhibitions ---


def test_a_page_silences_what_its_cause_brings_about() -> None:
    """A full pool keeps the workers waiting: one call, for the pool."""
    found = pairs(POOL, WORKERS, WORKERS_TICKET, ERRORS)

    assert found["PoolFull", "WorkersBusy"] == ["service"]
    assert found["PoolFull", "WorkersBusyOften"] == ["service"]
    assert ("WorkersBusy", "PoolFull") not in found


def test_a_page_about_a_cause_silences_the_services_symptoms() -> None:
    """That users see errors is no news when it is known why."""
    found = pairs(POOL, ERRORS, slos=(OBJECTIVE,))

    assert found["PoolFull", "ErrorsHigh"] == ["service"]
    assert ("PoolFull", "SloBudgetBurnsFast") not in found, "users are hurt, whatever else is known"
    assert not any(source == "ErrorsHigh" for source, _ in found)


def test_a_ticket_silences_nothing_and_a_page_its_ticket() -> None:
    """Nobody looks at a ticket at night; and a page about the same says more."""
    assert pairs(POOL_TICKET, WORKERS_TICKET, ERRORS) == {}
    assert pairs(POOL_TICKET, POOL) == {("PoolFull", "PoolFilling"): ["service"]}


def test_what_is_shared_silences_no_page() -> None:
    """A database's labels do not say who uses it, and what is silenced still silences: a page would take more along."""
    tickets = replace(POOL_TICKET, name="PoolFilling")
    found = pairs(LOCKS, POOL, tickets, ERRORS)

    assert found["LocksHeld", "PoolFilling"] == []
    assert ("LocksHeld", "PoolFull") not in found
    assert ("LocksHeld", "ErrorsHigh") not in found


def test_a_total_outage_is_always_told() -> None:
    """One task's page must not hide that all of them are gone."""
    gone = replace(ERRORS, name="ServiceGone", total=True)

    assert ("PoolFull", "ServiceGone") not in pairs(POOL, gone)


def test_no_page_of_ours_about_a_service_is_silenced_from_elsewhere(ours: tuple[RuleFile, ...]) -> None:
    """Over any number of hops: a rule that asks for no same service has tickets for targets."""
    pages = {rule.name for file in ours for rule in file.rules if rule.severity == "page"}

    for rule in inhibitions(ours, WRITER):
        if "equal" not in rule:
            assert not pages & set(names_in(rule["target_matchers"]))


def test_a_watcher_silences_nothing_and_is_not_silenced() -> None:
    """That scrapes fail says nothing of users."""
    assert not [pair for pair in pairs(BLIND, POOL, ERRORS) if "ScrapesFail" in pair]


def test_a_fast_burn_silences_the_slow_one_of_the_same_objective() -> None:
    """The same fact, at a higher rate."""
    assert pairs(slos=(OBJECTIVE,)) == {("SloBudgetBurnsFast", "SloBudgetBurnsSlowly"): ["service", "slo"]}


def test_same_service_means_that_there_is_one() -> None:
    """Alertmanager takes a label that both lack for equal."""
    for rule in inhibitions([file_of(POOL, WORKERS, ERRORS, LOCKS)], WRITER):
        assert 'service!=""' in rule["target_matchers"]
        if "equal" in rule:
            assert 'service!=""' in rule["source_matchers"]


def test_nothing_silences_itself_around_a_circle(ours: tuple[RuleFile, ...]) -> None:
    """Of whatever fires together, somebody is told of one: an inhibited alert still inhibits."""
    found: dict[str, set[str]] = {}
    for rule in inhibitions(ours, WRITER):
        for source in names_in(rule["source_matchers"]):
            found.setdefault(source, set()).update(names_in(rule["target_matchers"]))

    assert found
    assert circle(found) == ()


def circle(edges: dict[str, set[str]]) -> tuple[str, ...]:
    """Return what is on or behind a circle: what remains when all that points nowhere is taken away."""
    left = {one: set(others) for one, others in edges.items()}
    while ends := [one for one, others in left.items() if not any(other in left for other in others)]:
        for one in ends:
            del left[one]
    return tuple(sorted(left))


# --- the real one ---


class _Configured(AlertmanagerServer):
    """An Alertmanager with a configuration of ours."""

    def __init__(self, body: str) -> None:
        super().__init__("http://127.0.0.1:1")
        self._body = body

    def command(self) -> list[str]:
        """Write the configuration over the usual one."""
        arguments = super().command()
        (self.folder / "alertmanager.yml").write_text(self._body, encoding="utf-8")
        return arguments

    def post(self, *labels: dict[str, str]) -> None:
        """Tell it that alerts fire."""
        now = datetime.now(UTC).isoformat()
        self._ask("/api/v2/alerts", [{"labels": one, "startsAt": now} for one in labels])

    def states(self) -> dict[str, str]:
        """Return the state of each alert by its name and service."""
        found = self._ask("/api/v2/alerts")
        return {f"{a['labels']['alertname']} {a['labels'].get('service', '')}": a["status"]["state"] for a in found}

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            answer = reply.read()
        return json.loads(answer) if answer else None


@contextlib.contextmanager
def webhook() -> Iterator[tuple[str, queue.Queue[str]]]:
    """Yield the address of a webhook, and what arrives there: ``alertname service``, one at a time."""
    arrived: queue.Queue[str] = queue.Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            for one in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]:
                arrived.put(f"{one['labels']['alertname']} {one['labels'].get('service', '')}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/alerts", arrived
        finally:
            server.shutdown()
            thread.join()


def test_a_real_alertmanager_tells_of_the_cause_and_not_of_the_symptom() -> None:
    """The symptom of the same service keeps still; that of another service is told."""
    files = [file_of(POOL, POOL_TICKET, WORKERS, ERRORS, LOCKS, slos=(OBJECTIVE,))]
    with webhook() as (url, arrived):
        settings = AlertmanagerSettings(receivers=(Receiver(name="oncall", url=url),), page="oncall")
        document = config(files, WRITER, settings)
        for route in document["route"]["routes"]:
            route.update(group_wait="1s", group_interval="1s")
        with _Configured(text(document)) as server:
            page, cause = {"severity": "page"}, {"kind": "cause"}
            server.post(
                {"alertname": "PoolFull", "service": "shop", "topic": "database_pool", **page, **cause},
                {"alertname": "WorkersBusy", "service": "shop", "topic": "http", **page, **cause},
                {"alertname": "ErrorsHigh", "service": "shop", "topic": "http", **page, "kind": "symptom"},
                {"alertname": "ErrorsHigh", "service": "pay", "topic": "http", **page, "kind": "symptom"},
            )
            told = {arrived.get(timeout=START_SECONDS), arrived.get(timeout=START_SECONDS)}
            # Told after the group of its silenced one was due: that one had its chance.
            server.post({"alertname": "WorkersBusy", "service": "later", "topic": "http", **page, **cause})
            last = arrived.get(timeout=START_SECONDS)
            states = server.states()

    assert told == {"PoolFull shop", "ErrorsHigh pay"}
    assert states == {
        "PoolFull shop": "active",
        "WorkersBusy shop": "suppressed",
        "ErrorsHigh shop": "suppressed",
        "ErrorsHigh pay": "active",
        "WorkersBusy later": "active",
    }
    assert last == "WorkersBusy later"
