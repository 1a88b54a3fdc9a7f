"""What an alert is said with: a signal, a level, how long, and whom it wakes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, get_args

from obskit.ascode.board import signal_named
from obskit.errors import UsageError
from obskit.model import Signal
from obskit.settings_values import nearest

Severity = Literal["page", "ticket"]
Kind = Literal["symptom", "cause"]
Operator = Literal[">=", "<=", ">", "<"]

SUFFIX = ".alerts.py"
_NAME = re.compile(r"[A-Z][A-Za-z0-9]{2,79}")
#: Range of rates, unless a rule says otherwise: four scrapes of a minute, and one to spare.
RANGE: Final = "5m"
#: Prometheus' units of time in seconds, in the order in which it reads them. Its years have 365 days.
SECONDS_OF: Final[Mapping[str, Decimal]] = {
    "y": Decimal(31_536_000),
    "w": Decimal(604_800),
    "d": Decimal(86_400),
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}
#: A regular expression of one of them; the longest first, or ``5ms`` would begin with five minutes.
UNIT: Final = "|".join(sorted(SECONDS_OF, key=len, reverse=True))
_PART = re.compile(rf"([0-9]+)({UNIT})")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_IN_ORDER = re.compile("".join(f"(?:[0-9]+{unit})?" for unit in SECONDS_OF))


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must hold beside the rule's own level, of the same service: enough traffic, for example.

    Attributes:
        signal: Whose level.
        op, value: Compared with; in the signal's unit.
        reason: Why the rule would be wrong without it.
    """

    signal: str
    op: Operator
    value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alert.

    Attributes:
        name: Camel case, unique over all files; also the name of its runbook.
        signal: What it watches; gives the query, the unit and the bad direction.
        threshold: The level from which on it is bad, in the signal's unit.
        reason: Why this level; taken from the signal's own threshold where that is used.
        hold, hold_reason: How long it must last (Prometheus' ``for``), and why.
        keep, keep_reason: How long it goes on after it stopped (``keep_firing_for``), and why; "" for not.
        severity: ``page`` when a person must act now, ``ticket`` when tomorrow will do.
        kind: ``symptom`` of what users feel, or ``cause`` of it.
        cause: Of a cause: the id that triage knows it by; "" where triage knows none.
        summary: One sentence; ``{value}``, ``{service}`` and other labels in braces are filled in.
        description: What it means, and what to look at first; same placeholders.
        by: Labels that tell its alerts apart; () for the signal's own.
        over: The range of rates.
        ahead: Looks at where the signal will be after so long, by a straight line; "" for now.
        where: Further conditions.
        unless: What excuses it, of the same service: it does not fire while one of these holds. Where the
            other signal is not there, nothing is excused.
        total: A whole service is out: no other alert may silence it.
    """

    name: str
    signal: str
    threshold: float
    reason: str
    hold: str
    hold_reason: str
    severity: Severity
    kind: Kind
    summary: str
    description: str
    cause: str = ""
    keep: str = ""
    keep_reason: str = ""
    by: tuple[str, ...] = ()
    over: str = RANGE
    ahead: str = ""
    where: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    total: bool = False

    @property
    def catalogued(self) -> Signal:
        """The signal itself."""
        return signal_named(self.signal)

    @property
    def op(self) -> Operator:
        """How it compares: a threshold is the level from which on a signal is bad."""
        return "<=" if self.catalogued.bad == "down" else ">="

    @property
    def runbook(self) -> str:
        """The runbook's path below the folder of runbooks, without ``.md``."""
        return f"alerts/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording rule.

    Attributes:
        name: ``level:metric:operations``.
        expr: PromQL, whole.
        labels: Added to what it records.
    """

    name: str
    expr: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RuleFile:
    """One file of definitions: its alerts, and what they were made from.

    Attributes:
        name: The file's name without ``.alerts.py``: the topic, and the rule group's name.
        source: Its text.
        rules: Alerts on signals.
        slos: Objectives, which expand into recordings and alerts of their own.
    """

    name: str
    path: Path
    source: str
    rules: tuple[Rule, ...] = ()
    slos: tuple[object, ...] = field(default=())


def alert(  # noqa: PLR0913 (each is a fact of one alert)
    name: str,
    signal: str,
    *,
    severity: Severity,
    kind: Kind,
    summary: str,
    description: str,
    hold: str,
    hold_reason: str,
    level: Literal["warn", "crit"] | float = "crit",
    reason: str = "",
    **more: object,
) -> Rule:
    """Return an alert on a signal.

    Args:
        name: Camel case; the runbook is ``runbooks/alerts/NAME.md``.
        signal: Id of the catalogue.
        severity: ``page`` or ``ticket``.
        kind: ``symptom`` or ``cause``.
        summary: One sentence with ``{value}`` in it.
        description: What it means and what to look at first.
        hold: Prometheus' ``for``: ``5m``; ``0s`` for at once.
        hold_reason: Why so long.
        level: The signal's own ``warn`` or ``crit``, or a number of its own with a *reason*.
        reason: Why that number; only with one.
        more: Further fields of `Rule`.

    Raises:
        UsageError: An unknown signal or field, a bad duration, a level that the signal lacks.
    """
    found = signal_named(signal)
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of an alert", hint="CamelCase, 3 to 80 letters and digits")
    if isinstance(level, str):
        threshold = found.warn if level == "warn" else found.crit if level == "crit" else None
        if threshold is None:
            raise UsageError(f"{signal} has no {level} threshold", hint="give it one in the catalogue, or say level=…")
        if reason:
            raise UsageError(f"{name}: the reason of {signal}'s {level} stands in the catalogue", hint="leave it out")
        value, reason = threshold.value, threshold.reason
    else:
        value = float(level)
        if not reason:
            raise UsageError(f"{name}: a threshold of its own needs a reason", hint='say reason="…"')
    known = Rule.__dataclass_fields__
    for key in more:
        if key not in known:
            raise UsageError(f"an alert has no {key!r}", hint=nearest(key, known))
    rule = Rule(
        name=name,
        signal=signal,
        threshold=value,
        reason=reason,
        hold=hold,
        hold_reason=hold_reason,
        severity=severity,
        kind=kind,
        summary=summary,
        description=description,
        **more,  # type: ignore[arg-type]
    )
    for duration in (rule.hold, rule.keep, rule.over, rule.ahead):
        if duration:
            seconds(duration)
    _refuse_mistakes(rule)
    return rule


def _refuse_mistakes(rule: Rule) -> None:
    """Refuse what no type checker was asked about."""
    for name, value, known in (("severity", rule.severity, get_args(Severity)), ("kind", rule.kind, get_args(Kind))):
        if value not in known:
            raise UsageError(f"{rule.name}: there is no {name} {value!r}", hint=nearest(str(value), known))
    if not math.isfinite(rule.threshold):
        raise UsageError(f"{rule.name}: its level is no number", hint="write level=0.9")
    for name in ("by", "where", "unless"):
        value = getattr(rule, name)
        if not isinstance(value, tuple):
            raise UsageError(f"{rule.name}: {name} is no tuple", hint=f"write {name}=(…,) with the comma")
    for condition in (*rule.where, *rule.unless):
        if not isinstance(condition, Condition):
            raise UsageError(f"{rule.name}: {condition!r} is no condition", hint="write Condition(signal=…, op=…)")
        signal_named(condition.signal)
        if condition.op not in get_args(Operator) or not math.isfinite(condition.value):
            raise UsageError(
                f"{rule.name}: {condition.signal} {condition.op} {condition.value} compares nothing",
                hint=f"op is one of {', '.join(get_args(Operator))}",
            )


def is_duration(text: str) -> bool:
    """Tell whether Prometheus reads a duration: units from the largest to the smallest, each once."""
    return bool(text) and _IN_ORDER.fullmatch(text) is not None


def seconds(duration: str) -> Decimal:
    """Return a duration of Prometheus (``1h30m``) in seconds, in whatever order its units stand; see `is_duration`.

    Raises:
        UsageError: It is none.
    """
    if not isinstance(duration, str) or not _DURATION.fullmatch(duration):
        raise UsageError(f"{duration!r} is no duration", hint="write 30s, 5m, 1h, 1d or 1h30m")
    return sum((Decimal(number) * SECONDS_OF[unit] for number, unit in _PART.findall(duration)), Decimal(0))


def number(value: float | Decimal) -> str:
    """Return a number as a rule writes it: plain decimal digits, no binary noise, no exponent."""
    text = format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
