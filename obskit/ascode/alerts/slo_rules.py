"""From an objective to its rules: recordings, burn rates over several windows, two alerts, a budget.

Two rates are recorded from the requests themselves; everything else is made from those two.
The share that failed over a window is ``sum_over_time(failures) / sum_over_time(requests)``:
each request counts once, whenever it came. (A mean of the ratios of five minutes would give a
quiet night's one failure the weight of a busy noon.) Where nothing was requested there is no
ratio, so that no alert compares NaN and no graph draws it.

A page comes when a share of the period's budget is used in a window, and is still being used in
a twelfth of it: the long window says that it matters, the short one that it goes on. Windows and
shares are those of the SRE workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts". Factors
and thresholds are computed in decimals from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from fractions import Fraction

from obskit.ascode.alerts.build import Document, Group, recording_document
from obskit.ascode.alerts.cases import Case
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.promtool import Tested
from obskit.ascode.alerts.promtool import expanded as single
from obskit.ascode.alerts.rule import RANGE, Recording, Rule, RuleFile, Severity, number, seconds
from obskit.ascode.alerts.slo import Slo
from obskit.ascode.board import signal_named
from obskit.catalogue import alternation, quoted
from obskit.catalogue._written import written
from obskit.model import Signal

FAST, SLOWLY = "SloBudgetBurnsFast", "SloBudgetBurnsSlowly"
#: The range of the two rates that all else is made from: also the shortest window.
RATE = RANGE
#: How often what is left of the whole period is computed: it moves slowly and costs most, a month of samples.
#: Less often than the look-back of five minutes would leave gaps.
BUDGET_INTERVAL = "2m"
#: Digits of a number that has no end in decimals.
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """A share of the budget that is too much in a window.

    Attributes:
        severity: Of the alert.
        share: Of the period's budget.
        long, short: The window, and the one that says whether it goes on.
    """

    severity: Severity
    share: Decimal
    long: str
    short: str

    def factor(self, period: str) -> Decimal:
        """Return how many times faster than allowed the budget burns, if it burns this share in the window."""
        return exact(Fraction(self.share) * Fraction(seconds(period)) / Fraction(seconds(self.long)))

    def threshold(self, slo: Slo) -> Decimal:
        """Return the share of failed requests from which on it burns that fast."""
        spent = Fraction(self.share) * Fraction(seconds(slo.period)) / Fraction(seconds(self.long))
        return exact(spent * Fraction(slo.budget))


BURNS = (
    Burn(severity="page", share=Decimal("0.02"), long="1h", short="5m"),
    Burn(severity="page", share=Decimal("0.05"), long="6h", short="30m"),
    Burn(severity="ticket", share=Decimal("0.10"), long="1d", short="2h"),
    Burn(severity="ticket", share=Decimal("0.10"), long="3d", short="6h"),
)
#: Every window of them, shortest first.
WINDOWS = tuple(sorted({w for burn in BURNS for w in (burn.short, burn.long)}, key=seconds))


def exact(value: Fraction) -> Decimal:
    """Return a fraction as a decimal: exact where it has an end, else to six digits."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    digits = _DIGITS if rest > 1 else 40
    return Context(prec=digits).divide(Decimal(value.numerator), Decimal(value.denominator))


def possible(slo: Slo, severity: Severity) -> tuple[Burn, ...]:
    """Return the burns that can happen: of a low objective even a service that is down has no higher rate."""
    return tuple(burn for burn in BURNS if burn.severity == severity and burn.threshold(slo) < 1)


def groups_of(slos: Sequence[Slo], topic: str, writer: Writer) -> list[Group]:
    """Return two groups an objective: rates with their alerts, and what is left of the period's budget.

    Args:
        slos: All of one file.
        topic: The file's name.
        writer: How this environment's rules are written.
    """
    found = []
    for slo in slos:
        others = sorted({other.service for other in slos if other.name == slo.name and other.service})
        made = _Objective(slo=slo, others=() if slo.service else tuple(others), topic=topic, writer=writer)
        name = "-".join(filter(None, (f"obskit-{topic}", slo.name, slo.service)))
        found.append(Group(language="PromQL", name=name, rules=(*made.recordings(), *made.alerts())))
        left = recording_document(made.remaining())
        found.append(Group(language="PromQL", name=f"{name}-budget", rules=(left,), interval=BUDGET_INTERVAL))
    return found


def rules_of(slo: Slo, writer: Writer) -> tuple[Rule, ...]:
    """Return an objective's alerts as `Rule`s, for what is asked of every alert: runbook, panel, tests.

    Their expression is not the one that `Writer.expr` would write.
    """
    return tuple(_rule(slo, severity, writer) for severity in ("page", "ticket"))


def tested_slo(file: RuleFile, cases: Sequence[Case], writer: Writer) -> tuple[Tested, ...]:
    """Return each alert of a file's objectives with the rules that it needs, all objectives', and its tests.

    The rules are those that the writer ships.

    Args:
        file: With ``slos``.
        cases: Tests of any alerts; others than ``SloBudget…`` are passed over.
        writer: How this environment's rules are written.
    """
    slos = [slo for slo in file.slos if isinstance(slo, Slo)]
    known = {rule.name: rule for slo in slos for rule in rules_of(slo, writer)}
    own = [case for case in cases if case.alert in known]
    rules = [rule for group in groups_of(slos, file.name, writer) for rule in group.rules]
    return tuple(
        Tested(
            alert=name,
            rules=_needed(rules, name),
            cases=tuple(one for case in own if case.alert == name for one in single(case, rule)),
            # every rate, share and burn rate is by service; where an objective names one, its rules do too
            apart="" if any(slo.service for slo in slos) else writer.settings.labels.service,
        )
        for name, rule in known.items()
    )


def _needed(rules: Sequence[Document], alert: str) -> tuple[Document, ...]:
    """Return the alert's own documents and the recordings that they read, in their order."""
    kept: list[Document] = []
    read = ""
    for rule in reversed(rules):
        if rule.get("alert") == alert or f"{rule.get('record')}{{" in read:
            kept.insert(0, rule)
            read += str(rule["expr"])
    return tuple(kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Objective:
    """One objective being written.

    Attributes:
        others: Services that have an objective of their own by this name.
    """

    slo: Slo
    others: tuple[str, ...]
    topic: str
    writer: Writer

    @property
    def label(self) -> str:
        """The label that names the service."""
        return self.writer.settings.labels.service

    @property
    def services(self) -> str:
        """Matchers of the services that it is about."""
        label = self.label
        if self.slo.service:
            return f"{label}={quoted(self.slo.service)}"
        none = {0: "", 1: f",{label}!={quoted(self.others[0])}" if self.others else ""}
        return f'{label}!=""' + none.get(len(self.others), f",{label}!~{quoted(alternation(self.others))}")

    def series(self, name: str) -> str:
        """Return the selector of what it recorded itself, and no other objective."""
        return f'{name}{{slo="{self.slo.name}",{self.services}}}'

    @property
    def rates(self) -> tuple[str, str]:
        """Selectors of the two rates that all else is made from: of failures, of requests."""
        return self.series(f"service:slo_failures:rate{RATE}"), self.series(f"service:slo_requests:rate{RATE}")

    def recordings(self) -> tuple[Document, ...]:
        """Return the recordings: first the two rates, for a group's rules are evaluated in their order."""
        slo, budget = self.slo, number(self.slo.budget)
        failures, requests = self.rates
        labels = (("slo", slo.name),)
        asked = (("requests", signal_named(slo.requests)), ("failures", slo.bad))
        found = [
            Recording(name=f"service:slo_{name}:rate{RATE}", expr=self._rate(counted), labels=labels)
            for name, counted in asked
        ]
        found.append(Recording(name="service:slo_objective:ratio", expr=f"0 * {requests} + {number(1 - slo.budget)}"))
        for window in WINDOWS:
            ratio = f"service:slo_error:ratio_rate{window}"
            found.append(Recording(name=ratio, expr=_share(failures, requests, window)))
            speed = f"{self.series(ratio)} / {budget}"
            found.append(Recording(name=f"service:slo_burn_rate:ratio_rate{window}", expr=speed))
        for window in (burn.long for burn in BURNS):
            # At fixed steps, whatever the rules' interval is. Steps of the rates' own range count each request
            # once; of an hour they would come late, so there each is in five of the rates.
            step = "1m" if window == "1h" else RATE
            counted = f"sum_over_time({failures}[{window}:{step}]) * {number(seconds(step))}"
            found.append(Recording(name=f"service:slo_failures:increase{window}", expr=counted))
        return tuple(recording_document(one) for one in found)

    def remaining(self) -> Recording:
        """Return the recording of the share of the budget that is left."""
        spent = _share(*self.rates, self.slo.period)
        return Recording(
            name="service:slo_error_budget:remaining_ratio", expr=f"1 - (\n{spent}\n) / {number(self.slo.budget)}"
        )

    def alerts(self) -> tuple[Document, ...]:
        """Return the two alerts; their value is the burn rate over the longer window."""
        return tuple(self._alert(rule) for rule in rules_of(self.slo, self.writer))

    def _alert(self, rule: Rule) -> Document:
        own = {"slo": self.slo.name}
        if self.slo.service or self.label != "service":
            own["service"] = self.slo.service or f"{{{{ $labels.{self.label} }}}}"
        ways = "\nor\n".join(self._way(burn) for burn in possible(self.slo, rule.severity))
        return {
            "alert": rule.name,
            "expr": f"(\n{ways}\n) / {number(self.slo.budget)}",
            "for": rule.hold,
            "labels": {**self.writer.labels(rule, self.topic), **own},
            "annotations": self.writer.annotations(rule),
        }

    def _way(self, burn: Burn) -> str:
        threshold = number(burn.threshold(self.slo))
        # Rates are not whole: five requests may be read as 4.98.
        least = number(Decimal(self.slo.least_failures) - Decimal("0.5"))
        return (
            f"  {self.series(f'service:slo_error:ratio_rate{burn.long}')} > {threshold}\n"
            f"  and {self.series(f'service:slo_error:ratio_rate{burn.short}')} > {threshold}\n"
            f"  and {self.series(f'service:slo_failures:increase{burn.long}')} > {least}"
        )

    def _rate(self, counted: Signal) -> str:
        filling = replace(self.writer.filling(RATE), services=self.services)
        return f"sum by ({self.label}) (\n{written(counted, filling)}\n)"


def _share(failures: str, requests: str, window: str) -> str:
    """Return the share of requests that failed in a window, and nothing where there were none."""
    if window == RATE:
        return f"{failures}\n/\n({requests} > 0)"
    return f"sum_over_time({failures}[{window}])\n/\n(sum_over_time({requests}[{window}]) > 0)"


def _rule(slo: Slo, severity: Severity, writer: Writer) -> Rule:
    burns = possible(slo, severity)
    days = f"{number(seconds(slo.period) / 86_400)} days"
    spent = " or ".join(f"{number(burn.share * 100)} % in {_WORDS[burn.long]}" for burn in burns)
    bad = slo.bad.title
    promise = f"{number(Decimal(slo.objective))} % over {days}"
    then = {
        "page": "Users are hurt now. Run obskit triage {service} --since 1h; the dashboard says which windows burn.",
        "ticket": "It is no incident yet, and will cost the objective. Find what fails most before the next release.",
    }[severity]
    return Rule(
        name=FAST if severity == "page" else SLOWLY,
        signal=f"slo_burn_rate_{burns[0].long}",
        threshold=float(burns[0].factor(slo.period)),
        reason=f"uses up {number(burns[0].share * 100)} % of the budget in {_WORDS[burns[0].long]}",
        hold="0s",
        hold_reason="the short window says that it goes on, and the least number of failures that it is no accident",
        severity=severity,
        kind="symptom",
        summary=f"{{service}} burns the error budget of {slo.name} {{value}} times as fast as {promise} allows",
        description=f"{bad[0].upper()}{bad[1:]}: at least {spent} of the budget of {days}. {then}",
        by=(writer.settings.labels.service, "slo"),
        total=severity == "page",  # users are hurt, whatever else is known
    )


_WORDS = {"1h": "an hour", "6h": "6 hours", "1d": "a day", "3d": "3 days"}
