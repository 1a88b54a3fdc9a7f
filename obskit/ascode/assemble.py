"""From a board's spec to grafanalib's Dashboard: layout, variables, annotations, links."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from obskit.ascode.board import BoardSpec, reference, signal_named
from obskit.ascode.definition import Model
from obskit.ascode.layout import COLUMNS, ROW_HEIGHT, place
from obskit.ascode.panels import SOURCES, Writer, size_of, source, stable_id
from obskit.catalogue import all_signals
from obskit.catalogue._written import Filling, variants_of, written
from obskit.errors import SettingsError, UsageError
from obskit.settings_values import nearest

if TYPE_CHECKING:
    from grafanalib.core import Dashboard, Panel, Template

    from obskit.settings import Settings

#: Matches what carries the label and what does not: series of exporters often lack it.
_ANY = ".*"
_SOME = ".+"
_ALL: Model = {"text": "All", "value": "$__all"}
_REFRESH_ON_TIME_RANGE = 2
_LABELS = {"PromQL": "Prometheus data source", "LogQL": "Loki data source"}
#: Where a release or a deployment pipeline marks what it did.
DEPLOYMENT_TAG = "deployment"


def assembled(spec: BoardSpec, settings: Settings) -> Dashboard:
    """Return the grafanalib dashboard, which writes itself normalised."""
    from grafanalib.core import Annotations, Time

    filling = _filling(spec, settings)
    writer = Writer(filling=filling, runbook_url=settings.dashboards.runbook_url, carried=_carried(spec))
    panels = _placed(spec, writer)
    _check_ids(spec, panels)
    mark = settings.dashboards.mark
    return _dashboard_class()(
        title=spec.title,
        description=spec.description,
        uid=reference(spec.name),
        tags=[mark],
        editable=False,
        graphTooltip=1,  # one crosshair for all panels: what happens at once is seen at once
        refresh=spec.refresh,
        timezone="utc",
        time=Time(f"now-{spec.since}", "now"),
        schemaVersion=1,
        panels=panels,
        templating=_templating(spec, settings),
        annotations=Annotations(list=_annotations(spec, filling)),
        links=[_link(mark)],
    )


@cache
def _dashboard_class() -> type[Dashboard]:
    from grafanalib._gen import DashboardEncoder
    from grafanalib.core import Dashboard

    from obskit.ascode.normal import normalised

    class Normalised(Dashboard):  # type: ignore[misc]
        """A dashboard whose JSON is what Grafana would store."""

        def to_json_data(self) -> Model:
            import json

            plain: Model = json.loads(json.dumps(super().to_json_data(), cls=DashboardEncoder))
            return normalised(plain)

    return Normalised


def _of_services(spec: BoardSpec) -> bool:
    return any(
        panel.kind == "logs" or any(s.scope == "service" for s in panel.catalogued())
        for panel in spec.panels
        if panel.kind != "text"
    ) or any("$service" in panel.text for panel in spec.panels if panel.kind == "timeseries")


def _filling(spec: BoardSpec, settings: Settings) -> Filling:
    _check_instrumentation(settings.dashboards.instrumentation)
    labels = settings.labels
    cluster = f'{labels.cluster}=~"$cluster"'
    return Filling(
        labels=labels,
        services=f'{labels.service}=~"$service",{cluster}',
        scope=",".join([cluster, *(f'{name}=~"${name}"' for name in spec.select)]),
        wide=cluster,
        names="$service",
        selector=f'{{{labels.log_service}=~"$service"}}',
        rate="$__rate_interval",
        log_rate="$__auto",
        instrumentation=settings.dashboards.instrumentation,
    )


def _check_instrumentation(names: Sequence[str]) -> None:
    """Refuse a name that no variant of the catalogue has: it would silently choose nothing."""
    known = {variant.name for signal in all_signals().values() for variant in signal.variants}
    for name in names:
        if name not in known:
            raise SettingsError(
                f"there is no instrumentation {name!r}",
                where={"in": "dashboards.instrumentation"},
                hint=nearest(name, sorted(known), otherwise="obskit doctor --service NAME lists those that are spoken"),
            )


def _carried(spec: BoardSpec) -> str:
    names = ["cluster", *(["service"] if _of_services(spec) else [])]
    return "&".join(f"${{{name}:queryparam}}" for name in names)


def _placed(spec: BoardSpec, writer: Writer) -> list[Panel]:
    from grafanalib import core

    found: list[Panel] = []
    top = 0
    for group in spec.groups:
        found.append(
            core.RowPanel(
                title=group.title,
                id=stable_id(f"row|{group.title}"),
                gridPos=core.GridPos(h=ROW_HEIGHT, w=COLUMNS, x=0, y=top),
            )
        )
        places, top = place([size_of(panel) for panel in group.panels], top + ROW_HEIGHT)
        found += [writer.panel(panel, where) for panel, where in zip(group.panels, places, strict=True)]
    return found


def _check_ids(spec: BoardSpec, panels: list[Panel]) -> None:
    seen: dict[int, str] = {}
    for panel in panels:
        if panel.id in seen:
            raise UsageError(
                f"two panels of {spec.name} have one id: {seen[panel.id]!r} and {panel.title!r}",
                hint='give one of them a key of its own: panel(..., key="...")',
            )
        seen[panel.id] = panel.title


def _templating(spec: BoardSpec, settings: Settings) -> Any:
    from grafanalib.core import Template, Templating

    labels = settings.labels
    languages = _languages(spec, settings)
    found = [
        Template(name=SOURCES[language][1], label=_LABELS[language], type="datasource", query=SOURCES[language][0])
        for language in languages
    ]
    if "PromQL" in languages:
        found.append(_query_variable("cluster", "Cluster", f"label_values(up, {labels.cluster})", _ANY))
    of_cluster = f'{labels.cluster}=~"$cluster"'
    if _of_services(spec):
        if "PromQL" in languages:
            asked = f"label_values(up{{{of_cluster}}}, {labels.service})"
            found.append(_query_variable("service", "Service", asked, _SOME))
        else:
            asked = f"label_values({labels.log_service})"
            found.append(_query_variable("service", "Service", asked, _SOME, "LogQL"))
    matchers = [of_cluster]
    for name in spec.select:
        anchor = spec.anchor or _anchor(spec, settings)
        asked = f"label_values({anchor}{{{','.join(matchers)}}}, {name})"
        found.append(_query_variable(name, name.capitalize(), asked, _SOME))
        matchers.append(f'{name}=~"${name}"')
    for name, label, values in spec.constants:
        found.append(_choice(name, label, values))
    return Templating(list=found)


def _languages(spec: BoardSpec, settings: Settings) -> list[str]:
    found = set()
    for panel in spec.panels:
        found |= {"LogQL"} if panel.kind == "logs" else set()
        found |= {"PromQL"} if panel.kind == "timeseries" and panel.text else set()
        found |= {variants_of(signal, settings.dashboards.instrumentation)[0].language for signal in panel.catalogued()}
    return [language for language in SOURCES if language in found]


def _anchor(spec: BoardSpec, settings: Settings) -> str:
    """Return the metric whose series say which targets there are: that of the first signal."""
    signal = next(s for panel in spec.panels for s in panel.catalogued())
    return variants_of(signal, settings.dashboards.instrumentation)[0].needs[0]


def _query_variable(name: str, label: str, query: str, everything: str, language: str = "PromQL") -> Template:
    from grafanalib.core import Template

    template = Template(
        name=name,
        label=label,
        type="query",
        query=query,
        dataSource=source(language),
        includeAll=True,
        multi=True,
        allValue=everything,
        refresh=_REFRESH_ON_TIME_RANGE,
        sort=1,
    )
    template._current = dict(_ALL)  # grafanalib would write "All", which Grafana takes for a service's name
    return template


def _choice(name: str, label: str, values: tuple[str, ...]) -> Template:
    from grafanalib.core import Template

    return Template(name=name, label=label, type="custom", query=",".join(values), default=values[0])


def _annotations(spec: BoardSpec, filling: Filling) -> list[Model]:
    if not spec.events:
        return []
    started = written(signal_named("task_start_time"), filling)
    return [
        {
            "name": "Deployments",
            "enable": True,
            "iconColor": "blue",
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "target": {"type": "tags", "tags": [DEPLOYMENT_TAG], "matchAny": True, "limit": 100},
        },
        {
            "name": "Task starts",
            "enable": True,
            "iconColor": "orange",
            "datasource": source("PromQL"),
            "expr": f"({started}) * 1000",
            "useValueForTime": True,
            "titleFormat": "A task began",
            "textFormat": f"{{{{{filling.labels.service}}}}} {{{{{filling.labels.task}}}}}",
        },
    ]


def _link(mark: str) -> Model:
    return {
        "title": "Dashboards",
        "type": "dashboards",
        "icon": "external link",
        "tooltip": "",
        "tags": [mark],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    }
