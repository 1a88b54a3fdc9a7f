"""From an alert to its expression, labels and annotations: all that is derived, never written by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from obskit.ascode.alerts.rule import Rule, number, seconds
from obskit.ascode.board import signal_named
from obskit.ascode.definition import Definition, Problem
from obskit.ascode.panels import labels_of, worst
from obskit.catalogue import quoted
from obskit.catalogue._written import Filling, variants_of, written, written_variant
from obskit.errors import UsageError
from obskit.model import Signal, Unit
from obskit.settings import Settings

#: Three digits; from a thousand on with a prefix. `humanize` alone writes a quarter as 250m.
_PLAIN = '{{ if lt $value 1000.0 }}{{ printf "%.3g" $value }}{{ else }}{{ $value | humanize }}{{ end }}'
#: How Prometheus' and Loki's templates word a value of each unit.
_WORDED: Mapping[Unit, str] = {
    "seconds": "{{ $value | humanizeDuration }}",
    "bytes": "{{ $value | humanize1024 }}B",
    "ratio": "{{ $value | humanizePercentage }}",
    "per_second": f"{_PLAIN}/s",
    "bytes_per_second": "{{ $value | humanize1024 }}B/s",
    "count": _PLAIN,
}
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
#: A straight line is laid through this much of the past, in points a minute apart.
_PAST = "1h:1m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """How this environment's rules are written.

    Attributes:
        settings: Label names, what services speak, where runbooks and Grafana are.
        dashboards: Whose panels alerts link; an alert whose signal none shows has no link.
        unread: What kept other dashboards from being loaded: whether they show a signal is not known.
    """

    settings: Settings
    dashboards: Sequence[Definition] = ()
    unread: Sequence[Problem] = ()

    def filling(self, over: str) -> Filling:
        """Return what placeholders of queries become: every service, whatever its scope."""
        labels = self.settings.labels
        return Filling(
            labels=labels,
            services=f'{labels.service}!=""',
            names=".+",
            selector=f'{{{labels.log_service}=~".+"}}',
            rate=over,
            log_rate=over,
            instrumentation=self.settings.dashboards.instrumentation,
        )

    def language(self, rule: Rule) -> str:
        """Return whether Prometheus or Loki evaluates the rule."""
        return variants_of(rule.catalogued, self.settings.dashboards.instrumentation)[0].language

    def by(self, rule: Rule) -> tuple[str, ...]:
        """Return the labels that tell the rule's alerts apart."""
        signal = rule.catalogued
        if rule.by:
            return rule.by
        if signal.scope == "service":
            labels = self.settings.labels
            return (labels.log_service if self.language(rule) == "LogQL" else labels.service,)
        return labels_of(written(signal, self.filling(rule.over)), self.language(rule))

    def expr(self, rule: Rule) -> str:
        """Return the rule's whole expression."""
        by = self.by(rule)
        query = self._level(rule.catalogued, by, rule)
        parts = [f"{query} {rule.op} {number(rule.threshold)}"]
        for condition in rule.where:
            other = self._level(signal_named(condition.signal), by, replace(rule, ahead=""))
            joined = f"on ({', '.join(by)}) " if by else ""
            parts.append(f"and {joined}{other} {condition.op} {number(condition.value)}")
        for condition in rule.unless:
            other = self._level(signal_named(condition.signal), by, replace(rule, ahead=""))
            joined = f"on ({', '.join(by)}) " if by else ""
            parts.append(f"unless {joined}{other} {condition.op} {number(condition.value)}")
        return "\n".join(parts)

    def _level(self, signal: Signal, by: tuple[str, ...], rule: Rule) -> str:
        """Return one number for each of the rule's alerts: the worst, or the sum, of what the signal gives."""
        query = self._query(signal, rule.over)
        if rule.ahead:
            query = f"predict_linear((\n{query}\n)[{_PAST}], {number(seconds(rule.ahead))})"
        clause = f" by ({', '.join(by)})" if by else ""
        return f"{worst(signal)}{clause} (\n{query}\n)"

    def _query(self, signal: Signal, over: str) -> str:
        """Return a signal's whole query; what names the service inside another label names it by the service's own.

        Without it, all services of a CloudWatch exporter (``dimension_ServiceName``) would be one alert without a name.
        """
        filling = self.filling(over)
        variants = variants_of(signal, filling.instrumentation)
        if variants[0].language == "LogQL":
            return written(signal, filling)
        parts = []
        for variant in (v for v in variants if v.language == "PromQL"):
            query = written_variant(variant, filling)
            if variant.service_from:
                label, pattern = variant.service_from
                service = filling.labels.service
                named = f'label_replace({query}, "{service}", "$1", "{label}", {quoted(f"(?:{pattern}).*")})'
                query = f"{worst(signal)} by ({service}) ({named})"
            parts.append(query)
        return "\nor\n".join(parts)

    def labels(self, rule: Rule, topic: str) -> dict[str, str]:
        """Return the labels that routes and inhibitions go by."""
        found = {"severity": rule.severity, "kind": rule.kind, "topic": topic}
        return {**found, "cause": rule.cause} if rule.cause else found

    def annotations(self, rule: Rule) -> dict[str, str]:
        """Return what a person reads, and where to go on."""
        texts = {"summary": self._words(rule.summary, rule), "description": self._words(rule.description, rule)}
        runbook = self.settings.dashboards.runbook_url
        links = {"runbook_url": f"{runbook}/{rule.runbook}.md" if runbook else f"runbooks/{rule.runbook}.md"}
        return {**texts, **links, **self._panel(rule)}

    def _panel(self, rule: Rule) -> dict[str, str]:
        found = panel_of(rule.signal, self.dashboards)
        if found is None:
            return {}
        definition, panel = found
        path = f"/d/{definition.uid}?viewPanel={panel}"
        if any(variable.get("name") == "service" for variable in definition.variables):
            by = self.by(rule)
            path += f"&var-service={{{{ $labels.{by[0]} | urlquery }}}}" if rule.catalogued.scope == "service" else ""
        return {
            "dashboard_url": f"{self.settings.grafana.url}{path}",
            "__dashboardUid__": definition.uid,
            "__panelId__": str(panel),
        }

    def _words(self, text: str, rule: Rule) -> str:
        """Fill ``{value}`` and ``{label}`` in as the server's templates do."""
        by = self.by(rule)
        service = by[0] if by and rule.catalogued.scope == "service" else ""

        def put(found: re.Match[str]) -> str:
            name = found[1]
            if name == "value":
                return _WORDED[rule.catalogued.unit]
            label = service if name == "service" and service else name
            if label not in by:
                raise UsageError(
                    f"{rule.name}: its alerts have no label {name!r}", hint=f"there are {', '.join(('value', *by))}"
                )
            return f"{{{{ $labels.{label} }}}}"

        return _PLACEHOLDER.sub(put, text)


def panel_of(signal: str, dashboards: Sequence[Definition]) -> tuple[Definition, int] | None:
    """Return the dashboard and the panel's id that show a signal best; None when none does.

    A graph before a number, a panel that the signal leads before one that it joins, and the
    dashboard that shows most of the signal's topic.
    """
    topic = signal_named(signal).topic
    found = []
    for definition in dashboards:
        if not any(signal in names for names in definition.signals):
            continue
        same = sum(signal_named(name).topic == topic for names in definition.signals for name in names)
        for panel, names in zip(definition.panels, definition.signals, strict=True):
            if signal in names:
                graph = panel.get("type") != "stat"
                found.append(((graph, names[0] == signal, same, definition.name), definition, int(panel["id"])))
    if not found:
        return None
    _, definition, panel_id = max(found, key=lambda one: one[0])
    return definition, panel_id
