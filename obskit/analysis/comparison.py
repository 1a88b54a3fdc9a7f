"""Two incidents side by side: was it the same cause again, and what tells them apart?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from obskit.analysis.arguments import names_of
from obskit.analysis.frames import findings_frame
from obskit.analysis.incident import Incident
from obskit.errors import UsageError
from obskit.incident.causes import all_causes
from obskit.model import Diagnosis, Hypothesis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Signals of one overlay: more are no picture.
MOST_PANELS = 6
_SIDES = ("first", "second")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Two incidents, each on the clock of its own onset.

    Attributes:
        first, second: In the order in which they were given; columns are named after them.
    """

    first: Incident
    second: Incident

    @property
    def verdict(self) -> str:
        """Say in a sentence or two whether it was the same cause."""
        named = [_named(incident.diagnosis) for _, incident in self._sides]
        unnamed = [side for side, one in zip(_SIDES, named, strict=True) if one is None]
        if named[0] is None or named[1] is None:
            return f"It cannot be told: no cause is named of the {' and of the '.join(unnamed)} incident."
        if named[0].cause == named[1].cause:
            return f"The same cause: {named[0].title}."
        leads_to = {cause.id: cause.brings_about for cause in all_causes()}
        pairs = (("first", named[0], named[1]), ("second", named[1], named[0]))
        leads = [side for side, one, other in pairs if other.cause in leads_to[one.cause]]
        also = f" The {leads[0]} can bring the other about." if len(leads) == 1 else ""
        return f"Two causes: {named[0].title}, and {named[1].title}.{also}"

    @property
    def likeness(self) -> float:
        """Return the share of all changes that both show in the same direction, 0 to 1; NaN where neither shows any.

        Source: Jaccard (1901), the size of the intersection over that of the union.
        """
        seen = self.changes()["seen"]
        return float((seen == "both").mean()) if len(seen) else float("nan")

    def hypotheses(self) -> pd.DataFrame:
        """Return a row a cause that is judged likely in either, by its higher probability.

        Returns:
            By ``cause``: ``probability_first``, ``probability_second`` (0 to 1; NaN where it is not listed) and
            ``evidence_first``, ``evidence_second`` (nats; NaN where nothing was to be said).
        """
        import pandas as pd

        parts = []
        for side, incident in zip(_SIDES, (self.first, self.second), strict=True):
            listed = incident.hypotheses().set_index("cause")["probability"].rename(f"probability_{side}")
            judged = {cause: j.score for cause, j in incident.steps.judgements.items() if j is not None}
            parts += [listed, pd.Series(judged, name=f"evidence_{side}", dtype=np.float64)]
        found = pd.concat(parts, axis=1)
        likely = [f"probability_{side}" for side in _SIDES]
        found = found[found[likely].notna().any(axis=1)]
        found = found.loc[found[likely].max(axis=1).sort_values(ascending=False, kind="stable").index]
        found.index.name = "cause"
        found.attrs["units"] = dict.fromkeys(likely, "ratio") | {f"evidence_{side}": "nats" for side in _SIDES}
        return found[[*likely, *(f"evidence_{side}" for side in _SIDES)]]

    def changes(self) -> pd.DataFrame:
        """Return a row a thing that changed in either: signal, log signature or template, kind of event.

        A thing is the service's own, or of what it stands on (database, nodes): what other services show is left out,
        as a caller's errors are none of the service. What a service shows as a whole stands for its tasks; of several
        findings of one thing the earliest.

        Returns:
            By ``pillar`` and ``subject``: ``seen`` (``both``, ``opposite`` for both in opposite directions, ``first``,
            ``second``), ``after_first``, ``after_second`` (level in the trouble, in ``unit``; NaN where that has no
            meaning) and ``offset_first``, ``offset_second`` (seconds from that incident's onset; NaN where not seen).
            What both show comes first, by the earlier offset; then what only one shows, the largest changes first.
        """
        held = [_changes(incident).add_suffix(f"_{side}") for side, incident in self._sides]
        found = held[0].join(held[1], how="outer")
        has = [found[f"offset_{side}"].notna() for side in _SIDES]
        way = found["way_first"] * found["way_second"]
        kinds = [has[0] & has[1] & (way < 0), has[0] & has[1], has[0]]
        found["seen"] = np.select(kinds, ["opposite", "both", "first"], "second")
        found["unit"] = found["unit_first"].fillna(found["unit_second"])
        place = found["seen"].map({"both": 0, "opposite": 1, "first": 2, "second": 3}).to_numpy()
        offset = found[[f"offset_{side}" for side in _SIDES]].min(axis=1).to_numpy()
        size = found[[f"score_{side}" for side in _SIDES]].abs().max(axis=1).to_numpy()
        found = found.iloc[np.lexsort((np.where(place < 2, offset, -size), place))]
        columns = ["seen", "after_first", "after_second", "unit", "offset_first", "offset_second"]
        found.attrs["units"] = {f"offset_{side}": "seconds" for side in _SIDES}
        return found[columns]

    def templates(self) -> pd.DataFrame:
        """Return a row a log template of either, joined by its id: the same text has the same id on every machine.

        Returns:
            By ``id``: ``template``, ``seen`` (``both``, ``first``, ``second``), ``change_first``, ``change_second``
            (``new``, ``surged``, ``vanished``, ``steady``; NaN where not seen), ``after_first``, ``after_second``
            (lines a minute in the trouble, of all services together). What changed in both comes first.
        """
        held = [_templates(incident).add_suffix(f"_{side}") for side, incident in self._sides]
        found = held[0].join(held[1], how="outer")
        has = [found[f"template_{side}"].notna() for side in _SIDES]
        found["template"] = found["template_first"].fillna(found["template_second"])
        found["seen"] = np.select([has[0] & has[1], has[0]], ["both", "first"], "second")
        moved = [found[f"change_{side}"].isin(["new", "surged", "vanished"]) for side in _SIDES]
        place = np.select([moved[0] & moved[1], moved[0] | moved[1], has[0] & has[1]], [0, 1, 2], 3)
        found = found.iloc[np.argsort(place, kind="stable")]
        found.attrs["units"] = {f"after_{side}": "lines per minute" for side in _SIDES}
        return found[["template", "seen", *(f"{what}_{side}" for what in ("change", "after") for side in _SIDES)]]

    def plot(self, *signals: str | Iterable[str]) -> Figure:
        """Draw signals of both, each on the clock of its own onset: what is alike lies on one another.

        Args:
            signals: Ids of the catalogue, one by one or as a list; at most `MOST_PANELS`.

        Raises:
            UsageError: None or too many are named, one that neither has seen, or an incident without an onset.
            ObskitError: matplotlib is not installed.
        """
        names = names_of(signals)
        if not 0 < len(names) <= MOST_PANELS:
            raise UsageError(f"{len(names)} signals make no figure", hint=f"name one to {MOST_PANELS}")
        calm = [side for side, incident in self._sides if incident.diagnosis.onset is None]
        if calm:
            raise UsageError(f"the {calm[0]} incident has no onset to align at", hint="it is calm: compare another")
        known = {s.signal for _, incident in self._sides for s in incident.steps.metrics.series}
        for name in names:
            if name not in known:
                raise UsageError(f"neither incident has seen {name[:80]!r}", hint="take a signal of .changes()")
        from obskit.analysis.plots import overlay_figure

        return overlay_figure(self._sides, names)

    @property
    def _sides(self) -> tuple[tuple[str, Incident], ...]:
        return tuple(zip(_SIDES, (self.first, self.second), strict=True))


def compare(first: Incident, second: Incident) -> Comparison:
    """Put two incidents side by side.

    Example:
        >>> import obskit
        >>> from obskit.analysis.comparison import compare
        >>> compare(obskit.demo(), obskit.demo()).likeness
        1.0
    """
    return Comparison(first=first, second=second)


def _named(diagnosis: Diagnosis) -> Hypothesis | None:
    """Return the cause that a diagnosis names, found or possible."""
    return diagnosis.hypotheses[0] if diagnosis.verdict in ("cause_found", "possible") else None


def _changes(incident: Incident) -> pd.DataFrame:
    """Return a row a thing of the service that changed, by pillar and subject: offset, level, unit, direction."""
    import pandas as pd

    evidence = incident.steps.evidence
    others = evidence.neighbours()
    found = findings_frame([f for f in evidence.findings if f.kind != "high" and f.service not in others])
    onset = pd.Timestamp(incident.diagnosis.onset or incident.window.start)
    found["offset"] = (pd.DatetimeIndex(found.index) - onset).total_seconds().to_numpy()
    direction = np.sign(found["after"].to_numpy() - found["before"].to_numpy())
    unknown = np.isnan(direction) | (direction == 0)
    found["way"] = np.where(unknown, np.where(found["kind"] == "vanished", -1.0, 1.0), direction)
    found["of_task"] = found["task"] != ""
    found["of_other"] = found["service"] != incident.service.name  # a database, a server beside it
    found = found.sort_values(["of_other", "of_task", "offset"], kind="stable").drop_duplicates(["pillar", "subject"])
    return found.set_index(["pillar", "subject"])[["offset", "after", "unit", "way", "score"]]


def _templates(incident: Incident) -> pd.DataFrame:
    """Return a row a template by id: its text, its strongest change, and its lines a minute over all services."""
    import pandas as pd

    held = incident.diagnosis.log_templates
    found = pd.DataFrame(
        {
            "id": [t.id for t in held],
            "template": [t.template for t in held],
            "change": [t.change for t in held],
            "after": np.array([t.after for t in held], dtype=np.float64),
        }
    )
    # changed ones come first in a diagnosis
    return found.groupby("id", sort=False).agg({"template": "first", "change": "first", "after": "sum"})
