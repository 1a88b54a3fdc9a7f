"""The lab's parts that need no process: its balancer, its users, its lines, its files and its settings."""

from __future__ import annotations

import importlib
import json
import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from obskit.errors import SourceError, UsageError
from obskit.evaluation.label import read_label
from obskit.incident.causes import all_causes
from obskit.lab import control, database, exporter, keeper, lines, machine, programs, record, state, watchers, wire
from obskit.lab.balancer import CLIENT_CLOSED, Passed, RoundRobin, Tally
from obskit.lab.fault import NOTHING, all_faults, fault_named
from obskit.lab.load import rhythm
from obskit.lab.settings import SERVICES, LabSettings
from obskit.lab.telemetry import from_then_on
from obskit.model import Event, Logs, Metrics, Series, Service, Telemetry, Window
from obskit.sources import Ask
from tests.support.tasks import task

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)


def test_healthy_targets_take_turns() -> None:
    """Each gets its share, whoever comes and goes meanwhile."""
    turn, tasks = RoundRobin(), [task("a"), task("b"), task("c", health="unhealthy"), task("d", registered=False)]
    chosen = [turn.choose(tasks) for _ in range(4)]
    assert [one.id for one in chosen if one] == ["a", "b", "a", "b"]
    tasks.append(task("aa"))

    assert [one.id for one in (turn.choose(tasks) for _ in range(3)) if one] == ["a", "aa", "b"]


def test_a_balancer_without_a_healthy_target_asks_all() -> None:
    """As an ALB does; without any target there is nobody to ask."""
    assert RoundRobin().choose([task("a", health="unhealthy")]) is not None
    assert RoundRobin().choose([task("a", registered=False)]) is None


def test_a_balancer_that_is_young_guesses_its_first_minute() -> None:
    """Or every recording would begin with a surge; in its first seconds it only counts."""
    clock = [3.0]
    tally = Tally(lambda: clock[0])
    told = []
    assert tally.is_young
    for now in (3.0, 10.0, 40.0):
        tally.add(Passed(now - 3.0, 0.5, 200, target=True))
        clock[0] = now
        told += [row.rpartition(" ")[2] for row in tally.metrics("t", []) if "_request_count_sum" in row]

    assert told == ["1", "12", "4.5"]
    assert not tally.is_young


def test_the_balancer_counts_the_last_minute() -> None:
    """What is older has passed; what the balancer answered itself is told apart."""
    clock = [100.0]
    tally = Tally(lambda: clock[0])
    tally.add(Passed(30.0, 9.0, 200, target=True))
    for status, ours in ((200, False), (200, False), (500, False), (404, False), (502, True), (CLIENT_CLOSED, True)):
        tally.add(Passed(90.0, 0.5, status, target=not ours))
    tally.add(Passed(95.0, 2.0, 200, target=True))
    text = tally.metrics("targetgroup/demo-app/0", [task("a"), task("b", health="unhealthy")])
    found = {row.split("{")[0].removeprefix("aws_applicationelb_"): float(row.split(" ")[1]) for row in text}

    assert found == {
        "request_count_sum": 7,
        "httpcode_target_4_xx_count_sum": 1,
        "httpcode_target_5_xx_count_sum": 1,
        "httpcode_elb_4_xx_count_sum": 1,
        "httpcode_elb_5_xx_count_sum": 1,
        "target_connection_error_count_sum": 1,
        "healthy_host_count_average": 1,
        "un_healthy_host_count_average": 1,
        "request_count_per_target_sum": 7,
        "target_response_time_average": 0.8,
        "target_response_time_p50": 0.5,
        "target_response_time_p99": 2.0,
    }


def test_a_day_has_a_noon_and_a_midnight() -> None:
    """And as many users as without them."""
    day = 600.0
    seconds = np.linspace(0, day, 601)[:-1]
    rates = [rhythm(second, day) for second in seconds]

    assert np.mean(rates) == pytest.approx(1.0)
    assert min(rates) == pytest.approx(0.5, abs=0.01)
    assert max(rates) == pytest.approx(1.5, abs=0.01)
    assert rates[75] == max(rates), "three hours after 9 it is noon"


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('{"time": "2026", "level": "error", "message": "INFO"}', "error"),
        ("2026-01-31 03:00:00 [12] [WARNING] worker was told to stop", "warn"),
        ("Traceback (most recent call last):", ""),
        ("level=fatal msg=gone", "fatal"),
        ("an error is no level", ""),
    ],
)
def test_a_level_is_read_as_the_log_router_reads_it(line: str, level: str) -> None:
    """A field of the line, or a word in capitals near its beginning."""
    assert lines.level_of(line) == level


def test_pieces_become_lines() -> None:
    """Whatever the pieces are, and the last line needs no end."""
    text = "one\r\ntwo ü\n\nthree".encode()
    for size in range(1, len(text)):
        splitter = lines.Splitter()
        pieces = [text[n : n + size] for n in range(0, len(text), size)]
        found = [line for piece in [*pieces, b""] for line in splitter.lines(piece)]

        assert found == ["one", "two ü", "three"]


def test_a_line_without_end_is_cut() -> None:
    """It costs no more memory than a line may."""
    splitter = lines.Splitter()
    found = [line for _ in range(5) for line in splitter.lines(b"x" * lines.MOST_BYTES)]

    assert {len(line) for line in found} == {lines.MOST_BYTES}


def _ask(begin: datetime, end: datetime) -> Ask:
    return Ask(service=Service(name="demo-app"), window=Window(start=begin, end=end), deadline=0.0)


def test_lines_are_kept_and_read_as_columns(tmp_path: Path) -> None:
    """Those of the window, of every service; a line that is half written does not hurt."""
    at = [int(BEGIN.timestamp()) * 10**9]
    collector = lines.Collector(tmp_path / "logs", lambda: at[0])
    collector.add("demo-app", "a", ['{"level": "info"}', "plain"])
    at[0] += 60 * 10**9
    collector.add("payment", "b", ["later"])
    collector.flush()
    with (tmp_path / "logs").open("ab") as file:
        file.write(b'{"t": 17')
    source = lines.LinesSource(tmp_path / "logs")
    first = source.answer(_ask(BEGIN, BEGIN + timedelta(seconds=30)))
    both = source.answer(_ask(BEGIN, BEGIN + timedelta(minutes=2)))

    assert first.logs.table.column("line").to_pylist() == ['{"level": "info"}', "plain"]
    assert first.logs.table.column("level").to_pylist() == ["info", ""]
    assert both.logs.table.column("service").to_pylist() == ["demo-app", "demo-app", "payment"]


def test_no_lines_are_no_error(tmp_path: Path) -> None:
    """A lab that has just begun has none; a file that is none is one."""
    assert len(lines.LinesSource(tmp_path / "none").answer(_ask(BEGIN, BEGIN)).logs) == 0
    (tmp_path / "logs").write_text("no JSON\n")

    with pytest.raises(SourceError):
        lines.LinesSource(tmp_path / "logs").answer(_ask(BEGIN, BEGIN))


def test_lines_are_lost_while_shipping_is_stopped(tmp_path: Path) -> None:
    """As they are with a log router that died: nobody gets them later."""
    collector = lines.Collector(tmp_path / "logs", lambda: 1)
    collector.shipping = False
    collector.add("demo-app", "a", ["gone"])
    collector.shipping = True
    collector.add("demo-app", "a", ["kept"])

    assert [row["line"] for row in collector.flush()] == ["kept"]
    assert collector.lost == 1


def test_loki_gets_the_labels_that_the_stack_gives() -> None:
    """One stream for each service, task and level."""
    rows: list[dict[str, object]] = [
        {"t": 1, "service": "s", "task": "a", "level": "info", "line": "x"},
        {"t": 2, "service": "s", "task": "a", "level": "", "line": "y"},
        {"t": 3, "service": "s", "task": "a", "level": "info", "line": "z"},
    ]

    assert json.loads(lines.push_body(rows, "lab"))["streams"] == [
        {
            "stream": {"service": "s", "task_id": "a", "cluster": "lab", "level": "info"},
            "values": [["1", "x"], ["3", "z"]],
        },
        {"stream": {"service": "s", "task_id": "a", "cluster": "lab"}, "values": [["2", "y"]]},
    ]


def test_prometheus_scrapes_tasks_that_run_and_shall() -> None:
    """Under the labels that obskit's stack gives."""
    stopped = task("c", port=3)
    stopped.desired = "STOPPED"

    assert watchers.targets([task("a", port=1), task("b", status="PENDING"), stopped]) == [
        {
            "targets": ["127.0.0.1:1"],
            "labels": {"job": "demo-app", "service": "demo-app", "task_id": "a", "cluster": "lab"},
        }
    ]


def test_tasks_are_measured_while_they_run() -> None:
    """Their limits come with what they use, under the exporter's names and no others."""
    used = machine.Usage(cpu=1.5, memory=2**20)
    text = exporter.of_task(task("a"), used)

    assert 'ecs_memory_bytes{service="demo-app",task_id="a",cluster="lab",container_name="demo-app"} 1048576' in text
    assert 'ecs_task_memory_limit_bytes{service="demo-app",task_id="a",cluster="lab"} 402653184' in text
    assert {row.partition("{")[0] for row in text} == {
        "ecs_cpu_seconds_total",
        "ecs_memory_bytes",
        "ecs_memory_limit_bytes",
        "ecs_task_cpu_limit_vcpus",
        "ecs_task_memory_limit_bytes",
    }


def test_a_session_is_measured_as_a_whole() -> None:
    """This very process's session has CPU time and memory; one that is over has none."""
    own = os.getsid(0)
    found = machine.usage([own, 2**22])

    if own not in found:
        pytest.skip("the leader's session is not visible here")
    assert set(found) == {own}
    assert min(found[own].memory, found[own].cpu) > 0
    assert os.getpid() in machine.children(os.getppid())


def test_rows_become_samples() -> None:
    """Labels first, then one value for each name."""
    rows = [("shop", "idle", 3, 0.25), ("shop", "active", 1, "1.5")]

    assert database.lines_of(("datname", "state"), ("count", "longest"), rows) == [
        'count{datname="shop",state="idle"} 3',
        'longest{datname="shop",state="idle"} 0.25',
        'count{datname="shop",state="active"} 1',
        'longest{datname="shop",state="active"} 1.5',
    ]
    assert database.lines_of((), ("most",), [(60,)]) == ["most 60"]


def test_a_database_that_is_away_is_down_and_nothing_else() -> None:
    """No count of zero connections: it is not known."""
    down = database.Exporter(database.Login(port=programs.Ports().new()))

    assert down.text() == ["pg_up 0"]


def test_passwords_are_not_shown() -> None:
    """Neither in a log nor in an error."""
    login = database.Login(port=1, admin_password="right-horse", password="left-horse")

    assert "horse" not in repr(login)


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Whoever asks later knows all that the supervisor knew."""
    held = state.State(
        stage="ready",
        keeper=7,
        ports={"prometheus": 1},
        settings=LabSettings(tasks=2, shop_environment=(("CACHE_SECONDS", "0"),)),
    )
    held.write(tmp_path)

    assert state.read(tmp_path) == held


def test_a_damaged_state_is_told(tmp_path: Path) -> None:
    """And one that is missing is no lab."""
    with pytest.raises(UsageError, match="no lab"):
        state.read(tmp_path)
    for text in ("{", "[]", '{"format": 99}', '{"format": 1, "settings": {"pigs": 3}}'):
        (tmp_path / state.FILE).write_text(text)
        with pytest.raises((SourceError, UsageError)):
            state.read(tmp_path)


def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    """What a lab that died left is removed; what somebody else has there is not."""
    folder = tmp_path / "lab"
    state.claim(folder)
    assert folder.stat().st_mode & 0o777 == 0o711
    state.State(keeper=2**22, supervisor=2**22).write(folder)
    (folder / "left").write_text("over")
    state.claim(folder)
    assert list(folder.iterdir()) == []
    (folder / "thesis.txt").write_text("mine")

    with pytest.raises(UsageError, match="something else"):
        state.claim(folder)
    with pytest.raises(UsageError, match="too long"):
        state.claim(tmp_path / ("x" * 100))
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(UsageError, match="not ours"):
        state.claim(tmp_path / "link")


def test_another_process_is_no_lab() -> None:
    """Ids are used again: the one that a state file names may be anybody's by now."""
    assert not state.is_running(os.getpid())
    assert not state.is_running(0)


def test_missing_programs_are_named_with_their_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One command to paste."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError) as told:
        programs.find(tmp_path)
    assert told.value.hint.endswith("prometheus prometheus-alertmanager prometheus-node-exporter postgresql"), (
        "each package once"
    )


def test_the_newest_postgres_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number, not by letters."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for folder, names in (
        ("bin", tuple(programs.PACKAGES)[:3]),
        ("9.6/bin", ("initdb", "postgres")),
        ("15/bin", ("initdb", "postgres")),
    ):
        (tmp_path / folder).mkdir(parents=True)
        for name in names:
            (tmp_path / folder / name).touch(mode=0o755)

    assert programs.find(tmp_path)["postgres"] == str(tmp_path / "15/bin/postgres")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tasks": 0},
        {"rate": -1},
        {"scrape": 0},
        {"memory": 1},
        {"connections": 3},
        {"day": 0},
        {"users": 0},
        {"stop": -1},
        {"stop": keeper.STOP_SECONDS},
        {"breaker": 0},
        {"grace": float("nan")},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    """With what can be chosen instead; no number is without bounds."""
    with pytest.raises(UsageError) as told:
        LabSettings(**wrong)  # type: ignore[arg-type]
    assert "choose" in told.value.hint


def test_every_number_has_bounds() -> None:
    """What is new among the settings is not forgotten."""
    numbers = [name for name, value in asdict(LabSettings()).items() if type(value) in (int, float)]

    for name in numbers:
        with pytest.raises(UsageError, match=name):
            LabSettings(**{name: -1})  # type: ignore[arg-type]


def test_no_port_is_one_that_a_connection_may_get() -> None:
    """It is bound only seconds after it was chosen, and the kernel gives its own range to whoever connects."""
    low, high = (int(word) for word in Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = programs.Ports()

    assert not [port for port in (ports.new() for _ in range(50)) if low <= port <= high]
    narrow = programs.Ports((10_003, 65_535))
    assert {narrow.new() for _ in range(3)} == {10_000, 10_001, 10_002}
    with pytest.raises(SourceError, match="no loopback port"):
        narrow.new()
    with pytest.raises(SourceError, match="no loopback port"):
        programs.Ports((1024, 65_535)).new()


def test_ports_are_given_once() -> None:
    """Two programs never get the same one."""
    ports = programs.Ports()
    given = [ports.new() for _ in range(50)]

    assert len(set(given)) == 50


@pytest.mark.parametrize("fault", all_faults().values(), ids=lambda fault: fault.id)
def test_a_fault_is_what_its_file_says(fault: object) -> None:
    """Its id is the file's name; its cause is one that triage may name; its strengths rise."""
    found = fault_named(fault.id)  # type: ignore[attr-defined]
    module = importlib.import_module(f"obskit.lab.faults.{found.id}")
    causes = {cause.id for cause in all_causes()}

    assert module.FAULT is found
    assert found.truth.cause in {NOTHING, *causes}
    assert set(found.truth.acceptable) <= causes
    assert found.truth.service in SERVICES
    assert list(found.strengths) == sorted(set(found.strengths))
    assert found.usual in found.strengths
    assert found.title
    LabSettings(**dict(found.settings))


@pytest.mark.parametrize("typed", ["leak_connection", "Leak_Connections", "db_pool_exhausted"])
def test_a_fault_that_is_none_is_told_with_the_one_that_is_near(typed: str) -> None:
    """People mistype, or name the cause that a fault brings about."""
    with pytest.raises(UsageError) as told:
        fault_named(typed)
    assert "did you mean leak_connections" in told.value.hint


def test_a_label_is_one_that_evaluate_reads(tmp_path: Path) -> None:
    """What the lab writes, and nothing in it is taken for a slip."""
    fault = fault_named("leak_connections")
    window = Window(start=BEGIN, end=BEGIN + timedelta(minutes=4))
    onset = BEGIN + timedelta(minutes=1)
    path = tmp_path / "pool.truth.json"
    path.write_text(json.dumps(record.label_of(fault, 0.25, task="", onset=onset, window=window, cluster="lab")))
    label = read_label(path, name="pool")

    assert (label.cause, label.culprit, label.onset) == ("db_pool_exhausted", "demo-app", onset)
    assert label.family == "leak_connections"


def test_nothing_older_than_the_calm_stretch_is_told() -> None:
    """The birth of a lab is no deployment; samples of it are missing, not zero."""
    times = np.datetime64("2026-01-31T03:00:00", "ns") + np.arange(4) * np.timedelta64(1, "s")
    seen = Telemetry(
        metrics=Metrics(times=times, values=np.arange(4.0)[:, None], series=(Series(signal="x", unit="count"),)),
        logs=Logs.of([int(t) for t in times.astype(np.int64)], "ssss", "tttt", "llll", "abcd"),
        events=tuple(Event(time=BEGIN + timedelta(seconds=n), kind="deployment") for n in range(4)),
    )
    left = from_then_on(seen, BEGIN + timedelta(seconds=2))

    assert np.isnan(left.metrics.values[:, 0]).tolist() == [True, True, False, False]
    assert left.logs.table.column("line").to_pylist() == ["c", "d"]
    assert len(left.events) == 2


def test_a_message_is_read_and_written_alike() -> None:
    """What a balancer passes on is what it got."""
    answer = wire.plain(200, "hallo")

    assert (answer.status, answer.body) == (200, b"hallo")
    assert wire.written(answer.line, answer.headers, answer.body).endswith(
        b"content-length: 5\r\nconnection: close\r\n\r\nhallo"
    )
    request = wire.Message("POST /orders?x=1 HTTP/1.1")
    assert (request.method, request.target, request.status) == ("POST", "/orders?x=1", 0)


def test_a_lab_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """Its socket is not there."""
    with pytest.raises(SourceError, match="does not answer"):
        control.ask(tmp_path / "s", "status")


def test_the_keeper_gives_the_supervisor_time() -> None:
    """Longer than a task may take to end by itself."""
    assert LabSettings().stop < keeper.STOP_SECONDS
