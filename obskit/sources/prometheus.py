"""Prometheus and what speaks like it: Amazon Managed Prometheus, Mimir, Thanos.

What is asked, and how the answers' columns are named; `obskit.sources.prometheus_read` speaks to the server.
"""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import numpy as np

from obskit.catalogue import _speak, all_signals
from obskit.catalogue._speak import Question
from obskit.errors import SourceError, UsageError
from obskit.model import FloatMatrix, Gap, Metrics, Series, Signal, Telemetry
from obskit.settings import Connection
from obskit.sources import Ask
from obskit.sources.prometheus_read import CONCURRENCY, PrometheusClient, grid_for
from obskit.sources.promjson import RangeAnswer

#: Neighbours (callers and dependencies) that are asked about beside the service.
MAX_NEIGHBOURS = 8
_SCRAPE_INTERVALS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300)
_DEFAULT_INTERVAL = 15.0


class PrometheusSource:
    """Asks one Prometheus for every signal of the catalogue that it can answer."""

    name = "prometheus"

    def __init__(self, connection: Connection) -> None:
        self._client = PrometheusClient(connection)

    def answer(self, ask: Ask) -> Telemetry:
        """Find out what the server speaks, ask all of it at once, and account for the rest.

        Raises:
            SourceError: The label index could not be had.
            UsageError: The service runs in several clusters, or not in the one that was said.
        """
        return self.asked(ask, [s for s in all_signals().values() if s.weighed])

    def asked(self, ask: Ask, signals: Sequence[Signal]) -> Telemetry:
        """Ask about these signals only; else as `answer`.

        Args:
            ask: Of a service without a name only shared signals are asked.
            signals: Of the catalogue.
        """
        if not ask.service.name:
            return self._shared(ask, [s for s in signals if s.scope == "shared"])
        own = [s for s in signals if s.scope == "service"]
        shared = [s for s in signals if s.scope == "shared"]
        listed = [*signals, *(s for s in all_signals().values() if s.weighed)]  # one alone would not tell who there is
        found = self._series(
            ask, [s for s in listed if s.scope == "service"], [s for s in listed if s.scope == "shared"]
        )
        series = _speak.index(found)
        name = ask.service.name
        if not any(row.get(label) == name for row in found for label in _speak.SERVICE_LABELS):
            shared_part = self._ask_all(
                ask, _speak.ask_about_shared(shared, series, cluster="", rate="1m"), _DEFAULT_INTERVAL
            )
            return self._unknown(ask, shared_part)
        cluster = self._cluster(ask, found)
        neighbours = self._neighbours(ask, found, cluster)
        if neighbours:
            extra = self._series_of_services(ask, own, list(neighbours))
            series = _speak.index(_unique([*found, *extra]))
        interval = self._scrape_interval(ask, series)
        grid = grid_for(ask.window, interval)
        rate = f"{max(4 * interval, 2 * grid.step):g}s"
        names = (name, *neighbours)
        questions = _speak.ask_about_services(own, series, names, cluster=cluster, rate=rate)
        questions += _speak.ask_about_shared(shared, series, cluster=cluster, rate=rate)
        answer = self._ask_all(ask, questions, interval)
        facts = {
            "prometheus.known": "true",
            "cluster": cluster,
            "prometheus.cluster": cluster if self._clusters(ask, found) else "",  # as series tell, not as was asked
            "scrape_interval_seconds": f"{interval:g}",
            **{f"relation.{peer}": relation for peer, relation in neighbours.items()},
            **_spoken(questions, name),
        }
        return Telemetry(metrics=answer.metrics, gaps=answer.gaps, facts={**answer.facts, **facts})

    def _shared(self, ask: Ask, signals: Sequence[Signal]) -> Telemetry:
        """Ask about what belongs to no service."""
        if not signals:
            return Telemetry()
        data = self._span(ask) | {"match[]": [f'{{__name__=~"{"|".join(_speak.metric_names(signals))}"}}']}
        rows = self._client.json("/api/v1/series", ask, query="series of what is shared", data=data)
        rate = f"{max(4 * _DEFAULT_INTERVAL, 2 * grid_for(ask.window, _DEFAULT_INTERVAL).step):g}s"
        series = _speak.index([dict(row) for row in rows])
        questions = _speak.ask_about_shared(signals, series, cluster=ask.service.cluster, rate=rate)
        return self._ask_all(ask, questions, _DEFAULT_INTERVAL)

    def spoken(self, ask: Ask) -> dict[str, str]:
        """Return which variant of each signal the server can answer about the service: "" for none it can.

        Nothing at all for a service that no series names.

        Only the label index is read. Signals of logs are left out.

        Raises:
            SourceError: The label index could not be had.
            UsageError: The service runs in several clusters, or not in the one that was said.
        """
        signals = [s for s in all_signals().values() if s.variants[0].language == "PromQL"]
        own = [s for s in signals if s.scope == "service"]
        shared = [s for s in signals if s.scope == "shared"]
        found = self._series(ask, own, shared)
        cluster, series = self._cluster(ask, found), _speak.index(found)
        questions = _speak.ask_about_services(own, series, (ask.service.name,), cluster=cluster, rate="1m")
        if not questions:  # what is shared would read as if it were the service's
            return {}
        questions += _speak.ask_about_shared(shared, series, cluster=cluster, rate="1m")
        return {**dict.fromkeys((s.id for s in signals), ""), **{q.signal.id: q.variant.name for q in questions}}

    def _series(self, ask: Ask, own: Sequence[Any], shared: Sequence[Any]) -> list[dict[str, str]]:
        """Return the label sets of the service's and of the shared metrics."""
        names = "|".join(_speak.metric_names(shared))
        return self._series_of_services(ask, own, [ask.service.name], [f'{{__name__=~"{names}"}}'])

    def _series_of_services(
        self, ask: Ask, own: Sequence[Any], services: Sequence[str], more: Iterable[str] = ()
    ) -> list[dict[str, str]]:
        names = "|".join(_speak.metric_names(own))
        who = _speak.quoted(_speak.alternation(services))
        inside = _speak.quoted(f"(?:.*[/:])?(?:{_speak.alternation(services)})(?:[/.:].*)?")
        labels = sorted({v.service_from[0] for s in own for v in s.variants if v.service_from})
        match = [f'{{__name__=~"{names}",{label}=~{who}}}' for label in _speak.SERVICE_LABELS]
        match += [f'{{__name__=~"{names}",{label}=~{inside}}}' for label in labels]
        peers = [f'{{__name__=~"http_client_.*_count",{label}=~{inside}}}' for label in _speak.PEER_LABELS]
        data = self._span(ask) | {"match[]": [*match, *peers, *more]}
        rows = self._client.json("/api/v1/series", ask, query=f"series of {', '.join(services)}", data=data)
        return [dict(row) for row in rows]

    @staticmethod
    def _span(ask: Ask) -> dict[str, str | Sequence[str]]:
        return {"start": f"{ask.window.start.timestamp():.3f}", "end": f"{ask.window.end.timestamp():.3f}"}

    def _unknown(self, ask: Ask, shared: Telemetry) -> Telemetry:
        """Say that the service has no series, and whose names come near."""
        names: set[str] = set()
        for label in _speak.SERVICE_LABELS[:5]:
            try:
                found = self._client.json(f"/api/v1/label/{label}/values", ask, query=f"values of {label}", data=None)
            except SourceError:
                continue
            names.update(str(value) for value in found)
        near = difflib.get_close_matches(ask.service.name, sorted(names), n=3, cutoff=0.5)
        words = f"no series of a service named {ask.service.name!r}" + (f"; near: {', '.join(near)}" if near else "")
        if ask.service.name in names:
            words = f"no series of {ask.service.name!r} in this window, though it has some at other times"
        gap = Gap(source=self.name, query=f"series of {ask.service.name}", reason=words)
        facts = {**shared.facts, "prometheus.known": "false", "prometheus.names": ",".join(sorted(names)[:200])}
        return Telemetry(metrics=shared.metrics, gaps=(*shared.gaps, gap), facts=facts)

    @staticmethod
    def _clusters(ask: Ask, found: Sequence[Mapping[str, str]]) -> set[str]:
        """Return the clusters that the service's series name by a label."""
        own = [row for row in found if ask.service.name in row.values()]
        labels = [next((c for c in _speak.CLUSTER_LABELS if c in row), "") for row in own]
        return {row[label] for row, label in zip(own, labels, strict=True) if label}

    def _cluster(self, ask: Ask, found: Sequence[Mapping[str, str]]) -> str:
        """Return the cluster to restrict to: the one asked for, or the only one there is."""
        name, clusters = ask.service.name, self._clusters(ask, found)
        if ask.service.cluster:
            if clusters and ask.service.cluster not in clusters:
                raise UsageError(
                    f"{name} has no series in cluster {ask.service.cluster!r}",
                    where={"clusters": ", ".join(sorted(clusters))},
                    hint="set --cluster or OBSKIT_ECS_CLUSTER to one of them",
                )
            return ask.service.cluster
        if len(clusters) > 1:
            raise UsageError(
                f"{name} runs in {len(clusters)} clusters: {', '.join(sorted(clusters))}",
                hint="say which with --cluster, or set OBSKIT_ECS_CLUSTER",
            )
        return next(iter(clusters), "")

    def _neighbours(self, ask: Ask, found: Sequence[Mapping[str, str]], cluster: str) -> dict[str, str]:
        """Return who calls the service and whom it calls, as far as client metrics tell."""
        name = ask.service.name
        relations = dict.fromkeys(ask.service.depends_on, "dependency")  # first: what was configured is kept
        for row in sorted(found, key=lambda r: sorted(r.items())):
            if not row.get("__name__", "").startswith("http_client") or (
                cluster and not all(row.get(c, cluster) == cluster for c in _speak.CLUSTER_LABELS)
            ):
                continue
            caller = next((row[c] for c in _speak.SERVICE_LABELS if c in row), "")
            callee = next((_host(row[c]) for c in _speak.PEER_LABELS if c in row), "")
            if caller == name and callee not in ("", name):
                relations.setdefault(callee, "dependency")
            elif callee == name and caller not in ("", name):
                relations.setdefault(caller, "caller")
        return dict(sorted(list(relations.items())[:MAX_NEIGHBOURS]))

    def _scrape_interval(self, ask: Ask, series: _speak.SeriesIndex) -> float:
        """Return how often the service is scraped, from the raw times of one of its series."""
        rows = [r for rows in series.values() for r in rows if ask.service.name in r.values()]
        row = next((r for r in rows if r.get("__name__") == "up"), rows[0] if rows else None)
        if row is None:
            return _DEFAULT_INTERVAL
        matchers = ",".join(f"{k}={_speak.quoted(v)}" for k, v in sorted(row.items()) if k in _speak.SERVICE_LABELS)
        span = min(max(ask.window.duration, timedelta(minutes=1)), timedelta(minutes=20))
        query = f"{row['__name__']}{{{matchers}}}[{int(span.total_seconds())}s]"
        data = {"query": query, "time": f"{ask.window.end.timestamp():.3f}"}
        try:
            rows = self._client.json("/api/v1/query", ask, query=query, data=data)["result"][:50]
            times = [[float(point[0]) for point in row["values"]] for row in rows]
        except (SourceError, KeyError, TypeError, ValueError, IndexError):
            return _DEFAULT_INTERVAL
        gaps = [np.diff(t) for t in times if len(t) > 2]
        if not gaps:
            return _DEFAULT_INTERVAL
        measured = float(np.median(np.concatenate(gaps)))
        return float(min(_SCRAPE_INTERVALS, key=lambda known: abs(math.log(known / max(measured, 0.1)))))

    def _ask_all(self, ask: Ask, questions: Sequence[Question], interval: float) -> Telemetry:
        """Send all questions at once; what is late or refused becomes a gap."""
        grid = grid_for(ask.window, interval)
        pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="obskit-prometheus")
        futures = {pool.submit(self._client.matrix, ask, question.query, grid): question for question in questions}
        wait(futures, timeout=max(0.0, ask.deadline - time.monotonic()))
        pool.shutdown(wait=False, cancel_futures=True)
        parts: list[FloatMatrix] = []
        columns: list[Series] = []
        gaps: list[Gap] = []
        for future, question in futures.items():
            answer = _result(future, question, gaps)
            if answer is not None:
                parts.append(answer.values)
                columns.extend(_column(labels, question) for labels in answer.labels)
                gaps.extend(_notes(answer, question))
        if not parts:
            return Telemetry(gaps=tuple(gaps))
        metrics = Metrics(times=grid.times, values=np.hstack(parts), series=tuple(columns))
        return Telemetry(metrics=metrics, gaps=tuple(gaps), facts={"step_seconds": f"{grid.step:g}"})


def _result(future: Future[RangeAnswer], question: Question, gaps: list[Gap]) -> RangeAnswer | None:
    """Return a question's answer, or note why there is none."""
    if not future.done() or future.cancelled():
        gaps.append(Gap(source="prometheus", query=question.signal.id, reason="no answer before the deadline"))
        return None
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, SourceError):
        raise error
    said = error.where.get("said", "")
    gaps.append(Gap(source="prometheus", query=question.signal.id, reason=f"{error.what}{': ' if said else ''}{said}"))
    return None


def _notes(answer: RangeAnswer, question: Question) -> list[Gap]:
    notes = list(answer.warnings)
    if answer.histograms:
        notes.append(f"{answer.histograms} series hold native histograms only and were passed over")
    return [Gap(source="prometheus", query=question.signal.id, reason=note, partial=True) for note in notes]


def _column(labels: Mapping[str, str], question: Question) -> Series:
    """Name one column of an answer in obskit's words."""
    signal, variant = question.signal, question.variant
    service = labels.get(question.service_label, "") if not variant.service_from else _speak.service_of(labels, variant)
    known = {question.service_label, question.task_label, "__name__", *((variant.service_from or ("",))[:1])}
    return Series(
        signal=signal.id,
        unit=signal.unit,
        service=signal.entity or service,
        task=labels.get(question.task_label, "") if question.task_label else "",
        labels=tuple(
            sorted((k, _host(v) if k in _speak.PEER_LABELS else v) for k, v in labels.items() if k not in known)
        ),
        query=question.query,
    )


def _unique(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return list({tuple(sorted(row.items())): row for row in rows}.values())


def _host(address: str) -> str:
    """Return the service that an address names: ``shop-api`` of ``shop-api.internal:8080``."""
    host = address.rsplit("//", maxsplit=1)[-1].split("/", maxsplit=1)[0].rsplit(":", 1)[0]
    return host if host.replace(".", "").isdigit() else host.split(".")[0]


def _spoken(questions: Iterable[Question], name: str) -> dict[str, str]:
    own = [q for q in questions if q.signal.scope == "shared" or name in q.services]
    return {f"variant.{q.signal.id}": q.variant.name for q in own}
