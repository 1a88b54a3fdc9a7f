"""From a panel's spec to grafanalib's panel: query, unit, thresholds, legend, description."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from obskit.ascode.board import Kind, PanelSpec, reference
from obskit.ascode.definition import Model, signals_line
from obskit.ascode.layout import Place, Size
from obskit.ascode.promql_labels import labels_given
from obskit.ascode.units import unit_of
from obskit.catalogue._written import Filling, variants_of, written
from obskit.incident.units import humanize
from obskit.model import Signal

if TYPE_CHECKING:
    from grafanalib.core import Panel, Target

#: Names of the variables that choose the data sources; linters know them by these.
SOURCES = {"PromQL": ("prometheus", "prometheus_datasource"), "LogQL": ("loki", "loki_datasource")}

_SIZES: dict[Kind, Size] = {
    "timeseries": Size(width=8, height=8),
    "stat": Size(width=4, height=4),
    "logs": Size(width=24, height=10),
    "text": Size(width=24, height=3),
}
#: Grafana's own names for "fine", "look at it" and "users are hurt".
_FINE, _WARN, _CRIT = "green", "orange", "red"
#: Units that cannot be negative, so that an axis may start at 0.
_NEVER_NEGATIVE = frozenset({"ratio", "per_second", "bytes", "bytes_per_second", "count"})
#: A page or two to scroll through; more costs the browser and nobody reads it.
MOST_LOG_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """How this environment's panels are written.

    Attributes:
        filling: What the placeholders of queries become.
        runbook_url: Where runbooks can be read; "" leaves links out.
        carried: Query string of the variables that a link hands on.
    """

    filling: Filling
    runbook_url: str = ""
    carried: str = ""

    def panel(self, spec: PanelSpec, place: Place) -> Panel:
        """Return the grafanalib panel."""
        from grafanalib import core

        common: dict[str, Any] = {
            "title": title_of(spec),
            "gridPos": core.GridPos(h=place.h, w=place.w, x=place.x, y=place.y),
            "id": id_of(spec),
            "maxDataPoints": None,
            "links": self._links(spec),
        }
        if spec.kind == "text":
            return core.Text(content=spec.text, **common)
        if spec.kind == "logs":
            return self._logs(spec, common)
        common |= {
            "description": description_of(spec),
            "dataSource": source("LogQL" if _is_logql(spec, self.filling) else "PromQL"),
            "targets": self._targets(spec),
            "thresholds": steps_of(spec.catalogued()[0]),
        }
        return self._stat(spec, common) if spec.kind == "stat" else self._timeseries(spec, common)

    def _timeseries(self, spec: PanelSpec, common: dict[str, Any]) -> Panel:
        from grafanalib import core

        signal = spec.catalogued()[0]
        defaults: Model = {"min": 0} if signal.unit in _NEVER_NEGATIVE and not spec.divided_by else {}
        return core.TimeSeries(
            **common,
            unit=spec.unit or unit_of(signal.unit),
            fillOpacity=10,
            showPoints="never",
            tooltipMode="multi",
            tooltipSort="desc",
            thresholdsStyleMode="dashed" if signal.warn or signal.crit else "off",
            extraJson={
                "fieldConfig": {"defaults": defaults},
                "options": {"legend": {"showLegend": True}},
            },
        )

    def _stat(self, spec: PanelSpec, common: dict[str, Any]) -> Panel:
        from grafanalib import core

        signal = spec.catalogued()[0]
        return core.Stat(
            **{key: value for key, value in common.items() if key != "thresholds"},
            format=spec.unit or unit_of(signal.unit),
            reduceCalc="lastNotNull",
            noValue="no data",
            colorMode="background" if signal.warn or signal.crit else "value",
            graphMode="area",
            extraJson={
                "fieldConfig": {
                    "defaults": {
                        "color": {"mode": "thresholds"},
                        "thresholds": {"mode": "absolute", "steps": common["thresholds"]},
                    }
                },
                "options": {"showPercentChange": False, "percentChangeColorMode": "standard", "wideLayout": True},
            },
        )

    def _logs(self, spec: PanelSpec, common: dict[str, Any]) -> Panel:
        from grafanalib import core

        query = " ".join(part for part in (self.filling.selector, spec.text) if part)
        extra = {"queryType": "range", "maxLines": MOST_LOG_LINES}
        return core.Logs(
            **common,
            description=spec.description or "Newest lines first. A line opens on a click and shows its labels.",
            dataSource=source("LogQL"),
            targets=[_target(query, "A", "", "LogQL", extra)],
            showTime=True,
            wrapLogMessages=True,
            enableLogDetails=True,
            dedupStrategy="none",
            extraJson={"options": {"showLogContextToggle": False}},
        )

    def _targets(self, spec: PanelSpec) -> list[Target]:
        found = []
        signals = spec.catalogued()
        for number, signal in enumerate(signals):
            filling = self.filling if not spec.over else _with_rate(self.filling, spec.over)
            query = written(signal, filling)
            language = "LogQL" if _is_logql(spec, self.filling) else "PromQL"
            labels = " ".join(f"{{{{{label}}}}}" for label in labels_of(query, language))
            if spec.kind == "stat":
                query, labels = f"{worst(signal)}(\n{query}\n)", ""
            if spec.divided_by:
                query = f"(\n{query}\n) / ({spec.divided_by})"
            legend = f"{signal.title} {labels}".strip() if len(signals) > 1 or not labels else labels
            extra = {"queryType": "range"} if language == "LogQL" else {}
            found.append(_target(query, chr(ord("A") + number), legend, language, extra))
        return found

    def _links(self, spec: PanelSpec) -> list[Model]:
        links: list[Model] = []
        if spec.more:
            query = "&".join(part for part in ("${__url_time_range}", self.carried) if part)
            links.append({"title": f"More: {spec.more}", "url": f"/d/{reference(spec.more)}?{query}"})
        if spec.runbook and self.runbook_url:
            url = f"{self.runbook_url}/{spec.runbook}.md"
            links.append({"title": f"Runbook: {spec.runbook}", "url": url, "targetBlank": True})
        return links


def source(language: str) -> Model:
    """Return the reference to the data source that the dashboard's variable chooses."""
    kind, variable = SOURCES[language]
    return {"type": kind, "uid": f"${{{variable}}}"}


def title_of(spec: PanelSpec) -> str:
    """Return what stands over the panel."""
    if spec.title or not spec.signals:
        return spec.title
    title = spec.catalogued()[0].title
    return title[0].upper() + title[1:]


def id_of(spec: PanelSpec) -> int:
    """Return the panel's id: from what it shows, so that inserting a panel renumbers none."""
    shows = (*spec.signals, spec.over) if spec.signals else (spec.title,)
    key = spec.key or "|".join(filter(None, (spec.kind, *shows)))
    return stable_id(key)


def stable_id(key: str) -> int:
    """Return a positive 31-bit number that depends on the key alone (CRC-32)."""
    return zlib.crc32(key.encode()) % (2**31 - 1) + 1


def size_of(spec: PanelSpec) -> Size:
    """Return how much of the grid the panel asks for."""
    usual = _SIZES[spec.kind]
    return Size(width=spec.width or usual.width, height=spec.height or usual.height)


def description_of(spec: PanelSpec) -> str:
    """Return what the panel means, what to do, its thresholds with their reasons, and its signals."""
    signals = spec.catalogued()
    parts = [spec.description] if spec.description else [s.meaning for s in signals[:1] if s.meaning]
    for word, threshold in (("Look at it", signals[0].warn), ("Critical", signals[0].crit)):
        if threshold and not spec.divided_by:
            beyond = "below" if signals[0].bad == "down" else "from"
            parts.append(f"{word} {beyond} {humanize(threshold.value, signals[0].unit)}: {threshold.reason}.")
    return "\n\n".join([*parts, signals_line(spec.signals)])


def steps_of(signal: Signal) -> list[Model]:
    """Return Grafana's threshold steps, lowest first; the first is open below."""
    warn = signal.warn.value if signal.warn else None
    crit = signal.crit.value if signal.crit else None
    if signal.bad == "down":
        steps: list[Model] = [{"color": _CRIT if crit is not None else _WARN if warn is not None else _FINE}]
        steps += [{"color": _WARN, "value": crit}] if crit is not None and warn is not None else []
        top = warn if warn is not None else crit
        steps += [{"color": _FINE, "value": top}] if top is not None else []
    else:
        steps = [{"color": _FINE}]
        steps += [{"color": _WARN, "value": warn}] if warn is not None else []
        steps += [{"color": _CRIT, "value": crit}] if crit is not None else []
    return [{"value": None, **steps[0]}, *steps[1:]]


def worst(signal: Signal) -> str:
    """Return the aggregation that makes one number of all series: the worst, or their sum.

    Shares and times do not add up; there the worst task or database is what hurts.
    """
    if signal.unit in ("ratio", "seconds"):
        return "min" if signal.bad == "down" else "max"
    return {"sum": "sum", "mean": "avg", "max": "max", "min": "min"}[signal.combine]


def labels_of(query: str, language: str) -> tuple[str, ...]:
    """Return the labels by which a query's series differ, in the order in which it names them.

    Of PromQL those that its syntax tree can give; of LogQL those of its first ``by (...)``.
    """
    clauses = re.findall(r"\bby \(([^)]*)\)", query)
    named = dict.fromkeys(label for clause in clauses for label in re.split(r"[,\s]+", clause) if label)
    if language == "LogQL":
        return tuple(label for label in re.split(r"[,\s]+", clauses[0]) if label) if clauses else ()
    import promql_parser

    readable = re.sub(r"\$__\w+", "5m", query)
    given = labels_given(promql_parser.parse(readable))
    return tuple(label for label in named if label != "le" and given.only is not None and label in given.only)


def _with_rate(filling: Filling, rate: str) -> Filling:
    from dataclasses import replace

    return replace(filling, rate=rate, log_rate=rate)


def _is_logql(spec: PanelSpec, filling: Filling) -> bool:
    return variants_of(spec.catalogued()[0], filling.instrumentation)[0].language == "LogQL"


def _target(expr: str, ref: str, legend: str, language: str, extra: Model) -> Target:
    """Return a grafanalib target that carries fields which grafanalib does not know."""
    from grafanalib.core import Target

    class _Target(Target):  # type: ignore[misc]
        def to_json_data(self) -> Model:
            return {**super().to_json_data(), **extra}

    return _Target(expr=expr, refId=ref, legendFormat=legend, intervalFactor=1, datasource=source(language))
