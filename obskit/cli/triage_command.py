"""`obskit triage` and `obskit record`: put sources, engine and reports together."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obskit.cli.times import window as window_of
from obskit.errors import SourceError, UsageError
from obskit.files import write_text
from obskit.model import Diagnosis, Gap, Service, Telemetry, Window, stamp

if TYPE_CHECKING:
    from obskit.cli.alerts_in import Alert
    from obskit.settings import Settings
    from obskit.sources import Source

FORMATS = ("text", "json", "md", "html")
#: Of exported events the last two hours are looked at, and a minute around them.
_EVENTS_LAST, _EVENTS_ROOM = timedelta(hours=2), timedelta(minutes=1)
_SUFFIXES = {".html": "html", ".htm": "html", ".json": "json", ".md": "md", ".txt": "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was typed, before it is understood."""

    service: str = ""
    since: str = ""
    begin: str = ""
    end: str = ""
    at: str = ""
    cluster: str = ""
    alert: str = ""
    events: tuple[Path, ...] = ()
    bundle: Path | None = None
    demo: bool = False
    deadline: float = 0.0


def demo_bundle() -> Path:
    """Return the recorded incident that ships with obskit."""
    return Path(__file__).parent.parent / "incident" / "demo.obskit"


def triage(question: Question, *, form: str, out: Path | None) -> None:
    """Answer the question and print the report; write it to *out* as well where that is given.

    Raises:
        UsageError: The question makes no sense.
        SourceError: Nothing at all could be seen.
    """
    if form not in FORMATS:
        raise UsageError(f"there is no format {form!r}", hint=f"one of {', '.join(FORMATS)}")
    out_form = form if out is None else _SUFFIXES.get(out.suffix.lower(), form)
    if out is not None:
        _writable(out)
    begun = time.monotonic()
    service, window, telemetry = (
        _recorded(question) if question.bundle or question.demo else _live(question, datetime.now(UTC))
    )
    from obskit.incident.investigate import investigate

    diagnosis = investigate(telemetry, service=service, window=window)
    diagnosis = replace(diagnosis, elapsed_seconds=round(time.monotonic() - begun, 3))
    grafana = _grafana_url()
    if out is not None:
        write_text(out, rendered(diagnosis, out_form, grafana=grafana))
    if out is None or out_form != form:
        print(rendered(diagnosis, form, terminal=sys.stdout.isatty(), grafana=grafana), end="")
    if out is not None:
        print(f"report written to {out.resolve()}", file=sys.stderr)


def record(question: Question, file: Path) -> None:
    """Collect what triage would look at and write it as a bundle."""
    from obskit.sources.bundle import write_bundle

    _writable(file)
    service, window, telemetry = _live(question, datetime.now(UTC))
    write_bundle(file, telemetry, service=service, window=window, made_by=f"obskit {_version()}")
    size = file.stat().st_size
    kept = f"{len(telemetry.metrics.series)} series, {len(telemetry.logs)} log lines, {len(telemetry.events)} events"
    print(f"{file}: {kept}, {len(telemetry.gaps)} gaps, {size / 1024:.0f} KiB")


def rendered(diagnosis: Diagnosis, form: str, *, terminal: bool = False, grafana: str = "") -> str:
    """Return the report in one of `FORMATS`, ending with a newline; with a link to *grafana* where it is known."""
    if form == "json":
        from obskit.incident.report import as_json

        text = as_json.render(diagnosis)
    elif form == "md":
        from obskit.incident.report import as_markdown

        text = as_markdown.render(diagnosis, grafana=grafana)
    elif form == "html":
        from obskit.incident.report import as_html

        text = as_html.render(diagnosis, grafana=grafana)
    else:
        from obskit.incident.report import as_text

        width = min(shutil.get_terminal_size((80, 24)).columns, 120) if terminal else 80
        text = as_text.render(diagnosis, width=width, color=terminal, grafana=grafana)
    return text if text.endswith("\n") else text + "\n"


def _grafana_url() -> str:
    """Return where Grafana is, or "": a recording is read whatever the settings say."""
    from obskit.errors import SettingsError
    from obskit.settings import load_settings

    try:
        return load_settings().grafana.url
    except SettingsError:
        return ""


def _recorded(question: Question) -> tuple[Service, Window, Telemetry]:
    from obskit.sources.bundle import read_bundle

    when = (question.since, question.begin, question.end, question.at, question.alert)
    if any((*when, question.cluster, question.events, question.deadline)):
        raise UsageError(
            "a recording already holds its window, cluster and events",
            hint="drop --since, --from, --to, --at, --cluster, --alert, --events, --deadline",
        )
    if question.bundle and question.demo:
        raise UsageError("--bundle and --demo are two recordings", hint="drop one of them")
    path = question.bundle or demo_bundle()
    recording = read_bundle(path)
    if question.service and question.service != recording.service.name:
        raise UsageError(
            f"{path} is a recording of {recording.service.name}, not of {question.service}",
            hint="drop the service",
        )
    return recording.service, recording.window, recording.telemetry


def _live(question: Question, now: datetime) -> tuple[Service, Window, Telemetry]:
    """Ask all configured sources."""
    from obskit.incident.collect import collect
    from obskit.redact import redacted
    from obskit.settings import load_settings
    from obskit.sources import Ask

    settings = load_settings()
    alert = _alert(question, now)
    name = question.service or (alert.service if alert else "")
    if not name:
        raise UsageError(
            "which service?" if not alert else "the alert's labels do not name a service",
            hint="obskit triage SERVICE, or --demo, --bundle FILE, --alert FILE",
        )
    if not name.isprintable():
        raise UsageError(f"{name[:80]!r} is no name of a service", hint="it holds control characters")
    if alert and not (question.since or question.begin or question.end or question.at):
        window = Window(
            start=alert.started - timedelta(minutes=30), end=min(alert.started + timedelta(minutes=10), now)
        )
    else:
        window = window_of(since=question.since, begin=question.begin, end=question.end, at=question.at, now=now)
        if question.events:
            window = _around_events(question, name, window)
    service = _service(settings, name, question.cluster or (alert.cluster if alert else ""))
    deadline = question.deadline or settings.deadline_seconds
    if not 0 < deadline <= 600:
        raise UsageError(f"a deadline of {deadline:g} s makes no sense", hint="between 1 and 600 seconds")
    sources, missing = sources_of(settings, question.events, service)
    ask = Ask(service=service, window=window.with_baseline(), deadline=time.monotonic() + deadline)
    with _progress([s.name for s in sources]) as tell:
        telemetry = collect(sources, ask, progress=tell)
    telemetry = redacted(replace(telemetry, gaps=(*telemetry.gaps, *missing)))
    _known(name, telemetry, sources)  # before the alert's own event: that it names the service proves nothing
    if alert:
        told = redacted(Telemetry(events=alert.events)).events
        telemetry = replace(telemetry, events=tuple(sorted((*telemetry.events, *told), key=lambda event: event.time)))
    return service, window, telemetry


def _around_events(question: Question, service: str, window: Window) -> Window:
    """Return the window that holds a service's exported events: they may be hours old.

    Raises:
        UsageError: The window was said, and none of the file's events of the service lies in it.
    """
    from obskit.sources.events_file import read_events

    times = sorted(e.time for path in question.events for e in read_events(path) if e.service == service)
    if not times or any(window.start <= time <= window.end for time in times):
        return window
    first, last = stamp(times[0]), stamp(times[-1])
    if question.since or question.begin or question.end or question.at:
        raise UsageError(
            f"the {len(times)} events of {service} lie outside this window",
            where={"window": f"{stamp(window.start)} to {stamp(window.end)}", "events": f"{first} to {last}"},
            hint=f"--at {last}, or no time at all: then it is taken from the events",
        )
    start = max(times[0], times[-1] - _EVENTS_LAST)
    print(f"looking at {stamp(start)} to {last}, where the events are", file=sys.stderr)
    return Window(start=start - _EVENTS_ROOM, end=times[-1] + _EVENTS_ROOM)


def _alert(question: Question, now: datetime) -> Alert | None:
    if not question.alert:
        return None
    from obskit.cli.alerts_in import read_alert

    return read_alert(question.alert, now=now)


def _service(settings: Settings, name: str, cluster: str) -> Service:
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


def _known(name: str, telemetry: Telemetry, sources: Sequence[Source]) -> None:
    """Refuse a service that nobody knows, and say when nobody could be asked.

    Raises:
        UsageError: Of all that could be asked nobody knows such a service.
        SourceError: One who might know it could not be asked, and nothing was seen.
    """
    asked = {source.name for source in sources}
    if _seen(name, telemetry) or any(telemetry.facts.get(f"{source}.known") == "true" for source in asked):
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


def _seen(name: str, telemetry: Telemetry) -> bool:
    if any(s.service == name for s in telemetry.metrics.series) or any(e.service == name for e in telemetry.events):
        return True
    if "ecs.desired" in telemetry.facts:  # ECS counts the tasks only of a service that it has
        return True
    return len(telemetry.logs) > 0 and name in telemetry.logs.table.column("service").unique().to_pylist()


@contextlib.contextmanager
def _progress(names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """Show on a terminal's stderr whom obskit still waits for."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    waiting = list(names)
    with Console(stderr=True).status(f"asking {', '.join(waiting)} …") as status:

        def tell(name: str) -> None:
            if name in waiting:
                waiting.remove(name)
            status.update(f"asking {', '.join(waiting)} …" if waiting else "thinking …")

        yield tell


def _writable(path: Path) -> None:
    """Refuse now what would fail after a minute of asking."""
    try:
        folder = path.resolve().parent
        # a device or pipe is no file to be replaced, as /dev/null would be
        fits = (path.is_file() or not path.exists()) and folder.is_dir() and os.access(folder, os.W_OK)
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, a loop of links
        fits = False
    if not fits:
        raise UsageError(f"{path} cannot be written", hint="name a file in a folder that exists and is yours to write")


def _version() -> str:
    from importlib.metadata import version

    return version("obskit")
