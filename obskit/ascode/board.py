"""How a dashboard is said: groups of panels, and panels of signals.

A file ``dashboards/NAME.dashboard.py`` defines ``dashboard = board(...)`` and says no more
than which signals belong together. Queries, units, thresholds and meanings come from the
catalogue; places, ids, links and variables are derived. The result is a grafanalib
``Dashboard``, so that grafanalib's own ``generate-dashboard`` takes it too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from obskit.catalogue import all_signals
from obskit.errors import UsageError
from obskit.model import Signal
from obskit.settings_values import nearest

if TYPE_CHECKING:
    from grafanalib.core import Dashboard

    from obskit.settings import Settings

Kind = Literal["timeseries", "stat", "logs", "text"]
_A_GROUP = 'write groups=(group("Title", "http_requests"),)'
_SINCE = re.compile(r"[1-9]\d*[smhdwMy]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSpec:
    """One panel, as a definition says it.

    Attributes:
        kind: How it is drawn.
        signals: What it draws; the first gives title, unit, thresholds and description.
        title: Where it is not the signal's own.
        key: What its id is made of, where title or signal would clash; never shown.
        text: Markdown of a text panel; the LogQL line filter of a logs panel; the PromQL of a
            panel that draws no signal of the catalogue.
        legend: Grafana's legend of such a panel.
        over: A fixed range for its rates, ``1h``; Grafana's own choice when "".
        divided_by: PromQL that each query is divided by.
        unit: A unit of Grafana, where it is not the signal's own.
        width, height: On the grid; 0 for the usual.
    """

    kind: Kind
    signals: tuple[str, ...] = ()
    title: str = ""
    key: str = ""
    description: str = ""
    text: str = ""
    legend: str = ""
    over: str = ""
    divided_by: str = ""
    unit: str = ""
    width: int = 0
    height: int = 0
    more: str = ""
    runbook: str = ""

    def catalogued(self) -> tuple[Signal, ...]:
        """Return the signals themselves."""
        return tuple(signal_named(name) for name in self.signals)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """A row of panels under one heading."""

    title: str
    panels: tuple[PanelSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSpec:
    """A whole dashboard, as a definition says it.

    Attributes:
        name: Of the file; also the end of its uid.
        groups: From top to bottom.
        select: Further variables by which its targets are told apart: ``job``, ``instance``.
        anchor: The metric whose labels fill these variables.
        constants: ``(name, label, values)`` of further variables; the first value is the default.
        events: Whether deployments and starts of tasks are marked on every panel.
        since: How far back it looks at first.
        refresh: How often Grafana asks again; "" for never.
    """

    name: str
    title: str
    description: str
    groups: tuple[GroupSpec, ...]
    select: tuple[str, ...] = ()
    anchor: str = ""
    constants: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    events: bool = False
    since: str = "3h"
    refresh: str = "1m"

    @property
    def panels(self) -> tuple[PanelSpec, ...]:
        """Every panel of every group."""
        return tuple(panel for group in self.groups for panel in group.panels)


def signal_named(name: str) -> Signal:
    """Return a signal of the catalogue.

    Raises:
        UsageError: There is none of that id.
    """
    signals = all_signals()
    if name not in signals:
        hint = nearest(name, signals, otherwise="obskit dashboards signals lists them")
        raise UsageError(f"there is no signal {name!r}", hint=hint)
    return signals[name]


def panel(*signals: str, title: str = "", kind: Kind = "timeseries", **more: object) -> PanelSpec:
    """Return a panel that draws one signal, or several of one unit.

    Args:
        signals: Ids of the catalogue.
        title: Where it is not the first signal's own.
        kind: ``timeseries`` or ``stat``.
        more: Further fields of `PanelSpec`.

    Raises:
        UsageError: No signal, one that does not exist, or two of different units.
    """
    if not signals:
        raise UsageError("a panel needs a signal", hint='write panel("http_requests")')
    units = {signal_named(name).unit for name in signals}
    if len(units) > 1 and "unit" not in more:
        raise UsageError(
            f"one panel cannot draw {', '.join(sorted(units))} on one axis",
            where={"signals": ", ".join(signals)},
            hint="make a panel of each",
        )
    return _spec(kind, signals=signals, title=title, **more)


def stat(signal: str, *, title: str = "", **more: object) -> PanelSpec:
    """Return a panel that shows one signal's last value, the worst of all its series."""
    return panel(signal, title=title, kind="stat", **more)


def logs(title: str, line_filter: str = "", **more: object) -> PanelSpec:
    """Return a panel of the service's log lines.

    Args:
        title: The panel's.
        line_filter: LogQL that follows the stream selector, for example ``|= `timeout```.
        more: Further fields of `PanelSpec`.
    """
    return _spec("logs", title=title, text=line_filter, **more)


def query(title: str, promql: str, *, unit: str, legend: str = "", **more: object) -> PanelSpec:
    """Return a panel of a query of your own, where the catalogue has no signal.

    Args:
        title: The panel's.
        promql: Whole, with Grafana's variables: ``service=~"$service"``, ``[$__rate_interval]``.
        unit: A unit of Grafana: ``short``, ``s``, ``bytes``, ``percentunit``, ``reqps`` …
        legend: For example ``{{task_id}}``.
        more: Further fields of `PanelSpec`; say in ``description`` what it means and what to do.
    """
    return _spec("timeseries", title=title, text=promql, unit=unit, legend=legend, **more)


def text(title: str, markdown: str, **more: object) -> PanelSpec:
    """Return a panel of words."""
    return _spec("text", title=title, text=markdown, **more)


def group(title: str, *items: PanelSpec | str, more: str = "", runbook: str = "", width: int = 0) -> GroupSpec:
    """Return panels under one heading; a bare text is a signal's id.

    Args:
        title: The heading.
        items: Panels, or ids of signals.
        more: Name of the dashboard that shows more of the same.
        runbook: Of a cause that these panels speak of: ``causes/db_pool_exhausted``.
        width: Of each panel that says nothing else.
    """
    if not items:
        raise UsageError(f"the group {title!r} has no panel", hint="name a signal, or take the group out")
    specs = [panel(item) if isinstance(item, str) else item for item in items]
    for spec in specs:
        if not isinstance(spec, PanelSpec):
            raise UsageError(
                f"{type(spec).__name__} is no panel",
                hint="a group takes ids of signals, panel(...), stat(...), query(...), logs(...), text(...)",
            )
    return GroupSpec(
        title=title,
        panels=tuple(
            replace(spec, more=spec.more or more, runbook=spec.runbook or runbook, width=spec.width or width)
            for spec in specs
        ),
    )


def board(  # noqa: PLR0913 (each is a fact of one dashboard; all but four have defaults)
    name: str,
    *,
    title: str,
    description: str,
    groups: Sequence[GroupSpec],
    select: Sequence[str] = (),
    anchor: str = "",
    constants: Sequence[tuple[str, str, tuple[str, ...]]] = (),
    events: bool = False,
    since: str = "3h",
    refresh: str = "1m",
    settings: Settings | None = None,
) -> Dashboard:
    """Return a dashboard for Grafana.

    Args:
        name: The file's name without ``.dashboard.py``; the uid is ``obskit-NAME``.
        title: What Grafana lists it under.
        description: What it is for, in a sentence.
        groups: From top to bottom.
        select: Further variables by which targets are told apart: ``job``, ``instance``.
        anchor: The metric whose labels fill these variables; that of the first signal by default.
        constants: ``(name, label, values)`` of further variables; the first is the default.
        events: Whether deployments and starts of tasks are marked on every panel.
        since: How far back it looks at first.
        refresh: How often Grafana asks again; "" for never, where queries are dear.
        settings: Label names and marks; read from obskit.toml and the environment by default.

    Raises:
        UsageError: A signal that does not exist, or what makes no dashboard.
    """
    from obskit.ascode.assemble import assembled
    from obskit.settings import load_settings

    for one in groups:
        if not isinstance(one, GroupSpec):
            raise UsageError(f"{type(one).__name__} is no group", hint=_A_GROUP)
    if not groups:
        raise UsageError(f"the board {name!r} has no group", hint=_A_GROUP)
    if not _SINCE.fullmatch(since):
        raise UsageError(f"since={since!r} is no time that Grafana can read", hint="write 30m, 3h or 7d")
    spec = BoardSpec(
        name=name,
        title=title,
        description=description,
        groups=tuple(groups),
        select=tuple(select),
        anchor=anchor,
        constants=tuple(constants),
        events=events,
        since=since,
        refresh=refresh,
    )
    return assembled(spec, settings or load_settings())


def _spec(kind: Kind, **fields: object) -> PanelSpec:
    if kind not in get_args(Kind):
        raise UsageError(f"there is no kind of panel {kind!r}", hint=nearest(kind, get_args(Kind)))
    known = PanelSpec.__dataclass_fields__
    for name in fields:
        if name not in known:
            raise UsageError(f"a panel has no {name!r}", hint=nearest(name, known))
    if not 0 <= int(str(fields.get("width", 0))) <= 24:
        raise UsageError("a panel is at most 24 columns wide", hint="width=8 puts three in a line")
    return PanelSpec(kind=kind, **fields)  # type: ignore[arg-type]


def reference(name: str) -> str:
    """Return the uid of the dashboard of a definition's name: stable, so that links to it last."""
    return f"obskit-{name}"


__all__ = ["board", "group", "logs", "panel", "query", "reference", "stat", "text"]
