"""How long a condition must hold, and goes on, is a duration that fits.

What it looks for: ``hold`` and ``keep`` that Prometheus does not read (``5m1h``: the larger unit comes
first); a hold of less than a minute, which is fewer than four scrapes, and not ``0s``; a page that
waits more than an hour, a ticket that waits more than a day; a page that goes on for more than an hour
after its end.

Why: Prometheus refuses the whole file for one duration. A hold of 15 s tells nothing from one lost
scrape, and a page that waits for hours is a ticket.

How to mend it: write ``0s`` with the reason, a minute or more, or make it a ticket.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case, Said
from obskit.ascode.alerts.rule import is_duration, seconds
from obskit.ascode.definition import Problem
from obskit.ascode.scrapes import FOUR_SCRAPES

#: A page says that users are hurt within the hour.
LONGEST_SECONDS = {"page": 3600, "ticket": 86_400}


def problems(case: Case) -> Iterable[Problem]:
    """Yield each duration that is none, or does not fit."""
    for one in case.said:
        if one.slo is None:
            yield from _of(one)


def _of(one: Said) -> Iterable[Problem]:
    rule = one.rule
    for field in ("hold", "keep", "over", "ahead"):
        text = getattr(rule, field)
        if text and not is_duration(text):
            yield one.problem(
                f"{text!r} is no duration for Prometheus", field, hint="write 1h30m: the largest unit first"
            )
    if not is_duration(rule.hold):
        return
    hold, longest = seconds(rule.hold), LONGEST_SECONDS.get(rule.severity, 86_400)
    if 0 < hold < FOUR_SCRAPES.total_seconds():
        yield one.problem(f"a hold of {rule.hold} is fewer than four scrapes", "hold", hint="write 0s, or 1m and more")
    if hold > longest:
        yield one.problem(
            f"a {rule.severity} that waits {rule.hold} comes too late to be one",
            "hold",
            hint="shorten it, or make it a ticket",
        )
    if rule.severity == "page" and is_duration(rule.keep) and seconds(rule.keep) > LONGEST_SECONDS["page"]:
        yield one.problem(f"a page that goes on for {rule.keep} after its end", "keep", hint="an hour is enough")
