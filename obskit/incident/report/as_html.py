"""A diagnosis as one HTML file that opens offline and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from obskit.drawing import share
from obskit.escape import clean, page_template
from obskit.incident.dashboard_link import dashboard_path
from obskit.incident.report import phrases as say
from obskit.incident.report._chart import HEIGHT, WIDTH, charts, lifetimes, time_ticks
from obskit.incident.report._lanes import rows
from obskit.incident.units import humanize
from obskit.model import Diagnosis, Window, stamp

_HERE = Path(__file__).parent
_LOG_TEMPLATES = 20
_FINDINGS = 60
#: Less calm than this before the onset does not show what is usual.
_CALM_AT_LEAST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """A row of the table of tasks, in words."""

    task: str
    service: str
    seen: str
    happened: tuple[str, ...]


def render(diagnosis: Diagnosis, *, grafana: str = "") -> str:
    """Return the page: verdict, causes with their evidence, timeline, charts, logs, tasks, gaps.

    The page needs no script to be read, follows the reader's light or dark setting, prints,
    and its content security policy forbids every request.

    Args:
        diagnosis: What to tell.
        grafana: Its address; "" leaves the link to the dashboard out.
    """
    window, findings = _axis(diagnosis), say.told_once(diagnosis.timeline)
    style, script = (_HERE / "page.css").read_text("utf-8"), (_HERE / "page.js").read_text("utf-8")
    return _template().render(
        d=diagnosis,
        dashboard=grafana + dashboard_path(diagnosis) if grafana else "",
        axis=window,
        axis_ticks=time_ticks(window),
        calm=share(diagnosis.onset or diagnosis.window.start, window),
        onset=None if diagnosis.onset is None else share(diagnosis.onset, window),
        rows=rows(diagnosis, window),
        findings=say.telling(findings, _FINDINGS),
        found=len(findings),
        charts=charts(diagnosis, window),
        plot=(WIDTH, HEIGHT),
        templates=diagnosis.log_templates[:_LOG_TEMPLATES],
        tasks=_tasks(diagnosis),
        style=Markup(style),  # noqa: S704  our own file
        script=Markup(script),  # noqa: S704  our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


@cache
def _template() -> Template:
    names = {"say": say, "humanize": humanize, "stamp": stamp, "breakable": breakable}
    return page_template(_HERE / "page.html.j2", names)


def breakable(text: str) -> Markup:
    """Return the text, escaped, with places to break a long line; they are not copied along."""
    return Markup("<wbr>").join(re.split(r"(?<=[({,])", clean(text, lines=True)))


def _axis(diagnosis: Diagnosis) -> Window:
    """Return the stretch that all drawings share: as much calm as trouble, so that the onset is amid them."""
    whole = diagnosis.window.with_baseline()
    if diagnosis.onset is None:
        return whole
    calm = max(diagnosis.window.end - diagnosis.onset, _CALM_AT_LEAST)
    earliest = min((finding.onset for finding in diagnosis.timeline), default=diagnosis.onset)
    return replace(whole, start=max(whole.start, min(diagnosis.onset - calm, earliest)))


def _tasks(diagnosis: Diagnosis) -> list[TaskLine]:
    """Return what is known of each task: when it was seen, and what happened to it."""
    happened: dict[tuple[str, str], list[str]] = {}
    for finding in diagnosis.timeline:
        if finding.task:
            line = f"{say.clock(finding.onset)} {finding.words}"
            happened.setdefault((finding.service, finding.task), []).append(line)
    seen: dict[tuple[str, str], str] = {}
    for service, task, first, last, from_start, to_end in lifetimes(diagnosis.metrics):
        begins, ends = "the start" if from_start else say.clock(first), "the end" if to_end else say.clock(last)
        seen[service, task] = "throughout" if from_start and to_end else f"from {begins} to {ends}"
    return [
        TaskLine(
            task=task,
            service=service,
            seen=seen.get((service, task), ""),
            happened=tuple(happened.get((service, task), ())),
        )
        for service, task in dict.fromkeys((*seen, *happened))
    ]
