"""Transcripts of ``obskit alerts …``: what is typed, what comes back, what is written."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path

import pytest
import yaml

from obskit.ascode.alerts.check import all_checks, explain
from obskit.cli.alerts_command import counting
from tests.standins import faulty
from tests.support.command_line import CONTROLS, Said, Typed, typed
from tests.support.node import grafana_tools
from tests.support.servers import PrometheusServer

ROOT = Path(__file__).resolve().parents[2]
BROKEN = ROOT / "tests" / "ascode" / "alerts" / "broken"

ALERT = """from obskit.ascode.alerts import alert

RULES = (
    alert(
        "{name}",
        "db_pool_waiting",
        level={level},
        reason="a number of this test",
        severity="ticket",
        kind="cause",
        summary="{{value}} requests of {{service}} wait for a connection",
        description="The pool is too small for what is asked.",
        hold="{hold}",
        hold_reason="a burst queues for seconds",
    ),
)
"""
TESTS = """from obskit.ascode.alerts import around, steady

TESTS = (
    around("{name}", lambda v: {{'hikaricp_connections_pending{{service="shop"}}': steady(v)}}),
)
"""
#: One panel, of what the alert watches: ours would be loaded anew by each command.
BOARD = """from obskit.ascode import board, group

dashboard = board(
    "own", title="Own", description="What the alert watches.", groups=(group("Pool", "db_pool_waiting"),)
)
"""
WORDS = "amber birch cedar delta ember fjord grove heath islet jetty knoll ledge marsh north ocean plain quarry"


@pytest.fixture
def obskit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return ``obskit alerts``, in a folder with one sound alert, its tests, its runbook and its panel."""
    command = typed(monkeypatch, tmp_path, capsys, command=("alerts",))
    define()
    write("dashboards/own.dashboard.py", BOARD)
    write("alerts/tests/pool.tests.py", TESTS.format(name="PoolWaiting"))
    sections = ("Meaning", "Impact", "Diagnosis", "Mitigation")
    body = "".join(f"## {section}\n\n{WORDS}.\n{WORDS}.\n{WORDS}.\n\n" for section in sections)
    write("runbooks/alerts/PoolWaiting.md", f"# PoolWaiting\n\nRequests wait.\n\n{body}")

    def run(*argv: str | Path) -> Said:
        said = command(*argv)
        for text in (said.out, said.err):
            assert not CONTROLS.search(text), f"a terminal would obey {text!r}"
        return said

    return run


def define(name: str = "PoolWaiting", *, level: str = "4", hold: str = "10m", file: str = "pool") -> None:
    """Write a definition."""
    write(f"alerts/{file}.alerts.py", ALERT.format(name=name, level=level, hold=hold))


def write(name: str, text: str) -> None:
    """Write any file below the current folder."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --------------------------------------------------------------------------------- build


def test_building_writes_rule_files_and_the_same_bytes_again(obskit: Typed) -> None:
    """A second run changes nothing, and says so."""
    first = obskit("build", "--out", "out")
    path = Path("out/prometheus/obskit-pool.rules.yml")
    body = path.read_bytes()
    second = obskit("build", "--out", "out", "--format", "json")

    assert (first.code, second.code) == (0, 0)
    assert str(path) in first.out
    assert not any(one["state"] != "same" for one in json.loads(second.out))
    assert path.read_bytes() == body
    assert yaml.safe_load(body)["groups"][0]["rules"][0]["alert"] == "PoolWaiting"


def test_building_says_that_nobody_will_be_told(obskit: Typed) -> None:
    """The files are good as they are, and wake nobody: that is found out now, or in the first incident."""
    silent = obskit("build", "--out", "out")
    write("obskit.toml", '[alertmanager]\npage = "a"\n[alertmanager.receivers.a]\nurl = "https://pager.example.com"\n')
    told = obskit("build", "--out", "out")

    assert (silent.code, told.code) == (0, 0)
    assert "settings: warning: pages wake nobody [alertmanager]\n" in silent.err
    assert "set alertmanager.page" in silent.err
    assert "warning" not in told.err


@pytest.mark.parametrize("name", ["obskit.toml", "own.toml"])
def test_the_warning_names_the_file_in_which_it_can_be_set(
    obskit: Typed, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was read; where none was, no file is named."""
    write(name, "[labels]\n")
    if name != "obskit.toml":
        monkeypatch.setenv("OBSKIT_CONFIG", name)

    assert f"{name}: warning: pages wake nobody" in obskit("build", "--out", "out").err


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("pool", {"hold": "five minutes"}, "pool.alerts.py:4: error: 'five minutes' is no duration [definition]"),
        (
            "pool",
            {"hold": "5m1h"},
            "pool.alerts.py:13: error: PoolWaiting: '5m1h' is no duration for Prometheus [hold]",
        ),
        ("more", {}, "pool.alerts.py:5: error: PoolWaiting: there is an alert of this name in"),
        ("more", {"name": "PoolFull"}, "more.alerts.py:5: error: PoolFull: there is no runbooks/alerts/PoolFull.md"),
    ],
)
def test_with_a_broken_rule_nothing_is_written(obskit: Typed, name: str, change: dict[str, str], words: str) -> None:
    """Half a folder would be loaded as if it were the whole; file and line are told."""
    define(file=name, **change)

    said = obskit("build", "--out", "out")

    assert (said.code, said.out) == (1, "")
    assert words in said.err
    assert said.err.endswith("nothing was written\n")
    assert not Path("out").exists()


@pytest.mark.parametrize(("objective", "words"), [("100", "leaves no budget"), ("0", "leaves nothing to promise")])
def test_an_objective_of_all_or_nothing_is_refused(obskit: Typed, objective: str, words: str) -> None:
    """Where it is written."""
    slo = f'Slo(name="a", objective="{objective}", failures="slo_failures", requests="slo_requests")'
    write("alerts/slo.alerts.py", f"from obskit.ascode.alerts import Slo\n\nSLOS = ({slo},)\n")

    said = obskit("build", "--out", "out")

    assert (said.code, said.out) == (1, "")
    assert re.search(rf"^alerts/slo\.alerts\.py:3: error: .*{words}", said.err, re.MULTILINE)


# --------------------------------------------------------------------------------- check


def test_a_sound_folder_is_clean(obskit: Typed) -> None:
    """And what was not looked at is said."""
    grafana_tools()

    said = obskit("check")

    assert said.code == 0, said.out
    assert "not checked: live-cost, live-count, live-labels, live-metrics: no live Prometheus was named" in said.out
    assert re.search(r"^0 errors, 0 warnings; \d+ checks made$", said.out, re.MULTILINE)


def test_a_dashboard_that_cannot_be_read_is_no_missing_panel(obskit: Typed) -> None:
    """The panel may be in that file: it is named, and nothing is told of the alert; building says what is lost."""
    write("dashboards/own.dashboard.py", "from obskit.ascode import board, group, panel\nraise ValueError('no way')\n")

    checked = obskit("check", "--format", "json", "--check", "alert-panel")
    built = obskit("build", "--out", "out")

    document = json.loads(checked.out)
    assert (checked.code, document["problems"]) == (0, [])
    (skipped,) = document["skipped"]
    assert skipped["check"] == "alert-panel"
    assert "dashboards/own.dashboard.py" in skipped["why"]
    assert built.code == 0
    assert "dashboards/own.dashboard.py:2: warning: it raises ValueError: no way" in built.err
    assert "alerts whose panel is in it are written without a link" in built.err


def test_our_own_alerts_are_such_that_servers_take_them(obskit: Typed) -> None:
    """What obskit brings along: every definition loads, every expression parses, every duration is one."""
    checks = ("promql", "promtool", "hold", "duplicate-alert", "objectives", "template")
    said = obskit("check", "--folder", ROOT / "alerts", *(word for name in checks for word in ("--check", name)))

    assert said.code == 0, said.out


def test_the_broken_folder_fails_and_every_file_is_named(obskit: Typed) -> None:
    """With each file's place, as a path that an editor opens."""
    grafana_tools()

    said = obskit("check", "--folder", BROKEN, "--runbooks", BROKEN / "runbooks")

    files = [path for path in BROKEN.rglob("*") if path.is_file() and " expect: " in path.read_text(encoding="utf-8")]
    assert said.code == 1
    assert len(files) >= 30
    for path in files:
        assert re.search(rf"{re.escape(str(path))}(:\d+)?: (error|warning): ", said.out), path.name


def test_problems_as_json_have_all_that_a_tool_needs(obskit: Typed) -> None:
    """Place, alert, and what was not checked with the reason."""
    define(hold="15s")

    said = obskit("check", "--format", "json", "--check", "hold", "--check", "live-cost")

    found = json.loads(said.out)
    assert said.code == 1
    assert set(found) == {"problems", "skipped", "failed", "excluded", "made"}
    (problem,) = found["problems"]
    assert (problem["check"], problem["alert"], problem["file"], problem["line"]) == (
        "hold",
        "PoolWaiting",
        "alerts/pool.alerts.py",
        13,
    )
    assert [one["check"] for one in found["skipped"]] == ["live-cost"]


def test_annotations_of_a_pull_request_name_the_line(obskit: Typed) -> None:
    """In GitHub's language."""
    define(hold="15s")

    said = obskit("check", "--format", "github", "--check", "hold")

    assert said.out.startswith("::error file=alerts/pool.alerts.py,line=13,title=hold::PoolWaiting")


def test_what_is_wrong_on_purpose_is_excluded_with_its_reason(obskit: Typed) -> None:
    """By topic and alert; an exclusion that hides nothing is a warning, one of no check an error."""
    define(hold="15s")
    ours = '[[exclude]]\ncheck = "hold"\ntopic = "pool"\nalert = "PoolWaiting"\nreason = "a test of exclusions"\n'
    write("alerts/checks.toml", ours)

    hidden = obskit("check", "--check", "hold")
    write("alerts/checks.toml", ours.replace("PoolWaiting", "PoolFull") + ours.replace('"hold"', '"holds"'))
    told = obskit("check")

    assert hidden.code == 0
    assert "1 excluded with a reason" in hidden.out
    assert told.code == 1
    assert "warning: the exclusion of hold from pool, alert 'PoolFull' hides nothing" in told.out
    assert "there is no check 'holds'" in told.out
    assert "did you mean hold?" in told.out


def test_a_check_explains_itself_and_all_are_listed(obskit: Typed) -> None:
    """The page is the one that stands in the check's file."""
    assert obskit("check", "--explain", "alert-runbook") == Said(0, explain("alert-runbook") + "\n", "")
    assert [line.split()[0] for line in obskit("check", "--list").out.splitlines()] == list(all_checks())


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["check", "--check", "nope"], "there is no check 'nope'"),
        (["check", "--format", "xml"], "there is no format 'xml'"),
        (["check", "--replay", "7"], "--replay needs a Prometheus"),
        (["check", "--folder", "nowhere"], "there is no folder nowhere"),
        (["check", "--runbooks", "nowhere"], "there is no folder nowhere"),
        (["build", "--out", "out", "--format", "xml"], "there is no format 'xml'"),
        (["build"], "--out"),
        (["test", "--only", "Nope"], "there is no alert 'Nope'"),
        (["check", "--check", "alert-tets"], "did you mean alert-tested?"),
        (["test", "--format", "github"], "there is no format 'github'"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(obskit: Typed, argv: list[str], words: str) -> None:
    """Exit code 2, and nothing on stdout that could be taken for an answer."""
    said = obskit(*argv)

    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert "try: " in said.err


def test_a_prometheus_that_does_not_answer_is_no_clean_check(obskit: Typed) -> None:
    """Exit code 3, with its address."""
    with faulty.refuse() as url:
        said = obskit("check", "--prometheus", url, "--check", "live-metrics", "--check", "promql")

    assert said.code == 3
    assert url in said.out


def test_a_replay_says_when_rules_would_have_fired(obskit: Typed) -> None:
    """Against a real Prometheus that holds an hour in which requests waited for twenty minutes."""
    now = round(time.time())
    begin = now - 3600
    waiting = [(second * 1000, 9.0 if 600 <= second - begin < 1800 else 0.0) for second in range(begin, now, 15)]
    with PrometheusServer() as server:
        server.write([({"__name__": "hikaricp_connections_pending", "service": "shop", "task_id": "a"}, waiting)])
        ask = ("check", "--prometheus", server.url, "--replay", "1", "--check", "live-metrics", "--check", "live-count")
        text, document = obskit(*ask), obskit(*ask, "--format", "json")

    assert text.code == 0, text.out
    assert re.search(r"^PoolWaiting \(ticket\): once, (9m30s|10m|10m30s) in all$", text.out, re.MULTILINE)
    (replayed,) = json.loads(document.out)["replay"]
    assert (replayed["alert"], replayed["count"]) == ("PoolWaiting", 1)
    assert replayed["firings"][0]["labels"] == {"service": "shop"}


# ---------------------------------------------------------------------------------- test


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_tests_that_pass_are_counted_and_kept_where_asked(obskit: Typed) -> None:
    """Exit code 0; promtool's own files can be run again by hand."""
    said = obskit("test", "--keep", "kept")

    assert said == Said(0, "1 alert, 5 tests: 0 failed, 0 not tested\n", "")
    assert [path.name for path in sorted(Path("kept").rglob("*.yml"))] == [
        "PoolWaiting.rules.yml",
        "PoolWaiting.test.yml",
    ]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_a_test_that_fails_and_an_alert_without_tests_fail(obskit: Typed) -> None:
    """Exit code 1, with the alert and promtool's words."""
    define("PoolFull", file="more")
    write("alerts/tests/pool.tests.py", TESTS.format(name="PoolWaiting").replace("steady(v)", "steady(v - 1)"))

    said = obskit("test")
    document = json.loads(obskit("test", "--format", "json").out)

    assert said.code == 1
    assert "failed  PoolWaiting: " in said.out
    assert "lacks   PoolFull: a test in which it fires and a test in which it is quiet" in said.out
    assert document["passed"] is False
    assert {one["alert"] for one in document["failures"]} == {"PoolWaiting"}


def test_a_terminal_shows_each_alert_and_a_log_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Who watches a build for a minute sees how far it is; the end is told by the answer."""
    shown: list[str] = []
    count = counting(shown.append)

    for done in range(61):
        count(done, 60)

    assert (shown[0], shown[37], len(shown)) == ("0 of 60 alerts", "37 of 60 alerts", 61)
    assert capsys.readouterr() == ("", "tested 20 of 60 alerts\ntested 40 of 60 alerts\n")


def test_broken_definitions_are_not_tested(obskit: Typed) -> None:
    """Nothing is said of their tests."""
    define(hold="five minutes")

    said = obskit("test")

    assert (said.code, said.out) == (1, "")
    assert said.err.endswith("nothing was tested\n")
