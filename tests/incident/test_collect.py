"""All sources at once, under one deadline: shares, gaps, and one matrix in the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from obskit.errors import SettingsError, SourceError, UsageError
from obskit.incident.collect import collect, merge
from obskit.model import Event, Gap, Logs, Metrics, Series, Service, Telemetry, Window
from obskit.sources import Ask

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
ZERO = np.datetime64("2026-01-31T03:00:00", "ns")


def ask(seconds: float = 30.0) -> Ask:
    """Return a question whose deadline is so many seconds away."""
    return Ask(
        service=Service(name="shop"),
        window=Window(start=BEGIN, end=BEGIN + timedelta(minutes=30)),
        deadline=time.monotonic() + seconds,
    )


class Answering:
    """A source that does what the test says."""

    def __init__(self, name: str, work: Callable[[Ask], Telemetry]) -> None:
        self._name, self._work = name, work

    @property
    def name(self) -> str:
        """What it is called in gaps."""
        return self._name

    def answer(self, ask: Ask) -> Telemetry:
        """Answer, raise or hang."""
        return self._work(ask)


def giving(name: str, share: Telemetry) -> Answering:
    """Return a source that answers at once."""
    return Answering(name, lambda _: share)


def raising(name: str, error: BaseException) -> Answering:
    """Return a source that fails."""

    def fail(_: Ask) -> Telemetry:
        raise error

    return Answering(name, fail)


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """Yield an event that is set only when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def metrics(signal: str, step: int, values: Sequence[float], *, first: int = 0) -> Metrics:
    """Return one column, *step* seconds apart, *first* seconds after three o'clock."""
    times = ZERO + (np.arange(len(values)) * step + first).astype("timedelta64[s]")
    return Metrics(
        times=times.astype("datetime64[ns]"),
        values=np.array(values, float).reshape(-1, 1),
        series=(Series(signal=signal, unit="count"),),
    )


def column(merged: Metrics, signal: str) -> list[float]:
    """Return the values of a signal's only column."""
    (at,) = (n for n, series in enumerate(merged.series) if series.signal == signal)
    found: list[float] = merged.values[:, at].tolist()
    return found


def event(minute: int, message: str = "") -> Event:
    """Return an event, so many minutes after three."""
    return Event(time=BEGIN + timedelta(minutes=minute), kind="deployment", service="shop", message=message)


# ------------------------------------------------------------------------------- sources


def test_every_sources_share_is_in_the_answer() -> None:
    """Metrics, logs, events, gaps and facts of all sources come together."""
    gap = Gap(source="c", query="x", reason="y", partial=True)
    telemetry = collect(
        [
            giving("a", Telemetry(metrics=metrics("http_requests", 15, [1, 2]), facts={"a": "1"})),
            giving("b", Telemetry(logs=Logs.of([1], ["shop"], ["t"], ["info"], ["hello"]))),
            giving("c", Telemetry(events=(event(1),), gaps=(gap,), facts={"c": "2"})),
        ],
        ask(),
    )

    assert column(telemetry.metrics, "http_requests") == [1, 2]
    assert telemetry.logs.table.column("line").to_pylist() == ["hello"]
    assert telemetry.events == (event(1),)
    assert telemetry.gaps == (gap,)
    assert telemetry.facts == {"a": "1", "c": "2"}


def test_a_source_that_fails_is_a_gap_that_says_why() -> None:
    """What it said itself is kept; the others' answers stand."""
    telemetry = collect(
        [
            raising("prometheus", SourceError("Prometheus refused a query", where={"said": "503 overloaded"})),
            raising("loki", SourceError("Loki cannot be reached")),
            giving("ecs", Telemetry(events=(event(1),))),
        ],
        ask(),
    )

    assert telemetry.gaps == (
        Gap(source="prometheus", query="everything", reason="Prometheus refused a query: 503 overloaded"),
        Gap(source="loki", query="everything", reason="Loki cannot be reached"),
    )
    assert telemetry.events == (event(1),)


@pytest.mark.parametrize(
    "error", [UsageError("no such cluster"), SettingsError("no such token file"), ZeroDivisionError("a bug")]
)
def test_wrong_questions_and_bugs_are_raised(error: Exception) -> None:
    """Neither the user's mistake nor ours is hidden in a gap, whoever else answered."""
    with pytest.raises(type(error)) as raised:
        collect([giving("a", Telemetry()), raising("b", error), raising("c", SourceError("down"))], ask())
    assert raised.value is error


def test_a_source_that_hangs_is_a_gap(never: threading.Event) -> None:
    """Nobody is waited for long beyond the deadline; who has answered is heard."""

    def hang(_: Ask) -> Telemetry:
        never.wait()
        return Telemetry(events=(event(9),))

    telemetry = collect([Answering("slow", hang), giving("quick", Telemetry(events=(event(1),)))], ask(0.2))

    assert not never.is_set()
    assert telemetry.gaps == (Gap(source="slow", query="everything", reason="no answer before the deadline"),)
    assert telemetry.events == (event(1),)


def test_a_deadline_that_has_passed_still_ends(never: threading.Event) -> None:
    """A deadline in the past is no reason to wait forever, nor to fail."""

    def hang(_: Ask) -> Telemetry:
        never.wait()
        return Telemetry()

    assert [gap.source for gap in collect([Answering("slow", hang)], ask(-60)).gaps] == ["slow"]


def test_sources_are_asked_at_the_same_time() -> None:
    """Each of two sources answers only once the other has been asked."""
    both = threading.Barrier(2, timeout=20)

    def meet(_: Ask) -> Telemetry:
        both.wait()
        return Telemetry()

    assert collect([Answering("a", meet), Answering("b", meet)], ask()).gaps == ()


def test_two_sources_of_one_name_keep_their_own_answers() -> None:
    """Shares are kept by source, not by name."""
    shares = [giving("a", Telemetry(events=(event(n),))) for n in (1, 2)]

    assert collect(shares, ask()).events == (event(1), event(2))


def test_progress_hears_of_every_source_that_is_done() -> None:
    """Of failures too: they are no longer waited for."""
    heard: list[str] = []

    collect([giving("a", Telemetry()), raising("b", SourceError("down"))], ask(), progress=heard.append)

    assert sorted(heard) == ["a", "b"]


def test_progress_is_told_in_the_callers_thread(never: threading.Event) -> None:
    """A display is not drawn by several threads, nor by a late source after its end."""
    threads: list[threading.Thread] = []

    def hang(_: Ask) -> Telemetry:
        never.wait()
        return Telemetry()

    sources = [giving("a", Telemetry()), Answering("b", hang)]
    collect(sources, ask(0.2), progress=lambda _: threads.append(threading.current_thread()))

    assert threads == [threading.current_thread()]


def test_nobody_asked_is_nothing_seen() -> None:
    """No source, no answer: empty, not an error."""
    telemetry = collect([], ask())

    assert (len(telemetry.logs), telemetry.metrics.series, telemetry.gaps) == (0, (), ())


# --------------------------------------------------------------------------------- merge


def test_metrics_of_one_grid_stand_side_by_side() -> None:
    """Values keep their place."""
    merged = merge([Telemetry(metrics=metrics(s, 15, v)) for s, v in (("a", [1, 2, 3]), ("b", [4, np.nan, 6]))])

    assert column(merged.metrics, "a") == [1, 2, 3]
    np.testing.assert_array_equal(column(merged.metrics, "b"), [4, np.nan, 6])


def test_a_coarser_answer_is_held_until_its_next_point() -> None:
    """Each point of the fine grid takes the last coarse point, never a later one."""
    fine = metrics("fine", 15, range(9))
    coarse = metrics("coarse", 60, [10, 20, 30])

    merged = merge([Telemetry(metrics=coarse), Telemetry(metrics=fine)]).metrics

    np.testing.assert_array_equal(merged.times, fine.times)
    assert column(merged, "coarse") == [10, 10, 10, 10, 20, 20, 20, 20, 30]
    assert column(merged, "fine") == list(range(9))


def test_a_coarser_answer_is_held_for_one_and_a_half_steps_at_most() -> None:
    """Beyond that, and before its first point, there is no sample."""
    fine = metrics("fine", 15, range(17))
    coarse = metrics("coarse", 60, [10, 20], first=30)

    held = column(merge([Telemetry(metrics=fine), Telemetry(metrics=coarse)]).metrics, "coarse")

    # 20 was seen at 90 s; 90 s later it is still held, 105 s later it is not
    np.testing.assert_array_equal(held, [np.nan] * 2 + [10] * 4 + [20] * 7 + [np.nan] * 4)


def test_a_missing_sample_of_a_coarser_answer_stays_missing() -> None:
    """What was not seen is not filled from before."""
    coarse = metrics("coarse", 30, [1, np.nan, 3])

    held = column(merge([Telemetry(metrics=coarse), Telemetry(metrics=metrics("f", 15, range(6)))]).metrics, "coarse")

    np.testing.assert_array_equal(held, [1, 1, np.nan, np.nan, 3, 3])


def test_an_answer_of_a_short_stretch_does_not_shorten_the_others() -> None:
    """The grid with the most points is kept: a source that was cut off takes nothing from the baseline."""
    whole, cut = metrics("whole", 15, range(20)), metrics("cut", 5, range(3), first=60)

    merged = merge([Telemetry(metrics=cut), Telemetry(metrics=whole)]).metrics

    assert column(merged, "whole") == list(range(20))
    np.testing.assert_array_equal(column(merged, "cut"), [np.nan] * 4 + [0, 2] + [np.nan] * 14)


def test_a_single_point_is_held_for_a_minute_and_a_half() -> None:
    """One point has no step of its own: a minute is taken."""
    once = metrics("once", 1, [7])

    held = column(merge([Telemetry(metrics=once), Telemetry(metrics=metrics("f", 30, range(5)))]).metrics, "once")

    np.testing.assert_array_equal(held, [7, 7, 7, 7, np.nan])


def test_logs_are_merged_in_the_order_of_time_and_ties_keep_their_order() -> None:
    """Lines of several sources make one stream; their weights stay with them."""
    first = Logs.of([10, 30, 50], ["a"] * 3, [""] * 3, [""] * 3, ["a10", "a30", "a50"], weight=[1.0, 2.0, 3.0])
    second = Logs.of([20, 30, 40], ["b"] * 3, [""] * 3, [""] * 3, ["b20", "b30", "b40"])

    table = merge([Telemetry(logs=first), Telemetry(), Telemetry(logs=second)]).logs.table

    assert table.column("line").to_pylist() == ["a10", "b20", "a30", "b30", "b40", "a50"]
    assert table.column("weight").to_pylist() == [1, 1, 2, 1, 1, 3]


def test_an_event_that_two_sources_tell_is_one() -> None:
    """Equal events are one, and all stand in the order of time, whoever told them."""
    shares = [Telemetry(events=(event(3), event(1, "deployed"))), Telemetry(events=(event(1, "deployed"), event(2)))]

    expected = (event(1, "deployed"), event(2), event(3))
    assert merge(shares).events == expected
    assert merge(shares[::-1]).events == expected


def test_later_facts_replace_earlier_ones() -> None:
    """A fact that two sources know is taken from the last."""
    shares = [Telemetry(facts={"step_seconds": "60", "a": "1"}), Telemetry(facts={"step_seconds": "15"})]

    assert merge(shares).facts == {"step_seconds": "15", "a": "1"}
