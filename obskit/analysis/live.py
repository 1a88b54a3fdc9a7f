"""Live sources in the hand of an analyst: an incident, a signal, or any query, as the model's values."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from obskit.analysis.answers import columns_of, grid_of, known_signal, matrix_of, require_counted, window_of
from obskit.analysis.arguments import number_of, several, unit_of
from obskit.analysis.incident import Incident
from obskit.errors import UsageError
from obskit.model import Logs, Metrics, Service, Telemetry, Unit

if TYPE_CHECKING:
    from obskit.settings import Connection, Settings

#: Lines that one call may bring: what an investigation takes twice over.
_MOST_LINES = 120_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sources:
    """Prometheus, Loki and AWS as they are configured. `connect` makes one.

    Every method asks when it is called, under a deadline of its own. Times may be written ``"03:00"``,
    ``"2026-01-31T03:00Z"``, ``"-30m"`` or ``"now"``, all UTC, or be aware datetimes; a stretch of time ``"30m"``,
    ``"1h30m"``, or a timedelta. The last half an hour is looked at unless a call says otherwise.

    Attributes:
        cluster: The ECS cluster; "" for what the settings say.
        deadline_seconds: After which nobody is waited for.

    Example:
        >>> import obskit
        >>> sources = obskit.connect("http://prometheus.shop.internal:9090", loki="")
        >>> sources
        Sources(cluster='', deadline_seconds=20.0)
    """

    settings: Settings = field(repr=False)
    cluster: str = ""
    deadline_seconds: float = 20.0

    def incident(
        self,
        service: str,
        since: str | timedelta = "",
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        events: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] = (),
    ) -> Incident:
        """Ask every source at once what triage would ask, and return what was seen, redacted.

        Args:
            service: As its label in Prometheus and Loki says.
            since: How long before the end it begins; 30 minutes by default.
            start, end: From when to when; the end is now by default.
            events: Files of exported EventBridge or service events; one alone may be given as it is.

        Raises:
            UsageError: No source knows the service, or the window makes no sense.
            SourceError: Nothing at all could be seen. A source that fails alone is a gap.
            SettingsError: A source is configured in a way that cannot work.

        Example:
            >>> import obskit
            >>> sources = obskit.connect("http://prometheus.shop.internal:9090", loki="")
            >>> incident = sources.incident("demo-app", since="1h")  # doctest: +SKIP
            >>> incident.hypotheses()  # doctest: +SKIP
        """
        from obskit.asking import known_name, seen, service_of

        window = window_of(since, start, end, now=datetime.now(UTC))
        whom = service_of(self.settings, known_name(service), self.cluster)
        files = tuple(Path(path) for path in several(events))
        told = seen(self.settings, whom, window, events=files, deadline_seconds=self.deadline_seconds)
        return Incident(service=whom, window=window, telemetry=told)

    def signal(
        self,
        id: str,  # noqa: A002 (the model's word)
        service: str = "",
        since: str | timedelta = "",
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
    ) -> Metrics:
        """Ask for one signal of the catalogue, in the words that this service's instrumentation speaks.

        Args:
            id: Of `signals`.
            service: Whose; may be left out of a signal that is shared (databases, nodes).
            since, start, end: As of `incident`.

        Returns:
            A column a task or thing, in the signal's unit, on the grid that triage uses: whole scrapes, at most 720
            points. No column where nothing matched: NaN is "no sample", and nothing is filled with zero.

        Raises:
            UsageError: There is no such signal, no such service, nobody to ask, or it is one of the signals of logs
                that dashboards and rules use and obskit does not ask itself.
            SourceError: It could not be asked.

        Example:
            >>> import obskit
            >>> sources = obskit.connect("http://prometheus.shop.internal:9090", loki="")
            >>> sources.signal("http_latency_p95", "demo-app").to_frame()  # doctest: +SKIP
        """
        from obskit.asking import known_name, service_of
        from obskit.sources import Ask

        signal = known_signal(id)
        if not service and signal.scope == "service":
            raise UsageError(f"{id} is about one service", hint=f'sources.signal("{id}", "demo-app")')
        whom = service_of(self.settings, known_name(service), self.cluster) if service else Service(name="")
        ask = Ask(service=whom, window=window_of(since, start, end, now=datetime.now(UTC)), deadline=self._deadline())
        if signal.variants[0].language == "LogQL":
            from obskit.sources.loki import LokiSource

            require_counted(signal)
            told = LokiSource(self._connection("loki")).counted(ask)
        else:
            from obskit.sources.prometheus import PrometheusSource

            told = PrometheusSource(self._connection("prometheus")).asked(ask, [signal])
        return columns_of(told, signal, service)

    def promql(
        self,
        query: str,
        since: str | timedelta = "",
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        step: str | timedelta = "",
        unit: Unit = "count",
    ) -> Metrics:
        """Ask Prometheus anything.

        Args:
            query: PromQL, sent as it is.
            since, start, end: As of `incident`.
            step: Distance of two points, in whole milliseconds; by default whole multiples of 15 s, so that there are
                at most 720.
            unit: Of the numbers: ``seconds``, ``bytes``, ``ratio``, ``per_second``, ``bytes_per_second``, or ``count``
                for bare numbers. obskit cannot know it; axes and tables show it.

        Returns:
            A column a series, named by its labels. Points lie at multiples of the step, within the window where a
            step is given.

        Raises:
            UsageError: Prometheus is not configured, or the window, step or unit makes no sense.
            SourceError: It could not be asked, or refused; its own words are in the message.

        Example:
            >>> import obskit
            >>> sources = obskit.connect("http://prometheus.shop.internal:9090", loki="")
            >>> sources.promql("sum by (service) (rate(http_requests_total[1m]))", since="6h",
            ...                unit="per_second").plot()  # doctest: +SKIP
        """
        from obskit.sources import Ask
        from obskit.sources.prometheus_read import PrometheusClient

        client, unit = PrometheusClient(self._connection("prometheus")), unit_of(unit)
        window = window_of(since, start, end, now=datetime.now(UTC))
        grid = grid_of(window, step)
        ask = Ask(service=Service(name=""), window=window, deadline=self._deadline())
        return matrix_of(client.matrix(ask, query, grid), grid, query, unit)

    def logql(
        self,
        query: str,
        since: str | timedelta = "",
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        step: str | timedelta = "",
        unit: Unit = "per_second",
    ) -> Metrics:
        """Ask Loki for numbers: a metric query. `logs` asks for lines.

        Args:
            query: LogQL, sent as it is.
            since, start, end, step, unit: As of `promql`.

        Returns:
            A column a series, named by its labels.

        Raises:
            UsageError: Loki is not configured, the window, step or unit makes no sense, or the query is one of lines.
            SourceError: It could not be asked, or refused.

        Example:
            >>> import obskit
            >>> sources = obskit.connect("", "http://loki.shop.internal:3100")
            >>> sources.logql('sum by (service) (rate({cluster="shop"} |= "timeout" [1m]))')  # doctest: +SKIP
        """
        from obskit.sources.loki_read import LokiClient

        client, unit = LokiClient(self._connection("loki")), unit_of(unit)
        grid = grid_of(window_of(since, start, end, now=datetime.now(UTC)), step)
        try:
            answer = client.matrix(query, grid, self._deadline())
        except UsageError as error:
            raise UsageError(error.what, where=error.where, hint="ask for lines by sources.logs(query)") from error
        return matrix_of(answer, grid, query, unit)

    def logs(
        self,
        query: str,
        since: str | timedelta = "",
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        limit: int = 5000,
    ) -> Logs:
        """Ask Loki for lines: a log query. `logql` asks for numbers.

        Args:
            query: LogQL, sent as it is.
            since, start, end: As of `incident`.
            limit: The most lines, the earliest first.

        Returns:
            Lines by time, redacted: ``time_ns``, ``service``, ``task``, ``level``, ``line``, ``weight``.

        Raises:
            UsageError: Loki is not configured, the query is one of numbers, or the limit makes no sense.
            SourceError: It could not be asked, or refused.

        Example:
            >>> import obskit
            >>> sources = obskit.connect("", "http://loki.shop.internal:3100")
            >>> sources.logs('{service="demo-app"} |= "timeout"', since="15m").to_frame()  # doctest: +SKIP
        """
        from obskit.redact import redacted
        from obskit.sources.loki import lines_of
        from obskit.sources.loki_read import LokiClient

        client = LokiClient(self._connection("loki"))
        if not 0 < number_of(limit, "limit") <= _MOST_LINES:
            raise UsageError(f"{limit} lines make no sense", hint=f"between 1 and {_MOST_LINES}")
        window = window_of(since, start, end, now=datetime.now(UTC))
        try:
            found = lines_of(client, query, window, limit, self._deadline())
        except UsageError as error:
            raise UsageError(error.what, where=error.where, hint="ask for numbers by sources.logql(query)") from error
        return redacted(Telemetry(logs=found)).logs

    def _connection(self, name: Literal["prometheus", "loki"]) -> Connection:
        connection = self.settings.prometheus if name == "prometheus" else self.settings.loki
        if not connection.url:
            hint = f'obskit.connect({name}="http://..."), or set OBSKIT_{name.upper()}_URL'
            raise UsageError(f"{name.capitalize()} is not configured", hint=hint)
        return connection

    def _deadline(self) -> float:
        return time.monotonic() + self.deadline_seconds


def connect(
    prometheus: str | None = None, loki: str | None = None, *, cluster: str = "", deadline: float | None = None
) -> Sources:
    """Return the sources that are configured; nobody is asked yet.

    Args:
        prometheus, loki: Their base addresses. None: what ``obskit.toml`` or ``OBSKIT_PROMETHEUS_URL`` and
            ``OBSKIT_LOKI_URL`` say, and how to log in there; "": none. Another address is asked without a login.
        cluster: The ECS cluster, where services run in several; "" for what the settings say.
        deadline: Seconds after which nobody is waited for; None for what the settings say (20).

    Raises:
        SettingsError: The settings or an address cannot be used.
        UsageError: A deadline that makes no sense, or no source at all.

    Example:
        >>> import obskit
        >>> obskit.connect("http://prometheus.shop.internal:9090", "http://loki.shop.internal:3100", deadline=60.0)
        Sources(cluster='', deadline_seconds=60.0)
    """
    from obskit.asking import connection_at, deadline_of
    from obskit.settings import Connection, load_settings

    settings = load_settings()
    for name, url in (("prometheus", prometheus), ("loki", loki)):
        if url is not None and not isinstance(url, str):
            raise UsageError(f"{str(url)[:80]} is no address", hint=f'{name}="http://..."')
        if url is not None:
            configured = settings.prometheus if name == "prometheus" else settings.loki
            there = connection_at(configured, url, key=f"{name}.url", said_by=name) if url else Connection()
            settings = replace(settings, prometheus=there) if name == "prometheus" else replace(settings, loki=there)
    if not (settings.prometheus.url or settings.loki.url or settings.aws.wanted):
        hint = 'obskit.connect("http://prometheus:9090", "http://loki:3100"), or obskit.demo()'
        raise UsageError("no source is configured", hint=hint)
    seconds = None if deadline is None else float(number_of(deadline, "deadline"))
    return Sources(settings=settings, cluster=cluster, deadline_seconds=deadline_of(settings, seconds))
