"""What may be said of a service of which little was seen: neither that it is calm, nor that a cause is not there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from obskit.catalogue import all_signals
from obskit.incident import causes as causes_package
from obskit.incident.causes import Cause, all_causes
from obskit.incident.investigate import walk
from obskit.model import Gap, Service
from tests.support.scenario import BEGIN, POINTS, STEP, WINDOW, Scenario

#: The first point of the scenario's window.
_FIRST = int((WINDOW.start - BEGIN).total_seconds()) // STEP
_COUNT = POINTS - _FIRST


def _only(case: Scenario, *signals: str) -> Scenario:
    """Leave series of these signals alone."""
    case.columns = {series: values for series, values in case.columns.items() if series.signal in signals}
    return case


def _blanked(case: Scenario, first: int, last: int) -> Scenario:
    """Take every series' samples from one point to before another, counted from the window's first."""
    for values in case.columns.values():
        values[max(0, _FIRST + first) : _FIRST + last] = np.nan
    return case


def _last_minute(case: Scenario) -> Scenario:
    """Leave what was seen in the window's last minute alone: the watching has just begun."""
    since = (WINDOW.end - timedelta(minutes=1) - BEGIN).total_seconds() * 1e9
    begin = min(row[0] for row in case.rows) if case.rows else 0
    case.rows = [row for row in case.rows if row[0] - begin >= since]
    return _blanked(case, -_FIRST, _COUNT - 4)


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        (Scenario, "calm"),
        (lambda: Scenario().without("logs"), "calm"),
        (lambda: _only(Scenario().without("logs"), "alb_requests"), "calm"),
        (lambda: _only(Scenario(), "container_cpu_cores"), "calm"),
        (lambda: _only(Scenario().without("logs"), "container_cpu_cores", "task_up"), "no_clear_cause"),
        (lambda: _last_minute(Scenario()), "no_clear_cause"),
        (lambda: _last_minute(Scenario().without("logs")), "no_clear_cause"),
    ],
    ids=[
        "all",
        "requests",
        "the balancer's requests",
        "lines",
        "what it runs on",
        "a minute",
        "a minute of requests",
    ],
)
def test_a_window_is_calm_where_users_requests_or_lines_were_seen_over_most_of_it(
    make: Callable[[], Scenario], verdict: str
) -> None:
    """That nothing changed where nobody looked is no good news; nor does it make anybody suspect."""
    diagnosis = make().diagnosis()

    assert diagnosis.verdict == verdict
    assert (diagnosis.hypotheses, diagnosis.suspects, diagnosis.culprit.service) == ((), (), "")
    assert ("too little" in diagnosis.summary) == (verdict == "no_clear_cause")


def test_a_cause_of_which_no_series_was_seen_is_not_cleared() -> None:
    """Metrics tell of a full pool by the pool's own series: where none is there, nobody looked for it."""
    case = _only(Scenario().without("logs", "events"), "http_requests", "http_error_ratio", "process_fds_ratio")
    diagnosis = case.diagnosis()
    reasons = dict(diagnosis.not_judged)

    assert diagnosis.verdict == "calm"
    assert reasons["db_pool_exhausted"] == "no series of it was seen, and nothing of logs"
    assert reasons["memory_leak"] == "no series of it was seen"
    assert reasons["bad_deployment"] == "nothing was seen of events or logs"
    titles = {cause.id: cause.title for cause in all_causes()}
    assert set(diagnosis.clean) == {titles[c] for c in ("file_descriptors_exhausted", "one_bad_task", "traffic_surge")}


def test_lines_clear_a_cause_that_has_no_series() -> None:
    """A driver writes that its pool is exhausted: who read the lines has looked for it."""
    diagnosis = _only(Scenario(), "http_requests").diagnosis()

    assert "the database connection pool is exhausted" in diagnosis.clean
    assert "db_pool_exhausted" not in dict(diagnosis.not_judged)


def test_a_minute_of_half_an_hour_clears_nothing() -> None:
    """What was not there in the last minute may have been there in the 29 before it."""
    diagnosis = _last_minute(Scenario().without("logs", "events")).diagnosis()

    assert diagnosis.clean == ()
    assert dict(diagnosis.not_judged)["memory_leak"] == "its series were seen over 3 % of the window"


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (-_FIRST, 60, "its series begin at 2026-01-31T03:25:00Z: 50 % of the window has no samples"),
        (60, _COUNT, "its series end at 2026-01-31T03:24:45Z: 51 % of the window has no samples"),
        (40, 80, "its series have no samples from 2026-01-31T03:19:45Z to 2026-01-31T03:30:00Z, 34 % of the window"),
        (0, _COUNT, "none of its series has a sample in the window; the last before it is of 2026-01-31T03:09:45Z"),
        (-_FIRST, _COUNT, "none of its series has a sample in the window"),
        (40, 48, ""),
        (0, 0, ""),
    ],
)
def test_a_stretch_without_samples_is_a_gap_that_says_when(first: int, last: int, told: str) -> None:
    """An empty stretch reads as a calm one otherwise; a short hole, as a restart leaves one, is not worth a word."""
    gaps = _blanked(Scenario(), first, last).diagnosis().gaps

    assert gaps == ((Gap(source="metrics", query="shop", reason=told, partial=True),) if told else ())


def test_coarse_series_have_no_holes_between_their_points() -> None:
    """CloudWatch has a point a minute: that nothing lies between two of them is how it measures."""
    case = _only(Scenario(), "alb_requests")
    for values in case.columns.values():
        values[np.arange(POINTS) % 16 != 0] = np.nan

    assert case.diagnosis().gaps == ()


def test_what_metrics_alone_speak_for_is_told_by_what_the_cause_says() -> None:
    """Of a cause that one series alone can make likely, that series has to be among those that clear it."""
    causes = {cause.id: cause for cause in all_causes()}
    text = " ".join(path.read_text() for path in Path(str(causes_package.__file__)).parent.glob("*.py"))
    service = Service(name="shop")
    silent: list[tuple[str, str]] = []
    for signal in (s for s in all_signals().values() if f'"{s.id}"' in text):  # others no cause asks about
        for ramp in (False, True)[: 2 if signal.unit in ("bytes", "ratio") else 1]:  # what fills, fills steadily
            case = Scenario().without("logs", "events")
            case.columns.clear()
            top = 0.99 if signal.unit == "ratio" else 50.0
            before, after = (top, 0.0) if signal.bad == "down" else (0.1, top)
            case.becomes(signal.id, after, before=before, ramp=ramp)
            judged = walk(case.telemetry, service=service, window=WINDOW).judgements
            silent += [
                (j.cause, signal.id)
                for j in judged.values()
                if j is not None and j.score > 0 and signal.id not in causes[j.cause].told_by
            ]

    assert silent == []


@pytest.mark.parametrize("cause", [c for c in all_causes() if "metrics" in c.needs or c.told_by], ids=lambda c: c.id)
def test_a_cause_that_metrics_can_tell_names_signals_that_triage_asks_for(cause: Cause) -> None:
    """Signals that nobody asks for would never clear it."""
    assert "metrics" in cause.needs
    assert cause.told_by
    assert [signal for signal in cause.told_by if not all_signals()[signal].weighed] == []
