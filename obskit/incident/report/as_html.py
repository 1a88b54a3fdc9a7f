"""A diagnosis as one HTML file that opens offline and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from obskit.drawing import share
from obskit.escape import clean, page_template
from obskit.incident.dashboard_link import dashboard_path
from obskit.incident.report import phrases as say
from obskit.incident.report._chart import HEIGHT, WIDTH, charts, lifetimes, time_ticks
from obskit.incident.report._lanes import axis, calm_stretches, rows
from obskit.incident.units import humanize
from obskit.model import Diagnosis, Finding, stamp

_HERE = Path(__file__).parent
_LOG_TEMPLATES = 20
_FINDINGS = 60
#: Of a task so many lines are told, its end among them; of tasks without a series so many are listed.
_HAPPENED, _WITHOUT_SERIES = 5, 20


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
    window, findings = axis(diagnosis), say.told_once(diagnosis.timeline)
    tasks, unlisted = _tasks(diagnosis)
    style, script = (_HERE / "page.css").read_text("utf-8"), (_HERE / "page.js").read_text("utf-8")
    return _template().render(
        d=diagnosis,
        dashboard=grafana + dashboard_path(diagnosis) if grafana else "",
        axis=window,
        axis_ticks=time_ticks(window),
        calm=calm_stretches(diagnosis, window),
        onset=None if diagnosis.onset is None else share(diagnosis.onset, window),
        rows=rows(diagnosis, window),
        findings=say.telling(findings, _FINDINGS),
        found=len(findings),
        charts=charts(diagnosis, window),
        plot=(WIDTH, HEIGHT),
        templates=diagnosis.log_templates[:_LOG_TEMPLATES],
        tasks=tasks,
        unlisted=unlisted,
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


def _tasks(diagnosis: Diagnosis) -> tuple[list[TaskLine], str]:
    """Return when each task was seen and what happened to it, and in words which tasks are not listed."""
    ended = {(f.service, f.task): f for f in diagnosis.task_ends}
    happened: dict[tuple[str, str], list[Finding]] = {task: [end] for task, end in ended.items()}
    for finding in diagnosis.timeline:
        task = (finding.service, finding.task)
        if finding.task and not (finding.kind == "task_stop" and task in ended):  # the same stop, told once
            happened.setdefault(task, []).append(finding)
    seen = {
        (service, task): _seen(first, last, (from_start, to_end), stopped=(service, task) in ended)
        for service, task, first, last, from_start, to_end in lifetimes(diagnosis.metrics)
    }
    without = [task for task in happened if task not in seen]
    lines = [
        TaskLine(
            task=task,
            service=service,
            seen=seen.get((service, task), ""),
            happened=_told(happened.get((service, task), [])),
        )
        for service, task in (*seen, *without[:_WITHOUT_SERIES])
    ]
    return lines, _unlisted([happened[task][0].onset for task in without[_WITHOUT_SERIES:]])


def _seen(first: datetime, last: datetime, edges: tuple[bool, bool], *, stopped: bool) -> str:
    """Return between which moments a task's series were seen; whose stop is known was not there to the end."""
    if all(edges) and not stopped:
        return "throughout"
    whole = "its stop" if stopped else "the end"
    return f"from {'the start' if edges[0] else say.clock(first)} to {whole if edges[1] else say.clock(last)}"


def _told(happened: list[Finding]) -> tuple[str, ...]:
    told = sorted(happened[:_HAPPENED], key=lambda f: f.onset)
    return tuple(f"{say.clock(f.onset)} {f.words}" for f in told)


def _unlisted(moments: list[datetime]) -> str:
    """Return how many tasks without a series are not listed, "" for none, by the moments of which something is told."""
    if not moments:
        return ""
    stretch = f"from {say.clock(min(moments))} to {say.clock(max(moments))}"
    return f"{len(moments)} further tasks had no series: what happened to them did so {stretch}"
