"""One incident in the hand of an analyst: what was seen, what each stage made of it, what is told."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from obskit.errors import UsageError
from obskit.escape import clean
from obskit.model import Diagnosis, Event, Gap, Logs, Metrics, Pillar, Service, Telemetry, Window

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from obskit.incident.investigate import Walk


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)  # no slots: what is made once is kept in its dictionary
class Incident:
    """What was seen of one service in one window, live or recorded, and what obskit makes of it.

    Nothing is computed before it is asked for, and what was computed is kept. Frames are new at each call.

    Attributes:
        service: Whom it is about.
        window: When (UTC); the telemetry also holds the window's baseline, the calm stretch before it.
        telemetry: All that was seen, redacted, and what was not.
        made_by: Which obskit recorded it; "" for what was asked just now.
        recording: The name of the file that it was opened from; "" when it has none.

    Example:
        >>> import obskit
        >>> incident = obskit.demo()
        >>> incident.service.name, str(incident.window)
        ('shop-api', '...Z to ...Z')
        >>> incident.hypotheses()["cause"].iloc[0]
        'db_pool_exhausted'
    """

    service: Service
    window: Window
    telemetry: Telemetry
    made_by: str = ""
    recording: str = ""

    @property
    def metrics(self) -> Metrics:
        """Series as they were answered: a matrix (T, N), UTC, NaN for "no sample", a unit a column."""
        return self.telemetry.metrics

    @property
    def logs(self) -> Logs:
        """Log lines, by time, redacted."""
        return self.telemetry.logs

    @property
    def events(self) -> tuple[Event, ...]:
        """What ECS, deployments and alerts said, by time."""
        return self.telemetry.events

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be seen, and why. No data is never zero."""
        return self.telemetry.gaps

    @cached_property
    def steps(self) -> Walk:
        """What each stage of the engine made: detection, log report, findings, evidence, judgements, ranking."""
        from obskit.incident.investigate import walk

        return walk(self.telemetry, service=self.service, window=self.window)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """The answer: ranked causes with probabilities, whom to blame, what was not seen, what to do next."""
        from obskit.incident.investigate import diagnosis_of

        return diagnosis_of(self.steps, self.service)

    def hypotheses(self) -> pd.DataFrame:
        """Return a row a hypothesis, likeliest first; none when the window is calm.

        Returns:
            ``cause``, ``title``, ``probability`` (0 to 1), ``evidence`` (sum of the weights of its claims, nats,
            before another cause explains it away), ``service``, ``task``, ``onset`` (UTC), ``reason``,
            ``explained_by``, ``independent``, ``runbook``.

        Example:
            >>> import obskit
            >>> obskit.demo().hypotheses().attrs["units"]
            {'probability': 'ratio', 'evidence': 'nats'}
        """
        from obskit.analysis.frames import hypotheses_frame

        return hypotheses_frame(self.diagnosis)

    def evidence(self) -> pd.DataFrame:
        """Return a row an argument, by cause, likeliest cause first, causes that were found unlikely included.

        Returns:
            ``cause``, ``side`` (``for``, ``against``, ``not seen``), ``words``, ``weight`` (nats of log-odds: 0.7 a
            hint, 1.5 telling, 3 strong, 4.5 a verdict; negative against), ``pillar``, ``at`` (UTC), ``query`` (to
            see it again).

        Example:
            >>> import obskit
            >>> evidence = obskit.demo().evidence()
            >>> first = evidence[evidence["cause"] == "db_pool_exhausted"]
            >>> float(first["weight"].max())
            3.0
        """
        from obskit.analysis.frames import evidence_frame

        return evidence_frame(self.steps)

    def suspects(self) -> pd.DataFrame:
        """Return whom the statistics suspect where no cause fits, a row a reason; none where a cause was found.

        Returns:
            ``service``, ``task``, ``score`` (of the service, nats), ``part`` (which kind of evidence), ``evidence``
            (its share of the score, nats; no log-odds), ``words``, ``series``, ``onset`` (UTC), ``query``.

        Example:
            >>> import obskit
            >>> len(obskit.demo().suspects())
            0
        """
        from obskit.analysis.frames import suspects_frame

        return suspects_frame(self.diagnosis.suspects)

    def frame(self, *signals: str | Iterable[str], tasks: bool = False) -> pd.DataFrame:
        """Return the numbers that `plot` draws: a row a moment, a column a series; NaN is "no sample", never zero.

        Args:
            signals: Ids of the catalogue, one by one or as a list; where none is named, everything that was seen of
                the service and of what it stands on (nodes, database).
            tasks: Also columns of single tasks, where a signal has them.

        Returns:
            Shape (T, N), indexed by ``time`` (UTC). A column is named after its signal where it is the only one, else
            as ``Series.name``; ``attrs["units"]`` says each column's unit.

        Raises:
            UsageError: A signal was not seen.

        Example:
            >>> import obskit
            >>> frame = obskit.demo().frame("http_latency_p95", "db_pool_used_ratio")
            >>> frame.attrs["units"]
            {'http_latency_p95': 'seconds', 'db_pool_used_ratio': 'ratio'}
        """
        from obskit.analysis.columns import columns_frame

        return columns_frame(self, signals, tasks=tasks)

    def changes(self) -> pd.DataFrame:
        """Return a row a column of the matrix ``steps.metrics``: whether it changed, when and by how much.

        Returns:
            The strongest first, indexed by ``column``, its place in the matrix: ``series`` (``Series.name``),
            ``signal``, ``service``, ``task``, ``unit``, ``kind`` (``shift``, ``spike``, ``ramp``, ``lost``,
            ``appeared``, ``high``; "" where nothing changed), ``onset`` (UTC), ``before``, ``after`` and ``peak`` (in
            the row's ``unit``; NaN where there was no sample), ``score`` (robust deviations, 0 where nothing changed).

        Example:
            >>> import obskit
            >>> changes = obskit.demo().changes()
            >>> changes["score"].is_monotonic_decreasing, "shift" in set(changes["kind"])
            (True, True)
        """
        from obskit.analysis.columns import changes_frame

        return changes_frame(self.steps)

    def impact(self) -> pd.DataFrame:
        """Return what users suffered, a row a signal, measured or not: before the troubled stretch, and in it.

        Returns:
            ``signal``, ``before``, ``during``, ``lowest`` and ``highest`` (in the row's ``unit``; NaN where there was
            no sample), ``unit``, ``measured`` (share of the stretch that has samples, 0 to 1). ``attrs["start"]`` and
            ``attrs["end"]`` are the stretch, ``attrs["over"]`` is when users felt it no more (None while they do), all
            UTC; ``attrs["lost"]`` holds, by who counted (``service``, ``balancer``), the ``requests`` of the stretch,
            how many ``failed``, their ``share`` (0 to 1), and whether the count is ``complete``.

        Example:
            >>> import obskit
            >>> impact = obskit.demo().impact()
            >>> bool(impact.set_index("signal")["during"]["http_error_ratio"] > 0), sorted(impact.attrs["lost"])
            (True, ['balancer', 'service'])
        """
        from obskit.analysis.frames import impact_frame
        from obskit.incident.impact import impact_of

        return impact_frame(impact_of(self.diagnosis, self.metrics))

    def timeline(self) -> pd.DataFrame:
        """Return a row a finding worth telling, by onset (UTC); ``steps.evidence.findings`` holds all of them.

        Returns:
            Indexed by ``onset``: ``pillar``, ``kind``, ``service``, ``task``, ``subject``, ``words``, ``before``,
            ``after`` and ``peak`` (in the row's ``unit``; NaN where they have no meaning), ``unit``, ``count``,
            ``score``, ``until`` (UTC), ``query``.

        Example:
            >>> import obskit
            >>> timeline = obskit.demo().timeline()
            >>> timeline.index.is_monotonic_increasing, str(timeline.index.tz)
            (True, 'UTC')
        """
        from obskit.analysis.frames import findings_frame

        return findings_frame(self.diagnosis.timeline)

    def templates(self) -> pd.DataFrame:
        """Return a row a log template, changed ones first.

        Returns:
            ``template``, ``service``, ``level``, ``change`` (``new``, ``surged``, ``vanished``, ``steady``),
            ``before`` and ``after`` (lines a minute), ``count`` (lines), ``signature``, ``onset`` (UTC), ``example``,
            ``id`` (the same in every run and on every machine; `records` has it as well).

        Example:
            >>> import obskit
            >>> obskit.demo().templates()["change"].iloc[0]
            'new'
        """
        from obskit.analysis.frames import templates_frame

        return templates_frame(self.diagnosis.log_templates)

    def records(self) -> pd.DataFrame:
        """Return a row a log record, that is a line with its stack trace folded in; none without lines.

        Returns:
            Indexed by ``time`` (UTC, ascending): ``service``, ``task``, ``level``, ``template`` and ``id`` (as in
            `templates`, which tells of the most telling ones), ``signature`` ("" where the wording is not known), all
            categorical; ``weight``, how many records it stands for.

        Example:
            >>> import obskit
            >>> incident = obskit.demo()
            >>> by_template = incident.records().groupby("id")["weight"].sum()
            >>> set(incident.templates()["id"]) <= set(by_template.index)
            True
        """
        from obskit.analysis.frames import records_frame

        return records_frame(self.steps.log_report.records)

    def events_frame(self) -> pd.DataFrame:
        """Return a row an event.

        Returns:
            Indexed by ``time`` (UTC): ``kind``, ``service``, ``task``, ``code``, ``message``, ``revision``,
            ``deployment``, ``details`` (a dictionary of texts).

        Example:
            >>> import obskit
            >>> "task_stopped" in set(obskit.demo().events_frame()["kind"])
            True
        """
        from obskit.analysis.frames import events_frame

        return events_frame(self.events)

    def gaps_frame(self) -> pd.DataFrame:
        """Return a row a gap.

        Returns:
            ``source``, ``query``, ``reason``, ``partial`` (some of the answer came).

        Example:
            >>> import obskit
            >>> obskit.demo().without("logs").gaps_frame()["source"].tolist()
            ['loki']
        """
        from obskit.analysis.frames import gaps_frame

        return gaps_frame(self.gaps)

    def without(self, *pillars: Pillar) -> Incident:
        """Return the incident as it would have been seen with sources down: each pillar taken away is a gap.

        Args:
            pillars: ``metrics``, ``logs``, ``events``.

        Raises:
            UsageError: There is no such pillar.

        Example:
            >>> import obskit
            >>> obskit.demo().without("metrics").diagnosis.verdict != "calm"
            True
        """
        from obskit.evaluation.degrade import SOURCES, without

        for pillar in pillars:
            if pillar not in SOURCES:
                raise UsageError(f"there is no pillar {pillar!r}", hint=f"there are {', '.join(SOURCES)}")
        left = without(self.telemetry, *pillars)
        return Incident(service=self.service, window=self.window, telemetry=left, made_by=self.made_by)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as a bundle, redacted, for `open_bundle` and ``obskit triage --bundle``; return where it is.

        Args:
            path: The file; one that exists is replaced.

        Raises:
            BundleError: The place cannot be written, or the recording is too large.

        Example:
            >>> import obskit
            >>> obskit.demo().save("incident.obskit").name
            'incident.obskit'
        """
        from obskit.asking import made_by
        from obskit.sources.bundle import write_bundle

        place = Path(path)
        made = self.made_by or made_by()
        write_bundle(place, self.telemetry, service=self.service, window=self.window, made_by=made)
        return place

    def plot(self, *signals: str | Iterable[str], tasks: bool = False) -> Figure:
        """Draw signals over time, one below the other: UTC, units on the axes, window shaded, onset marked.

        Args:
            signals: Ids of the catalogue, one by one or as a list; those that tell most where none is named.
            tasks: Also a line a task, where a signal has columns of single tasks; the whole's is the thick one.

        Raises:
            UsageError: A signal was not seen, or there is none at all.
            ObskitError: matplotlib is not installed.

        Example:
            >>> import obskit
            >>> figure = obskit.demo().plot("http_latency_p95", "db_pool_used_ratio")
            >>> [axes.get_ylabel() for axes in figure.axes]
            ['seconds', 'percent']
        """
        from obskit.analysis.plots import incident_figure

        return incident_figure(self, signals, tasks=tasks)

    def postmortem(self) -> str:
        """Return the draft of a postmortem as Markdown: what was measured, and room for what only people know.

        It is what ``obskit postmortem FILE`` prints of the same recording.

        Example:
            >>> import obskit
            >>> "## Impact" in obskit.demo().postmortem()
            True
        """
        from obskit.incident.report import as_postmortem

        return as_postmortem.render(self.diagnosis, self.telemetry, recording=self.recording)

    def _repr_html_(self) -> str:
        from obskit.analysis.show import incident_html

        return incident_html(self)

    def __repr__(self) -> str:
        seen = self.telemetry
        counts = f"{len(seen.metrics.series)} series, {len(seen.logs)} lines, {len(seen.events)} events"
        return f"<Incident of {clean(self.service.name)}, {self.window}: {counts}, {len(seen.gaps)} gaps>"
