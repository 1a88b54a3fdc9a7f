"""What is watched and how it is built, by the library: the same as the command line makes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

import obskit
from obskit.cli import main
from obskit.errors import SourceError, UsageError
from tests.standins.fargate import Fargate
from tests.support.stack import DOMAIN

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine, and an empty folder: what obskit brings is taken."""
    for name in os.environ:
        if name.startswith(("OBSKIT_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", ["dashboards", "alerts"])
def test_what_is_built_are_the_command_lines_bytes(kind: str, tmp_path: Path) -> None:
    """Whoever scripts it and whoever types it get the same files."""
    assert main([kind, "build", "--out", str(tmp_path / "out")]) == 0
    written = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_text(encoding="utf-8")
        for path in (tmp_path / "out").rglob("*")
        if path.is_file() and path.suffix in (".json", ".yml")
    }

    assert (obskit.build_dashboards() if kind == "dashboards" else obskit.build_rules()) == written
    assert len(written) > 5


def test_files_are_what_grafana_and_prometheus_read() -> None:
    """JSON and YAML."""
    assert all("panels" in json.loads(text) for text in obskit.build_dashboards().values())
    rules = {name: yaml.safe_load(text) for name, text in obskit.build_rules(ROOT / "alerts").items()}
    assert all("groups" in body for name, body in rules.items() if name.endswith(".rules.yml"))


def test_a_broken_definition_is_an_error_with_its_file_and_line(tmp_path: Path) -> None:
    """Nothing is built of the others either."""
    (tmp_path / "bad.dashboard.py").write_text("dashboard = 1 / 0\n", encoding="utf-8")
    (tmp_path / "bad.alerts.py").write_text("RULES = nothing\n", encoding="utf-8")

    with pytest.raises(UsageError, match="1 dashboard is broken") as dashboards:
        obskit.build_dashboards(tmp_path)
    with pytest.raises(UsageError, match="1 file of alerts is broken"):
        obskit.build_rules(str(tmp_path))
    assert "bad.dashboard.py:1" in str(dashboards.value)


def test_every_signal_of_the_catalogue_is_there_read_only() -> None:
    """By id, as in a finding or a panel."""
    found = obskit.signals()

    assert len(found) > 100
    assert all(signal.id == name for name, signal in found.items())
    with pytest.raises(TypeError):
        found["x"] = found["http_requests"]  # type: ignore[index]


def test_a_word_finds_the_signals_that_the_command_line_lists(capsys: pytest.CaptureFixture[str]) -> None:
    """In id, topic, title or meaning; a word of none is an error, for an empty answer would be taken for one."""
    assert main(["dashboards", "signals", "Pool", "--format", "json"]) == 0
    listed = [one["id"] for one in json.loads(capsys.readouterr().out)]

    assert list(obskit.signals("Pool")) == listed
    assert 3 < len(listed) < len(obskit.signals())
    with pytest.raises(UsageError, match="no signal is about 'nothing at all'") as none:
        obskit.signals("nothing at all")
    assert none.value.hint == "obskit.signals() lists all"
    assert main(["dashboards", "signals", "nothing at all"]) == 2
    assert "obskit dashboards signals lists all" in capsys.readouterr().err


@pytest.mark.parametrize("word", [5, None, ["pool"], b"pool"])
def test_what_is_no_word_is_refused_in_words(word: object) -> None:
    """Nobody is shown what the catalogue does with it inside."""
    with pytest.raises(UsageError, match=f"a word, no {type(word).__name__}") as refused:
        obskit.signals(word)  # type: ignore[arg-type]
    assert "obskit.signals()" in refused.value.hint


def test_the_catalogue_shows_itself_in_a_line_and_as_a_table() -> None:
    """Not as kilobytes of queries."""
    every, one = obskit.signals(), obskit.signals("swap")
    table = str(every._repr_html_())  # type: ignore[attr-defined]

    assert repr(every).startswith(f"<{len(every)} signals: {next(iter(every))}, ")
    assert repr(every).endswith(f", and {len(every) - 4} more>")
    assert repr(one) == "<1 signal: rds_free_memory_bytes>"
    assert table.count("<tr>") == 21
    assert f"and {len(every) - 20} more signals" in table


def test_a_plan_is_what_the_command_line_shows_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two plans in a row are the same: AWS is only asked."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    assert main(["deploy", "init", "--name", "shop", "--region", "eu-west-1", "--domain", DOMAIN]) == 0
    with (simulation := Fargate(seconds_a_call=400.0)).in_process():
        simulation.zone("example.com")
        plan, again = obskit.plan_stack(), obskit.plan_stack("stack.toml", delete_data=True)

    assert len(plan.of("create")) == len(plan.steps) > 50
    assert [step.address for step in plan.steps] == [step.address for step in again.steps]


def test_a_stack_without_a_file_or_without_aws_is_an_error_of_obskit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both say what to do."""
    with pytest.raises(UsageError, match=r"no file stack\.toml") as missing:
        obskit.plan_stack()
    assert "obskit deploy init" in missing.value.hint
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert main(["deploy", "init", "--name", "shop", "--region", "eu-west-1", "--domain", "shop.example.com"]) == 0
    with pytest.raises(SourceError):
        obskit.plan_stack(tmp_path / "stack.toml")
