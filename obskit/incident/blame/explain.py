"""The first accounts of a ranking, in words that an engineer on call can check: `Suspect`s."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from obskit.escape import clean, cut
from obskit.incident.blame.ranking import blamed, part_of
from obskit.incident.blame.scene import PARTS, Account, Ints, Ranking, Scene
from obskit.incident.columns import codes
from obskit.incident.units import humanize
from obskit.model import Contribution, Finding, Labels, Part, Suspect, utc

Key = tuple[str, str, str, Labels]
"""What tells one column from the others: signal, service, task, labels."""

#: Suspects that are told; further ones nobody follows up by hand.
MOST_TOLD: Final = 10
#: A template within a sentence, and one that stands alone.
_SHORT_TEXT, _LONG_TEXT = 90, 300
#: Kinds whose mean is told: their median hides what is rare.
_RARE: Final = ("errors", "success")


def explain(
    scene: Scene,
    ranking: Ranking,
    *,
    findings: Sequence[Finding] = (),
    titles: Mapping[str, str] | None = None,
    redact: Callable[[str], str] = lambda text: text,
) -> tuple[Suspect, ...]:
    """Return the first suspects with what speaks against each of them, in words.

    Args:
        scene: What was ranked.
        ranking: What `rank_suspects` made of it.
        findings: Of the same telemetry. Where one is about a column that carries a part, its words, onset and
            query are taken, so that a report says the same of a series in each of its places.
        titles: A few words for a person by signal; a signal without reads as it is spelt.
        redact: Takes secrets out of log lines.

    Returns:
        At most `MOST_TOLD`, most suspect first; none against whom nothing speaks. Their contributions sum up to
        their score.
    """
    whom = blamed(scene.metrics.series, scene.calls)
    teller = _Teller(
        scene=scene,
        ranking=ranking,
        whom=whom,
        owner=codes(whom),
        codes={name: code for code, name in enumerate(dict.fromkeys(whom))},
        place=np.argsort(ranking.columns),
        findings={
            (f.subject, f.service, f.task, f.labels): f for f in findings if f.pillar == "metrics" and f.kind != "high"
        },
        lines={(f.service, f.subject): f for f in findings if f.pillar == "logs" and f.kind != "vanished"},
        titles=titles or {},
        redact=redact,
    )
    return tuple(teller.suspect(account) for account in ranking.suspects[:MOST_TOLD] if account.score > 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Teller:
    """Puts accounts into words.

    Attributes:
        whom: Length N, whom each column speaks against.
        owner: Shape (N,), the same as numbers.
        codes: The number of each name.
        place: Shape (N,), place of each column in the ranking.
        findings: Of metrics, by what their column is.
        lines: Findings of logs, by service and what they are about.
    """

    scene: Scene
    ranking: Ranking
    whom: Sequence[str]
    owner: Ints
    codes: Mapping[str, int]
    place: Ints
    findings: Mapping[Key, Finding]
    lines: Mapping[tuple[str, str], Finding]
    titles: Mapping[str, str]
    redact: Callable[[str], str]

    def suspect(self, account: Account) -> Suspect:
        """Return an account in words."""
        told = [self._contribution(account, part) for part in PARTS if account.parts.get(part, 0.0) > 0]
        told.sort(key=lambda c: -c.evidence)
        carried = next((c for c in told if c.series), None)
        return Suspect(
            service=account.service,
            task=account.task,
            score=account.score,
            contributions=tuple(told),
            series=carried.series if carried else "",
            onset=carried.onset if carried else None,
        )

    def _contribution(self, account: Account, part: Part) -> Contribution:
        evidence = account.parts[part]
        if part == "logs":
            return self._line(account.service, evidence)
        if part == "change":
            return self._change(account.service, evidence)
        if part == "path":
            return self._path(evidence)
        if part == "waits":
            return self._waits(account.service, evidence)
        if part == "withheld":
            return self._withheld(account.service, evidence)
        own = np.flatnonzero(self.owner == self.codes[account.service]).tolist()
        columns = [i for i in own if part_of(self.scene.kinds[i]) == part]
        return self._column(part, evidence, np.array(columns, np.int64))

    def _column(self, part: Part, evidence: float, columns: Ints, lead: str = "") -> Contribution:
        """Return what the most telling of some columns shows."""
        i = int(columns[np.lexsort((self.place[columns], -self.ranking.scores[columns]))[0]])
        series = self.scene.metrics.series[i]
        finding = self.findings.get((series.signal, series.service, series.task, series.labels))
        seen_by = f", as {series.service} sees it" if series.service != self.whom[i] else ""
        whose = f" of {self.whom[i]}" if part == "withheld" else ""
        task = f", task {series.task[:12]}" if series.task else ""
        return Contribution(
            part=part,
            evidence=evidence,
            words=self._clean(f"{lead}{finding.words if finding else self._levels(i)}{whose}{task}{seen_by}"),
            series=self._clean(series.name),
            query=series.query,
            onset=finding.onset if finding else self._moment(i),
        )

    def _levels(self, i: int) -> str:
        """Return a column's levels before its change and since."""
        metrics, series, row = self.scene.metrics, self.scene.metrics.series[i], int(self.ranking.cuts[i])
        level = np.mean if self.scene.kinds[i] in _RARE else np.median
        sides = (side[np.isfinite(side)] for side in (metrics.values[:row, i], metrics.values[row:, i]))
        before, after = (humanize(float(level(side)) if len(side) else float("nan"), series.unit) for side in sides)
        labels = ", ".join(f"{key}={value}" for key, value in series.labels)
        title = self.titles.get(series.signal, series.signal)
        return f"{title}{f' ({labels})' * bool(labels)} {before} -> {after}"

    def _moment(self, i: int) -> datetime:
        """Return when a column changed; a matrix without a point since has the incident's onset."""
        times, row = self.scene.metrics.times, int(self.ranking.cuts[i])
        known = row < len(times)
        return utc(int(times[row].astype("datetime64[ns]").astype(np.int64))) if known else self.ranking.onset

    def _withheld(self, service: str, evidence: float) -> Contribution:
        callees = [self.codes.get(callee, -1) for caller, callee in self.scene.calls if caller == service != callee]
        fallen = np.flatnonzero(np.isin(self.owner, callees) & (self.ranking.moved < 0)).tolist()
        columns = np.array([i for i in fallen if self.scene.kinds[i] == "traffic"], np.int64)
        return self._column("withheld", evidence, columns, "it passes on less than it gets: ")

    def _waits(self, service: str, evidence: float) -> Contribution:
        wait = self.ranking.waits[service]
        before, after = (humanize(seconds, "seconds") for seconds in (wait.before, wait.after))
        way = f"two of {wait.speaks}" if wait.spoke == wait.speaks else f"one of {wait.spoke} and one of {wait.speaks}"
        words = f"from line to line of a request, {way}: {before} -> {after}"
        return Contribution(part="waits", evidence=evidence, words=self._clean(words), onset=utc(wait.since_ns))

    def _line(self, service: str, evidence: float) -> Contribution:
        news = self.ranking.news.news[service]
        text = self._clean(news.template)
        before, after = (humanize(float(f"{rate:.2g}"), "") for rate in (news.before, news.after))
        said = self.lines.get((service, news.signature)) or self.lines.get((service, text))
        what = f"{'more' if news.before > 0 else 'new'} {f'{news.level} ' * bool(news.level)}lines"
        return Contribution(
            part="logs",
            evidence=evidence,
            words=f'{what} "{cut(text, _SHORT_TEXT)}" {before} -> {after} a minute',
            series=cut(text, _LONG_TEXT),
            query=said.query if said else "",
            onset=utc(news.first_ns),
        )

    def _change(self, service: str, evidence: float) -> Contribution:
        rollout = self.ranking.changes[service]
        how = ""
        if rollout.contrast > rollout.silent:
            how = f"; its new task {rollout.task[:12]} does worse than the older ones"
        elif rollout.silent > 0:
            how = "; its new tasks answer less than the older ones"
        return Contribution(
            part="change", evidence=evidence, words=self._clean(f"it was deployed{how}"), onset=utc(rollout.at_ns)
        )

    def _path(self, evidence: float) -> Contribution:
        felt = self.scene.alert.service if self.scene.alert else ""
        share = humanize(round(evidence / self.ranking.weights["path"], 2), "ratio")
        words = f"{share} of the ways from {felt} to whoever is affected end here"
        return Contribution(part="path", evidence=evidence, words=self._clean(words))

    def _clean(self, text: str) -> str:
        return clean(self.redact(text))
