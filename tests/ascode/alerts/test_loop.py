"""The whole loop with real parts: a service turns bad, Prometheus fires, Alertmanager tells of the cause alone.

The rules and Alertmanager's configuration are our own, as they are built, but that every time in
them is a sixtieth: minutes are seconds, as far as that goes. The rules are pushed into the folder
that Prometheus reads.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from obskit.ascode.alerts.alertmanager import config, text
from obskit.ascode.alerts.build import Group, groups
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load
from obskit.ascode.alerts.push import plan, push
from obskit.ascode.alerts.push_folder import Folder
from obskit.ascode.alerts.rule import RuleFile
from obskit.settings import AlertmanagerSettings, Connection, Receiver, Settings
from tests.support.servers import POLL_SECONDS, START_SECONDS, AlertmanagerServer, PrometheusServer

ROOT = Path(__file__).resolve().parents[3]
WRITER = Writer(settings=Settings())
CAUSE, SYMPTOM = "DatabasePoolExhausted", "HttpLatencyHigh"
#: Between two scrapes, and two evaluations.
TICK = "1s"
#: What the whole loop may take, servers' starts included.
MOST_SECONDS = 40.0


class Service:
    """What two services expose: requests at half a second each, and pools of ten connections, two in use.

    Attributes:
        slow: Services whose requests take eight seconds from now on.
        full: Services whose pools are full from now on.
    """

    def __init__(self) -> None:
        self.slow: set[str] = set()
        self.full: set[str] = set()
        self._counts = {(service, slow): 0 for service in ("shop", "pay") for slow in (False, True)}

    def metrics(self) -> str:
        """Return the next scrape: each finds a thousand requests more, so that five minutes' rate is enough of them."""
        lines = []
        for service in ("shop", "pay"):
            self._counts[service, service in self.slow] += 1000
            quick, slow = self._counts[service, False], self._counts[service, True]
            labels = f'service="{service}",task_id="{service}-1"'
            head = f'http_server_request_duration_seconds_bucket{{{labels},http_route="/cart",le='
            lines += [
                f'{head}"0.5"}} {quick}',
                f'{head}"8"}} {quick + slow}',
                f'{head}"+Inf"}} {quick + slow}',
                f'http_server_request_duration_seconds_count{{{labels},http_route="/cart"}} {quick + slow}',
                f"hikaricp_connections_active{{{labels}}} {10 if service in self.full else 2}",
                f"hikaricp_connections_max{{{labels}}} 10",
            ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Arrival:
    """One message of Alertmanager's to a webhook: when it came (``time.monotonic()``), where, and its body."""

    at: float
    path: str
    body: dict[str, Any]

    @property
    def alerts(self) -> list[str]:
        """Return ``alertname service`` of each alert in it."""
        return [f"{a['labels']['alertname']} {a['labels'].get('service', '')}" for a in self.body["alerts"]]


@contextlib.contextmanager
def listening(service: Service) -> Iterator[tuple[str, queue.Queue[Arrival]]]:
    """Serve the services' metrics, and take what Alertmanager posts to ``/oncall`` and ``/obskit``."""
    arrived: queue.Queue[Arrival] = queue.Queue()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                body = service.metrics().encode()
            self._answer(body)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            arrived.put(Arrival(time.monotonic(), self.path, body))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", arrived
        finally:
            server.shutdown()
            thread.join()


def shorter(duration: str) -> str:
    """Return a sixtieth of a duration, a second at least: ``5m`` is ``5s``, and ``45s`` is ``1s``."""
    seconds = int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[duration[-1]]
    return f"{max(1, round(seconds / 60))}s"


def our_files() -> tuple[RuleFile, ...]:
    """Return the two alerts of ours that this is about, in their files."""
    files, problems = load(ROOT / "alerts")
    assert problems == ()
    wanted = [replace(f, slos=(), rules=tuple(r for r in f.rules if r.name in (CAUSE, SYMPTOM))) for f in files]
    return tuple(file for file in wanted if file.rules)


def hurried(files: tuple[RuleFile, ...]) -> list[Group]:
    """Return the built groups with their times shortened; the queries stay as they are."""
    found = []
    for group in groups(files, WRITER):
        times = [{key: shorter(rule[key]) for key in ("for", "keep_firing_for") if key in rule} for rule in group.rules]
        rules = tuple({**rule, **shortened} for rule, shortened in zip(group.rules, times, strict=True))
        found.append(replace(group, interval=TICK, rules=rules))
    return found


def hurried_routes(body: str) -> str:
    """Return Alertmanager's configuration with its times shortened."""
    return re.sub(
        r"(group_wait|group_interval|repeat_interval): (\d+[smhd])", lambda m: f"{m[1]}: {shorter(m[2])}", body
    )


class Prometheus(PrometheusServer):
    """A Prometheus that scrapes the services, reads a folder of rules, and tells an Alertmanager."""

    def __init__(self, rules: Path, *, scraped: str, alertmanager: str) -> None:
        super().__init__()
        self._rules, self._scraped, self._alertmanager = rules, scraped, alertmanager

    def command(self) -> list[str]:
        """Write the configuration over the usual one."""
        arguments = super().command()
        told, scraped = (url.removeprefix("http://") for url in (self._alertmanager, self._scraped))
        body = {
            "global": {"scrape_interval": TICK, "scrape_timeout": TICK, "evaluation_interval": TICK},
            "rule_files": [f"{self._rules}/*.rules.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [told]}]}]},
            "scrape_configs": [{"job_name": "services", "static_configs": [{"targets": [scraped]}]}],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(body), encoding="utf-8")  # JSON is YAML
        return [*arguments, "--web.enable-lifecycle"]


class Alertmanager(AlertmanagerServer):
    """An Alertmanager with our configuration."""

    def __init__(self, body: str) -> None:
        super().__init__("http://127.0.0.1:1")
        self._body = body

    def command(self) -> list[str]:
        """Write the configuration over the usual one."""
        arguments = super().command()
        (self.folder / "alertmanager.yml").write_text(self._body, encoding="utf-8")
        return arguments


def asked(url: str) -> Any:
    """Return a decoded answer."""
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)


def until(url: str, found: Any) -> Any:
    """Ask again and again until the answer is as wanted, and return it."""
    end = time.monotonic() + START_SECONDS
    waiting = threading.Event()
    while not found(answer := asked(url)):
        assert time.monotonic() < end, answer
        waiting.wait(POLL_SECONDS)
    return answer


def states(alerts: list[dict[str, Any]]) -> dict[str, str]:
    """Return Alertmanager's state of each alert by its name and service."""
    return {f"{a['labels']['alertname']} {a['labels']['service']}": a["status"]["state"] for a in alerts}


def test_a_full_pool_pages_for_the_pool_and_not_for_what_users_feel_of_it(
    tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """One call, for the cause; the same symptom of a service without a cause is told."""
    service, files = Service(), our_files()
    began = time.monotonic()
    with listening(service) as (url, arrived):
        settings = AlertmanagerSettings(
            url=f"{url}/obskit", receivers=(Receiver(name="oncall", url=f"{url}/oncall"),), page="oncall"
        )
        with (
            Alertmanager(hurried_routes(text(config(files, WRITER, settings)))) as alertmanager,
            Prometheus(tmp_path, scraped=url, alertmanager=alertmanager.url) as prometheus,
        ):
            folder = Folder(tmp_path, Connection(url=prometheus.url))
            pushed = push(plan(folder, hurried(files), prune=True), folder)
            healthy = f"{prometheus.url}/api/v1/query?query=http_server_request_duration_seconds_count%3E2000"
            until(healthy, lambda answer: len(answer["data"]["result"]) == 2)
            quiet = asked(f"{prometheus.url}/api/v1/alerts")["data"]["alerts"]

            bad = time.monotonic()
            service.full.add("shop")
            service.slow.add("shop")
            page = next(a for a in iter(lambda: arrived.get(timeout=START_SECONDS), None) if a.path == "/oncall")
            alerts = f"{alertmanager.url}/api/v2/alerts"
            until(alerts, lambda found: states(found).get(f"{SYMPTOM} shop") == "suppressed")
            # Told after the silenced one's group was due: that one had its chance.
            service.slow.add("pay")
            last = next(a for a in iter(lambda: arrived.get(timeout=START_SECONDS), None) if "pay" in str(a.alerts))
            told = [page, last, *(arrived.get_nowait() for _ in range(arrived.qsize()))]
            known = asked(alerts)
    took = time.monotonic() - began

    record_testsuite_property("seconds from bad to the page", round(page.at - bad, 1))
    record_testsuite_property("seconds in all", round(took, 1))
    record_testsuite_property("payload", json.dumps(page.body))
    assert pushed.told == "Prometheus evaluates these 2 groups"
    assert quiet == []
    assert page.alerts == [f"{CAUSE} shop"]
    assert states(known) == {f"{CAUSE} shop": "active", f"{SYMPTOM} shop": "suppressed", f"{SYMPTOM} pay": "active"}
    assert f"{SYMPTOM} shop" not in [name for arrival in told for name in arrival.alerts]
    _by_the_cause(known)
    (alert,) = page.body["alerts"]
    assert (page.body["version"], page.body["receiver"], page.body["status"]) == ("4", "oncall", "firing")
    assert page.body["groupLabels"] == {"service": "shop", "topic": "database_pool"}
    assert alert["labels"] == {
        "alertname": CAUSE, "service": "shop", "severity": "page", "kind": "cause",
        "topic": "database_pool", "cause": "db_pool_exhausted",
    }  # fmt: skip
    assert alert["annotations"]["summary"] == "shop has 100% of a task's database connections in use"
    assert alert["annotations"]["runbook_url"] == f"runbooks/alerts/{CAUSE}.md"
    assert took < MOST_SECONDS


def _by_the_cause(known: list[dict[str, Any]]) -> None:
    """Assert that what is silenced is silenced by the cause."""
    by_name = {f"{a['labels']['alertname']} {a['labels']['service']}": a for a in known}
    assert by_name[f"{SYMPTOM} shop"]["status"]["inhibitedBy"] == [by_name[f"{CAUSE} shop"]["fingerprint"]]
