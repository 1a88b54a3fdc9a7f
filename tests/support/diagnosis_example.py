"""A hand-built diagnosis: 5 s latency, CPU rising, `database timeout`, restarts; the pool is exhausted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from obskit.model import (
    Claim,
    Contribution,
    Culprit,
    Diagnosis,
    Finding,
    FloatMatrix,
    Gap,
    Hypothesis,
    Judgement,
    LogTemplate,
    Metrics,
    NextQuery,
    Series,
    Step,
    Suspect,
    Unit,
    Window,
)

END = datetime(2026, 1, 31, 3, 12, tzinfo=UTC)
WINDOW = Window(start=END - timedelta(minutes=30), end=END)
ONSET = datetime(2026, 1, 31, 2, 57, 30, tzinfo=UTC)
OLD = ("4f2a9c1e7b3d48f0a6c5e2d1908b7f63", "8d01b6e5c2f94a37b8e0d4f6a1c3927e", "c7e35d9042ab4f168f7d1b0c6e92a584")
NEW = ("1b9e4d70f6a2438c95d8c0e7b3f16a29", "e60c82f57d194bb3a4f9e1d2075c8b36")

POOL_QUERY = (
    'sum by (service, task) (db_client_connection_count{db_client_connection_state="used",service="demo-app"})'
    ' / sum by (service, task) (db_client_connection_max{service="demo-app"})'
)
WAITING_QUERY = 'sum by (service, task) (db_client_connection_pending_requests{service="demo-app"})'
LATENCY_QUERY = (
    "histogram_quantile(0.95, sum by (service, task, le)"
    ' (rate(http_server_request_duration_seconds_bucket{service="demo-app"}[1m])))'
)
ERRORS_QUERY = (
    'sum by (service, task) (rate(http_server_request_duration_seconds_count{http_response_status_code=~"5..",'
    'service="demo-app"}[1m])) / sum by (service, task)'
    ' (rate(http_server_request_duration_seconds_count{service="demo-app"}[1m]))'
)
CPU_QUERY = (
    'sum by (service, task) (rate(container_cpu_usage_seconds_total{service="demo-app"}[1m]))'
    ' / sum by (service, task) (container_spec_cpu_quota{service="demo-app"} / 100000)'
)
REQUESTS_QUERY = 'sum by (service, task) (rate(http_server_request_duration_seconds_count{service="demo-app"}[1m]))'
QUERY_TIME_QUERY = (
    'sum by (service, task) (rate(db_client_operation_duration_seconds_sum{service="demo-app"}[1m]))'
    ' / sum by (service, task) (rate(db_client_operation_duration_seconds_count{service="demo-app"}[1m]))'
)
MEMORY_QUERY = 'max by (service, task) (container_memory_working_set_bytes{service="demo-app"})'
SERVER_QUERY = "sum(pg_stat_activity_count) / max(pg_settings_max_connections)"
TIMEOUT_QUERY = '{service="demo-app"} |= `database timeout`'
STOPS_QUERY = "aws ecs describe-tasks --cluster prod --tasks 4f2a9c1e7b3d48f0a6c5e2d1908b7f63"

TIMEOUT_LINE = (
    "database timeout: no connection from the pool within 5000 ms (in use 20 of 20, waiting 38) "
    "path=/api/orders request_id=9b1f60c2 user=<redacted>"
)


def at(minutes: float) -> datetime:
    """Return the onset plus so many minutes."""
    return ONSET + timedelta(minutes=minutes)


def example() -> Diagnosis:
    """Return the founding incident: connection pool exhausted, at 0.93."""
    timeline = _timeline()
    return Diagnosis(
        service="demo-app",
        cluster="prod",
        window=WINDOW,
        verdict="cause_found",
        summary=(
            "Every database connection of demo-app is taken since 02:57:30Z: requests wait 5 s for one and fail. "
            "CPU and restarts follow from it."
        ),
        onset=ONSET,
        hypotheses=_hypotheses(),
        unknown_probability=0.021,
        culprit=Culprit(service="demo-app", series="db_pool_waiting{demo-app}"),
        clean=(
            "memory exhausted",
            "disk full",
            "file descriptors exhausted",
            "database unreachable",
            "database credentials refused",
            "lock contention",
            "traffic surge",
            "bad deployment",
            "image pull failed",
            "access denied",
            "DNS failure",
            "TLS failure",
        ),
        not_judged=(
            ("node_pressure", "needs node_memory_ratio: Prometheus has no such series"),
            ("throttled", "needs CloudWatch: no AWS credentials"),
        ),
        gaps=(
            Gap(source="cloudwatch", query="RDS metrics of database", reason="no AWS credentials in the default chain"),
            Gap(
                source="loki",
                query='{service="postgres"}',
                reason="504 after 8 s; 2 of 3 pages had come",
                partial=True,
            ),
        ),
        timeline=timeline,
        abnormal_series=tuple(f for f in timeline if f.pillar == "metrics"),
        log_templates=_templates(),
        next_query=NextQuery(
            words="Does the time of a query rise without waiting for the pool? If so, slow queries come first.",
            language="PromQL",
            query="rate(pg_stat_statements_total_exec_time_seconds[5m]) / rate(pg_stat_statements_calls[5m])",
        ),
        metrics=metrics(),
        facts={
            "scrape_interval_seconds": "15",
            "variant.db_pool_used_ratio": "OpenTelemetry",
            "variant.http_latency_p95": "OpenTelemetry",
            "title.db_pool_waiting": "requests waiting for a pool connection",
            "title.db_pool_used_ratio": "pool connections in use, of the pool's size",
            "title.http_latency_p95": "p95 latency",
            "depends_on.demo-app": "database, auth",
            "revision.demo-app": "demo-app:41",
        },
        elapsed_seconds=2.437,
    )


def unclear() -> Diagnosis:
    """Return the same incident as if no cause fitted: whom the statistics suspect."""
    auth = (
        Contribution(
            part="errors",
            evidence=2.94,
            words="share of requests answered 5xx 0 % -> 3.2 %",
            series="http_error_ratio{auth}",
            query='errors{service="auth"}',
            onset=at(0.5),
        ),
        Contribution(
            part="path", evidence=1.66, words="83 % of the ways from demo-app to whoever is affected end here"
        ),
        Contribution(part="other", evidence=0.04, words="requests 40/s -> 39.8/s", onset=at(1)),
    )
    own = (Contribution(part="change", evidence=1.2, words="it was deployed", onset=at(-4)),)
    far = (Contribution(part="resources", evidence=0.05, words="node CPU busy 20 % -> 19.8 %", onset=at(0)),)
    return replace(
        example(),
        verdict="no_clear_cause",
        summary="demo-app: something changed, but no cause stands out",
        hypotheses=(),
        unknown_probability=1.0,
        culprit=Culprit(service="auth", series="http_error_ratio{auth}"),
        next_query=NextQuery(words=""),
        suspects=(
            Suspect(service="auth", score=4.64, contributions=auth, series="http_error_ratio{auth}", onset=at(0.5)),
            Suspect(service="demo-app", task=NEW[0], score=1.2, contributions=own),
            Suspect(service="node", score=0.05, contributions=far),
        ),
    )


def calm() -> Diagnosis:
    """Return the answer for a window in which nothing happened."""
    return Diagnosis(
        service="demo-app",
        cluster="prod",
        window=WINDOW,
        verdict="calm",
        summary="Nothing abnormal: requests, errors, latency and tasks are as in the half hour before.",
        onset=None,
        hypotheses=(),
        unknown_probability=0.0,
        culprit=Culprit(),
        clean=("memory exhausted", "CPU saturation", "connection pool exhausted", "bad deployment"),
        not_judged=(("throttled", "needs CloudWatch: no AWS credentials"),),
        gaps=(),
        timeline=(),
        abnormal_series=(),
        log_templates=(),
        next_query=NextQuery(words=""),
        metrics=Metrics.empty(),
        facts={},
        elapsed_seconds=1.18,
    )


def _hypotheses() -> tuple[Hypothesis, ...]:
    return (_pool(), _slow_queries(), _cpu(), _health_check())


def _pool() -> Hypothesis:
    return Hypothesis(
        cause="db_pool_exhausted",
        title="Database connection pool exhausted",
        probability=0.93,
        judgement=Judgement(
            cause="db_pool_exhausted",
            claims_for=(
                Claim(
                    words="pool connections in use rose from 34 % to 100 % of the pool's size, in all 3 tasks",
                    weight=3.0,
                    pillar="metrics",
                    query=POOL_QUERY,
                    at=ONSET,
                ),
                Claim(
                    words="requests waiting for a connection rose from 0 to 38, the most abnormal series",
                    weight=2.6,
                    pillar="metrics",
                    query=WAITING_QUERY,
                    at=at(0.25),
                ),
                Claim(
                    words="“database timeout: no connection from the pool” in 1,284 lines, none before",
                    weight=2.8,
                    pillar="logs",
                    query=TIMEOUT_QUERY,
                    at=at(0.5),
                ),
                Claim(
                    words="it began 30 s before the latency rose, and 4 min 15 s before the first restart", weight=0.9
                ),
                Claim(
                    words="connections stay taken while requests fell from 120/s to 74/s: they are leaked, not busy",
                    weight=1.3,
                    pillar="metrics",
                    query=REQUESTS_QUERY,
                    at=at(1.5),
                ),
            ),
            claims_against=(
                Claim(
                    words="the server has room: 61 of 200 connections (30.5 %), so its own limit is not the reason",
                    weight=-0.4,
                    pillar="metrics",
                    query=SERVER_QUERY,
                ),
            ),
            not_seen=("pool time-outs as a counter (db_pool_timeouts): no variant of it is exported",),
            onset=ONSET,
            service="demo-app",
            reason="connections leaked",
        ),
        brings_about=("high latency", "5XX", "CPU rise through retries", "failing health checks", "task restarts"),
        next_steps=(
            Step(
                words="See what the connections do on the server",
                command=(
                    'psql "$DATABASE_URL" -c "select state, wait_event, count(*), max(now() - state_change) '
                    "from pg_stat_activity where application_name = 'demo-app' group by 1, 2\""
                ),
            ),
            Step(
                words="Give back the leaked connections: replace the tasks one by one",
                command="aws ecs update-service --cluster prod --service demo-app --force-new-deployment",
            ),
            Step(
                words="Find the code path that does not close its connection: changes to /api/orders since demo-app:40"
            ),
            Step(words="Raise an alert on waiting requests", command="obskit alerts check alerts"),
        ),
        runbook="runbooks/causes/db_pool_exhausted.md",
    )


def _slow_queries() -> Hypothesis:
    return Hypothesis(
        cause="slow_queries",
        title="Slow queries",
        probability=0.032,
        judgement=Judgement(
            cause="slow_queries",
            claims_for=(
                Claim(
                    words="mean time of a query rose from 12 ms to 19 ms",
                    weight=0.7,
                    pillar="metrics",
                    query=QUERY_TIME_QUERY,
                    at=at(3),
                ),
            ),
            claims_against=(
                Claim(words="it rose 3 min after the pool was full, so it cannot have filled it", weight=-1.5),
                Claim(
                    words="no line of the slow query log in the window",
                    weight=-0.7,
                    pillar="logs",
                    query='{service="postgres"} |= `duration:`',
                ),
            ),
            onset=at(3),
            service="database",
        ),
        brings_about=("high latency", "pool exhausted"),
        next_steps=(
            Step(words="Look at the longest statements", command='psql "$DATABASE_URL" -c "table pg_stat_activity"'),
        ),
        runbook="runbooks/causes/slow_queries.md",
    )


def _cpu() -> Hypothesis:
    return Hypothesis(
        cause="cpu_saturation",
        title="CPU saturated",
        probability=0.012,
        judgement=Judgement(
            cause="cpu_saturation",
            claims_for=(
                Claim(
                    words="CPU used of the task's limit rose from 31 % to 88 %",
                    weight=1.5,
                    pillar="metrics",
                    query=CPU_QUERY,
                    at=at(1),
                ),
            ),
            claims_against=(Claim(words="CPU rose 1 min after the pool was full: retries burn it", weight=-2.0),),
            onset=at(1),
            service="demo-app",
        ),
        brings_about=("high latency",),
        runbook="runbooks/causes/cpu_saturation.md",
        explained_by="db_pool_exhausted",
    )


def _health_check() -> Hypothesis:
    return Hypothesis(
        cause="health_check_misconfigured",
        title="Health check misconfigured",
        probability=0.005,
        judgement=Judgement(
            cause="health_check_misconfigured",
            claims_for=(
                Claim(
                    words="2 tasks stopped: failed ELB health checks",
                    weight=0.7,
                    pillar="events",
                    query=STOPS_QUERY,
                    at=at(4.25),
                ),
            ),
            claims_against=(Claim(words="the same check passed until the pool was full", weight=-2.0),),
            onset=at(4.25),
            service="demo-app",
        ),
        brings_about=("task restarts",),
        runbook="runbooks/causes/health_check_misconfigured.md",
        explained_by="db_pool_exhausted",
    )


def _shift(
    minutes: float, subject: str, words: str, levels: tuple[float, float, float], unit: Unit, score: float, query: str
) -> Finding:
    before, after, peak = levels
    return Finding(
        kind="ramp" if subject == "container_cpu_ratio" else "shift",
        pillar="metrics",
        subject=subject,
        service="database" if subject.startswith("pg_") else "demo-app",
        onset=at(minutes),
        words=words,
        before=before,
        after=after,
        peak=peak,
        unit=unit,
        score=score,
        query=query,
    )


def _timeline() -> tuple[Finding, ...]:
    return (
        _shift(
            0, "db_pool_used_ratio", "pool connections in use 34 % → 100 %", (0.34, 1.0, 1.0), "ratio", 22, POOL_QUERY
        ),
        _shift(
            0.25, "db_pool_waiting", "requests waiting for the pool 0 → 38", (0, 38, 46), "count", 41, WAITING_QUERY
        ),
        _shift(
            0.5, "http_latency_p95", "p95 latency 180 ms → 5.02 s", (0.18, 5.02, 5.31), "seconds", 34, LATENCY_QUERY
        ),
        Finding(
            kind="signature",
            pillar="logs",
            subject="database_timeout",
            service="demo-app",
            onset=at(0.5),
            words="new: “database timeout: no connection from the pool”, 92 lines a minute",
            count=1284,
            score=6.5,
            example=TIMEOUT_LINE,
            query=TIMEOUT_QUERY,
        ),
        _shift(
            0.75,
            "http_error_ratio",
            "requests answered 5xx 0.1 % → 41 %",
            (0.001, 0.41, 0.52),
            "ratio",
            29,
            ERRORS_QUERY,
        ),
        _shift(
            1, "container_cpu_ratio", "CPU used of the limit 31 % → 88 %", (0.31, 0.88, 0.97), "ratio", 14, CPU_QUERY
        ),
        _shift(1.5, "http_requests", "requests 120/s → 74/s", (120, 74, 61), "per_second", 8, REQUESTS_QUERY),
        _shift(
            3,
            "db_query_seconds",
            "mean time of a query 12 ms → 19 ms",
            (0.012, 0.019, 0.024),
            "seconds",
            4.2,
            QUERY_TIME_QUERY,
        ),
        Finding(
            kind="surge",
            pillar="logs",
            subject="health check failed",
            service="demo-app",
            onset=at(2.5),
            until=at(9),
            words="“GET /healthz 503” 0.2 → 11 lines a minute",
            count=96,
            score=5.8,
            example='10.0.12.7 - "GET /healthz HTTP/1.1" 503 5004 ms "ELB-HealthChecker/2.0"',
            query='{service="demo-app"} |= `/healthz` |= `503`',
        ),
        *_stops(),
        Finding(
            kind="message",
            pillar="events",
            subject="service_message",
            service="demo-app",
            onset=at(7),
            words="ECS: service demo-app is unable to consistently start tasks successfully",
            count=1,
            score=1,
            example="(service demo-app) is unable to consistently start tasks successfully.",
            query="aws ecs describe-services --cluster prod --services demo-app",
        ),
    )


def _stops() -> tuple[Finding, ...]:
    return tuple(
        Finding(
            kind=kind,
            pillar="events",
            subject="task_stopped" if kind == "task_stop" else "task_running",
            service="demo-app",
            task=task,
            onset=at(minutes),
            until=at(minutes),
            words=words,
            count=1,
            score=1,
            example="Task failed ELB health checks in (target-group demo-app)" if kind == "task_stop" else "",
            query=f"aws ecs describe-tasks --cluster prod --tasks {task}",
        )
        for kind, task, minutes, words in (
            ("task_stop", OLD[0], 4.25, "task 4f2a9c1e7b3d stopped: failed ELB health checks"),
            ("task_start", NEW[0], 5.25, "task 1b9e4d70f6a2 running, in place of it"),
            ("task_stop", OLD[1], 6.5, "task 8d01b6e5c2f9 stopped: failed ELB health checks"),
            ("task_start", NEW[1], 7.5, "task e60c82f57d19 running, in place of it"),
        )
    )


def _templates() -> tuple[LogTemplate, ...]:
    return (
        LogTemplate(
            id="800df76492a5e1ed",
            template="database timeout: no connection from the pool within <*> ms (in use <*> of <*>, waiting <*>)",
            service="demo-app",
            level="error",
            change="new",
            before=0.0,
            after=91.7,
            count=1284,
            signature="database_timeout",
            example=TIMEOUT_LINE,
            onset=at(0.5),
        ),
        LogTemplate(
            id="35b16a0522f1e5d3",
            template='<*> - "GET /healthz HTTP/1.1" 503 <*> ms "ELB-HealthChecker/2.0"',
            service="demo-app",
            level="warning",
            change="surged",
            before=0.2,
            after=11.0,
            count=96,
            example='10.0.12.7 - "GET /healthz HTTP/1.1" 503 5004 ms "ELB-HealthChecker/2.0"',
            onset=at(2.5),
        ),
        LogTemplate(
            id="cbd0747f77433dc9",
            template="retrying order <*>, attempt <*> of 3",
            service="demo-app",
            level="warning",
            change="surged",
            before=0.4,
            after=64.0,
            count=902,
            example="retrying order 77120, attempt 2 of 3",
            onset=at(0.75),
        ),
        LogTemplate(
            id="c7cfe8868a07eb2f",
            template="order <*> stored in <*> ms",
            service="demo-app",
            level="info",
            change="vanished",
            before=310.0,
            after=12.5,
            count=9480,
            example="order 77013 stored in 14 ms",
            onset=at(0.75),
        ),
    )


def metrics() -> Metrics:
    """Return an hour of eight signals: three tasks, two of them replaced, and a scrape gap."""
    span = WINDOW.with_baseline()
    times = np.arange(
        np.datetime64(span.start.replace(tzinfo=None), "ns"),
        np.datetime64("2026-01-31T03:12:15", "ns"),
        np.timedelta64(15, "s"),
    )
    minutes = (times - np.datetime64(ONSET.replace(tzinfo=None), "ns")) / np.timedelta64(60, "s")
    noise = np.random.default_rng(7)
    levels: tuple[tuple[str, Unit, float, float, float, str], ...] = (
        ("db_pool_waiting", "count", 0.0, 12.7, 0.25, WAITING_QUERY),
        ("http_latency_p95", "seconds", 0.18, 5.02, 0.5, LATENCY_QUERY),
        ("http_error_ratio", "ratio", 0.001, 0.41, 0.75, ERRORS_QUERY),
        ("db_pool_used_ratio", "ratio", 0.34, 1.0, 0.0, POOL_QUERY),
        ("container_cpu_ratio", "ratio", 0.31, 0.88, 1.0, CPU_QUERY),
        ("http_requests", "per_second", 40.0, 24.7, 1.5, REQUESTS_QUERY),
        ("db_query_seconds", "seconds", 0.012, 0.019, 3.0, QUERY_TIME_QUERY),
        ("container_memory_bytes", "bytes", 612e6, 640e6, 1.0, MEMORY_QUERY),
    )
    columns: list[FloatMatrix] = []
    series: list[Series] = []
    for signal, unit, before, after, begins, query in levels:
        tasks = np.column_stack([_column(minutes, task, (before, after, begins), noise) for task in (*OLD, *NEW)])
        tasks = np.clip(tasks, 0, 1) if unit == "ratio" else tasks
        tasks = np.maximum(tasks, 0).round() if unit == "count" else tasks
        seen = np.isfinite(tasks).sum(axis=1)
        total = np.where(seen, np.nansum(tasks, axis=1), np.nan)
        whole = total if unit in {"count", "per_second"} else np.where(seen, total / np.maximum(seen, 1), np.nan)
        columns += [whole, *tasks.T]
        series += [
            Series(signal=signal, unit=unit, service="demo-app", task=task, query=query) for task in ("", *OLD, *NEW)
        ]
    return Metrics(times=times, values=np.column_stack(columns), series=tuple(series))


def _column(
    minutes: FloatMatrix, task: str, shape: tuple[float, float, float], noise: np.random.Generator
) -> FloatMatrix:
    before, after, begins = shape
    spread = 0.04 * (before or 1e-9)
    rise = np.clip((minutes - begins) / 1.25, 0, 1)
    column = (
        before
        + (after - before) * rise
        + noise.normal(0, 1, minutes.size) * (spread + 0.05 * abs(after - before) * rise)
    )
    column[(minutes > -21) & (minutes < -19.2)] = np.nan  # Prometheus was restarted: a gap for everyone
    ends = {OLD[0]: 4.25, OLD[1]: 6.5}.get(task, np.inf)
    starts = {NEW[0]: 5.25, NEW[1]: 7.5}.get(task, -np.inf)
    column[(minutes >= ends) | (minutes < starts)] = np.nan
    return np.asarray(column)
