"""What is built: one file a group, the same bytes each time, as Prometheus and Loki read it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.alerts.build import (
    INTERVAL,
    Group,
    alert_document,
    as_yaml,
    groups,
    recording_document,
    texts,
    write,
)
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load
from obskit.ascode.alerts.rule import Recording, RuleFile, alert
from obskit.errors import UsageError
from obskit.settings import Settings

WRITER = Writer(settings=Settings())
#: `hold` and its reason, as every alert needs them.
HELD = {"hold": "10m", "hold_reason": "a burst queues for seconds"}


def waiting(**more: object) -> RuleFile:
    """Return a file with an alert on the pool and one on the logs."""
    pool = alert(
        "PoolWaiting",
        "db_pool_waiting",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{value} requests of {service} wait",
        description="The pool is too small.",
        cause="db_pool_exhausted",
        **HELD,
        **more,  # type: ignore[arg-type]
    )
    logs = alert(
        "LogErrors",
        "log_errors",
        level=5,
        reason="five a second are many",
        severity="page",
        kind="symptom",
        summary="{service} writes {value} errors",
        description="Users see them.",
        hold="0s",
        hold_reason="each line is one too many",
    )
    return RuleFile(name="pool", path=Path("pool.alerts.py"), source="", rules=(pool, logs))


def test_an_alert_has_what_prometheus_and_people_need() -> None:
    """Expression, times, what routes go by, what a person reads; nothing that is not said."""
    file = waiting(keep="5m", keep_reason="it refills")

    document = alert_document(file.rules[0], "pool", WRITER)

    assert list(document) == ["alert", "expr", "for", "keep_firing_for", "labels", "annotations"]
    assert (document["alert"], document["for"], document["keep_firing_for"]) == ("PoolWaiting", "10m", "5m")
    assert document["labels"] == {
        "severity": "ticket",
        "kind": "cause",
        "topic": "pool",
        "cause": "db_pool_exhausted",
    }
    assert "keep_firing_for" not in alert_document(file.rules[1], "pool", WRITER)
    assert "cause" not in alert_document(file.rules[1], "pool", WRITER)["labels"]


def test_each_language_gets_a_group_and_a_file_of_its_own() -> None:
    """Prometheus does not read Loki's rules."""
    found = groups([waiting()], WRITER)

    assert [(group.language, group.name, len(group.rules)) for group in found] == [
        ("PromQL", "obskit-pool", 1),
        ("LogQL", "obskit-pool", 1),
    ]
    files = texts(found)
    assert list(files) == ["prometheus/obskit-pool.rules.yml", "loki/obskit-pool.rules.yml"]
    body = yaml.safe_load(files["prometheus/obskit-pool.rules.yml"])
    assert body["groups"][0]["interval"] == INTERVAL
    assert body["groups"][0]["rules"][0] == alert_document(waiting().rules[0], "pool", WRITER)


def test_a_recording_has_labels_only_where_it_adds_some() -> None:
    """An empty mapping would be noise in every difference."""
    plain = Recording(name="a:b:c", expr="sum(a)")
    labelled = Recording(name="a:b:c", expr="sum(a)", labels=(("slo", "x"),))

    assert recording_document(plain) == {"record": "a:b:c", "expr": "sum(a)"}
    assert recording_document(labelled)["labels"] == {"slo": "x"}


def test_the_same_files_are_left_alone(tmp_path: Path) -> None:
    """Same input, same bytes: a second run changes nothing, and touches no file."""
    files = texts(groups([waiting()], WRITER))

    first = write(files, tmp_path)
    times = {path: path.stat().st_mtime_ns for path, _ in first}
    second = write(files, tmp_path)

    assert [state for _, state in first] == ["wrote", "wrote"]
    assert [state for _, state in second] == ["same", "same"]
    assert {path: path.stat().st_mtime_ns for path, _ in second} == times
    assert [path.relative_to(tmp_path).as_posix() for path, _ in first] == list(files)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """With the way on."""
    (tmp_path / "out").write_text("a file", encoding="utf-8")

    with pytest.raises(UsageError, match="cannot be written"):
        write({"prometheus/a.yml": "x"}, tmp_path / "out")


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=60), max_size=4))
def test_whatever_text_is_written_is_read_again(document: dict[str, str]) -> None:
    """Lines, quotes, colons and braces of templates come back as they were."""
    printable = {key: "".join(c for c in value if c.isprintable() or c == "\n") for key, value in document.items()}

    assert yaml.safe_load(as_yaml({"groups": [printable]})) == {"groups": [printable]}


def test_several_lines_are_written_as_a_block() -> None:
    """A query is read by people, too."""
    assert "expr: |-\n" in as_yaml({"expr": "a\nor\nb"})


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_all_that_we_bring(tmp_path: Path) -> None:
    """Every rule file of this repository, with every lint."""
    files, problems = load(Path(__file__).resolve().parents[3] / "alerts")
    assert not problems
    written = [path for path, _ in write(texts(groups(files, WRITER)), tmp_path)]

    rules = [str(path) for path in written if path.parent.name == "prometheus"]
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", *rules],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(rules) >= 10


def test_a_group_names_its_interval() -> None:
    """Another one than usual is kept."""
    assert Group(language="PromQL", name="g", rules=(), interval="2m").document() == {
        "name": "g",
        "interval": "2m",
        "rules": [],
    }
