"""Objectives on a recording: the rules' own numbers, when they fire, and what another promise changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import obskit
from obskit.analysis.objectives import alerts, burn_rates, losses, rates, stretched, what_if
from obskit.ascode.alerts import Slo
from obskit.ascode.alerts.slo_rules import BURNS, WINDOWS
from obskit.errors import UsageError
from obskit.incident.losses import Loss
from obskit.model import Metrics, Series, Service, Telemetry, Window

SLO = Slo(name="availability", objective="99.9", failures="slo_failures", requests="slo_requests")
START = pd.Timestamp("2026-01-31T03:00Z")
SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"


def traffic(*stretches: tuple[float, float, float]) -> pd.DataFrame:
    """Return rates every ten seconds: ``(minutes, requests a second, share that fails)`` each."""
    parts = [np.tile([requests, requests * share], (round(m * 6), 1)) for m, requests, share in stretches]
    values = np.concatenate(parts)
    index = pd.date_range(START, periods=len(values), freq="10s", name="time")
    return pd.DataFrame(values, index=index, columns=["requests", "failures"])


def after_onset(frame: pd.DataFrame, slo: Slo, minutes: float) -> list[float]:
    """Return after how many minutes from the onset each way of the two alerts fires; NaN for never."""
    fires = alerts(frame, slo)["fires"]
    return ((fires - START - pd.Timedelta(minutes, "min")).dt.total_seconds() / 60).tolist()


def test_a_service_that_is_down_pages_when_the_rules_say_so() -> None:
    """Two percent of the budget in an hour, with rates of five minutes, is failed after 176 seconds.

    After d seconds of failing the five-minute rate stands at d / 300, and has summed up to d * d / 600 seconds of
    failing; 0.0144 of an hour are 51.84. The next evaluation is after 180.
    """
    frame = stretched(traffic((10, 100, 0.0), (10, 100, 1.0)), START + timedelta(minutes=10))

    assert after_onset(frame, SLO, 10)[0] == pytest.approx(3.0, abs=0.51)


BUSY = (20, 20_000, 0.0)


@pytest.mark.parametrize(
    ("stretches", "severity", "fires"),
    [
        ([BUSY, (55, 100, 0.0), (12, 100, 0.1)], "page", True),
        ([BUSY, (57, 100, 0.0), (10, 100, 0.1)], "page", False),
        ([(40, 100, 0.0065)], "page", True),
        ([(40, 100, 0.0055)], "page", False),
        ([(15, 100, 1.0)], "page", True),
        ([(60, 1000, 0.0), (30, 0.5, 0.1)], "page", False),
        ([(60, 100, 0.0012)], "ticket", True),
        ([(60, 100, 0.0009)], "ticket", False),
        ([(20, 1000, 0.018), (240, 100, 0.0), (130, 1, 0.0036)], "ticket", True),
    ],
)
def test_it_says_what_promtool_says_of_the_rules(
    stretches: list[tuple[float, float, float]], severity: str, fires: bool
) -> None:
    """The cases of ``alerts/tests/slo.tests.py``, which promtool runs on the rules that are built."""
    frame = stretched(traffic(*stretches), START + timedelta(minutes=1), before="0s")
    found = alerts(frame, SLO)

    assert found[found["severity"] == severity]["fires"].notna().any() == fires


def test_what_fails_evenly_burns_at_its_share_over_the_budget() -> None:
    """In every window alike, whatever the traffic is."""
    frame = stretched(traffic((20, 100, 0.002), (20, 3, 0.002)), START + timedelta(minutes=20))
    burning = burn_rates(frame, SLO)

    assert list(burning) == list(WINDOWS)
    assert burning.to_numpy() == pytest.approx(2.0)


def test_every_request_counts_once() -> None:
    """A quiet night's failures weigh as many requests as they are, not as many minutes."""
    frame = traffic((60, 1, 0.5), (60, 99, 0.0))
    last = burn_rates(stretched(frame, START + timedelta(minutes=1), before="0s"), SLO).iloc[-1]

    assert last["2h"] == pytest.approx(0.5 * 1 / 100 / 0.001, rel=0.1)  # rates of five minutes come late


def test_four_failures_wake_nobody() -> None:
    """Where traffic is low one failure is a large share: the rules ask for five."""
    for failed, pages in ((4, False), (6, True)):
        frame = traffic((60, 0.05, 0.0), (5, 0.05, failed / 15), (20, 0.05, 0.0))
        seen = stretched(frame, START + timedelta(minutes=60))
        found, asking_for_one = (alerts(seen, slo) for slo in (SLO, replace(SLO, least_failures=1)))

        assert (frame["failures"] * 10).sum() == pytest.approx(failed)
        assert found.loc[found["severity"] == "page", "fires"].notna().any() == pages
        assert asking_for_one.loc[found["severity"] == "page", "fires"].notna().any()


def test_the_alerts_are_those_of_the_rules() -> None:
    """Windows, shares and factors have one home."""
    found = alerts(stretched(traffic((10, 100, 0.0)), START + timedelta(minutes=5)), SLO)

    assert [(r.severity, r.long, r.short) for r in found.itertuples()] == [(b.severity, b.long, b.short) for b in BURNS]
    assert found["factor"].tolist() == [14.4, 6.0, 3.0, 1.0]
    assert found["fires"].isna().all()


def test_a_low_promise_has_alerts_that_cannot_come() -> None:
    """With ten percent allowed even a service that is down burns ten times as fast at most."""
    frame = stretched(traffic((10, 100, 0.0), (10, 100, 1.0)), START + timedelta(minutes=10), after="6h")
    found = alerts(frame, replace(SLO, objective="90"))

    assert found["possible"].tolist() == [False, True, True, True]
    assert found["fires"].notna().tolist()[:2] == [False, True]


def test_trouble_that_goes_on_is_told_apart_from_what_was_seen() -> None:
    """Nothing that was seen changes; before it is calm, after it goes on as it ended."""
    seen = traffic((10, 100, 0.0), (10, 50, 0.4))
    frame = stretched(seen, START + timedelta(minutes=10), before="1h", after="30m")

    assert frame.index[0] == START - pd.Timedelta("1h")
    assert frame.loc[:START, ["requests", "failures"]].iloc[0].tolist() == [100.0, 0.0]
    assert frame.iloc[-1].tolist() == pytest.approx([50.0, 20.0])
    assert frame.index[-1] - seen.index[-1] >= pd.Timedelta("30min")
    assert frame.index.is_monotonic_increasing
    assert not frame.index.has_duplicates


def test_stricter_promises_page_sooner_and_cost_more() -> None:
    """One incident, five promises."""
    began = START + timedelta(minutes=10)
    frame = stretched(traffic((10, 100, 0.0), (10, 100, 0.3)), began, after="6h")
    loss = Loss(requests=60_000, known=60_000, failed=18_000, seconds=600, measured=600)
    found = what_if(frame, SLO, ("99", "99.5", "99.9", "99.95", "99.99"), loss=loss, since=began)

    assert found["page_after"].is_monotonic_decreasing
    assert found["spent"].is_monotonic_increasing
    assert found.loc["99.9", "spent"] == pytest.approx(0.3 / 0.001 * 600 / (30 * 86_400))
    assert (found["spent"] * found["affords"]).to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("failed", "known", "affords"), [(0.0, 600.0, np.inf), (0.0, 0.0, np.nan), (6.0, 600.0, 4320 / 10)]
)
def test_of_what_is_not_known_nothing_is_afforded(failed: float, known: float, affords: float) -> None:
    """Without requests nothing is known; without failures there may be any number of such incidents."""
    loss = Loss(requests=600, known=known, failed=failed, seconds=600, measured=600)
    frame = stretched(traffic((10, 1, 0.0), (10, 1, 0.0)), START + timedelta(minutes=10))
    found = what_if(frame, SLO, "99.9", loss=loss, since=START + timedelta(minutes=10))

    assert found.index.tolist() == ["99.9"]
    np.testing.assert_allclose(found["affords"], [affords])


def test_the_service_and_its_balancer_each_count() -> None:
    """What was killed takes its counters with it: the balancer knows better."""
    incident = obskit.open_bundle(SCENARIOS / "memory_exhausted_b" / "incident.obskit")
    own, balancer = losses(incident), losses(incident, "balancer")

    assert own is not None
    assert balancer is not None
    assert own.failed < balancer.failed / 10
    for frame in (rates(incident), rates(incident, "balancer")):
        assert (frame["failures"] <= frame["requests"] + 1e-9).all()
        assert not frame.isna().to_numpy().any()


def test_the_signals_of_objectives_are_taken_where_they_were_asked() -> None:
    """They say what the rules count."""
    times = pd.date_range(START, periods=4, freq="15s").tz_localize(None).to_numpy()
    values = np.array([[5.0, 1.0], [5.0, 1.0], [np.nan, 1.0], [5.0, np.nan]])
    series = tuple(Series(signal=s, unit="per_second", service="shop") for s in ("slo_requests", "slo_failures"))
    begin = datetime(2026, 1, 31, 3, tzinfo=UTC)
    incident = obskit.Incident(
        service=Service(name="shop"),
        window=Window(start=begin, end=begin + timedelta(minutes=1)),
        telemetry=Telemetry(metrics=Metrics(times=times, values=values, series=series)),
    )

    assert rates(incident).to_numpy().tolist() == [[5.0, 1.0], [5.0, 1.0]]
    with pytest.raises(UsageError, match="nobody was asked"):
        rates(incident, "balancer")


def test_what_cannot_be_assumed_is_refused_in_words() -> None:
    """Calm needs a calm stretch, and trouble one of trouble."""
    frame = traffic((10, 100, 0.0))

    with pytest.raises(UsageError, match="seen before"):
        stretched(frame, START)
    with pytest.raises(UsageError, match="seen after"):
        stretched(frame, START + timedelta(hours=1), after="5m")


def test_what_is_handed_over_is_read_as_everywhere() -> None:
    """Times as texts count from the frame's end; no onset, no loss and nobody's count are refused in words."""
    frame = traffic((10, 100, 0.0), (10, 100, 0.5))
    ten_past = START + timedelta(minutes=10)
    loss = Loss(requests=600, known=600, failed=6, seconds=600, measured=600)
    bad: tuple[Any, ...] = (None, "garbage", ten_past.tz_localize(None))

    pd.testing.assert_frame_equal(stretched(frame, "03:10"), stretched(frame, ten_past))
    for when in bad:
        with pytest.raises(UsageError, match=r"time|zone"):
            stretched(frame, when)
        with pytest.raises(UsageError, match=r"time|zone"):
            what_if(frame, SLO, ["99.9"], loss=loss, since=when)
    with pytest.raises(UsageError, match="is no duration"):
        stretched(frame, ten_past, before=3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="nothing is known of what was lost"):
        what_if(frame, SLO, ["99.9"], loss=None, since=ten_past)
    with pytest.raises(UsageError, match="no objective"):
        what_if(frame, SLO, [], loss=loss, since=ten_past)


@pytest.mark.parametrize("ask", [rates, losses])
def test_only_the_service_and_its_balancer_can_count(ask: Any) -> None:
    """Whoever else is named is told these two, and gets nobody's numbers."""
    with pytest.raises(UsageError, match="'client'") as wrong:
        ask(obskit.demo(), "client")
    assert "service, balancer" in wrong.value.hint
