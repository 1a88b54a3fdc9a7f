"""Transcripts: what is typed, what comes back on stdout and stderr, and the exit code."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from obskit.cli.output import clean_lines
from obskit.model import stamp
from tests.standins.loki import LokiStandIn
from tests.support.command_line import Said, Typed, harmless, typed
from tests.support.scenario import SERVICE, WINDOW, Scenario, full_pool, recorded
from tests.support.servers import Labels, PrometheusServer, Samples, free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def obskit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return the command line, in an empty folder and with nothing configured."""
    return harmless(typed(monkeypatch, tmp_path, capsys))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of an exhausted pool."""
    return recorded(tmp_path_factory.mktemp("bundle") / "pool.obskit", full_pool())


# ---------------------------------------------------------------------------------- help


@pytest.mark.parametrize("argv", [[], ["--help"]])
def test_help_teaches_and_lists_the_commands(obskit: Typed, argv: list[str]) -> None:
    """Whoever types nothing learns what there is and where to begin."""
    said = obskit(*argv)

    assert (said.code, said.err) == (0, "")
    for word in ("triage", "record", "doctor", "obskit triage --demo", "OBSKIT_PROMETHEUS_URL"):
        assert word in said.out


@pytest.mark.parametrize("command", ["triage", "record", "doctor"])
def test_every_command_has_help(obskit: Typed, command: str) -> None:
    """Each shows its own flags."""
    said = obskit(command, "--help")

    assert (said.code, said.err) == (0, "")
    assert f"obskit {command}" in said.out


def test_the_version_is_the_installed_one(obskit: Typed) -> None:
    """One line, for a bug report."""
    from importlib.metadata import version

    assert obskit("--version") == Said(0, f"obskit {version('obskit')}\n", "")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--nope"], "No such option: --nope"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["triage", "shop", "--nope"], "--nope"),
        (["triage", "shop", "extra"], "extra"),
        (["triage", "--format"], "requires an argument"),
        (["triage", "shop", "--deadline", "soon"], "--deadline"),
        (["record", "shop"], "Missing argument"),
        (["triage", "shop", "--out", "a\0b.html"], "'--out'"),
        (["triage", "shop", "--events", "a\0b"], "'--events'"),
        (["triage", "--bundle", "a\0b"], "'--bundle'"),
        (["triage", "shop", "--\x1b[31mred"], "red"),
    ],
)
def test_what_cannot_be_parsed_is_one_message(obskit: Typed, argv: list[str], words: str) -> None:
    """Wrong flags and commands end with 2, say which, and where help is."""
    said = obskit(*argv)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("obskit: ")
    assert words in said.err
    assert re.search(r"try: obskit.* --help", said.err)


# --------------------------------------------------------------------------- wrong usage


@pytest.mark.parametrize(
    ("argv", "words", "way_out"),
    [
        (["triage"], "which service?", "obskit triage SERVICE"),
        (["triage", "shop"], "no source is configured", "OBSKIT_PROMETHEUS_URL"),
        (["record", "shop", "x.obskit"], "no source is configured", "OBSKIT_PROMETHEUS_URL"),
        (["triage", "shop", "--format", "pdf"], "there is no format 'pdf'", "text, json, md, html"),
        (["triage", "shop", "--since", "yesterday"], "'yesterday' is no duration", "30m"),
        (["triage", "shop", "--since", "-999999999d"], "is no duration", "30m"),
        (["triage", "shop", "--from", "-999999999d"], "is no time", "03:00"),
        (["triage", "shop", "--since", "1h", "--from", "02:00"], "both say where to begin", "drop one"),
        (["triage", "shop", "--from", "2190-01-01"], "lies in the future", "UTC"),
        (["triage", "shop", "--at", "2190-01-01"], "lies in the future", "UTC"),
        (["triage", "shop", "--from", "-1h", "--to", "-2h"], "ends before it begins", "swap"),
        (["triage", "shop", "--since", "8d"], "longer than seven days", "narrow"),
        (["triage", "shop", "--deadline", "-1"], "a deadline of -1 s", "600"),
        (["triage", "shop", "--deadline", "nan"], "a deadline of nan s", "600"),
        (["triage", "shop", "--deadline", "0"], "a deadline of 0 s", "more than 0"),
        (["record", "shop", "x.obskit", "--deadline", "0"], "a deadline of 0 s", "more than 0"),
        (["sweep", "--services", "shop", "--deadline", "0"], "a deadline of 0 s", "more than 0"),
        (["sweep", "--services", "shop", "--workers", "0"], "'--workers'", "obskit sweep --help"),
        (["record", "shop", "-"], "- is no name of a file", "name a file"),
        (["notebook", "--demo", "--out", "-"], "- is no name of a notebook", ".ipynb"),
        (["triage", "shop", "--out", "nowhere/x.html"], "nowhere/x.html cannot be written", "exists"),
        (["triage", "shop", "--out", "/dev/null"], "cannot be written", "name a file"),
        (["record", "shop", "/dev/null"], "cannot be written", "name a file"),
        (["triage", "shop", "--out", "."], "cannot be written", "exists"),
        (["triage", "shop", "--out", "x" * 300], "cannot be written", "exists"),
        (["record", "shop", "nowhere/x.obskit"], "nowhere/x.obskit cannot be written", "exists"),
        (["triage", "shop", "--bundle", "a.obskit", "--demo"], "two recordings", "drop one"),
        (["triage", "--alert", "missing.json"], "missing.json cannot be read", "stdin"),
        (["triage", "--alert", "a\0b"], "cannot be read", "stdin"),
        (["triage", "sh\x1b[31mop\x07"], "is no name of a service", "control characters"),
        (["triage", "shop\udcff"], "is no name of a service", "control characters"),
        (["triage", "shop", "--events", "missing.json"], "cannot be read", "export"),
    ],
)
def test_wrong_usage_is_said_with_a_way_out(obskit: Typed, argv: list[str], words: str, way_out: str) -> None:
    """Code 2, one message that says what is wrong and what to do; nothing on stdout, nothing written."""
    said = obskit(*argv)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("obskit: ")
    assert words in said.err
    assert "try:" in said.err
    assert way_out in said.err
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("OBSKIT_PROMETHEUS_URL", "ftp://prometheus:9090", "does not begin with http:// or https://"),
        ("OBSKIT_PROMETHEUS_URL", "prometheus:9090", "did you mean http://prometheus:9090?"),
        ("OBSKIT_PROMETHEUSURL", "http://prometheus:9090", "did you mean OBSKIT_PROMETHEUS_URL?"),
    ],
)
def test_a_wrong_setting_is_named(
    obskit: Typed, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """The variable is in the message, before anything is asked."""
    monkeypatch.setenv(name, value)

    said = obskit("triage", "shop")

    assert (said.code, said.out) == (2, "")
    assert name in said.err
    assert words in said.err


# ------------------------------------------------------------------------------- bundles


@pytest.mark.parametrize("form", ["text", "json", "md", "html"])
def test_a_recording_is_triaged_in_every_format(obskit: Typed, bundle: Path, form: str) -> None:
    """The report is on stdout, alone, and ends with a line end."""
    said = obskit("triage", "--bundle", bundle, "--format", form)

    assert (said.code, said.err) == (0, "")
    assert "pool" in said.out
    assert said.out.endswith("\n")
    if form == "json":
        assert json.loads(said.out)["schema_version"] == 1
    if form == "html":
        assert said.out.lower().startswith("<!doctype html>")


def test_the_steps_of_a_recording_look_at_its_own_window(obskit: Typed, tmp_path: Path) -> None:
    """Whoever reads it the day after asks about the incident, not about the half hour before."""
    incident = Scenario().errors().logs("Error: connect ECONNREFUSED 10.0.3.7:8080 calling payment")
    said = obskit("triage", "--bundle", recorded(tmp_path / "refused.obskit", incident), "--format", "md")

    assert f"--from {stamp(WINDOW.start)} --to {stamp(WINDOW.end)}" in said.out
    assert "--since" not in said.out


def test_out_takes_the_format_of_its_name(obskit: Typed, bundle: Path) -> None:
    """The file gets the HTML, stdout the text, stderr the file's place; and no other file is left."""
    said = obskit("triage", "--bundle", bundle, "--out", "incident.html")

    assert said.code == 0
    assert said.err == f"report written to {Path('incident.html').resolve()}\n"
    assert "pool" in said.out
    assert Path("incident.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert [p.name for p in Path().iterdir()] == ["incident.html"]


def test_out_in_the_format_of_stdout_is_written_once(obskit: Typed, bundle: Path) -> None:
    """HTML that has gone into a file does not flood the terminal as well."""
    said = obskit("triage", "--bundle", bundle, "--format", "html", "--out", "incident.html")

    assert (said.code, said.out) == (0, "")


def test_out_follows_a_link_and_keeps_it(obskit: Typed, bundle: Path) -> None:
    """A link to a report stays a link; what it points to is replaced."""
    Path("real.md").write_text("old", encoding="utf-8")
    Path("link.md").symlink_to("real.md")

    assert obskit("triage", "--bundle", bundle, "--out", "link.md").code == 0
    assert Path("link.md").is_symlink()
    assert "pool" in Path("real.md").read_text(encoding="utf-8")


def test_a_full_disk_leaves_nothing_behind(obskit: Typed, bundle: Path) -> None:
    """Half a report is none: what was there stays, and no temporary file is left."""
    Path("x.md").write_text("old", encoding="utf-8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        said = obskit("triage", "--bundle", bundle, "--out", "x.md")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert (said.code, said.out) == (2, "")
    assert "x.md cannot be written: File too large" in said.err
    assert {p.name: p.read_text(encoding="utf-8") for p in Path().iterdir()} == {"x.md": "old"}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is no file"), (b"", "x.obskit"), (bytes(4096), "x.obskit"), (b"PAR1" + bytes(64) + b"PAR1", "x.obskit")],
)
def test_a_damaged_recording_is_one_message(obskit: Typed, content: bytes | None, words: str) -> None:
    """Missing, empty, zeros, or something else: code 2 and the file's name."""
    if content is not None:
        Path("x.obskit").write_bytes(content)

    said = obskit("triage", "--bundle", "x.obskit")

    assert (said.code, said.out) == (2, "")
    assert words in said.err


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_recording_is_one_message(obskit: Typed, bundle: Path, part: float) -> None:
    """A copy that broke off is told from a bug."""
    whole = bundle.read_bytes()
    Path("cut.obskit").write_bytes(whole[: int(len(whole) * part)])

    said = obskit("triage", "--bundle", "cut.obskit")

    assert (said.code, said.out) == (2, "")
    assert "cut.obskit" in said.err


@pytest.mark.parametrize("path", ["x" * 300, "."])
def test_a_recording_that_cannot_be_a_file_is_one_message(obskit: Typed, path: str) -> None:
    """A name that is too long, a folder."""
    said = obskit("triage", "--bundle", path)

    assert (said.code, said.out) == (2, "")


@pytest.mark.parametrize(
    "flags",
    [
        ("--since", "1h"),
        ("--from", "02:00"),
        ("--to", "02:00"),
        ("--at", "02:00"),
        ("--alert", "-"),
        ("--events", "e.json"),
        ("--cluster", "prod"),
        ("--deadline", "5"),
        ("--deadline", "0"),
    ],
)
def test_a_recording_takes_no_flags_of_a_live_question(obskit: Typed, bundle: Path, flags: tuple[str, str]) -> None:
    """What would be ignored is refused."""
    said = obskit("triage", "--bundle", bundle, *flags)

    assert (said.code, said.out) == (2, "")
    assert "a recording already holds its window" in said.err


def test_a_recording_of_another_service_is_refused(obskit: Typed, bundle: Path) -> None:
    """Its own name is fine, another one is a mistake."""
    assert obskit("triage", SERVICE, "--bundle", bundle).code == 0

    said = obskit("triage", "other", "--bundle", bundle)

    assert (said.code, said.out) == (2, "")
    assert f"a recording of {SERVICE}, not of other" in said.err


def test_the_demo_needs_nothing(obskit: Typed) -> None:
    """The first command of the manual works in an empty folder without settings."""
    said = obskit("triage", "--demo", "--format", "json")

    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out)["schema_version"] == 1


@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_that_goes_away_is_no_error(bundle: Path, tmp_path: Path, lines: int) -> None:
    """``obskit triage | head -1`` ends quietly, whether the pipe breaks while printing or at exit."""
    code = "import sys; from obskit.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "triage", "--bundle", str(bundle), "--format", "html"]
    env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=env) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (0, b"")


def test_a_terminal_that_knows_ascii_only_gets_its_report(bundle: Path, tmp_path: Path) -> None:
    """What it cannot show is replaced."""
    code = "import sys; from obskit.cli import main; sys.exit(main())"
    env = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", code, "triage", "--bundle", str(bundle), "--format", "md"],
        capture_output=True,
        cwd=tmp_path,
        env=env,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"pool" in done.stdout


# ------------------------------------------------------------------------------- sources


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    """Yield a Prometheus that has watched ``shop`` for an hour and a half."""
    end = int(time.time() * 1000)
    times = range(end - 90 * 60_000, end, 15_000)
    name = "http_requests_total"

    def counter(service: str, task: str, status: str, rate: float) -> tuple[Labels, Samples]:
        labels = {"__name__": name, "service": service, "task_id": task, "status": status, "route": "/cart"}
        return labels, [(at, rate * (at - times[0]) / 1000) for at in times]

    with PrometheusServer() as server:
        server.write([counter(service, task, "200", 10.0) for service in ("shop", "orders") for task in ("t1", "t2")])
        yield server


@pytest.fixture(scope="module")
def loki() -> Iterator[LokiStandIn]:
    """Yield a Loki to which ``shop`` has logged for fifty minutes."""
    end = time.time_ns()
    lines = [[str(end - n * 5_000_000_000), f"GET /cart/{n} 200 12ms"] for n in range(600, 0, -1)]
    with LokiStandIn() as server:
        body = {"streams": [{"stream": {"service": "shop", "task_id": "t1"}, "values": lines}]}
        server.store("").push(orjson.dumps(body))
        yield server


@pytest.fixture
def live(obskit: Typed, monkeypatch: pytest.MonkeyPatch, prometheus: PrometheusServer, loki: LokiStandIn) -> Typed:
    """Return the command line with both servers configured."""
    monkeypatch.setenv("OBSKIT_PROMETHEUS_URL", prometheus.url)
    monkeypatch.setenv("OBSKIT_LOKI_URL", loki.url)
    return obskit


def stopped_task(minutes: float, number: int = 1) -> dict[str, Any]:
    """Return an EventBridge event: a task of ``shop`` stopped so many minutes ago."""
    at = stamp(datetime.now(UTC) - timedelta(minutes=minutes))
    task = f"arn:aws:ecs:eu-west-1:111122223333:task/prod/{number:032x}"
    return {
        "version": "0",
        "id": f"{number:08d}-0000-0000-0000-000000000000",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": "111122223333",
        "time": at,
        "region": "eu-west-1",
        "resources": [task],
        "detail": {
            "clusterArn": "arn:aws:ecs:eu-west-1:111122223333:cluster/prod",
            "taskArn": task,
            "group": "service:shop",
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "stoppedAt": at,
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/shop:6",
            "containers": [{"name": "shop", "exitCode": 137, "reason": "OutOfMemoryError: killed"}],
        },
    }


def failed_deployment(minutes: float) -> dict[str, Any]:
    """Return an EventBridge event: a deployment of ``shop`` failed so many minutes ago."""
    at = stamp(datetime.now(UTC) - timedelta(minutes=minutes))
    return {
        **stopped_task(minutes),
        "detail-type": "ECS Deployment State Change",
        "resources": ["arn:aws:ecs:eu-west-1:111122223333:service/prod/shop"],
        "detail": {
            "eventType": "ERROR",
            "eventName": "SERVICE_DEPLOYMENT_FAILED",
            "deploymentId": "ecs-svc/1234567890123456789",
            "updatedAt": at,
            "reason": "ECS deployment circuit breaker: tasks failed to start.",
        },
    }


def test_sources_that_are_all_down_are_one_message(obskit: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code 3; each source is named with its reason once, and nothing is called calm."""
    for name in ("OBSKIT_PROMETHEUS_URL", "OBSKIT_LOKI_URL"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    said = obskit("triage", "shop", "--deadline", "3")

    assert (said.code, said.out) == (3, "")
    assert said.err.startswith("obskit: nothing could be seen: every source failed\n")
    assert [said.err.count(f"{name}: ") for name in ("  prometheus", "  loki")] == [1, 1]
    assert "obskit doctor" in said.err


def test_an_aws_that_is_down_is_no_unknown_service(obskit: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """ECS and CloudWatch that cannot be reached are the outside world's failure, too."""
    monkeypatch.setenv("OBSKIT_ECS_CLUSTER", "prod")
    monkeypatch.setenv("OBSKIT_AWS_REGION", "eu-west-1")
    monkeypatch.setenv("OBSKIT_AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")

    said = obskit("triage", "shop", "--deadline", "3")

    assert (said.code, said.out) == (3, "")
    assert "every source failed" in said.err
    assert re.search(r"ecs: .*\n +cloudwatch: ", said.err)


def test_recording_sources_that_are_all_down_writes_nothing(obskit: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty recording would look like a calm night."""
    monkeypatch.setenv("OBSKIT_PROMETHEUS_URL", f"http://127.0.0.1:{free_port()}")

    assert obskit("record", "shop", "x.obskit", "--deadline", "3").code == 3
    assert not list(Path().iterdir())


def test_an_alert_for_a_service_that_nobody_can_see_is_no_calm_window(
    obskit: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the alert names the service does not mean that anything was seen of it."""
    monkeypatch.setenv("OBSKIT_PROMETHEUS_URL", f"http://127.0.0.1:{free_port()}")
    Path("alert.json").write_text(json.dumps(alert_body("shop", minutes=15)), encoding="utf-8")

    said = obskit("triage", "--alert", "alert.json", "--deadline", "3")

    assert (said.code, said.out) == (3, "")


def test_a_service_that_nobody_knows_is_told_the_nearest_names(live: Typed) -> None:
    """A slip of the finger costs one look."""
    said = live("triage", "shpo", "--since", "30m")

    assert (said.code, said.out) == (2, "")
    assert "no source knows a service 'shpo'" in said.err
    assert re.search(r"near: +shop\b", said.err)
    assert "orders" in said.err


def test_a_window_without_samples_of_a_known_service_is_no_unknown_service(
    obskit: Typed, monkeypatch: pytest.MonkeyPatch, prometheus: PrometheusServer
) -> None:
    """Its name is right: nobody is sent to look for a better one."""
    monkeypatch.setenv("OBSKIT_PROMETHEUS_URL", prometheus.url)
    said = obskit("triage", "shop", "--from", "-6h", "--to", "-5h")

    assert (said.code, said.out) == (2, "")
    assert "nothing was seen of 'shop' in this window" in said.err
    assert "its series lie at other times" in said.err
    assert "near:" not in said.err


def test_where_events_alone_tell_of_the_window_the_gap_says_that_prometheus_knows_the_name(
    obskit: Typed, monkeypatch: pytest.MonkeyPatch, prometheus: PrometheusServer
) -> None:
    """A gap that calls the service unknown, and the same name near, sends the reader the wrong way."""
    monkeypatch.setenv("OBSKIT_PROMETHEUS_URL", prometheus.url)
    Path("events.json").write_text(json.dumps([stopped_task(300)]), encoding="utf-8")
    report = json.loads(obskit("triage", "shop", "--events", "events.json", "--format", "json").out)

    assert "no series of 'shop' in this window, though it has some at other times" in [
        gap["reason"] for gap in report["gaps"]
    ]


def test_without_prometheus_loki_says_that_it_does_not_know_the_service(
    obskit: Typed, monkeypatch: pytest.MonkeyPatch, loki: LokiStandIn
) -> None:
    """No lines of an unknown service are not a calm window."""
    monkeypatch.setenv("OBSKIT_LOKI_URL", loki.url)

    said = obskit("triage", "shpo")

    assert (said.code, said.out) == (2, "")
    assert "near: shop" in said.err


def test_a_name_that_one_source_does_not_know_and_another_cannot_be_asked_for(
    obskit: Typed, monkeypatch: pytest.MonkeyPatch, loki: LokiStandIn
) -> None:
    """Only who was asked can say that there is no such service: code 3, with both reasons."""
    monkeypatch.setenv("OBSKIT_LOKI_URL", loki.url)
    monkeypatch.setenv("OBSKIT_PROMETHEUS_URL", f"http://127.0.0.1:{free_port()}")

    said = obskit("triage", "shpo", "--deadline", "3")

    assert (said.code, said.out) == (3, "")
    assert "nothing could be seen of 'shpo'" in said.err
    assert "near: shop" in said.err


@pytest.mark.parametrize("name", ['sh"op', "shop'", "shop\\", 'x"} or up{a="', ".*", "<b>shop</b>", "né", "a" * 300])
def test_hostile_names_are_unknown_names(live: Typed, name: str) -> None:
    """A name is a value, never a piece of a query."""
    said = live("triage", name)

    assert (said.code, said.out) == (2, "")
    assert "no source knows a service" in said.err


def test_a_live_triage_with_events_writes_json(live: Typed) -> None:
    """Metrics, logs and exported events become one report, with its schema's version and steps that end now."""
    Path("events.json").write_text(json.dumps([failed_deployment(6), stopped_task(5)]), encoding="utf-8")

    said = live("triage", "shop", "--since", "30m", "--events", "events.json", "--format", "json")

    assert (said.code, said.err) == (0, "")
    report = json.loads(said.out)
    assert (report["schema_version"], report["service"]) == (1, "shop")
    assert "OutOfMemoryError" in said.out
    commands = " ".join(step["command"] for h in report["hypotheses"] for step in h["next_steps"])
    assert ("--since 30m" in commands, "--from 20" in commands) == (True, False)


def test_events_may_be_given_twice(live: Typed) -> None:
    """Both files are read, and an event that is in both is one."""
    Path("a.json").write_text(json.dumps([stopped_task(5, 1)]), encoding="utf-8")
    Path("b.json").write_text(json.dumps([stopped_task(5, 1), stopped_task(4, 2)]), encoding="utf-8")

    said = live("record", "shop", "x.obskit", "--events", "a.json", "--events", "b.json")

    assert said.code == 0
    assert "2 events" in said.out


def _without_time(report: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(report)
    del body["elapsed_seconds"]
    return body


def test_a_recording_gives_the_same_answer_again(live: Typed) -> None:
    """The report from a recording is always the same, but for the time that it took."""
    Path("events.json").write_text(json.dumps([stopped_task(5)]), encoding="utf-8")
    recorded = live("record", "shop", "x.obskit", "--since", "30m", "--events", "events.json")
    assert (recorded.code, recorded.err) == (0, "")
    assert re.match(r"x\.obskit: \d+ series, \d+ log lines, 1 events, \d+ gaps, \d+ KiB\n", recorded.out)

    first, again = (live("triage", "--bundle", "x.obskit", "--format", "json") for _ in range(2))

    assert _without_time(first.out) == _without_time(again.out)
    assert _without_time(first.out)["service"] == "shop"


def test_a_recording_says_what_the_live_triage_said(live: Typed) -> None:
    """The same window, live and recorded, has the same answer."""
    now = datetime.now(UTC)
    times = ("--from", stamp(now - timedelta(minutes=40)), "--to", stamp(now - timedelta(minutes=10)))

    first = live("triage", "shop", *times, "--format", "json")
    assert live("record", "shop", "x.obskit", *times).code == 0
    again = live("triage", "--bundle", "x.obskit", "--format", "json")

    assert _without_time(first.out) == _without_time(again.out)


def alert_body(service: str, *, minutes: float, **labels: str) -> dict[str, Any]:
    """Return the recorded body of one alert, for this service and so many minutes ago."""
    path = ROOT / "tests" / "recordings" / "alertmanager" / "service_label.json"
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    began = stamp(datetime.now(UTC) - timedelta(minutes=minutes))
    body["alerts"][0] |= {"startsAt": began, "labels": {"alertname": "Slow", "service": service, **labels}}
    return body


def test_an_alert_says_whom_and_when(live: Typed) -> None:
    """The window is half an hour before the alert to ten minutes after it; the alert is on the timeline."""
    body = alert_body("shop", minutes=20)
    Path("alert.json").write_text(json.dumps(body), encoding="utf-8")
    began = datetime.fromisoformat(body["alerts"][0]["startsAt"])

    said = live("triage", "--alert", "alert.json", "--format", "json")

    assert (said.code, said.err) == (0, "")
    report = json.loads(said.out)
    assert report["service"] == "shop"
    assert report["window"]["start"] == stamp(began - timedelta(minutes=30))
    assert report["window"]["end"] == stamp(began + timedelta(minutes=10))
    assert "the alert Slow fires: by hand" in [line["words"] for line in report["timeline"]]


def test_an_alert_that_has_just_begun_is_looked_at_until_now(live: Typed) -> None:
    """The ten minutes after it have not been yet."""
    Path("alert.json").write_text(json.dumps(alert_body("shop", minutes=2)), encoding="utf-8")

    report = json.loads(live("triage", "--alert", "alert.json", "--format", "json").out)

    start, end = (datetime.fromisoformat(report["window"][key]) for key in ("start", "end"))
    assert timedelta(minutes=31) <= end - start <= timedelta(minutes=33)


def test_a_cluster_that_no_series_carries_hides_nothing(live: Typed) -> None:
    """Prometheus adds external labels to alerts, and not to its own series."""
    plain = live("record", "shop", "plain.obskit")
    named = live("record", "shop", "named.obskit", "--cluster", "eu-1")

    series = [re.search(r"(\d+) series", said.out) for said in (plain, named)]
    assert series[0] is not None
    assert series[1] is not None
    assert 0 < int(series[0][1]) == int(series[1][1])


def test_flags_are_stronger_than_the_alert(live: Typed) -> None:
    """Who types a window or a service means it."""
    Path("alert.json").write_text(json.dumps(alert_body("other", minutes=20)), encoding="utf-8")

    report = json.loads(live("triage", "shop", "--alert", "alert.json", "--since", "1h", "--format", "json").out)

    start, end = (datetime.fromisoformat(report["window"][key]) for key in ("start", "end"))
    assert (report["service"], end - start) == ("shop", timedelta(hours=1))


def test_an_alert_that_names_no_service_asks_for_one(live: Typed) -> None:
    """Its labels do not say; the command line may."""
    path = ROOT / "tests" / "recordings" / "alertmanager" / "no_service.json"

    said = live("triage", "--alert", path)

    assert (said.code, said.out) == (2, "")
    assert "the alert's labels do not name a service" in said.err


def test_one_source_that_is_down_is_a_gap_in_the_report(
    obskit: Typed, monkeypatch: pytest.MonkeyPatch, prometheus: PrometheusServer
) -> None:
    """Half of the telemetry is triaged, and the report says which half."""
    monkeypatch.setenv("OBSKIT_PROMETHEUS_URL", prometheus.url)
    monkeypatch.setenv("OBSKIT_LOKI_URL", f"http://127.0.0.1:{free_port()}")

    said = obskit("triage", "shop", "--deadline", "5", "--format", "json")

    assert (said.code, said.err) == (0, "")
    assert "loki" in {gap["source"] for gap in json.loads(said.out)["gaps"]}


@pytest.mark.usefixtures("obskit")
def test_a_services_own_cluster_is_stronger_than_the_common_one() -> None:
    """[services.NAME] cluster is there for the service that runs elsewhere."""
    from obskit.asking import service_of
    from obskit.settings import load_settings

    Path("obskit.toml").write_text('[aws]\ncluster = "common"\n[services.shop]\ncluster = "own"\n', encoding="utf-8")
    settings = load_settings()

    assert service_of(settings, "shop", "").cluster == "own"
    assert service_of(settings, "shop", "typed").cluster == "typed"
    assert service_of(settings, "orders", "").cluster == "common"


def test_a_stop_from_the_keyboard_is_one_line(obskit: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130, as in a shell, and without a traceback."""

    def interrupted(_size: int) -> bytes:
        raise KeyboardInterrupt

    class Keyboard:
        buffer = type("Buffer", (), {"read": staticmethod(interrupted)})

    monkeypatch.setattr(sys, "stdin", Keyboard())

    said = obskit("triage", "--alert", "-")

    assert (said.code, said.out, said.err.strip()) == (130, "", "obskit: stopped")


class Terminal(io.StringIO):
    """A stderr that somebody looks at."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_a_terminal_sees_whom_obskit_waits_for(live: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress goes to the terminal's stderr only, and stdout stays a report."""
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        said = live("triage", "shop", "--format", "json")

    assert "thinking …" in terminal.getvalue()  # what is drawn last, whoever was waited for
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l"), "the cursor is back"
    assert json.loads(said.out)["service"] == "shop"


def test_events_alone_that_tell_nothing_of_the_service_are_no_calm_window(obskit: Typed) -> None:
    """An export of other services, or of another night, says so."""
    Path("events.json").write_text(json.dumps([stopped_task(5)]), encoding="utf-8")

    assert obskit("triage", "shop", "--events", "events.json").code == 0
    said = obskit("triage", "orders", "--events", "events.json")

    assert (said.code, said.out) == (2, "")
    assert "no source knows a service 'orders' in this window" in said.err


def test_lines_for_a_terminal_keep_their_columns_and_nothing_that_steers() -> None:
    """Not even in a part that is nothing but an escape sequence."""
    assert clean_lines(["  a   b", "", "\x1b[2J   1 x\r"]) == "  a   b\n\n   1 x"


def test_events_that_are_hours_old_are_looked_at_where_they_are(obskit: Typed) -> None:
    """A release's archive is read again in the morning; a window without them would be called calm."""
    Path("events.json").write_text(json.dumps([stopped_task(300), stopped_task(302, 2)]), encoding="utf-8")
    said = obskit("triage", "shop", "--events", "events.json", "--format", "json")

    assert said.code == 0
    assert "where the events are" in said.err
    assert json.loads(said.out)["verdict"] != "calm"


def test_a_window_that_was_said_and_holds_none_of_the_events_is_refused(obskit: Typed) -> None:
    """Rather than calling it calm; the hint names a time that holds some."""
    Path("events.json").write_text(json.dumps([stopped_task(300)]), encoding="utf-8")
    said = obskit("triage", "shop", "--since", "30m", "--events", "events.json")

    assert said.code == 2
    assert "the 1 events of shop lie outside this window" in said.err
    assert "--at " in said.err


def test_the_package_is_the_command_line() -> None:
    """``python -m obskit`` works where the command is not installed."""
    done = subprocess.run([sys.executable, "-m", "obskit", "--version"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.split()[0]) == (0, "obskit")


def test_a_recording_that_is_there_is_not_replaced_by_chance(obskit: Typed) -> None:
    """Logs and events are forgotten where they came from: the file may be all that is left of a night."""
    Path("x.obskit").write_bytes(b"a night")
    said = obskit("record", "shop", "x.obskit")

    assert (said.code, said.out) == (2, "")
    assert "x.obskit is there already" in said.err
    assert "--replace" in said.err
    assert Path("x.obskit").read_bytes() == b"a night"
    assert "no source is configured" in obskit("record", "shop", "x.obskit", "--replace").err
    assert "--replace" in obskit("record", "--help").out
