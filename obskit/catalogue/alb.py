"""The load balancer before the service, by target group, under the names of the CloudWatch exporters.

CloudWatch sums over a period, which for balancers is a minute: sums are divided by 60. It
publishes every number once more for each availability zone; these are left out, or sums would
count twice. YACE names labels ``dimension_TargetGroup``, the official exporter ``target_group``
("plain labels"), with the same value: ``targetgroup/NAME/ID``. AWS itself counts
``alb_elb_5xx`` and ``alb_rejected`` for the balancer only: see ``alb_balancer``.
"""

from obskit.model import Signal, Threshold, Variant

_TARGET_GROUP = ("dimension_TargetGroup", "targetgroup/([^/]+)/")
_TARGET_NAME = ("target_group", "(?:targetgroup/)?([^/]+)")
_BY = "dimension_TargetGroup"
_YACE = 'dimension_TargetGroup=~"targetgroup/($names)/.*",dimension_AvailabilityZone="",$scope'
_PLAIN = 'target_group=~"(targetgroup/)?($names)(/.*)?",availability_zone="",$scope'

SIGNALS = (
    Signal(
        id="alb_unhealthy_hosts",
        topic="alb",
        title="unhealthy targets",
        meaning=(
            "Targets that fail the balancer's health check and get no requests. Look at the service's "
            "events and at the tasks' logs: a crash, a slow start, or a check with the wrong path or "
            "port."
        ),
        unit="count",
        bad="up",
        floor=1,
        warn=Threshold(value=1, reason="the balancer has taken a target out of service"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"max by ({_BY}) (aws_applicationelb_un_healthy_host_count_average{{{_YACE}}})",
                needs=("aws_applicationelb_un_healthy_host_count_average",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"max by (target_group) (aws_applicationelb_un_healthy_host_count_average{{{_PLAIN}}})",
                needs=("aws_applicationelb_un_healthy_host_count_average",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_healthy_hosts",
        topic="alb",
        title="healthy targets",
        meaning=(
            "Targets that the balancer sends requests to. With none left every request ends in 503; with "
            "few, those that are left carry the load: see why the others fail their health check."
        ),
        unit="count",
        bad="down",
        combine="max",
        floor=1,
        crit=Threshold(value=0.0, reason="no target is left: the balancer answers 503 to everybody"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"max by ({_BY}) (aws_applicationelb_healthy_host_count_average{{{_YACE}}})",
                needs=("aws_applicationelb_healthy_host_count_average",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"max by (target_group) (aws_applicationelb_healthy_host_count_average{{{_PLAIN}}})",
                needs=("aws_applicationelb_healthy_host_count_average",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_requests",
        topic="alb",
        title="requests at the balancer",
        meaning=(
            "Requests that reached the service through the balancer. A drop to zero means that users no "
            "longer get here (DNS, certificate, balancer); a surge explains load everywhere behind it."
        ),
        unit="per_second",
        bad="both",
        floor=0.5,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_request_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_request_count_sum",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"sum by (target_group) (aws_applicationelb_request_count_sum{{{_PLAIN}}}) / 60",
                needs=("aws_applicationelb_request_count_sum",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_target_5xx",
        topic="alb",
        title="5XX from targets",
        meaning=(
            "Answers 5XX that the service itself gave. Its logs name the error; compare the onset with "
            "deployments and with the health of what it depends on."
        ),
        unit="per_second",
        bad="up",
        floor=0.05,
        warn=Threshold(value=0.1, reason="six failed requests a minute: more than stray ones"),
        crit=Threshold(value=1.0, reason="a failed request a second: users see it"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_httpcode_target_5_xx_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_httpcode_target_5_xx_count_sum",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"sum by (target_group) (aws_applicationelb_httpcode_target_5_xx_count_sum{{{_PLAIN}}}) / 60",
                needs=("aws_applicationelb_httpcode_target_5_xx_count_sum",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_elb_5xx",
        topic="alb",
        title="5XX from the balancer itself",
        meaning=(
            "Answers 5XX that the balancer gave in the service's place: 502 a broken answer, 503 no "
            "healthy target, 504 too slow. Look at healthy targets first, then at time-outs and "
            "keep-alive settings."
        ),
        unit="per_second",
        bad="up",
        floor=0.05,
        warn=Threshold(value=0.1, reason="six failed requests a minute: more than connections cut during a deployment"),
        crit=Threshold(value=1.0, reason="a failed request a second: users see it"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_httpcode_elb_5_xx_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_httpcode_elb_5_xx_count_sum",),
                service_from=_TARGET_GROUP,
            ),
        ),
    ),
    Signal(
        id="alb_target_latency",
        topic="alb",
        title="target response time, p99",
        meaning=(
            "How long the slowest hundredth of requests waits for the service's first byte, seen from "
            "outside. When it rises and the service's own latency does not, requests queue before it."
        ),
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=1.0, reason="the same limit as p95 latency of the service"),
        crit=Threshold(
            value=5.0, reason="a user has left by then, and client time-outs of 5 s begin to cut requests off"
        ),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"max by ({_BY}) (aws_applicationelb_target_response_time_p99{{{_YACE}}})",
                needs=("aws_applicationelb_target_response_time_p99",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, mean",
                query=f"max by ({_BY}) (aws_applicationelb_target_response_time_average{{{_YACE}}})",
                needs=("aws_applicationelb_target_response_time_average",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"max by (target_group) (aws_applicationelb_target_response_time_p99{{{_PLAIN}}})",
                needs=("aws_applicationelb_target_response_time_p99",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_connection_errors",
        topic="alb",
        title="connections to targets that failed",
        meaning=(
            "Connections that the balancer could not open to a target: it is gone, overloaded, or a "
            "security group is in the way. Look at stopped tasks and at recent network changes."
        ),
        unit="per_second",
        bad="up",
        floor=0.05,
        warn=Threshold(value=0.1, reason="six a minute: more than a task that stops during a deployment"),
        crit=Threshold(value=1.0, reason="a target is unreachable: its share of requests fails or is retried"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_target_connection_error_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_target_connection_error_count_sum",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"sum by (target_group) (aws_applicationelb_target_connection_error_count_sum{{{_PLAIN}}}) / 60",
                needs=("aws_applicationelb_target_connection_error_count_sum",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_rejected",
        topic="alb",
        title="connections that the balancer rejected",
        meaning=(
            "Connections that the balancer turned away because it had reached its limit. It scales by "
            "itself within minutes; a wave that stays calls for a warm-up by AWS or for a look at who "
            "sends it."
        ),
        unit="per_second",
        bad="up",
        floor=0.05,
        warn=Threshold(value=0.1, reason="none is normal"),
        crit=Threshold(value=1.0, reason="a user a second does not even get a connection"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_rejected_connection_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_rejected_connection_count_sum",),
                service_from=_TARGET_GROUP,
            ),
        ),
    ),
    Signal(
        id="alb_target_4xx",
        topic="alb",
        title="4XX from targets",
        meaning=(
            "Requests that the service refused: bad links, expired logins, bots, or a client that no "
            "longer fits. A jump with a deployment is a broken route or contract; it is not the users' "
            "mistake."
        ),
        unit="per_second",
        bad="up",
        floor=0.5,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_httpcode_target_4_xx_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_httpcode_target_4_xx_count_sum",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"sum by (target_group) (aws_applicationelb_httpcode_target_4_xx_count_sum{{{_PLAIN}}}) / 60",
                needs=("aws_applicationelb_httpcode_target_4_xx_count_sum",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_error_ratio",
        topic="alb",
        title="share of requests that targets answer with 5XX",
        meaning=(
            "Which part of the users' requests the service fails. Unlike a count it can be compared by "
            "day and night; what to do is as for the 5XX themselves: logs, deployments, dependencies."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.01,
        warn=Threshold(
            value=0.01, reason="one request in a hundred: a 99.9 % objective's month is spent within three days"
        ),
        crit=Threshold(value=0.05, reason="one request in twenty: that month is spent within hours"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"(sum by ({_BY}) (aws_applicationelb_httpcode_target_5_xx_count_sum{{{_YACE}}}) or 0 * sum by ({_BY}) (aws_applicationelb_request_count_sum{{{_YACE}}})) / sum by ({_BY}) (aws_applicationelb_request_count_sum{{{_YACE}}} > 0)",
                needs=("aws_applicationelb_request_count_sum",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"(sum by (target_group) (aws_applicationelb_httpcode_target_5_xx_count_sum{{{_PLAIN}}}) or 0 * sum by (target_group) (aws_applicationelb_request_count_sum{{{_PLAIN}}})) / sum by (target_group) (aws_applicationelb_request_count_sum{{{_PLAIN}}} > 0)",
                needs=("aws_applicationelb_request_count_sum",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_target_latency_p50",
        topic="alb",
        title="target response time, median",
        meaning=(
            "What the ordinary request waits for. When it rises together with p99 everything is slow "
            "(database, CPU); when only p99 rises, some requests or one target are."
        ),
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.05,
        warn=Threshold(value=0.5, reason="half of all users wait half a second for the first byte"),
        crit=Threshold(value=2.0, reason="the ordinary request is as slow as the slowest ones should be"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"max by ({_BY}) (aws_applicationelb_target_response_time_p50{{{_YACE}}})",
                needs=("aws_applicationelb_target_response_time_p50",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"max by (target_group) (aws_applicationelb_target_response_time_p50{{{_PLAIN}}})",
                needs=("aws_applicationelb_target_response_time_p50",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_requests_per_target",
        topic="alb",
        title="requests for each target",
        meaning=(
            "Load of one task, as target-tracking scaling sees it (ALBRequestCountPerTarget). When it "
            "rises and tasks do not become more, the service is at its maximum or scaling is stuck."
        ),
        unit="per_second",
        bad="up",
        combine="max",
        floor=1,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"max by ({_BY}) (aws_applicationelb_request_count_per_target_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_request_count_per_target_sum",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"max by (target_group) (aws_applicationelb_request_count_per_target_sum{{{_PLAIN}}}) / 60",
                needs=("aws_applicationelb_request_count_per_target_sum",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_target_tls_errors",
        topic="alb",
        title="TLS handshakes with targets that failed",
        meaning=(
            "The balancer could not agree on TLS with the service: an expired or wrong certificate, or "
            "protocols that no longer match. Only services that listen with TLS have it."
        ),
        unit="per_second",
        bad="up",
        floor=0.05,
        warn=Threshold(value=0.1, reason="handshakes with one's own tasks do not fail by chance"),
        crit=Threshold(value=1.0, reason="requests to that target fail"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_target_tlsnegotiation_error_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_target_tlsnegotiation_error_count_sum",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query=f"sum by (target_group) (aws_applicationelb_target_tlsnegotiation_error_count_sum{{{_PLAIN}}}) / 60",
                needs=("aws_applicationelb_target_tlsnegotiation_error_count_sum",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
)
