"""Alerts on what users feel of a service, and on what it calls.

Burn rates of objectives find the slow fire; these find the sudden total failure, also where no
objective is set, and what a ratio of answers cannot show: no requests, and requests without an answer.
"""

from obskit.ascode.alerts import alert
from obskit.ascode.alerts.rule import Condition

#: Instrumentations call the other side by different names; one of the three is filled.
PEER = ("service", "server_address", "client_name", "net_peer_name")

ENOUGH_REQUESTS = Condition(
    signal="http_requests", op=">=", value=0.05, reason="15 requests in five minutes: of fewer, half is one user"
)
ENOUGH_FOR_P95 = Condition(
    signal="http_requests", op=">=", value=0.2, reason="60 requests in five minutes, so that p95 is three and not one"
)
ENOUGH_FOR_P99 = Condition(
    signal="http_requests", op=">=", value=1, reason="300 requests in five minutes, so that p99 is three and not one"
)
ENOUGH_CALLS = Condition(
    signal="client_requests", op=">=", value=0.05, reason="15 calls in five minutes: of fewer, half is one unlucky user"
)

RULES = (
    alert(
        "HttpRequestsFailing",
        "slo_error_ratio",
        level=0.5,
        reason="every other request fails: no retry hides it, and nobody waits for an hour of burn rate to be told",
        severity="page",
        kind="symptom",
        summary="{service} fails {value} of its requests",
        description=(
            "Users of {service} get errors, most of them on every page. Look first at what changed in the last"
            " minutes: a deployment, then the database and what it calls; obskit triage ranks them."
        ),
        hold="2m",
        hold_reason="eight scrapes; a task that is replaced fails for less than a minute",
        keep="5m",
        keep_reason="a service that comes back in waves while tasks restart must not page twice",
        where=(ENOUGH_REQUESTS,),
    ),
    alert(
        "HttpTaskFailing",
        "http_error_ratio",
        level=0.5,
        reason="a task that fails half of what it is sent is broken, however the others do",
        severity="ticket",
        kind="cause",
        cause="one_bad_task",
        summary="One task of {service} fails {value} of its requests",
        description=(
            "The other tasks of {service} are well, so to users it looks random. Take a thread dump of the task,"
            " then stop it; ECS starts another."
        ),
        hold="10m",
        hold_reason="a task that starts or drains may fail for a minute or two; the balancer takes out what lasts",
        where=(
            ENOUGH_REQUESTS,
            Condition(
                signal="slo_error_ratio", op="<", value=0.5, reason="beyond, it is the service: HttpRequestsFailing"
            ),
        ),
    ),
    alert(
        "HttpLatencyHigh",
        "http_latency_p95",
        severity="page",
        kind="symptom",
        summary="One request in twenty to {service} takes longer than {value}",
        description=(
            "Users of {service} wait, and give up. Compare CPU, pool and the latency of what it calls: what rose first"
            " is where to act."
        ),
        hold="5m",
        hold_reason="a cold start after a deployment is over in two or three minutes",
        keep="10m",
        keep_reason="latency that swings around the threshold is one incident",
        where=(ENOUGH_FOR_P95,),
    ),
    alert(
        "HttpTailLatencyHigh",
        "http_latency_p99",
        level="warn",
        severity="ticket",
        kind="symptom",
        summary="One request in a hundred to {service} takes longer than {value}",
        description=(
            "Most users do not notice, those with large accounts or bad luck do. A tail that is slow alone points at"
            " retries after time-outs, garbage collection, CPU throttling or one bad task."
        ),
        hold="30m",
        hold_reason="a batch, a backup or a deployment is over by then; what stays is how the service is",
        where=(ENOUGH_FOR_P99,),
    ),
    alert(
        "HttpTrafficGone",
        "http_traffic_ratio",
        severity="page",
        kind="symptom",
        summary="{service} gets {value} of the requests of an hour ago",
        description=(
            "{service} runs, and users do not reach it or it answers none. Look at the balancer's healthy targets, at"
            " DNS and the certificate, then at requests in progress. It ends after an hour, mended or not."
        ),
        hold="10m",
        hold_reason="two windows of the rate; a caller's deployment or failover is shorter",
        total=True,
        where=(Condition(signal="service_tasks_up", op=">=", value=1, reason="where none answers, ServiceDown pages"),),
    ),
    alert(
        "HttpRequestsHanging",
        "http_in_progress_seconds",
        severity="ticket",
        kind="symptom",
        summary="Requests to {service} are in progress for {value} on average",
        description=(
            "Requests that are never answered show in no latency: callers run into their own time-out, often 60 s."
            " Take a thread dump and see what they wait for. Long polls and streams look the same."
        ),
        hold="15m",
        hold_reason="a slow minute of a dependency drains by itself; what hangs for longer is never answered",
        where=(
            Condition(
                signal="http_in_flight",
                op=">=",
                value=10,
                reason="a single download or long poll is no pile of requests",
            ),
        ),
    ),
    alert(
        "HttpWorkersExhausted",
        "http_workers_ratio",
        severity="page",
        kind="cause",
        cause="worker_saturation",
        summary="A task of {service} has {value} of its workers busy",
        description=(
            "New requests to {service} wait unseen in the listen queue, before latency is measured, and health checks"
            " wait with them: ECS will replace tasks that are only busy. A thread dump says what the workers wait for."
        ),
        hold="5m",
        hold_reason="a burst drains within a minute or two; after five it is what comes in that is too much",
        keep="10m",
        keep_reason="each replaced task brings the share down for the minutes that it takes to fill up",
    ),
    alert(
        "DependencyFailing",
        "client_error_ratio",
        level=0.5,
        reason="every other call fails: one retry still loses one request in four",
        severity="page",
        kind="cause",
        cause="dependency_down",
        by=PEER,
        summary="{service} fails {value} of its calls to {server_address}{client_name}{net_peer_name}",
        description=(
            "What needs that dependency is failing or soon will. Find out whether it is down for all its callers or"
            " for {service} only: then the way to it (DNS, TLS, security group, credentials) is the suspect."
        ),
        hold="5m",
        hold_reason="a dependency's rolling deployment or failover is shorter",
        where=(ENOUGH_CALLS,),
    ),
    alert(
        "DependencyErrors",
        "client_error_ratio",
        severity="ticket",
        kind="cause",
        cause="dependency_down",
        by=PEER,
        summary="{service} fails {value} of its calls to {server_address}{client_name}{net_peer_name}",
        description=(
            "Retries hide it for now and add load to what struggles. See whether one task of the dependency is bad, and"
            " whether every call has a retry too many."
        ),
        hold="15m",
        hold_reason="retries carry a short trouble; a quarter of an hour is no trouble but how it is",
        where=(ENOUGH_CALLS,),
    ),
    alert(
        "DependencySlow",
        "client_latency_mean",
        level=4,
        reason="the mean; Apdex calls users frustrated from four seconds on, and they wait for all calls of a request",
        severity="ticket",
        kind="cause",
        cause="slow_dependency",
        by=PEER,
        summary="{service} waits {value} on average for {server_address}{client_name}{net_peer_name}",
        description=(
            "Requests that need it are at least as slow, and hold a worker for as long. Look at the dependency's own"
            " latency: where that is fine, the seconds go into connecting, DNS or our own client's pool."
        ),
        hold="15m",
        hold_reason="shorter trouble that users feel is paged by HttpLatencyHigh",
        where=(ENOUGH_CALLS,),
    ),
)
# Left out: GoGoroutineSpike: HttpRequestsHanging and the memory alerts tell of its harm.
