"""Exported events are read from any form that people export them in; what is none is said."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obskit.errors import UsageError
from obskit.model import Service, Window
from obskit.sources import Ask
from obskit.sources.events_file import MAX_BYTES, EventsFileSource, read_events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def message(minute: int = 0) -> dict[str, Any]:
    """Return a service event."""
    text = "(service demo-app) has reached a steady state."
    return {"id": f"event {minute}", "createdAt": NOON.replace(minute=minute).isoformat(), "message": text}


def stop(name: str = "demo-app", *, cluster: str = "obs") -> dict[str, Any]:
    """Return an EventBridge event of a stopped task."""
    return {
        "id": name,
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "time": "2026-03-01T12:10:00Z",
        "detail": {
            "taskArn": f"arn:aws:ecs:eu-west-1:1:task/{cluster}/{name}0123456789abcdef",
            "clusterArn": f"arn:aws:ecs:eu-west-1:1:cluster/{cluster}",
            "group": f"service:{name}",
            "lastStatus": "STOPPED",
            "stoppedAt": "2026-03-01T12:10:00Z",
            "containers": [],
        },
    }


BOTH = ["service_message", "task_stopped"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([message(), stop()]),
        json.dumps([message(), stop()], indent=2),
        "\n".join(json.dumps(row) for row in (message(), stop())),
        "\n\n" + json.dumps(stop()) + "\r\n\r\n" + json.dumps(message()) + "\n",
        "\ufeff" + json.dumps([message(), stop()]),
        json.dumps({"events": [message(), stop()]}),
        json.dumps({"Messages": [{"Body": json.dumps(stop())}, message()]}),
        json.dumps({"services": [{"serviceName": "demo-app", "events": [message()]}], "tasks": [stop()["detail"]]}),
        json.dumps(
            [{"source": "aws.ec2", "detail-type": "EC2 Instance State-change", "detail": {}}, message(), stop()]
        ),
    ],
    ids=["array", "pretty", "lines", "blank lines", "BOM", "events", "SQS", "AWS answers", "other sources"],
)
def test_every_form_of_an_export_is_read(tmp_path: Path, text: str) -> None:
    """EventBridge events and service events may be mixed, in an array, a line each, or as AWS answers."""
    path = tmp_path / "events.json"
    path.write_text(text, encoding="utf-8")

    assert [e.kind for e in read_events(path)] == BOTH
    assert [e.kind for e in read_events(io.StringIO(text))] == BOTH


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    """Exports are often compressed; the name does not matter."""
    path = tmp_path / "events"
    path.write_bytes(gzip.compress(json.dumps([message(), stop()]).encode()))

    assert [e.kind for e in read_events(path)] == BOTH


def test_an_array_without_events_is_fine(tmp_path: Path) -> None:
    """Nothing happened: that is an answer."""
    path = tmp_path / "events.json"
    path.write_text("[]", encoding="utf-8")

    assert read_events(path) == ()


def test_deployments_of_describe_services_are_read(tmp_path: Path) -> None:
    """They stand beside the events in the same answer."""
    deployment = {"id": "ecs-svc/7", "createdAt": NOON.isoformat(), "rolloutState": "IN_PROGRESS"}
    path = tmp_path / "services.json"
    path.write_text(
        json.dumps({"services": [{"serviceName": "a", "clusterArn": "x:cluster/obs", "deployments": [deployment]}]}),
        encoding="utf-8",
    )
    (event,) = read_events(path)

    assert (event.kind, event.service, event.detail("cluster")) == ("deployment", "a", "obs")


@pytest.mark.parametrize(
    ("data", "what", "place"),
    [
        (b"", "is empty", ""),
        (b"  \n ", "is empty", ""),
        (b"hello", "is not JSON", "line 1, column 1"),
        (b"[1,\n2,,3]", "is not JSON", "line 2, column 3"),
        (json.dumps(message()).encode() + b"\n{broken\n", "is not JSON", "line 2, column 2"),
        (b"[1]", "holds a number where an object belongs", "item 1 of the array"),
        (b'"x"', "holds a text where an object belongs", "line 1"),
        (b"null", "holds null where an object belongs", "line 1"),
        (b"[[]]", "holds an array where an object belongs", "item 1 of the array"),
        (b'[{"a": 1}]', "holds an object of another kind", "item 1 of the array"),
        (
            b'[{"createdAt": "never", "message": "x"}]',
            "holds a service event without a time or text",
            "item 1 of the array",
        ),
        (b'{"events": [{"b": 2}]}', "holds an object of another kind", "line 1, events[1]"),
        (b"\n\xff\xfe\x00", "is not text", "line 2, byte 1"),
        (b"[]\0", "is not text", "byte 2"),
        (b"\x1f\x8b\x00broken", "is a damaged gzip file", ""),
        (gzip.compress(b"[" + b" " * 5000 + b"]", mtime=0)[:-12], "is a damaged gzip file", ""),
    ],
)
def test_what_is_no_export_is_said_with_its_place(tmp_path: Path, data: bytes, what: str, place: str) -> None:
    """The error names the file, the line and what was expected; never a traceback."""
    path = tmp_path / "events.json"
    path.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        read_events(path)

    assert caught.value.what == f"the events file {what}"
    assert caught.value.where.get("at", "") == place
    assert caught.value.where["file"] == str(path)


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    """What cannot be opened is the user's to correct."""
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_events(path)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_huge_file_is_refused(tmp_path: Path, compress: Any) -> None:
    """Neither its size nor what it unpacks to may run away."""
    path = tmp_path / "events.json"
    path.write_bytes(compress(b"[" + b" " * MAX_BYTES + b"]"))

    with pytest.raises(UsageError, match="larger than 64 MiB"):
        read_events(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    """Hostile files end in a UsageError at worst."""
    path = tmp_path / "events.json"
    path.write_bytes(data)
    try:
        events = read_events(path)
    except UsageError:
        return

    assert isinstance(events, tuple)


def ask(*, cluster: str = "") -> Ask:
    """Return an ask for demo-app around noon."""
    window = Window(start=NOON, end=NOON + timedelta(minutes=30))
    return Ask(service=Service(name="demo-app", cluster=cluster), window=window, deadline=0.0)


def test_the_source_keeps_the_window_and_the_neighbours(tmp_path: Path) -> None:
    """A neighbour's crash may be the cause, so it stays; what lies outside the window does not."""
    path = tmp_path / "events.json"
    path.write_text(json.dumps([message(0), message(45), stop(), stop("auth")]), encoding="utf-8")
    source = EventsFileSource([path])
    answer = source.answer(ask())

    assert source.name == "events file"
    assert [(e.kind, e.service) for e in answer.events] == [
        ("service_message", "demo-app"),
        ("task_stopped", "auth"),
        ("task_stopped", "demo-app"),
    ]
    assert answer.gaps == ()


def test_the_source_leaves_other_clusters_out_when_one_is_said(tmp_path: Path) -> None:
    """The same service runs in several clusters; events that name no cluster stay."""
    path = tmp_path / "events.json"
    path.write_text(json.dumps([message(), stop(), stop("auth", cluster="staging")]), encoding="utf-8")

    assert [e.service for e in EventsFileSource([path]).answer(ask(cluster="obs")).events] == ["demo-app", "demo-app"]


def test_several_files_are_told_once(tmp_path: Path) -> None:
    """The same event in two exports is one event; standard input is read once and kept."""
    path = tmp_path / "events.json"
    path.write_text(json.dumps([stop()]), encoding="utf-8")
    source = EventsFileSource([path, io.StringIO(json.dumps([stop()]))])

    assert len(source.answer(ask()).events) == 1
    assert len(source.answer(ask()).events) == 1
