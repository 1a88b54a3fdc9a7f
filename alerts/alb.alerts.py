"""Alerts on the load balancer: what users get from it, and the targets that it gave up."""

from obskit.ascode.alerts import Condition, alert

#: Each exporter has its own label for a balancer; exactly one of them is set.
WHO = "{service}"
BALANCER = "{dimension_LoadBalancer}{load_balancer}"

_SOME_FAIL = Condition(
    signal="alb_target_5xx",
    op=">=",
    value=0.1,
    reason="by night one failed request of three is a large share and no outage; six failed a minute are no chance",
)
_BALANCER_FAILS = Condition(
    signal="alb_balancer_5xx",
    op=">=",
    value=0.1,
    reason="a connection cut during a deployment is a large share of a quiet minute; six failed a minute are more",
)

RULES = (
    alert(
        "AlbTargetErrors",
        "alb_error_ratio",
        severity="page",
        kind="symptom",
        where=(_SOME_FAIL,),
        summary=WHO + " answers {value} of the balancer's requests with 5XX",
        description=(
            "Users see errors that the service itself gives. Its log names the error;"
            " a deployment at the onset or a failing dependency is the usual origin."
        ),
        hold="3m",
        hold_reason="CloudWatch counts by the minute: a task that crashes spoils one of them, not three",
        keep="5m",
        keep_reason="the balancer moves requests away from a target and back, which would page each time",
    ),
    alert(
        "AlbTargetErrorsRaised",
        "alb_error_ratio",
        level="warn",
        severity="ticket",
        kind="symptom",
        where=(_SOME_FAIL,),
        summary=WHO + " has answered {value} of its requests with 5XX for half an hour",
        description=(
            "Mostly one route or one kind of request fails while the rest works."
            " Find it by its path in the service's log before the month's error budget is spent."
        ),
        hold="30m",
        hold_reason="a deployment or a dependency's short trouble is over by then; a broken route is not",
    ),
    alert(
        "AlbBalancerErrors",
        "alb_balancer_error_ratio",
        severity="page",
        kind="symptom",
        where=(_BALANCER_FAILS,),
        summary=BALANCER + " itself answers {value} of all requests with 5XX",
        description=(
            "No service answered these: 502 a connection that a task broke, 503 no target, 504 too slow."
            " The balancer does not say for which service; its target groups do."
        ),
        hold="3m",
        hold_reason="CloudWatch counts by the minute: tasks that stop during a deployment spoil one, not three",
        keep="5m",
        keep_reason="tasks that are replaced in turn bring it back every few minutes",
    ),
    alert(
        "AlbBalancerErrorsRaised",
        "alb_balancer_error_ratio",
        level="warn",
        severity="ticket",
        kind="symptom",
        where=(_BALANCER_FAILS,),
        summary=BALANCER + " itself has answered {value} of all requests with 5XX for half an hour",
        description=(
            "Too few for a page and too steady for chance: mostly 502 from a keep-alive that the service ends before"
            " the balancer, or 504 from one slow route."
        ),
        hold="30m",
        hold_reason="deployments cut connections for minutes; half an hour is a setting that is wrong",
    ),
    alert(
        "AlbNoHealthyTarget",
        "alb_healthy_hosts",
        severity="page",
        kind="symptom",
        summary=WHO + " has {value} healthy targets",
        description=(
            "Every target fails the balancer's check, so users get 502, 503 or whatever a sick task answers."
            " All at once means a release, a dependency of the check, or the check itself."
        ),
        total=True,
        hold="3m",
        hold_reason="the only task of a small service is replaced and healthy again within three minutes",
        keep="5m",
        keep_reason="a task that starts is healthy for a moment before it fails again",
    ),
    alert(
        "AlbUnhealthyTargets",
        "alb_unhealthy_hosts",
        level="warn",
        severity="ticket",
        kind="cause",
        where=(
            Condition(signal="alb_healthy_hosts", op=">=", value=1, reason="with none left, AlbNoHealthyTarget tells"),
        ),
        summary="{value} targets of " + WHO + " have been unhealthy for a quarter of an hour",
        description=(
            "The others carry their load. ECS should have replaced them by now: it does not see the check, or what"
            " it starts fails as well."
        ),
        hold="15m",
        hold_reason="ECS replaces an unhealthy task and its successor is healthy within ten minutes",
    ),
    alert(
        "AlbTargetsSlow",
        "alb_target_latency_p50",
        severity="page",
        kind="symptom",
        where=(
            Condition(
                signal="alb_requests", op=">=", value=0.2, reason="of fewer than twelve a minute, one slow one is half"
            ),
        ),
        summary="half of the requests to " + WHO + " wait longer than {value}",
        description=(
            "The ordinary request is slow, not only the odd one: CPU, workers, database connections or a dependency"
            " of the service are exhausted."
        ),
        hold="5m",
        hold_reason="a cold cache after a deployment is warm within minutes",
        keep="5m",
        keep_reason="latency of a service at its limit swings around the level",
    ),
    alert(
        "AlbSlowestRequestsSlow",
        "alb_target_latency",
        severity="ticket",
        kind="symptom",
        where=(
            Condition(
                signal="alb_requests", op=">=", value=2, reason="p99 of fewer than a hundred a minute is the slowest"
            ),
        ),
        summary="one request in a hundred to " + WHO + " waits longer than {value}",
        description=(
            "Clients begin to give up on these. It is one route, one task or one query: the median says that the rest"
            " is well as long as AlbTargetsSlow is quiet."
        ),
        hold="30m",
        hold_reason="a report or an export is done within half an hour; what lasts is a part of every hour",
    ),
    alert(
        "AlbTargetConnectionsFail",
        "alb_connection_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="the balancer fails to connect to targets of " + WHO + ", {value}",
        description=(
            "A task is registered and does not listen, its backlog is full, or a security group is in the way."
            " The balancer tries another one, so users mostly wait instead of failing."
        ),
        hold="15m",
        hold_reason="a task that was killed fails connections until its checks have failed, a minute or two",
    ),
    alert(
        "AlbTargetTlsErrors",
        "alb_target_tls_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="tls_failure",
        summary="TLS handshakes with targets of " + WHO + " fail, {value}",
        description=(
            "Balancer and tasks no longer agree on a protocol or cipher; requests that meet such a task end in 502."
            " Certificates are not the reason: the balancer does not verify them."
        ),
        hold="10m",
        hold_reason="a task that is killed breaks off handshakes for a minute; ten are a setting",
    ),
    alert(
        "AlbClientTlsErrors",
        "alb_tls_errors",
        severity="page",
        kind="symptom",
        where=(
            Condition(
                signal="alb_tls_error_ratio",
                op=">=",
                value=0.1,
                reason="on a busy address scanners alone reach the count",
            ),
        ),
        summary="TLS handshakes of clients with " + BALANCER + " fail, {value}",
        description=(
            "Clients refuse the certificate or find no common protocol, and never get as far as a request."
            " A certificate or security policy that was changed minutes ago is the first suspect."
        ),
        hold="5m",
        hold_reason="a scan of the address is over within minutes",
    ),
    alert(
        "AlbConnectionsRejected",
        "alb_balancer_rejected",
        severity="page",
        kind="symptom",
        summary=BALANCER + " rejects connections, {value}",
        description=(
            "It has as many connections as it can hold. Either a wave came faster than it grows,"
            " or connections pile up because targets answer slowly."
        ),
        hold="5m",
        hold_reason="the balancer grows by itself within minutes; if it has not, it needs help",
    ),
    alert(
        "AlbTrafficGone",
        "alb_balancer_traffic_ratio",
        severity="page",
        kind="symptom",
        summary=BALANCER + " gets {value} of its usual requests",
        description=(
            "Users do not arrive, and so nothing else looks wrong: DNS, certificate, firewall or what stands in front."
            " Open the address from outside before looking inside."
        ),
        total=True,
        hold="5m",
        hold_reason="CloudWatch's newest minute is at times incomplete; five are not",
    ),
)
# No public mixin has alerts on ALB. Watched, but nothing to alert on: 5XX as a count (a share means the same by day
# and night), 4XX of both kinds (clients' doing, except after a release), one target group's lost traffic (blue/green
# deployments move it by design), alb_elb_5xx and alb_rejected (AWS counts them for balancers only), connections.
