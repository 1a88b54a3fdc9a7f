"""`obskit doctor`: what is configured, reachable and spoken."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from obskit.cli.doctor_command import DoctorReport, Health, Probe, doctor, probes_for, run
from obskit.cli.doctor_text import as_json_text, as_text
from obskit.errors import SourceError
from obskit.settings import Settings, load_settings
from tests.standins.faulty import FaultyServer, hang, html, ok, refuse, status
from tests.standins.remembered import mocked_aws
from tests.support.command_line import typed

SECRET = "hunter2Xq"


@dataclass(frozen=True)
class Told:
    """A probe that answers as it was told."""

    name: str
    target: str
    answer: tuple[bool, str] | BaseException

    def check(self, deadline: float) -> tuple[bool, str]:
        """Return or raise the answer."""
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@dataclass(frozen=True)
class Hanging:
    """A probe that does not answer before it is let go."""

    let_go: threading.Event
    name: str = "loki"
    target: str = "http://loki"

    def check(self, deadline: float) -> tuple[bool, str]:
        """Wait."""
        self.let_go.wait(60)
        return True, "late"


def soon(seconds: float = 5.0) -> float:
    """Return a deadline."""
    return time.monotonic() + seconds


def settings_of(**env: str) -> Settings:
    """Return the settings of variables without their prefix."""
    return load_settings({f"OBSKIT_{name}": value for name, value in env.items()}, Path("/nowhere"))


def examined(probes: list[Probe], settings: Settings | None = None) -> DoctorReport:
    """Return what the doctor finds with these probes."""
    return doctor(settings or Settings(), deadline=soon(), probes=probes)


def http_health(settings: Settings, name: str) -> Health:
    """Return the finding of one real probe."""
    report = examined([p for p in probes_for(settings) if p.name == name], settings)
    return report.sources[0]


def test_all_that_is_configured_answers_so_all_is_well() -> None:
    """What is not configured does no harm to the exit code, but is told with its consequence."""
    report = examined([Told("prometheus", "http://p", (True, "version 3")), Told("loki", "", (False, "never asked"))])

    assert report.sources[0] == Health(name="prometheus", target="http://p", state="reachable", words="version 3")
    assert report.sources[1].state == "not configured"
    assert "OBSKIT_LOKI_URL" in report.sources[1].words
    assert report.exit_code == 0


@pytest.mark.parametrize(
    "answer", [(False, "answered 503"), SourceError("it is gone", where={"said": "refused"}, hint="look")]
)
def test_one_that_cannot_be_reached_makes_exit_code_three(answer: tuple[bool, str] | SourceError) -> None:
    """The outside world failed; the words say how."""
    report = examined([Told("prometheus", "http://p", (True, "")), Told("loki", "http://l", answer)])

    assert report.exit_code == 3
    assert report.sources[1].state == "unreachable"
    assert report.sources[1].words in ("answered 503", "it is gone; refused; look")


def test_nobody_is_waited_for_beyond_the_deadline() -> None:
    """One that hangs is unreachable, and the others' answers are kept."""
    let_go = threading.Event()
    try:
        report = doctor(
            Settings(), deadline=soon(0.05), probes=[Told("prometheus", "http://p", (True, "")), Hanging(let_go)]
        )
    finally:
        let_go.set()

    assert [s.state for s in report.sources][1] == "unreachable"
    assert report.sources[1].words == "no answer in time"


def test_probes_are_asked_at_once() -> None:
    """Two that wait for each other both answer."""
    meeting = threading.Barrier(2, timeout=5)

    @dataclass(frozen=True)
    class Meeting:
        name: str
        target: str = "x"

        def check(self, deadline: float) -> tuple[bool, str]:
            meeting.wait()
            return True, ""

    assert examined([Meeting("a"), Meeting("b")]).exit_code == 0


def test_a_bug_in_a_probe_is_not_hidden() -> None:
    """What is no ObskitError is a traceback, as everywhere."""
    with pytest.raises(ZeroDivisionError):
        examined([Told("loki", "x", ZeroDivisionError())])


@pytest.mark.parametrize(
    ("name", "body", "paths"),
    [
        (
            "prometheus",
            b'{"data":{"version":"3.1.0"}}',
            ["/-/ready", "/api/v1/query?query=1", "/api/v1/status/buildinfo"],
        ),
        ("loki", b'{"version":"3.1.0"}', ["/ready", "/loki/api/v1/labels", "/loki/api/v1/status/buildinfo"]),
        ("grafana", b'{"version":"3.1.0"}', ["/api/health", "/api/search?limit=1", "/api/health"]),
    ],
)
def test_a_server_that_is_ready_tells_its_version(name: str, body: bytes, paths: list[str]) -> None:
    """It is asked what the engine will ask, as whom it will ask."""
    with FaultyServer(ok(body)) as server:
        settings = settings_of(**{f"{name.upper()}_URL": server.url, f"{name.upper()}_BEARER_TOKEN": SECRET})

        health = http_health(settings, name)

    assert health == Health(name=name, target=server.url, state="reachable", words="version 3.1.0")
    assert [seen.path for seen in server.seen] == paths
    assert {seen.headers["authorization"] for seen in server.seen} == {f"Bearer {SECRET}"}


def test_a_gateway_that_hides_the_ready_page_is_no_failure() -> None:
    """Mimir and Amazon's Prometheus have no such page; what counts is that queries are answered."""
    with FaultyServer(status(404), ok(b"{}")) as server:
        health = http_health(settings_of(PROMETHEUS_URL=server.url), "prometheus")

    assert (health.state, health.words) == ("reachable", "ready, though it does not say its version")


@pytest.mark.parametrize(
    ("code", "says"), [(401, "who we are is not known"), (403, "not allowed"), (404, "nothing is there"), (302, "302")]
)
def test_a_refusal_says_what_it_means(code: int, says: str) -> None:
    """The number, its meaning, and what the server said, without control characters."""
    with FaultyServer(status(code, b"\x1b[31mno\n")) as server:
        health = http_health(settings_of(LOKI_URL=server.url), "loki")

    assert health.state == "unreachable"
    assert says in health.words
    assert "\x1b" not in health.words


def test_who_may_not_query_is_not_well_though_the_server_is_ready() -> None:
    """A ready page needs no password, so it proves nothing about ours."""
    with FaultyServer(ok(), status(401)) as server:
        assert http_health(settings_of(PROMETHEUS_URL=server.url), "prometheus").state == "unreachable"


def test_a_login_page_is_reachable_but_says_no_version() -> None:
    """HTML instead of JSON ends in no traceback."""
    with FaultyServer(html) as server:
        assert "does not say its version" in http_health(settings_of(GRAFANA_URL=server.url), "grafana").words


def test_a_refused_connection_is_told_without_the_way_to_the_doctor() -> None:
    """The reader is there already."""
    with refuse() as url:
        health = http_health(settings_of(LOKI_URL=url), "loki")

    assert "could not be reached" in health.words
    assert "obskit doctor" not in health.words


def test_a_server_that_hangs_costs_its_timeout_only() -> None:
    """The connection's own limit holds within the doctor's."""
    with FaultyServer(hang) as server:
        health = http_health(settings_of(LOKI_URL=server.url, LOKI_TIMEOUT_SECONDS="0.1"), "loki")

    assert "did not answer in time" in health.words


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give AWS's credential chain something to find."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.mark.usefixtures("aws")
def test_a_cluster_is_reachable_when_it_is_active() -> None:
    """One that does not exist is not, and neither ends in a traceback."""
    import boto3

    with mocked_aws():
        boto3.client("ecs", region_name="eu-west-1").create_cluster(clusterName="prod")
        there = http_health(settings_of(ECS_CLUSTER="prod", AWS_REGION="eu-west-1"), "aws")
        gone = http_health(settings_of(ECS_CLUSTER="test", AWS_REGION="eu-west-1"), "aws")
        who = http_health(settings_of(AWS_REGION="eu-west-1"), "aws")

    assert there == Health(name="aws", target="prod", state="reachable", words="0 tasks run in 0 services")
    assert gone.words == "there is no active cluster test"
    assert (who.state, who.target) == ("reachable", "this account")


@pytest.mark.usefixtures("aws")
def test_a_profile_that_is_not_there_is_told() -> None:
    """The default chain's own words come through."""
    health = http_health(settings_of(ECS_CLUSTER="prod", AWS_PROFILE="gone"), "aws")

    assert health.state == "unreachable"
    assert "gone" in health.words


def test_nothing_configured_is_not_healthy_and_says_what_is_missing() -> None:
    """The first run of a new user, and of a probe whose settings got lost: triage would refuse, too."""
    text, code = run(Settings(), "", "text")
    body, _ = run(Settings(), "", "json")

    assert code == 2
    assert text.splitlines()[-2:] == [
        "no source is configured that triage could ask",
        "  try: set OBSKIT_PROMETHEUS_URL and OBSKIT_LOKI_URL, or try: obskit triage --demo",
    ]
    assert (json.loads(body)["healthy"], len(json.loads(body)["problems"])) == (False, 1)
    assert all(
        name in text
        for name in ("OBSKIT_PROMETHEUS_URL", "OBSKIT_LOKI_URL", "OBSKIT_GRAFANA_URL", "OBSKIT_ECS_CLUSTER")
    )
    assert "Settings" not in text


@pytest.mark.parametrize(("name", "code"), [("prometheus", 0), ("loki", 0), ("aws", 0), ("grafana", 2)])
def test_one_source_that_triage_asks_is_enough(name: str, code: int) -> None:
    """Grafana is looked at by people, not by triage."""
    assert examined([Told(name, "http://it", (True, "")), Told("another", "", (True, ""))]).exit_code == code


def test_a_service_that_nobody_knows_is_answered_as_triage_does() -> None:
    """Which names are near, and which there are; a mistyped name is no success."""

    def knows(handler: Any) -> None:
        found = {"status": "success", "data": ["shop-api", "payment"] if "/label/" in handler.path else []}
        handler.answer(200, json.dumps(found).encode())

    with FaultyServer(knows) as server:
        text, code = run(settings_of(PROMETHEUS_URL=server.url), "shop-app", "text")

    assert code == 2
    assert text.splitlines()[-4:] == [
        "no source knows a service 'shop-app'",
        "  near:  shop-api",
        "  known: payment, shop-api",
        "  try:   take one of these names, or look at its label in Prometheus",
    ]


def test_secrets_are_in_neither_rendering() -> None:
    """Where a value comes from is told; a secret is masked."""
    with refuse() as url:
        settings = settings_of(LOKI_URL=url, LOKI_USERNAME="u", LOKI_PASSWORD=SECRET)
        text, code = run(settings, "", "text")
        body, _ = run(settings, "", "json")

    assert code == 3
    assert SECRET not in text + body
    assert "OBSKIT_LOKI_PASSWORD" in text
    assert json.loads(body)["settings"]["loki.password"] == {"value": "********", "from": "OBSKIT_LOKI_PASSWORD"}


def test_json_has_what_a_machine_asks_for() -> None:
    """A version, one word for all, and one entry a source."""
    report = examined([Told("loki", "http://l", (True, "version 3"))])

    body = json.loads(as_json_text(report))

    assert (body["schema_version"], body["healthy"]) == (1, True)
    assert body["sources"] == [{"name": "loki", "target": "http://l", "state": "reachable", "words": "version 3"}]


def test_a_text_is_drawn_as_it_is() -> None:
    """Brackets are no markup, and control characters reach no terminal."""
    health = Health(name="loki", target="http://l/[/red]", state="unreachable", words="\x1b[31m[bold]no")

    text = as_text(
        DoctorReport(sources=(health,), configured={}, service="demo\x07", spoken={"latency": "OpenTelemetry"})
    )

    assert "http://l/[/red]" in text
    assert "[bold]no" in text
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "OpenTelemetry" in text


def test_a_service_whose_prometheus_is_gone_is_told_so() -> None:
    """The question for its variants ends in words, not in a traceback."""
    with refuse() as url:
        text, code = run(settings_of(PROMETHEUS_URL=url), "demo-app", "text")

    assert code == 3
    assert "Signals of demo-app" in text


def test_variants_without_a_prometheus_are_told_to_need_one() -> None:
    """It is not configured: no failure of its own."""
    report = DoctorReport(sources=(), configured={}, service="demo-app")

    assert as_text(report).endswith("Signals of demo-app: Prometheus is not configured")
    assert report.exit_code == 0


def test_a_token_that_a_gateway_echoes_is_not_shown() -> None:
    """An error page may quote the request's headers; the examination must not."""
    token = "s3cr3tTokenOfNobody0123456789"
    with FaultyServer(status(403, f"no: Authorization: Bearer {token}".encode())) as server:
        text, code = run(settings_of(PROMETHEUS_URL=server.url, PROMETHEUS_BEARER_TOKEN=token), "shop", "text")
        machine, _ = run(settings_of(PROMETHEUS_URL=server.url, PROMETHEUS_BEARER_TOKEN=token), "shop", "json")

    assert code == 3
    assert token not in text + machine


def test_signals_that_nothing_tells_of_are_listed_by_topic() -> None:
    """What cannot be seen is said, and what dashboards may leave out can be copied."""
    spoken = {"http_requests": "OpenTelemetry", "http_in_flight": "", "pg_up": ""}
    report = DoctorReport(sources=(), configured={}, service="demo", spoken=spoken)

    text, body = as_text(report), json.loads(as_json_text(report))

    assert body["variants"] == {"http_requests": "OpenTelemetry"}
    assert body["not_seen"] == ["http_in_flight", "pg_up"]
    lines = [line.split() for line in text.splitlines()]
    assert ["http", "http_in_flight"] in lines
    assert ["postgres", "pg_up"] in lines
    assert text.endswith('[dashboards]\ninstrumentation = ["OpenTelemetry"]')


@pytest.mark.parametrize("flags", [("--format", "json"), ("--json",)])
def test_a_script_of_before_is_answered_as_one_of_today(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]
) -> None:
    """`--format json`, as every command has it; `--json` is what it was called, and works without being shown."""
    obskit = typed(monkeypatch, tmp_path, capsys, command=("doctor",))

    said, shown = obskit(*flags), obskit("--help").out

    assert (said.code, json.loads(said.out)["schema_version"]) == (2, 1)  # nothing is configured
    assert "--format" in shown
    assert "--json" not in shown
    assert "there is no format 'xml'" in obskit("--format", "xml").err
