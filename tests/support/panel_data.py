"""Series for the panels of our dashboards to be drawn from, and what came of each query.

Three origins, loaded one after the other, so that it is known what each query needs:

- ``real``: what a Prometheus, a Node Exporter and an Alertmanager on this machine tell of
  themselves, and recordings of two incidents with real services, a real PostgreSQL and the
  usual exporters (see `recorded`);
- ``played``: the part of the recordings that stands under names of ECS and CloudWatch. Their
  numbers were measured, but the laboratories gave them those names;
- ``synthetic``: ``tests/ascode/data/synthetic_series.txt``; nobody emitted them.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from obskit.ascode.alerts.build import Group
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load as load_alerts
from obskit.ascode.alerts.slo import expanded
from obskit.ascode.check import Case
from obskit.ascode.check._live import of_panels, sent
from obskit.ascode.definition import Definition
from obskit.ascode.live import LivePrometheus
from obskit.settings import Connection, Settings
from tests.support.servers import (
    AlertmanagerServer,
    Labels,
    NodeExporterServer,
    Samples,
    WatchingServer,
    free_port,
    labels_of,
    read_openmetrics,
)

OBJECTIVES = Path(__file__).resolve().parents[2] / "alerts" / "slo.alerts.py"
BUDGET = "service:slo_error_budget:remaining_ratio"
DATA = Path(__file__).resolve().parents[1] / "ascode" / "data"
#: Laboratory a's pool that leaks: what services, PostgreSQL and node told. Laboratory b's database that is gone: what
#: its cluster told besides. Families that no dashboard draws are left out, and two of three scrapes.
RECORDINGS = (DATA / "recorded_a.om.gz", DATA / "recorded_b.om.gz")
SYNTHETIC = DATA / "synthetic_series.txt"
#: Jobs of the recordings in which a laboratory played ECS and CloudWatch.
PLAYED = frozenset({"ecs-exporter", "yace"})
#: The first recording's, so that all is in one.
CLUSTER = "production-cluster"
#: How far back synthetic series go, and how far their points are apart.
SYNTHETIC_SECONDS = 600
STEP_SECONDS = 15
#: Share of a synthetic histogram's observations up to each bound, seconds.
BUCKETS = (("0.1", 0.5), ("1", 0.99), ("+Inf", 1.0))

Origin = Literal["real", "played", "synthetic", "none"]
Series = Iterator[tuple[Labels, Samples]]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What came of one query of a panel or annotation.

    Attributes:
        dashboard: Name of its definition.
        title: Of the panel, or name of the annotation.
        ref: The target's ``refId``; "" of an annotation.
        text: What was sent.
        origin: After which origin was loaded it had an answer first.
        series: How many it returned when all was loaded.
        refused: The server's words where it refused.
    """

    dashboard: str
    title: str
    ref: str
    text: str
    origin: Origin
    series: int
    refused: str


def recorded(end: int, *, played: bool) -> Series:
    """Yield the recordings' series, moved so that each recording ends at *end*.

    Args:
        end: Milliseconds since the epoch.
        played: Whether those that stand under names of ECS and CloudWatch, or the others.
    """
    for path in RECORDINGS:
        found = list(read_openmetrics(path))
        moved = end - max(at for _, samples in found for at, _ in samples)
        for labels, samples in found:
            if (labels["job"] in PLAYED) is played:
                # Ages are computed from the time at which a process started: it moves along.
                added = moved / 1000 if labels["__name__"] == "process_start_time_seconds" else 0.0
                yield labels, [(at + moved, value + added) for at, value in samples]


def synthetic(end: int) -> Series:
    """Yield the series that ``synthetic_series.txt`` describes, up to *end* (milliseconds since the epoch)."""
    shared: Labels = {}
    for line in SYNTHETIC.read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            shared = labels_of(f"{{{line[1:]}}}")
        elif line and not line.startswith("#"):
            kind, number, head = line.split(maxsplit=2)
            yield from _made_up(kind, float(number), {**shared, **labels_of(head)}, end)


def _made_up(kind: str, number: float, labels: Labels, end: int) -> Series:
    """Yield what one line of the table describes: a series, or those of a histogram."""
    match kind:
        case "gauge":
            yield labels, _line(number, 0, end)
        case "time":
            yield labels, _line(end / 1000 + number, 0, end)
        case "counter":
            yield labels, _line(0, number, end)
        case "histogram":
            name = labels["__name__"]
            for bound, share in BUCKETS:
                yield {**labels, "__name__": f"{name}_bucket", "le": bound}, _line(0, number * share, end)
            yield {**labels, "__name__": f"{name}_count"}, _line(0, number, end)
            yield {**labels, "__name__": f"{name}_sum"}, _line(0, number * 0.2, end)
        case _:
            raise ValueError(f"{SYNTHETIC.name} knows no kind {kind!r}")


def _line(start: float, slope: float, end: int) -> Samples:
    """Return a straight line that grows by *slope* a second."""
    back = range(SYNTHETIC_SECONDS, -1, -STEP_SECONDS)
    return [(end - seconds * 1000, start + slope * (SYNTHETIC_SECONDS - seconds)) for seconds in back]


@contextlib.contextmanager
def watching() -> Iterator[WatchingServer]:
    """Yield a Prometheus that has done all that it can tell of, beside a Node Exporter and an Alertmanager."""
    told_last = (
        "sum(rate(prometheus_notifications_sent_total[1m])) + sum(rate(prometheus_remote_storage_samples_total[1m]))"
        " + sum(prometheus_remote_storage_queue_highest_sent_timestamp_seconds > 0)"
        " + sum(rate(prometheus_rule_evaluation_failures_total[1m]))"
        " + sum(rate(node_cpu_seconds_total[1m])) + sum(rate(alertmanager_alerts_received_total[1m]))"
    )
    nobody = f"http://127.0.0.1:{free_port()}"
    with NodeExporterServer() as node, AlertmanagerServer(nobody) as alertmanager:
        targets = {"node": node.url, "alertmanager": alertmanager.url}
        groups = [group.document() for group in objectives()]
        with WatchingServer(targets, alertmanager=alertmanager.url, cluster=CLUSTER, groups=groups) as server:
            server.until(told_last)
            yield server


def objectives() -> list[Group]:
    """Return the rules of our objectives, which record what their dashboard draws."""
    files, problems = load_alerts(OBJECTIVES.parent)
    assert not [problem for problem in problems if problem.file.endswith(OBJECTIVES.name)]
    (file,) = (file for file in files if file.path == OBJECTIVES)
    return expanded(file.slos, file.name, Writer(settings=Settings()))


def drawn(server: WatchingServer, definitions: Sequence[Definition]) -> tuple[Drawn, ...]:
    """Load one origin after the other and run each query of panels and annotations in between.

    Queries are sent as the checks send them: with everything chosen in the dashboards' variables.
    """
    end = round(time.time() * 1000)
    queries = [(d.name, q, sent(q, d)) for d, q, _ in of_panels(Case(definitions=tuple(definitions)))]
    texts = [text for _, _, text in queries]
    loads = (recorded(end, played=False), recorded(end, played=True), synthetic(end))
    first: dict[str, Origin] = {}
    for origin, load in zip(get_args(Origin), loads, strict=False):
        server.write(load)
        if load is loads[0]:  # what is recorded of the real requests, before others come
            server.until(f"{BUDGET} and on (service) service:slo_burn_rate:ratio_rate3d")
        ran = LivePrometheus(Connection(url=server.url), now=time.time()).run(texts)
        for text in texts:
            if ran[text].series:
                first.setdefault(text, origin)
    return tuple(
        Drawn(
            dashboard=name,
            title=query.title,
            ref=query.ref,
            text=text,
            origin=first.get(text, "none"),
            series=ran[text].series,
            refused=ran[text].refused,
        )
        for name, query, text in queries
    )


def counted(found: Sequence[Drawn]) -> dict[Origin, int]:
    """Return how many queries needed which origin; ``none`` had no answer."""
    number = Counter(query.origin for query in found)
    return {origin: number[origin] for origin in get_args(Origin)}
