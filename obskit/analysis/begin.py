"""Where an analysis begins: a recording, or telemetry of one's own."""

from __future__ import annotations

import os
from pathlib import Path

from obskit.analysis.incident import Incident
from obskit.errors import UsageError
from obskit.model import Diagnosis, Service, Telemetry, Window, nanoseconds


def open_bundle(path: str | os.PathLike[str]) -> Incident:
    """Open a recording of `obskit record`, of `Incident.save`, or of a lab.

    Args:
        path: The file. It may come from anywhere: nothing in it is executed, sizes are checked.

    Raises:
        BundleError: It is not there, no bundle, damaged, from a newer obskit, or too large.

    Example:
        >>> import obskit
        >>> path = obskit.demo().save("incident.obskit")
        >>> obskit.open_bundle(path).diagnosis.verdict
        'cause_found'
    """
    from obskit.sources.bundle import read_bundle

    place = Path(path)
    found = read_bundle(place)
    return Incident(
        service=found.service,
        window=found.window,
        telemetry=found.telemetry,
        made_by=found.made_by,
        recording=place.name,
    )


def demo() -> Incident:
    """Open the incident that ships with obskit: recorded from real processes, a pool of connections exhausted.

    Example:
        >>> import obskit
        >>> obskit.demo().diagnosis.culprit.service
        'shop-api'
    """
    from obskit.asking import demo_bundle

    return open_bundle(demo_bundle())


def triage(what: Incident | Telemetry, service: str | Service = "", window: Window | None = None) -> Diagnosis:
    """Rank the root causes of what a service suffered.

    Args:
        what: An incident, or telemetry of your own making. A recording is opened first, by `open_bundle`.
        service: Whom it is about; only with telemetry.
        window: When, UTC; only with telemetry, which also holds the window's baseline.

    Raises:
        UsageError: It is neither an incident nor telemetry; telemetry without service or window, or an incident with
            one; a window that is inverted, does not say its zone, or into which nothing falls that was seen; a service
            of which nothing was seen.

    Example:
        >>> import obskit
        >>> incident = obskit.demo()
        >>> diagnosis = obskit.triage(incident)
        >>> diagnosis.verdict, diagnosis.hypotheses[0].cause
        ('cause_found', 'db_pool_exhausted')
        >>> wider = obskit.triage(incident.telemetry, "shop-api", incident.window)
        >>> wider.hypotheses[0].cause == diagnosis.hypotheses[0].cause
        True
    """
    if isinstance(what, Incident):
        if service or window is not None:
            raise UsageError("an incident holds its service and window", hint="triage(incident)")
        return what.diagnosis
    if isinstance(what, str | os.PathLike):
        raise UsageError(
            "triage takes an incident, no file", hint=f"open it first: triage(open_bundle({os.fspath(what)[:80]!r}))"
        )
    if not isinstance(what, Telemetry):
        raise UsageError(
            f"triage takes an incident or telemetry, no {type(what).__name__}",
            hint="obskit.open_bundle(path), obskit.connect() and obskit.demo() give an incident",
        )
    if not service or window is None:
        raise UsageError("telemetry does not say whom and when it is about", hint="triage(telemetry, service, window)")
    if not isinstance(service, str | Service):
        raise UsageError(f"{str(service)[:80]!r} is no service", hint='give its name, or Service(name="demo-app")')
    if not isinstance(window, Window):
        raise UsageError(f"{str(window)[:80]!r} is no window", hint="Window(start=..., end=...), both aware datetimes")
    whom = Service(name=service) if isinstance(service, str) else service
    _require_looked_at(what, window)
    _require_seen(what, whom.name)
    return Incident(service=whom, window=window, telemetry=what).diagnosis


def _require_looked_at(telemetry: Telemetry, window: Window) -> None:
    """Refuse a window that is none, and one of which nothing was seen: whatever stands out then is of another time.

    Raises:
        UsageError: It says which.
    """
    import numpy as np

    from obskit.analysis.arguments import moment_of

    start, end = (nanoseconds(moment_of(edge, now=window.end)) for edge in (window.start, window.end))
    if end <= start:
        words = "the window ends before it begins" if end < start else "the window has no length"
        raise UsageError(words, where={"window": str(window)}, hint="widen it to the incident")
    metrics, lines = telemetry.metrics, telemetry.logs.table.column("time_ns").to_numpy()
    times = metrics.times.astype("datetime64[ns]").astype(np.int64)
    inside = (times >= start) & (times <= end)
    seen = (
        bool(np.isfinite(metrics.values[inside]).any())
        or bool(((lines >= start) & (lines <= end)).any())
        or any(window.start <= event.time <= window.end for event in telemetry.events)
    )
    if not seen:
        raise UsageError(
            "nothing that was seen falls into the window",
            where={"window": str(window), "telemetry": repr(telemetry.metrics)},
            hint="times are UTC; is the day right?",
        )


def _require_seen(telemetry: Telemetry, name: str) -> None:
    """Refuse a service that nothing names, where other services are named.

    Raises:
        UsageError: With the nearest names.
    """
    names = {s.service for s in telemetry.metrics.series} | {e.service for e in telemetry.events}
    names |= set(telemetry.logs.table.column("service").unique().to_pylist())
    if name in names or not names - {""}:  # what has one unnamed service is about that one
        return
    import difflib

    near = difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.4)
    raise UsageError(
        f"nothing in this telemetry is about a service {name[:80]!r}",
        where={"near": ", ".join(near), "known": ", ".join(sorted(names - {""})[:12])},
        hint="take one of these names",
    )
