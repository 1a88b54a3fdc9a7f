"""Makes a round: asks all sources at once, and puts what they say together system by system."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Literal

from obskit.checkup import signals
from obskit.checkup.ask import Access, Server, connected, each, why
from obskit.checkup.rows import fill_rows, rows_of
from obskit.checkup.signals import Answer
from obskit.checkup.words import ORDER, Probe, Report, Round, Row, SourceName, State, System, Unseen
from obskit.discover import modules_in
from obskit.errors import ObskitError, UsageError
from obskit.settings import Settings
from obskit.settings_values import nearest

#: What a source needs to be asked at all.
_UNSET: dict[SourceName, str] = {
    "Prometheus": "not configured: set OBSKIT_PROMETHEUS_URL",
    "Loki": "not configured: set OBSKIT_LOKI_URL",
    "Grafana": "not configured: set OBSKIT_GRAFANA_URL",
    "AWS": "not configured: set OBSKIT_ECS_CLUSTER",
}
_SOURCES: tuple[SourceName, ...] = ("Prometheus", "Loki", "Grafana", "AWS")
#: What is still under way at the deadline may bring what it has.
_GRACE_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class _Share:
    """What one source brought; ``reached`` when it said at least what it has."""

    reached: bool = False
    answers: list[Answer] = field(default_factory=list)
    probed: list[tuple[str, Probe, Sequence[Row] | Exception]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


@cache
def all_systems() -> tuple[System, ...]:
    """Return every system, by name."""
    return tuple(module.SYSTEM for module in modules_in("obskit.checkup.systems"))


def systems_named(names: Sequence[str]) -> tuple[System, ...]:
    """Return the systems with these names; all without any.

    Raises:
        UsageError: There is none of that name.
    """
    known = {system.name: system for system in all_systems()}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no system {name!r}", hint=nearest(name, known))
    return tuple(known[name] for name in dict.fromkeys(names)) if names else all_systems()


def make(
    settings: Settings,
    systems: Sequence[System],
    *,
    deadline_seconds: float,
    everything: bool = False,
    now: datetime | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Round:
    """Ask about the systems, and return what was found.

    Args:
        settings: Whom to ask.
        systems: About which.
        deadline_seconds: After which nothing is waited for.
        everything: Also ask for signals without a threshold, and compare what is well.
        now: When the round is made; the clock's time by default.
        tell: Is told what is done, from several threads.

    Raises:
        SettingsError: A connection cannot be used.
    """
    from obskit.sources.together import at_once

    begun, at = time.monotonic(), now or datetime.now(UTC)
    deadline = begun + deadline_seconds
    access = connected(settings, at, deadline)
    asked = configured(settings)
    work = [partial(_share, source, systems, access, tell, everything=everything) for source in asked]
    brought = dict(zip(asked, at_once(work, deadline + _GRACE_SECONDS, name="obskit-check"), strict=True))
    shares = {}
    for source, share in brought.items():
        if isinstance(share, BaseException):
            raise share
        shares[source] = _late(source, systems) if share is None else share
    for source in _SOURCES:
        if source not in shares:
            shares[source] = _Share(failed=_all_of(source, systems, _UNSET[source]))
    reports = [_report(system, shares, at.timestamp()) for system in systems]
    return Round(
        at=at,
        reports=tuple(sorted(reports, key=lambda r: (ORDER[r.state], r.system.name))),
        unseen=_unseen(shares),
        asked=sum(len(s.answers) + len(s.probed) for s in shares.values()),
        answered=any(_answered(share) for share in shares.values()),
        seconds=time.monotonic() - begun,
    )


def configured(settings: Settings) -> tuple[SourceName, ...]:
    """Return the sources that the settings name; nobody else is asked."""
    named: dict[SourceName, bool] = {
        "Prometheus": bool(settings.prometheus.url),
        "Loki": bool(settings.loki.url),
        "Grafana": bool(settings.grafana.url),
        "AWS": settings.aws.wanted,
    }
    return tuple(source for source in _SOURCES if named[source])


def _share(
    source: SourceName, systems: Sequence[System], access: Access, tell: Callable[[str], None], *, everything: bool
) -> _Share:
    """Ask one source all that systems want to know of it."""
    share = _Share()
    server = {"Prometheus": access.prometheus, "Loki": access.loki}.get(source)
    if source == "Prometheus":
        try:
            access = replace(access, metrics=_metrics(access))
        except ObskitError as error:
            share.failed = _all_of(source, systems, why(error))
            return share
        share.reached = True
    if server is not None:
        share.answers = _asked(server, systems, access, partial(_told, source, tell), everything=everything)
    probes = [(system.name, probe) for system in systems for probe in system.probes if probe.source == source]
    found = each([partial(probe.ask, access) for _, probe in probes], lambda _: None)
    share.probed = [(name, probe, got) for (name, probe), got in zip(probes, found, strict=True)]
    share.failed += [(a.question.system, why(a.failed)) for a in share.answers if a.failed is not None]
    share.failed += [(name, why(got)) for name, _, got in share.probed if isinstance(got, Exception)]
    return share


def _told(source: SourceName, tell: Callable[[str], None], done: int) -> None:
    tell(f"{source} answered {done} questions")


def _metrics(access: Access) -> frozenset[str]:
    from obskit.ascode.live import LivePrometheus

    left = access.deadline - time.monotonic()
    live = LivePrometheus(access.settings.prometheus, now=access.epoch, deadline_seconds=left)
    return live.metric_names()


def _asked(
    server: Server, systems: Sequence[System], access: Access, tell: Callable[[int], None], *, everything: bool
) -> list[Answer]:
    language: Literal["PromQL", "LogQL"] = "PromQL" if server.name == "Prometheus" else "LogQL"
    wanted = signals.questions(systems, access, language, everything=everything)
    return signals.ask(server, wanted, access, tell, everything=everything)


def _all_of(source: SourceName, systems: Sequence[System], reason: str) -> list[tuple[str, str]]:
    """Return a failure for each question that a source would have been asked."""
    language = {"Prometheus": "PromQL", "Loki": "LogQL"}.get(source, "")
    lost = [
        (system.name, reason)
        for system in systems
        for signal in system.signals()
        if (signal.warn or signal.crit) and any(v.language == language for v in signal.variants)
    ]
    return [*lost, *((s.name, reason) for s in systems for probe in s.probes if probe.source == source)]


def _late(source: SourceName, systems: Sequence[System]) -> _Share:
    return _Share(failed=_all_of(source, systems, "no answer before the deadline"))


def _answered(share: _Share) -> bool:
    """Say whether a source told anything, were it only that it has nothing to tell."""
    return (
        share.reached
        or any(a.now is not None for a in share.answers)
        or any(not isinstance(got, Exception) for _, _, got in share.probed)
    )


def _report(system: System, shares: dict[SourceName, _Share], at: float) -> Report:
    answers = [a for share in shares.values() for a in share.answers if a.question.system == system.name]
    wrong: list[Row] = []
    well: list[Row] = []
    silent = []
    for answer in answers:
        bad, fine = rows_of(answer, at)
        wrong += bad
        well += [fine] if fine else []
        silent += [answer.question.signal.title] if answer.now == () else []
    by_id = {a.question.signal.id: a for a in answers}
    wrong += [row for fill in system.fills if fill.signal in by_id for row in fill_rows(fill, by_id[fill.signal])]
    for share in shares.values():
        for name, _, rows in share.probed:
            if name == system.name and not isinstance(rows, Exception):
                wrong += [row for row in rows if row.state in ("bad", "look")]
                well += [row for row in rows if row.state == "ok"]
    state = _state(wrong, well)
    return Report(
        system=system,
        state=state,
        wrong=tuple(sorted(wrong, key=lambda row: ORDER[row.state])),
        well=tuple(well),
        silent=tuple(silent),
        why=_why(system, shares) if state == "not seen" else "",
    )


def _state(wrong: Sequence[Row], well: Sequence[Row]) -> State:
    """Return the worst row's state; what has no threshold proves no health."""
    if wrong:
        return min((row.state for row in wrong), key=ORDER.__getitem__)
    return "ok" if any(row.threshold is not None or not row.signal for row in well) else "not seen"


def _why(system: System, shares: dict[SourceName, _Share]) -> str:
    """Return why nothing tells of a system: nobody could be asked, or who was asked has nothing."""
    asked = _sources_of(system)
    lost = {name for name in asked if any(of == system.name for of, _ in shares[name].failed)}
    silent = [name for name in asked if name not in lost and _answered(shares[name])]
    said = f"{' and '.join(silent)} tell{'' if len(silent) > 1 else 's'} nothing of it" if silent else ""
    missing = f"{' and '.join(name for name in asked if name in lost)} could not be asked" if lost else ""
    return "; ".join(part for part in (said, missing) if part) or "nothing tells of it"


def _sources_of(system: System) -> list[SourceName]:
    """Return whom a system's questions go to."""
    languages = {v.language for signal in system.signals() for v in signal.variants}
    probed = {probe.source for probe in system.probes}
    spoken = {"Prometheus": "PromQL", "Loki": "LogQL"}
    return [name for name in _SOURCES if name in probed or spoken.get(name, "") in languages]


def _unseen(shares: dict[SourceName, _Share]) -> tuple[Unseen, ...]:
    """Return one entry for each source and reason, in the sources' order, the commonest reason first."""
    found = []
    for source in _SOURCES:
        by_reason: dict[str, list[str]] = defaultdict(list)
        for name, reason in shares[source].failed:
            by_reason[reason].append(name)
        found += [
            Unseen(source=source, reason=reason, systems=tuple(sorted(set(names))), questions=len(names))
            for reason, names in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
        ]
    return tuple(found)
