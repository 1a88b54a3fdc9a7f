"""Objectives: what a service promises, expanded into recordings and burn-rate alerts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.rule import RuleFile, seconds
from obskit.ascode.board import signal_named
from obskit.ascode.definition import Problem, shown
from obskit.errors import UsageError
from obskit.model import Signal

if TYPE_CHECKING:
    from obskit.ascode.alerts.build import Group

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LIMIT = re.compile(r"\d+(?:\.\d+)?")
#: Periods that the burn rates make sense for. Below four weeks the slowest ticket would come at rates that
#: the objective allows; beyond a quarter nobody remembers what the budget was spent on.
SHORTEST_PERIOD, LONGEST_PERIOD = "28d", "92d"
#: The signal of requests beyond a limit, the only one that takes one.
SLOW = "slo_slow_requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """An objective.

    Attributes:
        name: Lower case with dashes: ``availability``.
        objective: Percent of requests that are good: ``"99.9"``; a text, so that it stays exact.
        failures, requests: Signals, per second and by service: what is bad, and all of it. The first
            says 0 where nothing failed; where it says nothing, nothing is known and nothing recorded.
        period: Of the error budget.
        service: Of one service; "" for every one that has no objective of its own by this name.
        limit: Seconds beyond which a request is slow, as text, ``"0.5"``: of ``slo_slow_requests``
            alone. It must be the bound of a bucket of the services' histograms.
        least_failures: So many requests must have failed in the longer window before anybody is told.
            Where traffic is low one failure is a large share. Five is the least number at which a
            service that just meets its objective, with the traffic at which this is likeliest, has the
            rate of the one-hour page by chance less than once in three years: 5 / 14.4 failures are
            expected in such an hour, and the chance of five or more is 3.1e-5 (Poisson). With four it
            is more than once a year, with one every four hours. For the six-hour page it is 1.7e-3
            in six hours, two to three times a year.
    """

    name: str
    objective: str
    failures: str
    requests: str
    period: str = "30d"
    service: str = ""
    limit: str = ""
    least_failures: int = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be expanded, where it is written: the loader then knows the line.

        Raises:
            UsageError: It says what is wrong.
        """
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise UsageError(f"{self.name!r} is no name of an objective", hint="lower case with dashes: availability")
        if not isinstance(self.objective, str):
            raise UsageError(
                f"the objective of {self.name} is a number, which binary floats do not hold exactly",
                hint=f'write it as text: "{self.objective}"',
            )
        _ = self.budget
        if not seconds(SHORTEST_PERIOD) <= seconds(self.period) <= seconds(LONGEST_PERIOD):
            raise UsageError(
                f"{self.name} has a period of {self.period}",
                hint=f"burn rates are defined for {SHORTEST_PERIOD} to {LONGEST_PERIOD}; 30d is usual",
            )
        if self.limit and (self.failures != SLOW or not _LIMIT.fullmatch(self.limit) or not Decimal(self.limit)):
            raise UsageError(
                f"{self.name} has the limit {self.limit!r}", hint=f'only {SLOW} takes one, in seconds: limit="0.5"'
            )
        if self.least_failures < 1:
            raise UsageError(f"{self.name} asks for {self.least_failures} failures", hint="at least one")
        for signal in (self.failures, self.requests):
            _countable(signal_named(signal), self.name)
        from obskit.ascode.alerts.slo_rules import possible

        if not possible(self, "page"):
            raise UsageError(
                f"{self.name}: an objective of {self.objective} % over {self.period} can page nobody",
                hint="even a service that is down burns its budget too slowly for that; promise more, or for longer",
            )

    @property
    def budget(self) -> Decimal:
        """The share of requests that may fail, exact.

        Raises:
            UsageError: The objective is no percentage between nothing and all.
        """
        try:
            objective = Decimal(self.objective)
        except InvalidOperation:
            raise UsageError(
                f"the objective {self.objective!r} of {self.name} is no number", hint='write "99.9"'
            ) from None
        if not objective.is_finite() or not 0 < objective < 100:
            left = "no budget" if objective.is_finite() and objective >= 100 else "nothing to promise"
            raise UsageError(
                f"{self.name}: an objective of {self.objective} % leaves {left}",
                hint="more than 0 and less than 100, for example 99.9",
            )
        return 1 - objective / 100

    @property
    def bad(self) -> Signal:
        """The signal of what is bad, with this objective's limit."""
        if self.limit:
            from obskit.catalogue.slo import slow_requests

            return slow_requests(self.limit)
        return signal_named(self.failures)


def _countable(signal: Signal, name: str) -> None:
    """Refuse a signal that does not count requests by service.

    Raises:
        UsageError: Its unit, scope or language does not fit.
    """
    language = signal.variants[0].language
    if signal.unit != "per_second" or signal.scope != "service" or language != "PromQL":
        raise UsageError(
            f"{name} cannot be set on {signal.id}: {signal.unit}, {signal.scope}, {language}",
            hint="name a signal per second, of services, that Prometheus answers: slo_requests, slo_failures",
        )


def expanded(slos: Sequence[object], topic: str, writer: Writer) -> list[Group]:
    """Return the recordings and alerts of one file's objectives; see `obskit.ascode.alerts.slo_rules`."""
    from obskit.ascode.alerts.slo_rules import groups_of

    return groups_of([slo for slo in slos if isinstance(slo, Slo)], topic, writer)


def problems(files: Iterable[RuleFile]) -> tuple[Problem, ...]:
    """Return the objectives that would record the same series as another.

    One of all services and those of single services leave each other out where they stand in one
    file; so all of one name do, and no two are of the same service.
    """
    found: list[Problem] = []
    homes: dict[str, RuleFile] = {}
    seen: set[tuple[str, str]] = set()
    for file in files:
        for slo in (slo for slo in file.slos if isinstance(slo, Slo)):
            home = homes.setdefault(slo.name, file)
            whom = slo.service or "all services"
            said = ""
            if home is not file:
                said = f"the objective {slo.name} stands in {shown(home.path)} too"
            elif (slo.name, slo.service) in seen:
                said = f"there are two objectives {slo.name} of {whom}"
            seen.add((slo.name, slo.service))
            if said:
                line = _line_of(file.source, slo.name)
                hint = "give one of them another name, or put all of one name into one file"
                found.append(Problem(check="objectives", message=said, file=shown(file.path), line=line, hint=hint))
    return tuple(found)


def _line_of(source: str, text: str) -> int:
    """Return the line of the last ``"text"`` in a file, or 0."""
    lines = [number for number, line in enumerate(source.splitlines(), 1) if f'"{text}"' in line]
    return lines[-1] if lines else 0
