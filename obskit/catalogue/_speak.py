"""Finds out which variant of each signal a server speaks, and fills the queries in.

The one place where text enters a selector: names and values are escaped here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Template

from obskit.model import Signal, Variant

#: Label names that exporters and scrape configurations use, in the order they are tried.
SERVICE_LABELS = (
    "service",
    "ecs_service",
    "service_name",
    "ecs_service_name",
    "job",
    "app",
    "container",
    "container_name",
)
TASK_LABELS = ("task_id", "ecs_task_id", "aws_ecs_task_id", "task", "task_arn", "pod", "instance")
CLUSTER_LABELS = ("cluster", "ecs_cluster", "cluster_name", "aws_ecs_cluster_name")
STATUS_LABELS = ("status", "code", "status_code", "http_response_status_code", "http_status_code", "response_code")
PEER_LABELS = (
    "server_address",
    "net_peer_name",
    "peer_service",
    "client_name",
    "peer",
    "http_host",
    "upstream",
    "destination",
    "target",
)
ROUTE_LABELS = ("route", "http_route", "path", "handler", "uri", "endpoint")
#: Routes that no user calls: they would hide, or pretend, what users feel.
NOT_TRAFFIC = "/?(health|healthz|healthcheck|ready|readyz|live|livez|ping|metrics|actuator/.*)"

SeriesIndex = Mapping[str, Sequence[Mapping[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One query to send, and how to read the labels of its answer.

    Attributes:
        signal, variant: What is asked, in whose words.
        query: The whole text.
        services: Whom it is about; empty when it is about what they share.
        service_label, task_label: Where the answer's labels hold them; "" when they do not.
    """

    signal: Signal
    variant: Variant
    query: str
    services: tuple[str, ...] = ()
    service_label: str = ""
    task_label: str = ""


def quoted(text: str) -> str:
    """Return *text* as a PromQL string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def alternation(names: Iterable[str]) -> str:
    """Return a regular expression (RE2) that matches exactly these names; `quoted` makes a literal of it."""
    return "|".join(re.sub(r"([.+*?()\[\]{}^$|\\])", r"\\\1", name) for name in sorted(names))


def metric_names(signals: Iterable[Signal]) -> tuple[str, ...]:
    """Return every metric name that some variant needs, sorted."""
    return tuple(sorted({name for s in signals for v in s.variants for name in v.needs}))


def index(series: Iterable[Mapping[str, str]]) -> dict[str, list[Mapping[str, str]]]:
    """Group label sets by metric name."""
    by_name: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for labels in series:
        by_name[labels.get("__name__", "")].append(labels)
    return dict(by_name)


def service_of(labels: Mapping[str, str], variant: Variant) -> str:
    """Return the service that a label set of this variant belongs to, or ""."""
    if variant.service_from is None:
        return ""
    label, pattern = variant.service_from
    found = re.fullmatch(f"(?:{pattern}).*", labels.get(label, ""))
    return found.group(1) if found else ""


def ask_about_services(
    signals: Iterable[Signal], series: SeriesIndex, names: Sequence[str], *, cluster: str, rate: str
) -> list[Question]:
    """Return the questions that the server can answer about these services.

    Args:
        signals: Of scope ``service``.
        series: What the server holds, by metric name.
        names: Services.
        cluster: Restricts to it where a metric carries a cluster label; "" does not.
        rate: Range of rates, ``20s``.
    """
    questions = []
    for signal in signals:
        groups: dict[tuple[int, str, str], list[str]] = defaultdict(list)
        for name in names:
            for number, variant in enumerate(signal.variants):
                label = _speaks(variant, series, name)
                if label:
                    first = variant.needs[0]
                    task = _label_of(_of_service(series[first], label, name), TASK_LABELS)
                    groups[number, label, task].append(name)
                    break
        for (number, label, task), services in groups.items():
            question = _fill(signal, signal.variants[number], series, services, label, task, cluster, rate)
            if question:
                questions.append(question)
    return questions


def ask_about_shared(signals: Iterable[Signal], series: SeriesIndex, *, cluster: str, rate: str) -> list[Question]:
    """Return the questions about what services share: databases, nodes, caches."""
    questions = []
    for signal in signals:
        for variant in signal.variants:
            if variant.language == "PromQL" and all(name in series for name in variant.needs):
                scope = _cluster_matcher(series[variant.needs[0]], cluster)
                query = Template(without_empty(variant.query, scope=scope, wide=scope)).safe_substitute(
                    scope=scope, wide=scope, rate=rate
                )
                questions.append(Question(signal=signal, variant=variant, query=query))
                break
    return questions


def _speaks(variant: Variant, series: SeriesIndex, name: str) -> str:
    """Return the label by which all needed metrics name this service, or ""."""
    if variant.language != "PromQL":
        return ""
    labels = (variant.service_from[0],) if variant.service_from else SERVICE_LABELS
    for label in labels:
        if all(_has(series.get(metric, ()), label, name, variant) for metric in variant.needs):
            return label
    return ""


def _has(rows: Sequence[Mapping[str, str]], label: str, name: str, variant: Variant) -> bool:
    if variant.service_from:
        return any(service_of(row, variant) == name for row in rows)
    return any(row.get(label) == name for row in rows)


def _of_service(rows: Sequence[Mapping[str, str]], label: str, name: str) -> list[Mapping[str, str]]:
    return [row for row in rows if row.get(label) == name]


def _label_of(rows: Sequence[Mapping[str, str]], candidates: Sequence[str]) -> str:
    return next((c for c in candidates if any(c in row for row in rows)), "")


def _cluster_matcher(rows: Sequence[Mapping[str, str]], cluster: str) -> str:
    label = next((c for c in CLUSTER_LABELS if any(row.get(c) == cluster for row in rows)), "") if cluster else ""
    return f"{label}={quoted(cluster)}" if label else ""


def _fill(
    signal: Signal,
    variant: Variant,
    series: SeriesIndex,
    names: Sequence[str],
    label: str,
    task: str,
    cluster: str,
    rate: str,
) -> Question | None:
    rows = [row for metric in variant.needs for row in series[metric]]
    own = rows if variant.service_from else [row for row in rows if row.get(label) in names]
    found = {
        "status": _label_of(own, STATUS_LABELS),
        "peer": _label_of(own, PEER_LABELS),
        "task": task,
        "service": label,
    }
    if any(f"${name}" in variant.query and not value for name, value in found.items() if name != "task"):
        return None
    scope = _cluster_matcher(own, cluster)
    route = _label_of(own, ROUTE_LABELS)
    quoted_names = quoted(alternation(names))
    traffic = f'{route}!~"{NOT_TRAFFIC}"' if route else ""
    text = Template(without_empty(variant.query, scope=scope, traffic=traffic, task=task)).safe_substitute(
        found,
        svc=",".join(part for part in (f"{label}=~{quoted_names}", scope) if part),
        scope=scope,
        names=quoted_names[1:-1],
        traffic=traffic,
        rate=rate,
    )
    return Question(
        signal=signal,
        variant=variant,
        query=text,
        services=tuple(names),
        service_label=label,
        task_label=task if "$task" in variant.query else "",
    )


def without_empty(query: str, **values: str) -> str:
    """Take empty placeholders out of a template together with their commas.

    Done before values go in, so that nothing inside a label value is taken for a comma of ours.
    """
    for name in (name for name, value in values.items() if not value):
        query = (
            query.replace(f",${name}", "").replace(f", ${name}", "").replace(f"${name},", "").replace(f"${name}", "")
        )
    return query
