"""A replay says when rules would have fired: against Prometheus' own rules, and on cases that can be counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.alerts.build import Group
from obskit.ascode.alerts.replay import Firing, Mask, Replayed, document, firing, replay, text
from obskit.errors import SourceError
from obskit.settings import Connection
from tests.standins import faulty
from tests.support.servers import PrometheusServer

STEP = 30.0
#: When the recorded hour begins.
BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)


def column(*said: int) -> Mask:
    """Return one alert's condition at each evaluation."""
    return np.array(said, dtype=bool)[:, np.newaxis]


def slowly(present: list[bool], hold: float, keep: float) -> list[bool]:
    """Return when an alert fires as Prometheus steps through it: one evaluation after the other."""
    active: float | None = None
    kept: float | None = None
    is_firing, found = False, []
    for at, holds in enumerate(present):
        now = at * STEP
        if holds:
            active = now if active is None else active
            kept = None
            is_firing = is_firing or now - active >= hold
        else:
            kept = now if kept is None else kept
            if not (is_firing and keep and now - kept < keep):
                active, is_firing = None, False
        found.append(is_firing)
    return found


@given(
    st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=1, max_size=4),
    st.sampled_from([0.0, 30.0, 45.0, 90.0]),
    st.sampled_from([0.0, 30.0, 60.0, 100.0]),
)
def test_the_matrix_says_what_stepping_through_says(columns: list[list[bool]], hold: float, keep: float) -> None:
    """Whole columns at once are the same as Prometheus' states one after the other."""
    found = firing(np.array(columns, dtype=bool).T, step=STEP, hold=hold, keep=keep)

    assert found.T.tolist() == [slowly(one, hold, keep) for one in columns]


def test_an_alert_fires_after_its_holding_time_and_stops_with_its_condition() -> None:
    """Two evaluations of 30 s are a minute; one gap begins it anew."""
    said = column(0, 1, 1, 1, 1, 0, 1, 1, 0, 0)

    assert firing(said, step=STEP, hold=60).ravel().astype(int).tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def test_a_kept_alert_bridges_a_gap_that_is_shorter() -> None:
    """It does not hold anew when the condition comes back within the keeping time."""
    said = column(1, 1, 0, 1, 0, 0, 0, 0)

    assert firing(said, step=STEP, hold=30, keep=60).ravel().astype(int).tolist() == [0, 1, 1, 1, 1, 1, 0, 0]


def test_nothing_answered_is_nothing_fired() -> None:
    """No series, or no evaluation."""
    assert firing(np.zeros((5, 0), dtype=bool), step=STEP, hold=0).shape == (5, 0)
    assert firing(np.zeros((0, 3), dtype=bool), step=STEP, hold=0).shape == (0, 3)


# --------------------------------------------------------------------------------- with a real Prometheus


def rule(name: str, expr: str, hold: str = "1m", **more: object) -> dict[str, object]:
    """Return an alert's document."""
    return {"alert": name, "expr": expr, "for": hold, "labels": {"severity": "page"}, "annotations": {}, **more}


def group(*rules: dict[str, object], language: str = "PromQL", interval: str = "30s") -> Group:
    """Return a rule group."""
    return Group(language=language, name="g", rules=rules, interval=interval)


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Connection]:
    """Return a server that holds an hour of two services: one is bad from 03:10 to 03:20, and from 03:40 to 03:41."""
    start = round(BEGIN.timestamp() * 1000)

    def level(second: int) -> float:
        return 9.0 if 600 <= second < 1200 or 2400 <= second < 2460 else 1.0

    with PrometheusServer() as server:
        seconds = range(0, 3600, 15)
        server.write(
            [
                ({"__name__": "level", "service": "shop"}, [(start + s * 1000, level(s)) for s in seconds]),
                ({"__name__": "level", "service": "orders"}, [(start + s * 1000, 1.0) for s in seconds]),
            ]
        )
        yield Connection(url=server.url, timeout_seconds=10)


def replayed(prometheus: Connection, *groups: Group) -> tuple[Replayed, ...]:
    """Replay the recorded hour."""
    return replay(groups, prometheus, BEGIN, BEGIN + timedelta(hours=1))


def test_a_recorded_incident_is_replayed(prometheus: Connection) -> None:
    """Since when, until when, of whom; the minute that is over before the holding time does not fire."""
    (found,) = replayed(prometheus, group(rule("High", "level > 5", "2m")))

    at = BEGIN + timedelta(minutes=12), BEGIN + timedelta(minutes=20)
    assert found.firings == (Firing(labels=(("service", "shop"),), start=at[0], end=at[1]),)
    assert found.seconds == 480
    assert (found.alert, found.severity, found.unasked) == ("High", "page", "")


def test_without_a_holding_time_each_time_counts(prometheus: Connection) -> None:
    """And the text tells how often, how long, and of whom."""
    found = replayed(prometheus, group(rule("High", "level > 5", "0s"), rule("Never", "level > 50")))

    assert [len(one.firings) for one in found] == [2, 0]
    assert text(found).splitlines() == [
        "High (page): 2 times, 11m in all",
        "  2026-01-31T03:10:00Z       10m  service=shop",
        "  2026-01-31T03:40:00Z        1m  service=shop",
        "1 alert would have fired, 1 stayed quiet",
    ]
    assert [one["count"] for one in document(found)] == [2, 0]
    assert document(found)[0]["firings"][1]["seconds"] == 60


def test_what_still_fires_at_the_end_ends_there(prometheus: Connection) -> None:
    """Nobody knows what comes after it."""
    (found,) = replayed(prometheus, group(rule("Low", "sum(level) < 5")))

    assert found.firings[-1].end == BEGIN + timedelta(hours=1)
    assert found.firings[-1].labels == ()


def test_more_points_than_a_query_may_have_are_asked_for_in_pieces(prometheus: Connection) -> None:
    """A week by half minutes is two of them; the pieces are one matrix."""
    end = BEGIN + timedelta(hours=1)
    whole = group(rule("High", "level > 5", "0s"), interval="30s")

    (found,) = replay((whole,), prometheus, end - timedelta(days=7), end)

    assert [round(one.seconds) for one in found.firings] == [600, 60]


def test_what_cannot_be_replayed_says_why(prometheus: Connection) -> None:
    """Loki's rules, what the server refuses, and what reads a recording that was not recorded."""
    recording: dict[str, object] = {"record": "a:b:c", "expr": "level"}
    found = replayed(
        prometheus,
        group(rule("Logs", 'rate({a="b"}[5m]) > 1'), language="LogQL"),
        group(recording, rule("Reads", "a:b:c > 1"), rule("Wrong", "level >")),
    )

    assert [one.alert for one in found] == ["Logs", "Reads", "Wrong"]
    assert found[0].unasked == "it is evaluated by Loki"
    assert found[1].unasked == "a:b:c was not recorded in this time"
    assert "parse error" in found[2].unasked
    assert text(found).count("not replayed: ") == 3


def test_a_server_that_does_not_answer_is_an_error() -> None:
    """Nothing fired is another answer."""
    with faulty.refuse() as url, pytest.raises(SourceError):
        replay((group(rule("High", "level > 5")),), Connection(url=url), BEGIN, BEGIN + timedelta(hours=1))


def test_firings_at_the_same_time_are_counted_once() -> None:
    """Two services that are bad at once are one bad time."""

    def fired(start: int, end: int) -> Firing:
        return Firing(labels=(), start=BEGIN + timedelta(seconds=start), end=BEGIN + timedelta(seconds=end))

    one = Replayed(alert="A", severity="page", firings=(fired(0, 60), fired(30, 90), fired(200, 230)))

    assert one.seconds == 120
