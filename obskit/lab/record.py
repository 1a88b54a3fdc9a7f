"""Records one incident: a calm stretch, a fault, and what followed, as a bundle with its truth beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obskit.asking import made_by
from obskit.files import write_text
from obskit.lab.telemetry import service_of, telemetry
from obskit.model import Window
from obskit.progress import Tell
from obskit.sources.bundle import write_bundle

if TYPE_CHECKING:
    from obskit.lab.fault import Fault
    from obskit.lab.lab import Lab

#: Seconds, and share of the calm at most, that belong to the baseline and not to the window: what was started
#: a moment ago fills its caches and pools, which is no calm that a fault may be held against.
_SETTLING, _SETTLING_SHARE = 20.0, 1 / 3


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was written.

    Attributes:
        path, truth: The bundle and its label.
        series, lines, events: How much is in it.
        left: Why the fault could not be stopped afterwards; "" where it was.
    """

    path: Path
    truth: Path
    series: int
    lines: int
    events: int
    left: str = ""


def record(  # noqa: PLR0913 (each is a fact of one recording; all but three have defaults)
    lab: Lab,
    fault: Fault,
    path: Path,
    *,
    strength: float | None = None,
    calm: float = 60.0,
    minutes: float = 3.0,
    tell: Tell = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = _now,
) -> Recorded:
    """Record a fault; it is stopped at the end, whatever happens.

    The label's onset is the moment at which the fault has begun, which is when its start is over: some first fill or
    wait for what then breaks. A fault that cannot be stopped costs no recording: it is written before, and the rest
    is told.

    Args:
        lab: One that runs, and is not broken otherwise.
        fault: What to break.
        path: The bundle; ``NAME.truth.json`` comes beside ``NAME.obskit``.
        strength: In the fault's unit; its usual one where it is None.
        calm: Seconds before the fault that belong to the recording; the first of them are its baseline.
        minutes: How long the fault lasts.
        tell: Called with what is being done.
        sleep: Waits.
        now: Tells the time, in UTC.

    Raises:
        SourceError: The lab does not answer.
        BundleError: The bundle cannot be written.
    """
    strong = fault.usual if strength is None else strength
    begin = now()
    tell(f"calm for {calm:g} s")
    sleep(calm)
    try:
        tell(f"{fault.id} at {strong:g} for {minutes:g} min")
        task = lab.inject(fault, strong)
        onset = now()
        sleep(minutes * 60)
        end = now()
        settled = begin + timedelta(seconds=min(_SETTLING, _SETTLING_SHARE * calm))
        window = Window(start=settled, end=end, step=timedelta(seconds=lab.settings.scrape))
        tell("asking")
        found = telemetry(lab, window, fault.truth.service, since=begin)
        service = service_of(lab, fault.truth.service)
        write_bundle(path, found, service=service, window=window, made_by=made_by())
        truth = path.with_name(f"{path.name.removesuffix('.obskit')}.truth.json")
        label = label_of(fault, strong, task=task, onset=onset, window=window, cluster=lab.settings.cluster)
        write_text(truth, json.dumps(label, indent=1) + "\n")
    finally:
        left = _heal(lab, fault, tell)
    return Recorded(
        path=path,
        truth=truth,
        series=len(found.metrics.series),
        lines=len(found.logs),
        events=len(found.events),
        left=left,
    )


def _heal(lab: Lab, fault: Fault, tell: Tell) -> str:
    """Stop a fault, and return why it could not be stopped, "" where it was."""
    try:
        lab.heal(fault)
    except Exception as error:  # neither a recording nor the error of one is lost for it
        tell(f"{fault.id} could not be stopped: {error}")
        return str(error) or type(error).__name__
    return ""


def label_of(
    fault: Fault, strength: float, *, task: str, onset: datetime, window: Window, cluster: str
) -> dict[str, Any]:
    """Return a recording's label, in the form that `obskit evaluate` reads."""
    truth = fault.truth
    return {
        "cause": truth.cause,
        "acceptable": list(truth.acceptable),
        "service": truth.service,
        "culprit": "" if truth.cause == "none" else truth.culprit,
        "task": task,
        "onset": _iso(onset),
        "decoys": list(truth.decoys),
        "family": fault.id,
        "cluster": cluster,
        "window": [_iso(window.start), _iso(window.end)],
        "fault": {"title": fault.title, "strength": strength, "unit": fault.unit},
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
