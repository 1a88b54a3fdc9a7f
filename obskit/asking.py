"""From settings to what was seen: the way that the command line, sweeps and notebooks share."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from obskit.errors import ObskitError, SourceError, UsageError
from obskit.model import Gap, Service, Telemetry, Window, stamp
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


def deadline_of(settings: Settings, seconds: float | None = None) -> float:
    """Return how long sources are waited for, in seconds.

    Args:
        settings: Asked where nobody says.
        seconds: None for what the settings say.

    Raises:
        UsageError: It makes no sense.
    """
    seconds = settings.deadline_seconds if seconds is None else seconds
    if not 0 < seconds <= _LONGEST_DEADLINE:
        hint = f"more than 0 and up to {_LONGEST_DEADLINE:g} seconds"
        raise UsageError(f"a deadline of {seconds:g} s makes no sense", hint=hint)
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
    deadline_seconds: float | None = None,
    shown: bool = True,
) -> Telemetry:
    """Ask all configured sources at once and return what they saw, redacted; what was not seen is a gap.

    Args:
        settings: Who is asked, and as whom.
        service: Whom it is about.
        window: When; its baseline is asked for as well.
        events: Files of exported events.
        deadline_seconds: After which nobody is waited for; None for what the settings say.
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
    missing += unplaced(service, telemetry)
    telemetry = redacted(replace(telemetry, gaps=(*telemetry.gaps, *missing)))
    require_known(service.name, telemetry, [source.name for source in sources], window)
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


def require_known(name: str, telemetry: Telemetry, sources: Sequence[str], window: Window) -> None:
    """Refuse a service that nobody knows, and say when nobody could be asked.

    Args:
        name: The service.
        telemetry: What was seen.
        sources: The names of those who were asked.
        window: What was asked about.

    Raises:
        UsageError: Of all that could be asked nobody knows such a service, or has seen it in this window.
        SourceError: One who might know it could not be asked, and nothing was seen.
    """
    asked = set(sources)
    if _is_seen(name, telemetry) or any(telemetry.facts.get(f"{source}.known") == "true" for source in asked):
        return
    gaps = [gap for gap in telemetry.gaps if gap.source in asked and not gap.partial]
    reasons = {gap.source: gap.reason for gap in gaps}
    names = names_in(telemetry)
    if name in names:
        raise _unseen_then(name, reasons, telemetry, window)
    if names:
        raise unknown_service(name, names)
    lost = {source for source in reasons if telemetry.facts.get(f"{source}.known") != "false"}
    if lost:
        whose = ": every source failed" if lost == asked else f" of {name!r}"
        raise SourceError(f"nothing could be seen{whose}", where=reasons, hint="run: obskit doctor")
    raise UsageError(
        f"no source knows a service {name!r} in this window",
        where=reasons,
        hint="check the name and the window; run: obskit doctor",
    )


def _unseen_then(name: str, reasons: Mapping[str, str], telemetry: Telemetry, window: Window) -> ObskitError:
    """Return the error about a service that Prometheus knows by name, and of which nothing was seen in the window."""
    others = {source: why for source, why in reasons.items() if source != "prometheus"}
    where = {"prometheus": "it knows the name: its series lie at other times", **others}
    if any(telemetry.facts.get(f"{source}.known") != "false" for source in others):
        return SourceError(f"nothing could be seen of {name!r}", where=where, hint="run: obskit doctor")
    return UsageError(
        f"nothing was seen of {name!r} in this window",
        where={"window": f"{stamp(window.start)} to {stamp(window.end)}", **where},
        hint="say another time: --since 30m, --at TIME",
    )


def unplaced(service: Service, telemetry: Telemetry) -> tuple[Gap, ...]:
    """Return a gap where nothing that was seen tells whether the service runs in the cluster that was asked for.

    ECS is asked of one cluster, and what it knows runs there; series and lines tell by a label, or not at all.
    """
    facts = telemetry.facts
    if not service.cluster or facts.get("prometheus.known") != "true" or facts.get("ecs.known") == "true":
        return ()
    if service.cluster in (facts.get("prometheus.cluster"), facts.get("loki.cluster")):
        return ()
    reason = f"no series of {service.name} names a cluster: nobody can tell whether it runs in {service.cluster!r}"
    return (Gap(source="prometheus", query="cluster", reason=reason, partial=True),)


def names_in(telemetry: Telemetry) -> list[str]:
    """Return the services that Prometheus named where it was asked about one that it does not know."""
    return [name for name in telemetry.facts.get("prometheus.names", "").split(",") if name]


def unknown_service(name: str, names: Sequence[str]) -> UsageError:
    """Return the error about a service that nobody knows: which names are near, and which there are."""
    import difflib

    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    return UsageError(
        f"no source knows a service {name!r}",
        where={"near": ", ".join(near), "known": ", ".join(names[:12])},
        hint="take one of these names, or look at its label in Prometheus",
    )


def _is_seen(name: str, telemetry: Telemetry) -> bool:
    if any(s.service == name for s in telemetry.metrics.series) or any(e.service == name for e in telemetry.events):
        return True
    if "ecs.desired" in telemetry.facts:  # ECS counts the tasks only of a service that it has
        return True
    return len(telemetry.logs) > 0 and name in telemetry.logs.table.column("service").unique().to_pylist()
