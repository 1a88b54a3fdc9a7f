"""Alertmanager's webhook bodies, as it really posts them and as nobody should."""

from __future__ import annotations

import io
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from obskit.catalogue import CLUSTER_LABELS, SERVICE_LABELS
from obskit.cli.alerts_in import Alert, read_alert
from obskit.errors import UsageError
from obskit.model import stamp

BODIES = Path(__file__).resolve().parents[1] / "recordings" / "alertmanager"
NOW = datetime(2026, 11, 24, 18, 40, tzinfo=UTC)
BEGAN = datetime(2026, 11, 24, 18, 19, 52, tzinfo=UTC)


def recorded(name: str) -> dict[str, Any]:
    """Return a body that Alertmanager 0.25 posted."""
    body: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    return body


def read(tmp_path: Path, body: object) -> Alert:
    """Read a body (bytes as they are, all else as JSON) by way of a file."""
    path = tmp_path / "alert.json"
    path.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
    return read_alert(str(path), now=NOW)


def one(**changes: object) -> dict[str, Any]:
    """Return the recorded body of one alert, with some of the alert's fields changed; None removes one."""
    body = recorded("service_label")
    alert = {**body["alerts"][0], **changes}
    body["alerts"] = [{key: value for key, value in alert.items() if value is not None}]
    return body


def test_the_labels_name_the_service_and_startsat_the_time() -> None:
    """A body as it was posted says whom, since when and what."""
    alert = read_alert(str(BODIES / "service_label.json"), now=NOW)

    assert (alert.service, alert.cluster) == ("api", "")
    assert alert.started.replace(microsecond=0) == BEGAN
    assert [(e.kind, e.code, e.service, e.message) for e in alert.events] == [("alert", "Manual", "api", "by hand")]


def test_several_alerts_begin_with_the_first() -> None:
    """The earliest firing alert says when; each is an event."""
    alert = read_alert(str(BODIES / "two_firing.json"), now=NOW)

    assert alert.cluster == "anchor"
    assert alert.started == min(e.time for e in alert.events)
    assert len(alert.events) == 2
    assert {e.service for e in alert.events} == {"loki", "dead"}


def test_resolved_members_of_a_firing_group_do_not_count() -> None:
    """A group fires while any member does: the resolved one names neither service nor time."""
    alert = read_alert(str(BODIES / "one_resolved.json"), now=NOW)

    assert alert.service == "dead"
    assert [e.service for e in alert.events] == ["dead"]
    assert alert.started.replace(microsecond=0) == BEGAN


def test_a_notification_that_all_is_resolved_can_still_be_looked_into(tmp_path: Path) -> None:
    """With no member firing all of them count: somebody asks what it was."""
    body = recorded("one_resolved")
    for member in body["alerts"]:
        member["status"] = "resolved"

    alert = read(tmp_path, body)

    assert len(alert.events) == 2
    assert alert.started == BEGAN.replace(second=47, microsecond=286000)


def test_labels_that_name_no_service_leave_it_open() -> None:
    """The service is "", never a guess."""
    assert read_alert(str(BODIES / "no_service.json"), now=NOW).service == ""


def test_the_commonest_service_is_taken(tmp_path: Path) -> None:
    """Where alerts name several services, the one that most of them name."""
    body = recorded("service_label")
    body["alerts"] = [{**body["alerts"][0], "labels": {"service": name}} for name in ("web", "api", "api")]

    assert read(tmp_path, body).service == "api"


@pytest.mark.parametrize("label", SERVICE_LABELS)
def test_whatever_names_a_service_in_telemetry_names_it_in_an_alert(tmp_path: Path, label: str) -> None:
    """What triage understands in a series it understands in the alert about it."""
    assert read(tmp_path, one(labels={"alertname": "A", label: "api"})).service == "api"


@pytest.mark.parametrize("label", CLUSTER_LABELS)
def test_whatever_names_a_cluster_in_telemetry_names_it_in_an_alert(tmp_path: Path, label: str) -> None:
    """The same of clusters."""
    assert read(tmp_path, one(labels={"alertname": "A", label: "prod"})).cluster == "prod"


NAMING = ["service", "ecs_service", "service_name", "ecs_service_name", "app"]
ORDER = [*NAMING, "job", "container", "container_name"]


@given(st.lists(st.sampled_from(ORDER), min_size=1, unique=True))
def test_of_several_labels_the_one_that_says_service_wins_then_the_job_then_the_container(
    tmp_path_factory: pytest.TempPathFactory, present: list[str]
) -> None:
    """In one order, however they stand in the body: a job may be an exporter's, and a container is a part of a task."""
    labels = {label: f"by {label}" for label in present}

    alert = read(tmp_path_factory.getbasetemp(), one(labels=labels))

    assert alert.service == f"by {min(present, key=ORDER.index)}"


def test_an_empty_label_names_nobody(tmp_path: Path) -> None:
    """The next one is asked: an aggregation may have left it empty."""
    assert read(tmp_path, one(labels={"service": "", "app": "api"})).service == "api"


NAMED = st.lists(st.tuples(st.sampled_from(["", "api", "web", "db"]), st.integers(0, 3)), min_size=1, max_size=6)


@given(NAMED, st.randoms(use_true_random=False))
def test_the_order_of_alerts_decides_nothing(
    tmp_path_factory: pytest.TempPathFactory, named: list[tuple[str, int]], chance: random.Random
) -> None:
    """Most alerts decide, then the first that began, then the alphabet: the same notification, the same answer."""
    body = recorded("service_label")

    def service(found: list[tuple[str, int]]) -> str:
        body["alerts"] = [
            {"labels": {"service": name, "cluster": name}, "startsAt": (BEGAN + timedelta(seconds=at)).isoformat()}
            for name, at in found
        ]
        alert = read(tmp_path_factory.getbasetemp(), body)
        assert alert.service == alert.cluster
        return alert.service

    shuffled = [*named]
    chance.shuffle(shuffled)

    chosen = service(named)
    assert service(shuffled) == chosen
    names = [name for name, _ in named if name]
    assert names.count(chosen) == max(map(names.count, names), default=0)


BEARING = st.dictionaries(st.sampled_from(ORDER), st.sampled_from(["api", "web", "node-exporter"]), max_size=3)


@example([{"job": "node-exporter"}, {"job": "node-exporter"}, {"service": "shop"}])
@given(st.lists(BEARING, min_size=1, max_size=6))
def test_a_job_or_container_is_asked_only_where_no_alert_names_a_service(
    tmp_path_factory: pytest.TempPathFactory, members: list[dict[str, str]]
) -> None:
    """However many bear it: two alerts about a machine, by its exporter, do not outvote the one about the service."""
    body = recorded("service_label")
    body["alerts"] = [{**body["alerts"][0], "labels": labels} for labels in members]

    alert = read(tmp_path_factory.getbasetemp(), body)

    named = {labels[label] for labels in members for label in NAMING if label in labels}
    assert alert.service in (named or {name for labels in members for name in labels.values()} or {""})
    assert [event.service for event in alert.events] == [
        next((labels[label] for label in ORDER if label in labels), "") for labels in members
    ]


def test_among_as_many_the_first_that_began_is_taken(tmp_path: Path) -> None:
    """What broke first is nearer to the cause than what comes first in the alphabet."""
    body = recorded("service_label")
    body["alerts"] = [
        {"labels": {"service": name}, "startsAt": (BEGAN + timedelta(seconds=at)).isoformat()}
        for name, at in (("api", 9), ("web", 3), ("db", 6))
    ]

    assert read(tmp_path, body).service == "web"


def test_a_body_may_come_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` reads what curl pipes in."""
    raw = io.BytesIO((BODIES / "service_label.json").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))

    assert read_alert("-", now=NOW).service == "api"


@pytest.mark.parametrize("body", [b"", b"{", b"not json", b"\xff\xfe\x00", b"\x00", b"[" * 100_000, b"1" * 5000])
def test_what_is_not_json_is_refused(tmp_path: Path, body: bytes) -> None:
    """Whatever stops the parser, deep nesting included, is one error that says what was expected."""
    with pytest.raises(UsageError, match="not JSON") as refused:
        read(tmp_path, body)
    assert "`alerts`" in refused.value.hint


@pytest.mark.parametrize(
    "body",
    [
        [],
        7,
        "alerts",
        {},
        {"alerts": {}},
        {"alerts": ["InstanceDown"]},
        {"alerts": [{}]},
        {"alerts": [{"labels": ["service"]}]},
    ],
)
def test_json_that_is_not_alertmanagers_is_refused(tmp_path: Path, body: object) -> None:
    """Another program's JSON is told from Alertmanager's."""
    with pytest.raises(UsageError, match="not Alertmanager's"):
        read(tmp_path, body)


def test_a_notification_without_alerts_is_refused(tmp_path: Path) -> None:
    """An empty list names neither service nor time."""
    with pytest.raises(UsageError, match="holds no alert"):
        read(tmp_path, {"alerts": []})


def test_a_huge_body_is_refused_unparsed(tmp_path: Path) -> None:
    """More than 8 MiB is no notification."""
    with pytest.raises(UsageError, match="larger than 8 MiB"):
        read(tmp_path, b" " * (8 * 1024 * 1024 + 1))


def test_a_file_without_an_end_is_refused() -> None:
    """No more is read than shows that it is too large."""
    with pytest.raises(UsageError, match="larger than 8 MiB"):
        read_alert("/dev/zero", now=NOW)


@pytest.mark.parametrize("path", ["nowhere.json", "", ".", "a\x00b", "x" * 5000])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, a folder, a NUL, too long: the reader's mistake, not a bug."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="cannot be read"):
        read_alert(path, now=NOW)


@pytest.mark.parametrize("began", [None, 7, ["2026"], {}])
def test_an_alert_that_does_not_say_when_it_began_is_refused(tmp_path: Path, began: object) -> None:
    """Without startsAt there is no window to look at."""
    with pytest.raises(UsageError, match="startsAt"):
        read(tmp_path, one(startsAt=began))


@pytest.mark.parametrize("began", ["", "soon", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_start_that_cannot_be_is_refused(tmp_path: Path, began: str) -> None:
    """Go's zero time is what Alertmanager writes for "not set"."""
    with pytest.raises(UsageError):
        read(tmp_path, one(startsAt=began))


def test_an_alert_from_a_clock_that_is_ahead_began_now(tmp_path: Path) -> None:
    """A start a little in the future is no reason to look at nothing."""
    assert read(tmp_path, one(startsAt=(NOW + timedelta(minutes=3)).isoformat())).started == NOW


def test_an_alert_that_is_yet_to_begin_is_refused(tmp_path: Path) -> None:
    """No clock is so wrong; the last half hour would be called calm under an alert that is not about it."""
    with pytest.raises(UsageError, match="begins in the future") as refused:
        read(tmp_path, one(startsAt="2030-11-28T17:00:00Z"))
    assert refused.value.where == {"startsAt": "2030-11-28T17:00:00Z", "now": stamp(NOW)}
    assert refused.value.hint


def test_nanoseconds_are_read(tmp_path: Path) -> None:
    """Go writes as many digits as it has."""
    assert read(tmp_path, one(startsAt="2026-11-24T18:19:52.123456789Z")).started == BEGAN.replace(microsecond=123456)


@pytest.mark.parametrize("labels", [{}, {"alertname": 7, "service": ["api"]}, {"service": None, "app": {"a": {}}}])
def test_labels_that_are_no_texts_say_nothing(tmp_path: Path, labels: dict[str, object]) -> None:
    """A label of another type is passed over, not turned into words."""
    alert = read(tmp_path, one(labels=labels, annotations="none"))

    assert (alert.service, alert.events[0].code, alert.events[0].message) == ("", "alert", "")


def test_half_a_surrogate_pair_can_be_written(tmp_path: Path) -> None:
    """It is valid JSON; what comes out is valid UTF-8."""
    alert = read(tmp_path, one(labels={"service": "a\ud800"}, annotations={"summary": "\udfff!"}))

    assert (alert.service + alert.events[0].message).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.fixed_dictionaries(
    {"labels": st.dictionaries(st.sampled_from(["service", "cluster", "alertname", "job"]), JSON) | JSON},
    optional={"status": JSON, "startsAt": st.text() | st.just("2026-11-24T18:19:52Z"), "annotations": JSON},
)


@given(JSON | st.fixed_dictionaries({"alerts": st.lists(MEMBERS, max_size=3) | JSON}))
def test_any_json_is_an_alert_or_a_usage_error(tmp_path_factory: pytest.TempPathFactory, body: object) -> None:
    """Whatever is posted, nothing else is raised; what is read can be written."""
    try:
        alert = read(tmp_path_factory.getbasetemp(), body)
    except UsageError:
        return
    assert alert.started <= NOW
    assert alert.service.encode() is not None
