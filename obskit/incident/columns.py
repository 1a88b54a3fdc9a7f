"""What is known of a matrix' columns before looking at a number: the signals' side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from obskit.incident.levels import Rules
from obskit.incident.stats import Floats, Ints, Mask
from obskit.model import Series, Signal

#: The smallest change that matters where a signal does not say: one of a count, one percent,
#: six events a minute.
UNIT_FLOORS: Mapping[str, float] = {"count": 1.0, "ratio": 0.01, "per_second": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """The columns as numbers; shape (N,) each, one entry a column.

    Attributes:
        signals: One entry a signal that has a column, not one a column.
        signal: Each column's position in ``signals``.
        group: The same number for the columns of one signal of one service.
        service: The same number for the columns of one service.
        rules: What the signal says.
        warn: The signal's warning level; NaN where it has none.
        task: True for a task's column, False for a whole service's.
    """

    signals: tuple[Signal, ...]
    signal: Ints
    group: Ints
    service: Ints
    rules: Rules
    warn: Floats
    task: Mask

    @classmethod
    def of(cls, series: Sequence[Series], signals: Mapping[str, Signal]) -> Columns:
        """Look the columns' signals up; one that the catalogue does not know may be bad in both directions."""
        used = {s.signal: s for s in series}
        known = tuple(signals.get(name) or _unknown(s) for name, s in used.items())
        signal, service = codes([s.signal for s in series]), codes([s.service for s in series])
        _, group = np.unique(signal * (service.max(initial=0) + 1) + service, return_inverse=True)
        rules = Rules(
            floor=np.array([s.floor or UNIT_FLOORS.get(s.unit, 0.0) for s in known], np.float64),
            bad=np.array([{"up": 1, "down": -1}.get(s.bad, 0) for s in known], np.int64),
            relative=np.array([s.unit != "ratio" for s in known], bool),
            rate=np.array([s.unit == "per_second" for s in known], bool),
            stock=np.array([s.unit in ("bytes", "count", "ratio") for s in known], bool),
        )
        warn = np.array([np.nan if s.warn is None else s.warn.value for s in known], np.float64)
        task = np.array([bool(s.task) for s in series], bool)
        return cls(
            signals=known,
            signal=signal,
            group=group,
            service=service,
            rules=rules.take(signal),
            warn=warn[signal],
            task=task,
        )


def codes(names: Sequence[str]) -> Ints:
    """Return a number for each name, equal for equal ones, in the order in which they first come."""
    known = {name: code for code, name in enumerate(dict.fromkeys(names))}
    return np.fromiter(map(known.__getitem__, names), np.int64, len(names))


def _unknown(series: Series) -> Signal:
    return Signal(id=series.signal, topic="", title=series.signal, unit=series.unit, bad="both", variants=())
