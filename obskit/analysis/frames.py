"""What the engine made, as data frames: times ``datetime64[ns, UTC]``, units in ``attrs["units"]`` or a column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from obskit.model import Claim, Diagnosis, Event, Finding, Gap, LogTemplate, Suspect

if TYPE_CHECKING:
    import pandas as pd

    from obskit.incident.impact import Impact
    from obskit.incident.investigate import Walk
    from obskit.incident.templates import Records

#: The texts of a log record.
_OF_RECORDS: Final = ("service", "task", "level", "template", "id", "signature")
#: Of a level that is no signal's.
_LOG_UNIT = "lines per minute"


def evidence_frame(walk: Walk) -> pd.DataFrame:
    """Return a row an argument: of each judged cause what speaks for it, against it, and what was not seen."""
    order = [ranked.judgement.cause for ranked in walk.ranked]
    order += [cause for cause in walk.judgements if cause not in order]
    rows: list[tuple[str, str, Claim]] = []
    for cause in order:
        judgement = walk.judgements.get(cause)
        if judgement is not None:
            rows += [(cause, "for", claim) for claim in judgement.claims_for]
            rows += [(cause, "against", claim) for claim in judgement.claims_against]
            rows += [(cause, "not seen", Claim(words=words, weight=0.0)) for words in judgement.not_seen]
    frame = _frame(
        {
            "cause": [cause for cause, _, _ in rows],
            "side": [side for _, side, _ in rows],
            "words": [claim.words for _, _, claim in rows],
            "weight": [claim.weight for _, _, claim in rows],
            "pillar": [claim.pillar for _, _, claim in rows],
            "at": _times(claim.at for _, _, claim in rows),
            "query": [claim.query for _, _, claim in rows],
        },
        numbers=("weight",),
    )
    frame.attrs["units"] = {"weight": "nats"}
    return frame


def hypotheses_frame(diagnosis: Diagnosis) -> pd.DataFrame:
    """Return a row a hypothesis, likeliest first."""
    found = diagnosis.hypotheses
    frame = _frame(
        {
            "cause": [h.cause for h in found],
            "title": [h.title for h in found],
            "probability": [h.probability for h in found],
            "evidence": [h.judgement.score for h in found],
            "service": [h.judgement.service for h in found],
            "task": [h.judgement.task for h in found],
            "onset": _times(h.judgement.onset for h in found),
            "reason": [h.judgement.reason for h in found],
            "explained_by": [h.explained_by for h in found],
            "independent": [h.independent for h in found],
            "runbook": [h.runbook for h in found],
        },
        numbers=("probability", "evidence"),
    )
    frame.attrs["units"] = {"probability": "ratio", "evidence": "nats"}
    return frame


def findings_frame(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return a row a finding, indexed by its onset; ``before``, ``after`` and ``peak`` are in the row's ``unit``."""
    frame = _frame(
        {
            "pillar": [f.pillar for f in findings],
            "kind": [f.kind for f in findings],
            "service": [f.service for f in findings],
            "task": [f.task for f in findings],
            "subject": [f.subject for f in findings],
            "words": [f.words for f in findings],
            "before": [f.before for f in findings],
            "after": [f.after for f in findings],
            "peak": [f.peak for f in findings],
            "unit": [f.unit or _LOG_UNIT * (f.pillar == "logs" and isfinite(f.after)) for f in findings],
            "count": [f.count for f in findings],
            "score": [f.score for f in findings],
            "until": _times(f.until for f in findings),
            "query": [f.query for f in findings],
        },
        numbers=("before", "after", "peak", "count", "score"),
    )
    return frame.set_index(_times((f.onset for f in findings), name="onset"))


def suspects_frame(suspects: Sequence[Suspect]) -> pd.DataFrame:
    """Return a row a contribution to a suspect's score, most suspect service first."""
    rows = [(suspect, part) for suspect in suspects for part in suspect.contributions]
    frame = _frame(
        {
            "service": [suspect.service for suspect, _ in rows],
            "task": [suspect.task for suspect, _ in rows],
            "score": [suspect.score for suspect, _ in rows],
            "part": [part.part for _, part in rows],
            "evidence": [part.evidence for _, part in rows],
            "words": [part.words for _, part in rows],
            "series": [part.series for _, part in rows],
            "onset": _times(part.onset for _, part in rows),
            "query": [part.query for _, part in rows],
        },
        numbers=("score", "evidence"),
    )
    frame.attrs["units"] = {"score": "nats", "evidence": "nats"}
    return frame


def templates_frame(templates: Sequence[LogTemplate]) -> pd.DataFrame:
    """Return a row a log template: what changed first; ``before`` and ``after`` are lines a minute."""
    frame = _frame(
        {
            "template": [t.template for t in templates],
            "service": [t.service for t in templates],
            "level": [t.level for t in templates],
            "change": [t.change for t in templates],
            "before": [t.before for t in templates],
            "after": [t.after for t in templates],
            "count": [t.count for t in templates],
            "signature": [t.signature for t in templates],
            "onset": _times(t.onset for t in templates),
            "example": [t.example for t in templates],
            "id": [t.id for t in templates],
        },
        numbers=("before", "after", "count"),
    )
    frame.attrs["units"] = {"before": _LOG_UNIT, "after": _LOG_UNIT, "count": "lines"}
    return frame


def records_frame(records: Records | None) -> pd.DataFrame:
    """Return a row a log record, indexed by its time; texts are categories, redacted as those of `templates_frame`.

    Args:
        records: Of a log report; None where there were no lines.
    """
    import pandas as pd

    from obskit.incident.logs import template_of
    from obskit.redact import redact

    if records is None:
        texts = dict.fromkeys(_OF_RECORDS, _categories((), np.empty(0, np.int64)))
        times, weight = _times((), name="time"), np.empty(0)
    else:
        shown = [template_of(name, redact) for name in records.names]
        held: tuple[tuple[Sequence[str], npt.NDArray[np.int64]], ...] = (
            (records.services, records.service),
            (records.tasks, records.task),
            (records.levels, records.template),
            ([text for text, _ in shown], records.template),
            ([name for _, name in shown], records.template),
            (records.signatures, records.template),
        )
        texts = {name: _categories(*one) for name, one in zip(_OF_RECORDS, held, strict=True)}
        times, weight = pd.DatetimeIndex(records.time_ns, tz="UTC", name="time"), records.weight
    frame = pd.DataFrame({**texts, "weight": weight}, index=times)
    frame.attrs["units"] = {"weight": "records"}
    return frame


def impact_frame(impact: Impact) -> pd.DataFrame:
    """Return a row a reading; what was lost, and when, stands in ``attrs``. See `Incident.impact`."""
    found = impact.readings
    frame = _frame(
        {
            "signal": [r.signal for r in found],
            "before": [r.before for r in found],
            "during": [r.during for r in found],
            "lowest": [r.lowest for r in found],
            "highest": [r.highest for r in found],
            "unit": [r.unit for r in found],
            "measured": [r.measured for r in found],
        },
        numbers=("before", "during", "lowest", "highest", "measured"),
    )
    lost = {
        where: {"requests": one.requests, "failed": one.failed, "share": one.share, "complete": one.complete}
        for where, one in impact.lost.items()
        if one is not None
    }
    frame.attrs |= {"units": {"measured": "ratio"}, "lost": lost}
    frame.attrs |= {"start": impact.stretch.start, "end": impact.stretch.end, "over": impact.over}
    return frame


def events_frame(events: Sequence[Event]) -> pd.DataFrame:
    """Return a row an event, indexed by its time; ``details`` are a dictionary a row."""
    frame = _frame(
        {
            "kind": [e.kind for e in events],
            "service": [e.service for e in events],
            "task": [e.task for e in events],
            "code": [e.code for e in events],
            "message": [e.message for e in events],
            "revision": [e.revision for e in events],
            "deployment": [e.deployment for e in events],
            "details": [dict(e.details) for e in events],
        }
    )
    return frame.set_index(_times((e.time for e in events), name="time"))


def gaps_frame(gaps: Sequence[Gap]) -> pd.DataFrame:
    """Return a row a gap: who could not be asked what, and why."""
    return _frame(
        {
            "source": [g.source for g in gaps],
            "query": [g.query for g in gaps],
            "reason": [g.reason for g in gaps],
            "partial": [g.partial for g in gaps],
        }
    )


def _categories(texts: Sequence[str], codes: npt.NDArray[np.int64]) -> pd.Categorical:
    """Return texts by their places; equal ones are one category."""
    import pandas as pd

    places, kinds = pd.factorize(np.array([whole(text) for text in texts], dtype=object))
    return pd.Categorical.from_codes(places[codes], pd.Index(kinds, dtype="str"))


def _times(moments: Iterable[datetime | None], name: str | None = None) -> pd.DatetimeIndex:
    """Return moments as UTC; what has none is NaT."""
    import pandas as pd

    return pd.DatetimeIndex(list(moments), dtype="datetime64[ns, UTC]", name=name)


def _frame(columns: dict[str, list[object] | pd.DatetimeIndex], numbers: Sequence[str] = ()) -> pd.DataFrame:
    """Return columns as a frame whose types do not depend on how many rows there are."""
    import pandas as pd

    kinds = {"count": "int64", **dict.fromkeys(("independent", "partial"), "bool")}
    made: dict[str, pd.Series] = {}
    for name, values in columns.items():
        if isinstance(values, pd.DatetimeIndex):
            made[name] = pd.Series(values)
            continue
        kind = kinds.get(name) or ("float64" if name in numbers else "object" if name == "details" else "str")
        held = [whole(value) for value in values] if kind == "str" else values
        made[name] = pd.Series(held, dtype=kind)
    return pd.DataFrame(made)


def whole(text: object) -> str:
    """Return a text without half characters (lone surrogates), which no column holds."""
    return str(text).encode("utf-8", "replace").decode()
