"""From settings to what was seen: the way that the command line, sweeps and notebooks share."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from obskit.errors import SourceError, UsageError
from obskit.model import Gap, Service, Telemetry, Window
from obskit.settings import Connection, Settings
from obskit.sources import Source

#: Seconds that sources may be given; nobody waits longer at night.
_LONGEST_DEADLINE = 600.0


def demo_bundle() -> Path:
    """Return the recorded incident that ships with obskit."""
    return Path(__file__).parent / "incident" / "demo.obskit"


def made_by() -> str:
    """Return what a recording says of who made it: ``obskit 1.2.3``."""
    from importlib.metadata import version

    return f"obskit {version('obskit')}"


def known_name(name: str) -> str:
    """Return a service's name as it is.

    Raises:
        UsageError: It holds what no name holds.
    """
    if not name.isprintable():
        raise UsageError(f"{name[:80]!r} is no name of a service", hint="it holds control characters")
    return name


def deadline_of(settings: Settings, seconds: float = 0.0) -> float:
    """Return how long sources are waited for, in seconds.

    Args:
        settings: Asked where nobody says.
        seconds: 0 for what the settings say.

    Raises:
        UsageError: It makes no sense.
    """
    seconds = seconds or settings.deadline_seconds
    if not 0 < seconds <= _LONGEST_DEADLINE:
        raise UsageError(f"a deadline of {seconds:g} s makes no sense", hint="between 1 and 600 seconds")
    return seconds


def connection_at(connection: Connection, url: str, *, key: str, said_by: str) -> Connection:
    """Return the configured connection to another address.

    Who we are is kept only where the address is the configured one: a token is for nobody else.

    Args:
        connection: As configured.
        url: ``http://host:9090``.
        key: The setting that it stands for: ``prometheus.url``.
        said_by: Who said it, for errors: ``--prometheus``.

    Raises:
        SettingsError: The address is none, or holds a user or password.
    """
    from obskit.settings_values import Given, checked

    url = checked(Given(key, url, said_by, Path.cwd()))
    return connection if url == connection.url else Connection(url=url)


def seen(
    settings: Settings,
    service: Service,
    window: Window,
    *,
    events: Sequence[Path] = (),
    deadline_seconds: float = 0.0,
    shown: bool = True,
) -> Telemetry:
    """Ask all configured sources at once and return what they saw, redacted; what was not seen is a gap.

    Args:
        settings: Who is asked, and as whom.
        service: Whom it is about.
        window: When; its baseline is asked for as well.
        events: Files of exported events.
        deadline_seconds: After which nobody is waited for; 0 for what the settings say.
        shown: Show progress, where somebody looks.

    Raises:
        UsageError: No source knows the service, or none is configured.
        SourceError: Nothing at all could be seen.
        SettingsError: A source is configured in a way that cannot work.
    """
    from obskit.incident.collect import collect
    from obskit.progress import waiting_for
    from obskit.redact import redacted
    from obskit.sources import Ask

    seconds = deadline_of(settings, deadline_seconds)
    sources, missing = sources_of(settings, events, service)
    ask = Ask(service=service, window=window.with_baseline(), deadline=time.monotonic() + seconds)
    with waiting_for([s.name for s in sources]) if shown else _nobody_looks() as tell:
        telemetry = collect(sources, ask, progress=tell)
    telemetry = redacted(replace(telemetry, gaps=(*telemetry.gaps, *missing)))
    _require_known(service.name, telemetry, sources)
    return telemetry


@contextlib.contextmanager
def _nobody_looks() -> Iterator[Callable[[str], None]]:
    yield lambda _: None


def service_of(settings: Settings, name: str, cluster: str = "") -> Service:
    """Return what is known of a service before anybody was asked.

    Args:
        settings: Its own cluster is stronger than the common one.
        name: The service.
        cluster: Stronger than both; "" for what the settings say.
    """
    own = settings.service(name)
    return Service(name=name, cluster=cluster or own.cluster or settings.aws.cluster, depends_on=own.depends_on)


def sources_of(settings: Settings, events: Sequence[Path], service: Service) -> tuple[list[Source], list[Gap]]:
    """Return the configured sources, and a gap for each pillar that has none.

    Raises:
        UsageError: Nothing at all is configured.
    """
    found: list[Source] = []
    missing: list[Gap] = []
    if settings.prometheus.url:
        from obskit.sources.prometheus import PrometheusSource

        found.append(PrometheusSource(settings.prometheus))
    else:
        missing.append(Gap(source="prometheus", query="everything", reason="not configured: set OBSKIT_PROMETHEUS_URL"))
    if settings.loki.url:
        from obskit.sources.loki import LokiSource

        found.append(LokiSource(settings.loki, max_lines=settings.max_log_lines))
    else:
        missing.append(Gap(source="loki", query="everything", reason="not configured: set OBSKIT_LOKI_URL"))
    if events:
        from obskit.sources.events_file import EventsFileSource

        found.append(EventsFileSource(tuple(events)))
    cluster = service.cluster if settings.aws.wanted else ""
    if cluster:
        from obskit.sources.cloudwatch import CloudWatchSource
        from obskit.sources.ecs import EcsSource

        aws = settings.aws
        found.append(
            EcsSource(
                cluster=cluster,
                region=aws.region,
                endpoint_url=aws.endpoint_url,
                profile=aws.profile,
                queue_url=aws.queue_url,
                log_group=aws.log_group,
            )
        )
        found.append(
            CloudWatchSource(
                region=aws.region,
                endpoint_url=aws.endpoint_url,
                profile=aws.profile,
                target_group=settings.service(service.name).target_group,
                cluster=cluster,
                database=aws.database,
            )
        )
    elif not events:
        missing.append(
            Gap(source="ecs", query="events", reason="not configured: set OBSKIT_ECS_CLUSTER, or give --events FILE")
        )
    if not found:
        raise UsageError(
            "no source is configured",
            hint="set OBSKIT_PROMETHEUS_URL and OBSKIT_LOKI_URL, or try: obskit triage --demo",
        )
    return found, missing


def _require_known(name: str, telemetry: Telemetry, sources: Sequence[Source]) -> None:
    """Refuse a service that nobody knows, and say when nobody could be asked.

    Raises:
        UsageError: Of all that could be asked nobody knows such a service.
        SourceError: One who might know it could not be asked, and nothing was seen.
    """
    asked = {source.name for source in sources}
    if _is_seen(name, telemetry) or any(telemetry.facts.get(f"{source}.known") == "true" for source in asked):
        return
    gaps = [gap for gap in telemetry.gaps if gap.source in asked and not gap.partial]
    reasons = {gap.source: gap.reason for gap in gaps}
    names = [n for n in telemetry.facts.get("prometheus.names", "").split(",") if n]
    if names:
        import difflib

        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
        raise UsageError(
            f"no source knows a service {name!r}",
            where={"near": ", ".join(near), "known": ", ".join(names[:12])},
            hint="take one of these names, or look at its label in Prometheus",
        )
    lost = {source for source in reasons if telemetry.facts.get(f"{source}.known") != "false"}
    if lost:
        whose = ": every source failed" if lost == asked else f" of {name!r}"
        raise SourceError(f"nothing could be seen{whose}", where=reasons, hint="run: obskit doctor")
    raise UsageError(
        f"no source knows a service {name!r} in this window",
        where=reasons,
        hint="check the name and the window; run: obskit doctor",
    )


def _is_seen(name: str, telemetry: Telemetry) -> bool:
    if any(s.service == name for s in telemetry.metrics.series) or any(e.service == name for e in telemetry.events):
        return True
    if "ecs.desired" in telemetry.facts:  # ECS counts the tasks only of a service that it has
        return True
    return len(telemetry.logs) > 0 and name in telemetry.logs.table.column("service").unique().to_pylist()
