"""Tests of the objectives' alerts.

Shares are small numbers over long windows: each test says how the requests of one service ran,
stretch by stretch. A window that reaches back before the first stretch holds what there is.
A stretch of d minutes adds its share for d - 2.5 minutes to a window: rates are of five.
"""

from collections.abc import Iterable

from obskit.ascode.alerts import fires, quiet
from obskit.ascode.alerts.cases import INTERVAL_SECONDS
from obskit.ascode.alerts.rule import number

Series = dict[str, str]
#: Minutes, requests a second, the share of them that fails.
Stretch = tuple[float, float, float]

FAST, SLOWLY = "SloBudgetBurnsFast", "SloBudgetBurnsSlowly"
PAGE = {"service": "shop", "severity": "page", "slo": "availability"}
TICKET = {"service": "shop", "severity": "ticket", "slo": "availability"}


def counter(*stretches: tuple[float, float]) -> str:
    """Return a counter that grows by so much a second for so many minutes each, in promtool's notation."""
    value, parts = 0.0, []
    for minutes, per_second in stretches:
        step, count = per_second * INTERVAL_SECONDS, round(minutes * 60 / INTERVAL_SECONDS)
        parts.append(f"{number(round(value + step, 9))}+{number(round(step, 9))}x{count - 1}")
        value += step * count
    return " ".join(["0", *parts])


def steps(minutes: float, *at: float) -> str:
    """Return a counter that is 1 larger after each of these minutes, in promtool's notation."""
    marks = {round(minute * 60 / INTERVAL_SECONDS) for minute in at}
    values, value = [], 0
    for sample in range(round(minutes * 60 / INTERVAL_SECONDS) + 1):
        value += sample in marks
        values.append(str(value))
    return " ".join(values)


def shop(*stretches: Stretch, path: str = "/", task: str = "a") -> Series:
    """Return the requests of a service: ``(minutes, per second, share that fails)`` each."""
    head = f'http_requests_total{{service="shop",task_id="{task}",path="{path}"'
    return {
        f'{head},status="200"}}': counter(*((m, rate * (1 - share)) for m, rate, share in stretches)),
        f'{head},status="500"}}': counter(*((m, rate * share) for m, rate, share in stretches)),
    }


def rare(minutes: float, good: Iterable[float], bad: Iterable[float]) -> Series:
    """Return single requests of a service, by the minutes at which they came."""
    head = 'http_requests_total{service="shop",task_id="a",path="/"'
    return {f'{head},status="200"}}': steps(minutes, *good), f'{head},status="500"}}': steps(minutes, *bad)}


def timed(share: float, bound: str = "1.0") -> Series:
    """Return the requests of an hour, a share of which takes longer than a bound."""
    name = "http_request_duration_seconds"
    return {
        f'{name}_count{{service="shop",path="/",status="200"}}': counter((60, 100)),
        f'{name}_bucket{{service="shop",path="/",status="200",le="{bound}"}}': counter((60, 100 * (1 - share))),
        f'{name}_bucket{{service="shop",path="/",status="200",le="+Inf"}}': counter((60, 100)),
    }


#: So many healthy requests before, that the longest windows hardly see what comes then.
BUSY = (20, 20_000, 0)
RESTARTED = 'http_requests_total{service="shop",task_id="a",path="/",status="500"}'

TESTS = (
    # 14.4 times over an hour is 0.864 requests of all in a minute: ten in a hundred for 8.64 minutes.
    fires(
        FAST,
        shop(BUSY, (55, 100, 0), (12, 100, 0.1)),
        at="87m",
        labels=PAGE,
        why="fires when a tenth fails for 12 minutes",
    ),
    quiet(FAST, shop(BUSY, (57, 100, 0), (10, 100, 0.1)), at="87m", why="is quiet when a tenth fails for 10 minutes"),
    quiet(
        FAST,
        shop(BUSY, (45, 100, 0), (15, 100, 0.1), (10, 100, 0)),
        at="90m",
        why="is quiet ten minutes after a tenth failed for 15: it does not go on",
    ),
    # 6 times over six hours: the hour is not reached at 0.65 %.
    fires(FAST, shop((40, 100, 0.0065)), at="40m", labels=PAGE, why="fires when 0.65 % fails"),
    quiet(FAST, shop((40, 100, 0.0055)), at="40m", why="is quiet when 0.55 % fails"),
    quiet(
        FAST,
        shop((80, 100, 0.01), (40, 100, 0)),
        at="2h",
        why="is quiet 40 minutes after 1 % failed: it does not go on",
    ),
    fires(FAST, shop((20, 100, 1)), at="15m", labels=PAGE, why="fires when all of a new service fails"),
    quiet(FAST, rare(60, (10, 30), (55,)), at="57m", why="is quiet when one of three requests fails"),
    quiet(FAST, rare(60, range(2, 50, 6), (35, 40, 45, 55)), at="57m", why="is quiet when four of twelve fail"),
    fires(
        FAST,
        rare(60, range(2, 50, 6), (35, 40, 45, 50, 55)),
        at="57m",
        labels=PAGE,
        why="fires when five of 13 requests fail",
    ),
    quiet(FAST, shop((60, 0, 0)), at="1h", why="is quiet without traffic"),
    quiet(FAST, {}, at="20m", why="is quiet without series"),
    quiet(
        FAST,
        {'http_requests_total{service="shop",path="/",status="200"}': counter((60, 100))},
        at="1h",
        why="is quiet where no series of failed requests exists",
    ),
    quiet(
        FAST,
        shop((60, 1000, 0), (30, 0.5, 0.1)),
        at="90m",
        why="is quiet when a tenth of a calm half hour fails after a busy one: 90 of millions",
    ),
    quiet(
        FAST,
        {**shop((60, 100, 0)), **shop((60, 10, 1), path="/health")},
        at="1h",
        why="is quiet when only health checks fail",
    ),
    quiet(
        FAST,
        {**shop((60, 100, 0)), RESTARTED: "5000x120 0x119"},
        at="32m",
        why="is quiet when a task restarts and its counter of failures with it",
    ),
    quiet(FAST, shop((60, 100, 0.001)), at="1h", why="is quiet exactly at the objective"),
    quiet(FAST, timed(0.05), at="1h", why="is quiet when 5 % is slow: five times as fast as 99 % allows"),
    fires(
        FAST,
        timed(0.07),
        at="1h",
        labels={**PAGE, "slo": "latency"},
        why="fires when 7 % is slow, though the client writes the bound 1 as 1.0",
    ),
    quiet(FAST, timed(0.5, bound="0.5"), at="1h", why="is quiet where no bucket ends at the limit: nothing is known"),
    # Once over three days and six hours.
    fires(SLOWLY, shop((60, 100, 0.0012)), at="1h", labels=TICKET, why="fires when 0.12 % fails"),
    quiet(SLOWLY, shop((60, 100, 0.0009)), at="1h", why="is quiet when 0.09 % fails"),
    quiet(SLOWLY, shop((60, 100, 0.001)), at="1h", why="is quiet exactly at the objective"),
    fires(SLOWLY, timed(0.012), at="1h", labels={**TICKET, "slo": "latency"}, why="fires when 1.2 % is slow"),
    quiet(SLOWLY, timed(0.009), at="1h", why="is quiet when 0.9 % is slow"),
    # Three times over a day and two hours: a busy healthy stretch keeps the six hours below once.
    fires(
        SLOWLY,
        shop((20, 1000, 0.018), (240, 100, 0), (130, 1, 0.0036)),
        at="390m",
        labels=TICKET,
        why="fires when 0.8 % of the day and 0.36 % of two hours fails",
    ),
    quiet(
        SLOWLY,
        shop((20, 1000, 0.005), (240, 100, 0), (130, 1, 0.0036)),
        at="390m",
        why="is quiet when 0.23 % of the day and 0.36 % of two hours fails",
    ),
    quiet(
        SLOWLY,
        shop((20, 1000, 0.018), (240, 100, 0), (130, 1, 0.0027)),
        at="390m",
        why="is quiet when 0.8 % of the day and 0.27 % of two hours fails",
    ),
    quiet(SLOWLY, rare(60, (10, 30), (55,)), at="57m", why="is quiet when one of three requests fails"),
    quiet(SLOWLY, shop((60, 0, 0)), at="1h", why="is quiet without traffic"),
    quiet(SLOWLY, {}, at="20m", why="is quiet without series"),
)
