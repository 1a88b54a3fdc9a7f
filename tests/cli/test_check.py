"""`obskit check`: what is typed, what comes back, and the exit codes."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from obskit.cli import main
from tests.checkup import stack
from tests.support.command_line import CONTROLS
from tests.support.servers import PrometheusServer, free_port

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    """Yield a Prometheus of a stack of which four systems are broken."""
    with PrometheusServer() as server:
        server.write(stack.series(int(time.time())))
        yield server


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return the command with nothing configured: exit code, stdout, stderr."""
    for name in os.environ:
        if name.startswith(("OBSKIT_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*argv: str | Path) -> tuple[int, str, str]:
        code = main(["check", *map(str, argv)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert not CONTROLS.search(captured.out + captured.err)
        return code, captured.out, captured.err

    return run


def test_broken_systems_are_named_first_with_their_numbers(check: Typed, prometheus: PrometheusServer) -> None:
    """One line says which; a table says what, since when, and what it was; the others take a line each."""
    code, out, _ = check("--prometheus", prometheus.url)

    assert code == 1
    assert "4 of 18 systems are not well: database, node, alb, loki" in out.splitlines()[0]
    disk = next(line for line in out.splitlines() if "node:9100" in line and "98 %" in line)
    assert re.search(r"bad .* from 97 % +\d\d:\d\dZ \((4 h 5\d|5 h 0\d) min\) +42 % +42 %$", disk)
    assert re.search(r"^ok +ecs +tasks running, of those wanted 100 %", out, re.MULTILINE)
    assert "not seen  Loki: not configured: set OBSKIT_LOKI_URL" in out


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("--only", "ecs"), 0),
        (("--only", "ecs", "--only", "node"), 1),
        (("--only", "ecs", "--strict"), 1),
        (("--only", "dns", "--only", "ecs"), 0),
        (("--only", "nodes"), 2),
        (("--format", "xml"), 2),
        (("--deadline", "-1"), 2),
        (("--out", "no/such/folder/page.html"), 2),
    ],
)
def test_the_exit_code_says_what_was_found(
    check: Typed, prometheus: PrometheusServer, argv: tuple[str, ...], code: int
) -> None:
    """0 well, 1 wrong (with --strict also not seen), 2 wrong usage."""
    assert check("--prometheus", prometheus.url, *argv)[0] == code


def test_when_nobody_answers_the_code_is_3(check: Typed) -> None:
    """An address that is dead is no healthy stack, and no wrong setting."""
    assert check("--prometheus", f"http://127.0.0.1:{free_port()}", "--deadline", "3")[0] == 3


@pytest.mark.parametrize("argv", [(), ("--only", "node")])
def test_when_nobody_is_configured_the_code_is_2(
    check: Typed, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    """As with every command: the settings are wrong, not the outside world."""
    if argv:
        monkeypatch.setenv("OBSKIT_LOKI_URL", "http://127.0.0.1:1")  # which nothing about nodes is asked of
    code, out, err = check(*argv)

    assert (code, out) == (2, "")
    assert "set OBSKIT_PROMETHEUS_URL" in err


def test_json_holds_base_units_and_nulls(check: Typed, prometheus: PrometheusServer) -> None:
    """The shape that a machine relies on."""
    code, out, _ = check("--prometheus", prometheus.url, "--format", "json", "--only", "database", "--only", "dns")

    said = json.loads(out)
    assert (code, said["schema_version"], said["state"]) == (1, 1, "bad")
    database, dns = said["systems"]
    assert (dns["name"], dns["state"], dns["why"]) == ("dns", "not seen", "Loki could not be asked")
    (row,) = database["wrong"]
    expected = {"signal": "db_pool_used_ratio", "entity": "shop task_id=t1", "value": 1.0, "unit": "ratio"}
    assert expected.items() <= row.items()
    assert (row["threshold"], row["bad_when"], row["yesterday"], row["last_week"]) == (1.0, "at_least", 0.4, 0.4)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["since"])
    assert {u["source"] for u in said["not_seen"]} == {"Loki"}


def test_the_page_asks_the_network_for_nothing_and_escapes_labels(
    check: Typed, prometheus: PrometheusServer, tmp_path: Path
) -> None:
    """A label's script is text, and the policy forbids every request."""
    code, out, err = check("--prometheus", prometheus.url, "--format", "html", "--out", tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text("utf-8")
    assert (code, out, err) == (1, "", f"round written to {tmp_path / 'page.html'}\n")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)


def test_verbose_lists_what_is_well(check: Typed, prometheus: PrometheusServer) -> None:
    """Every signal that answers has its row."""
    _, out, _ = check("--prometheus", prometheus.url, "--only", "node", "--verbose")

    assert re.search(r"^ +ok +node memory used +node:9090 +50 % +from 90 %", out, re.MULTILINE)


def test_a_dash_is_standard_output(check: Typed, prometheus: PrometheusServer) -> None:
    """As for every command that writes a report."""
    _, out, _ = check("--prometheus", prometheus.url, "--only", "node", "--format", "json", "--out", "-")

    assert json.loads(out)["schema_version"] == 1


def test_a_deadline_of_nothing_is_not_taken_for_the_settings_own(check: Typed) -> None:
    """Zero was typed, and is no time to wait."""
    code, out, err = check("--deadline", "0")

    assert (code, out) == (2, "")
    assert "a deadline of 0 s" in err


def test_a_place_that_cannot_be_written_is_refused_before_anybody_is_asked(check: Typed) -> None:
    """Not after the round was made."""
    code, out, err = check("--prometheus", f"http://127.0.0.1:{free_port()}", "--out", "no/such/folder/page.html")

    assert (code, out) == (2, "")
    assert "cannot be written" in err
