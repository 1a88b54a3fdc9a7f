"""What was seen: series, lines, events, and what could not be had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from obskit.model.words import FloatMatrix, Labels, TimeArray, Unit, stamp, utc

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from matplotlib.figure import Figure

    from obskit.model.asked import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What one column of a `Metrics` matrix is.

    Attributes:
        signal: Id of its signal.
        unit: The signal's unit.
        service: The service (or ``database``, ``node``) it belongs to; "" when unknown.
        task: The task, or "" when the column is about the whole service.
        labels: What else tells it apart, sorted.
        query: The exact text that was sent, so that a reader can send it again.
    """

    signal: str
    unit: Unit
    service: str = ""
    task: str = ""
    labels: Labels = ()
    query: str = ""

    @property
    def name(self) -> str:
        """Return ``signal{service, task, labels}`` for a person."""
        parts = [p for p in (self.service, self.task[:12], *(f"{k}={v}" for k, v in self.labels)) if p]
        return f"{self.signal}{{{', '.join(parts)}}}" if parts else self.signal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metrics:
    """Answers as one dense matrix.

    Attributes:
        times: Shape (T,), datetime64[ns], UTC, ascending, one point a step.
        values: Shape (T, N), float64; NaN where there was no sample. Nobody writes into it.
        series: Length N, one entry a column.

    Example:
        >>> import obskit
        >>> metrics = obskit.demo().metrics
        >>> metrics.values.shape == (len(metrics.times), len(metrics.series))
        True
        >>> metrics.series[0].name, metrics.series[0].unit
        ('alb_unhealthy_hosts{orders}', 'count')
    """

    times: TimeArray
    values: FloatMatrix
    series: tuple[Series, ...]

    @classmethod
    def empty(cls) -> Metrics:
        """Return a matrix without points or columns.

        Example:
            >>> from obskit import Metrics
            >>> Metrics.empty().values.shape
            (0, 0)
        """
        return cls(times=np.empty(0, "datetime64[ns]"), values=np.empty((0, 0)), series=())

    def where(self, keep: Iterable[int]) -> Metrics:
        """Return the columns with these positions, in this order.

        Example:
            >>> import obskit
            >>> metrics = obskit.demo().metrics
            >>> latency = metrics.where(i for i, s in enumerate(metrics.series) if s.signal == "http_latency_p95")
            >>> {s.unit for s in latency.series}
            {'seconds'}
        """
        index = list(keep)
        return Metrics(times=self.times, values=self.values[:, index], series=tuple(self.series[i] for i in index))

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: a UTC index ``time``, one column a series named as ``Series.name``, NaN for "no sample".

        ``frame.attrs["units"]`` says each column's unit.

        Example:
            >>> import obskit
            >>> frame = obskit.demo().metrics.to_frame()
            >>> str(frame.index.tz), frame.attrs["units"]["alb_unhealthy_hosts{shop-api}"]
            ('UTC', 'count')
        """
        import pandas as pd  # heavy, and only analysts need it

        index = pd.DatetimeIndex(self.times, tz="UTC", name="time")
        # half characters (lone surrogates), which a recording's labels may hold, are none that pandas can keep
        names = [s.name.encode("utf-8", "replace").decode() for s in self.series]
        frame = pd.DataFrame(self.values, index=index, columns=names)
        frame.attrs["units"] = {name: s.unit for name, s in zip(names, self.series, strict=True)}
        return frame

    @classmethod
    def from_prometheus(
        cls,
        body: bytes,
        *,
        start: datetime,
        end: datetime,
        step: timedelta,
        query: str = "",
        unit: Unit = "count",
    ) -> Metrics:
        """Read the body of Prometheus' ``query_range``, for example from a file that curl wrote.

        Every point of it lies at *start*, or a whole number of steps later, up to *end*, to the millisecond. A series
        may begin late, end early, have holes, or have points at some multiple of the step only, as where somebody
        joined two answers: where it has no point there is NaN. No point is moved, left out or filled in. Where two of
        a series lie at one time, as at such a seam, they have to say the same.

        Args:
            body: As received. How its JSON is spaced does not matter.
            start, end, step: As they were asked for; the datetimes are aware.
            query: The PromQL that was sent, to be kept with the columns.
            unit: Of the numbers; the answer does not tell it.

        Returns:
            A matrix (T, N), T points from start to end, a column a series; NaN where there was no sample. What the
            server said beside the data becomes a Python warning.

        Raises:
            UsageError: The body is no such answer, a point of it lies elsewhere (then it answers another request), two
                of a series contradict each other, or the unit, the step or the stretch of time makes no sense.

        Example:
            >>> from datetime import UTC, datetime, timedelta
            >>> from obskit import Metrics
            >>> body = b'{"status":"success","data":{"resultType":"matrix","result":[' + (
            ...     b'{"metric":{"__name__":"up","service":"shop"},"values":[[1769828400,"1"]]}]}}'
            ... )
            >>> start = datetime(2026, 1, 31, 3, tzinfo=UTC)
            >>> up = Metrics.from_prometheus(body, start=start, end=start, step=timedelta(seconds=15))
            >>> up.series[0].name, float(up.values[0, 0])
            ('up{shop}', 1.0)
        """
        from obskit.analysis.range_answer import read_answer

        return read_answer(body, start=start, end=end, step=step, query=query, unit=unit)

    def to_prometheus(self) -> bytes:
        """Return the columns as the body of ``query_range`` that Prometheus would have sent, for other tools.

        Returns:
            JSON. A series is labelled with its signal as ``__name__``, ``service``, ``task_id`` and its other labels;
            where there was no sample there is none, and a column without any is left out.

        Example:
            >>> import json, obskit
            >>> answer = json.loads(obskit.demo().metrics.where([0]).to_prometheus())
            >>> answer["data"]["result"][0]["metric"]
            {'__name__': 'alb_unhealthy_hosts', 'service': 'orders'}
        """
        from obskit.analysis.range_answer import answer_of

        return answer_of(self)

    def plot(self, *, window: Window | None = None, onset: datetime | None = None) -> Figure:
        """Draw one axes a signal: UTC, its unit on the axis.

        Args:
            window: Shaded; None for none.
            onset: Marked by a line; None for none.

        Raises:
            UsageError: There is nothing to draw, or more signals than one figure holds.
            ObskitError: matplotlib is not installed (the extra ``obskit[notebooks]``).

        Example:
            >>> import obskit
            >>> incident = obskit.demo()
            >>> figure = incident.diagnosis.metrics.where([0]).plot(window=incident.window)
            >>> figure.axes[0].get_xlabel()
            'time (UTC), 2026-11-24'
        """
        from obskit.analysis.plots import metrics_figure  # matplotlib, and only where something is drawn

        return metrics_figure(self, window=window, onset=onset)

    def __repr__(self) -> str:
        return f"<Metrics: {len(self.series)} series of {len(self.times)} points{_stretch(self.times)}>"

    def _repr_html_(self) -> str:
        from obskit.analysis.show import metrics_html  # a notebook's, and nobody else's

        return metrics_html(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logs:
    """Log lines as columns, ascending in time.

    Attributes:
        table: An Arrow table with ``time_ns`` int64, ``service``, ``task``, ``level`` (lower
            case or ""), ``line`` (strings, never null) and ``weight`` float64: how many lines
            this one stands for (1 unless the source sampled).

    Example:
        >>> import obskit
        >>> logs = obskit.demo().logs
        >>> len(logs) == logs.table.num_rows
        True
    """

    table: pa.Table

    @classmethod
    def empty(cls) -> Logs:
        """Return a table without rows.

        Example:
            >>> from obskit import Logs
            >>> len(Logs.empty())
            0
        """
        return cls.of([], [], [], [], [])

    @classmethod
    def of(
        cls,
        time_ns: Iterable[int],
        service: Iterable[str],
        task: Iterable[str],
        level: Iterable[str],
        line: Iterable[str],
        *,
        weight: Iterable[float] | None = None,
    ) -> Logs:
        """Build from columns of equal length; rows are sorted by time, ties keep their order.

        Example:
            >>> from obskit import Logs
            >>> logs = Logs.of([2, 1], ["shop", "shop"], ["", ""], ["error", "info"], ["timeout", "started"])
            >>> logs.table.column("line").to_pylist()
            ['started', 'timeout']
        """
        import pyarrow as pa  # a fifth of a second: not for --help

        times = pa.array(time_ns, pa.int64())
        table = pa.table(
            {
                "time_ns": times,
                "service": pa.array(service, pa.string()),
                "task": pa.array(task, pa.string()),
                "level": pa.array(level, pa.string()),
                "line": pa.array(line, pa.string()),
                "weight": pa.array(np.ones(len(times)) if weight is None else weight, pa.float64()),
            }
        )
        order = np.argsort(times.to_numpy(zero_copy_only=False), kind="stable")
        return cls(table=table.take(pa.array(order)))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with the table's columns and a UTC ``time`` index; types do not depend on how many rows.

        Example:
            >>> import obskit
            >>> obskit.demo().logs.to_frame().columns.tolist()
            ['time_ns', 'service', 'task', 'level', 'line', 'weight']
        """
        import pandas as pd

        kinds = {"time_ns": "int64", "weight": "float64"}
        columns = self.table.to_pydict().items()
        frame = pd.DataFrame({name: pd.Series(held, dtype=kinds.get(name, "str")) for name, held in columns})
        return frame.set_index(pd.DatetimeIndex(frame["time_ns"], tz="UTC", name="time"))

    def __repr__(self) -> str:
        times = self.table["time_ns"].to_numpy().astype("datetime64[ns]")
        return f"<Logs: {len(self)} lines{_stretch(times)}>"

    def _repr_html_(self) -> str:
        from obskit.analysis.show import logs_html  # a notebook's, and nobody else's

        return logs_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that ECS, a deployment or an alert said at a time.

    Attributes:
        time: When it happened (UTC).
        kind: ``task_stopped``, ``task_running``, ``service_message``, ``service_action``,
            ``deployment``, ``target_health`` or ``alert``.
        service, task: Whom it is about; "" when it is about neither.
        code: A machine's word: stopCode, eventName, target state, alert name.
        message: A person's words: stoppedReason, event text, summary.
        revision: Task definition as ``family:7``, "" when unknown.
        deployment: ``ecs-svc/...`` id, "" when unknown.
        details: Further facts, sorted by name. For stopped tasks ``container``,
            ``container_reason`` and ``exit_code`` of the container that explains the stop,
            ``cpu`` (units of 1/1024 vCPU), ``memory`` (MiB), ``zone``.
    """

    time: datetime
    kind: str
    service: str = ""
    task: str = ""
    code: str = ""
    message: str = ""
    revision: str = ""
    deployment: str = ""
    details: Labels = ()

    def detail(self, name: str) -> str:
        """Return the detail of this name, or ""."""
        return dict(self.details).get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What could not be asked, and why. A gap is never read as zero.

    Attributes:
        source: ``prometheus``, ``loki``, ``ecs``, ``cloudwatch``, …
        query: The signal id or query text, or what was wanted in words.
        reason: What the source said or did.
        partial: True when some answer came and only a part of it is missing.
    """

    source: str
    query: str
    reason: str
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Telemetry:
    """Everything that was seen of one service in one window, and what was not.

    A source answers with one of these that holds its share; `merge` puts shares together.

    Attributes:
        facts: What was found out about the environment, as JSON-like text values:
            ``scrape_interval_seconds``, ``variant.<signal>``, ``depends_on.<service>`` …

    Example:
        >>> from obskit import Telemetry
        >>> nothing = Telemetry()
        >>> len(nothing.metrics.series), len(nothing.logs), nothing.events, nothing.gaps
        (0, 0, (), ())
    """

    metrics: Metrics = field(default_factory=Metrics.empty)
    logs: Logs = field(default_factory=Logs.empty)
    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        counts = f"{len(self.metrics.series)} series, {len(self.logs)} lines, {len(self.events)} events"
        return f"<Telemetry: {counts}, {len(self.gaps)} gaps>"


def _stretch(times: TimeArray) -> str:
    """Return ``, FIRST to LAST``; "" where there is none."""
    if not len(times):
        return ""
    first, last = (stamp(utc(int(times[i].astype("datetime64[ns]").astype(np.int64)))) for i in (0, -1))
    return f", {first} to {last}"
