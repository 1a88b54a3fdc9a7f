"""The matrix of an incident as numbers: which columns are meant, as a frame, and what changed in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from obskit.analysis.arguments import names_of
from obskit.errors import UsageError
from obskit.model import Metrics

if TYPE_CHECKING:
    import pandas as pd

    from obskit.analysis.incident import Incident
    from obskit.incident.investigate import Walk


def require_seen(metrics: Metrics, signals: Sequence[str]) -> None:
    """Make sure that there are columns of every signal.

    Raises:
        UsageError: A signal was not seen; those of the most similar names are told.
    """
    known = {s.signal for s in metrics.series}
    for name in signals:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else "the signals that were seen: incident.metrics.series"
            raise UsageError(f"the signal {name[:80]!r} was not seen", hint=hint)


def own_columns(incident: Incident, signal: str, *, tasks: bool = False) -> list[int]:
    """Return a signal's columns that are about the service or what it stands on; anybody's where there are none.

    Args:
        incident: Its matrix ``steps.metrics`` is meant.
        signal: An id.
        tasks: Also columns of single tasks; else those only where none is about the whole.
    """
    walk = incident.steps
    whose = {"", incident.service.name, walk.evidence.entity(signal)}
    columns = [i for i, s in enumerate(walk.metrics.series) if s.signal == signal]
    own = [i for i in columns if walk.metrics.series[i].service in whose] or columns
    whole = [i for i in own if not walk.metrics.series[i].task]
    return own if tasks or not whole else whole


def columns_frame(incident: Incident, signals: Sequence[str | Iterable[str]], *, tasks: bool) -> pd.DataFrame:
    """Return signals over time, a column a series. See `Incident.frame`."""
    walk, signals = incident.steps, names_of(signals)
    require_seen(walk.metrics, signals)
    if signals:
        chosen = [i for name in signals for i in own_columns(incident, name, tasks=tasks)]
    else:
        series = enumerate(walk.metrics.series)
        name = incident.service.name
        whose = {s.signal: {"", name, walk.evidence.entity(s.signal)} for s in walk.metrics.series}
        chosen = [i for i, s in series if s.service in whose[s.signal] and (tasks or not s.task)]
    metrics = walk.metrics.where(chosen)
    frame = metrics.to_frame()
    count = Counter(s.signal for s in metrics.series)
    pairs = zip(metrics.series, frame.columns, strict=True)
    frame.columns = [s.signal if count[s.signal] == 1 else long for s, long in pairs]
    frame.attrs["units"] = {name: s.unit for name, s in zip(frame.columns, metrics.series, strict=True)}
    return frame


def changes_frame(walk: Walk) -> pd.DataFrame:
    """Return what was detected, a row a column of the matrix, the strongest first. See `Incident.changes`."""
    import pandas as pd

    from obskit.analysis.frames import whole

    found, series = walk.detection, walk.metrics.series
    begun = np.full(len(series), np.datetime64("NaT"), "datetime64[ns]")
    changed = found.split >= 0
    begun[changed] = walk.metrics.times[found.split[changed]]
    texts = {
        "series": [s.name for s in series],
        "signal": [s.signal for s in series],
        "service": [s.service for s in series],
        "task": [s.task for s in series],
        "unit": [s.unit for s in series],
        "kind": found.kind.tolist(),
    }
    frame = pd.DataFrame({name: pd.Series([whole(text) for text in held], dtype="str") for name, held in texts.items()})
    frame["onset"] = pd.DatetimeIndex(begun, tz="UTC")
    for name, numbers in (("before", found.before), ("after", found.after), ("peak", found.peak)):
        frame[name] = numbers
    frame["score"] = found.score
    frame.index.name = "column"
    frame = frame.sort_values("score", ascending=False, kind="stable")
    frame.attrs["units"] = {"score": "robust deviations"}
    return frame
