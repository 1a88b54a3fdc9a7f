"""`obskit triage` and `obskit record`: put sources, engine and reports together."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obskit.asking import demo_bundle, known_name, made_by, seen, service_of
from obskit.cli.output import forms_for, writable
from obskit.cli.times import window as window_of
from obskit.errors import UsageError
from obskit.files import write_text
from obskit.model import Diagnosis, Service, Telemetry, Window, stamp

if TYPE_CHECKING:
    from obskit.cli.alerts_in import Alert

FORMATS = ("text", "json", "md", "html")
#: Of exported events the last two hours are looked at, and a minute around them.
_EVENTS_LAST, _EVENTS_ROOM = timedelta(hours=2), timedelta(minutes=1)


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
    deadline: float | None = None


def triage(question: Question, *, form: str, out: Path | None) -> None:
    """Answer the question and print the report; write it to *out* as well where that is given.

    Args:
        question: About what.
        form: One of `FORMATS`; "" for text.
        out: A file. What its name says goes into it, whatever the format; in one format it is not printed, too.

    Raises:
        UsageError: The question makes no sense, or there is no such format or place to write to.
        SourceError: Nothing at all could be seen.
    """
    form, out_form = forms_for(form, out, FORMATS)
    if out is not None:
        writable(out)
    begun = time.monotonic()
    now = None if question.bundle or question.demo else datetime.now(UTC)
    service, window, telemetry = _recorded(question) if now is None else _live(question, now)
    from obskit.incident.investigate import investigate
    from obskit.incident.report.dated_steps import dated

    diagnosis = dated(investigate(telemetry, service=service, window=window), now=now)
    diagnosis = replace(diagnosis, elapsed_seconds=round(time.monotonic() - begun, 3))
    grafana = _grafana_url()
    if out is not None:
        write_text(out, rendered(diagnosis, out_form, grafana=grafana))
    if out is None or out_form != form:
        print(rendered(diagnosis, form, terminal=sys.stdout.isatty(), grafana=grafana), end="")
    if out is not None:
        print(f"report written to {out.resolve()}", file=sys.stderr)


def record(question: Question, file: Path, *, replacing: bool = False) -> None:
    """Collect what triage would look at and write it as a bundle.

    Args:
        question: About what.
        file: The bundle.
        replacing: Write it also where there is a file already.

    Raises:
        UsageError: The question makes no sense, or the file is there already or cannot be written.
        SourceError: Nothing at all could be seen.
    """
    from obskit.sources.bundle import write_bundle

    writable(file)
    if file.exists() and not replacing:
        raise UsageError(
            f"{file} is there already, and what it holds may be forgotten elsewhere; nothing was written",
            hint="name another file, or replace it: --replace",
        )
    service, window, telemetry = _live(question, datetime.now(UTC))
    write_bundle(file, telemetry, service=service, window=window, made_by=made_by())
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
    if any((*when, question.cluster, question.events, question.deadline is not None)):
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
    from obskit.redact import redacted
    from obskit.settings import load_settings

    settings = load_settings()
    alert = _alert(question, now)
    name = question.service or (alert.service if alert else "")
    if not name:
        raise UsageError(
            "which service?" if not alert else "the alert's labels do not name a service",
            hint="obskit triage SERVICE, or --demo, --bundle FILE, --alert FILE",
        )
    known_name(name)
    if alert and not (question.since or question.begin or question.end or question.at):
        window = Window(
            start=alert.started - timedelta(minutes=30), end=min(alert.started + timedelta(minutes=10), now)
        )
    else:
        window = window_of(since=question.since, begin=question.begin, end=question.end, at=question.at, now=now)
        if question.events:
            window = _around_events(question, name, window)
    service = service_of(settings, name, question.cluster or (alert.cluster if alert else ""))
    # before the alert's own event is added: that it names the service proves nothing
    telemetry = seen(settings, service, window, events=question.events, deadline_seconds=question.deadline)
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
