"""The load balancer before the service, under the names of the CloudWatch exporters.

CloudWatch sums over a period, which for balancers is a minute: sums are divided by 60.
"""

from obskit.model import Signal, Threshold, Variant

_TARGET_GROUP = ("dimension_TargetGroup", "targetgroup/([^/]+)/")
_TARGET_NAME = ("target_group", "(?:targetgroup/)?([^/]+)")
_BY = "dimension_TargetGroup"
_YACE = 'dimension_TargetGroup=~"targetgroup/($names)/.*",$scope'

SIGNALS = (
    Signal(
        id="alb_unhealthy_hosts",
        topic="alb",
        title="unhealthy targets",
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
                query='max by (target_group) (aws_applicationelb_un_healthy_host_count_average{target_group=~"$names",$scope})',
                needs=("aws_applicationelb_un_healthy_host_count_average",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_healthy_hosts",
        topic="alb",
        title="healthy targets",
        unit="count",
        bad="down",
        combine="max",
        floor=1,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"max by ({_BY}) (aws_applicationelb_healthy_host_count_average{{{_YACE}}})",
                needs=("aws_applicationelb_healthy_host_count_average",),
                service_from=_TARGET_GROUP,
            ),
            Variant(
                name="CloudWatch exporter, plain labels",
                query='max by (target_group) (aws_applicationelb_healthy_host_count_average{target_group=~"$names",$scope})',
                needs=("aws_applicationelb_healthy_host_count_average",),
                service_from=_TARGET_NAME,
            ),
        ),
    ),
    Signal(
        id="alb_requests",
        topic="alb",
        title="requests at the balancer",
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
        ),
    ),
    Signal(
        id="alb_target_5xx",
        topic="alb",
        title="5XX from targets",
        unit="per_second",
        bad="up",
        floor=0.05,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_httpcode_target_5_xx_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_httpcode_target_5_xx_count_sum",),
                service_from=_TARGET_GROUP,
            ),
        ),
    ),
    Signal(
        id="alb_elb_5xx",
        topic="alb",
        title="5XX from the balancer itself",
        unit="per_second",
        bad="up",
        floor=0.05,
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
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=1.0, reason="the same limit as p95 latency of the service"),
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
        ),
    ),
    Signal(
        id="alb_connection_errors",
        topic="alb",
        title="connections to targets that failed",
        unit="per_second",
        bad="up",
        floor=0.05,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_target_connection_error_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_target_connection_error_count_sum",),
                service_from=_TARGET_GROUP,
            ),
        ),
    ),
    Signal(
        id="alb_rejected",
        topic="alb",
        title="connections that the balancer rejected",
        unit="per_second",
        bad="up",
        floor=0.05,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_rejected_connection_count_sum{{{_YACE}}}) / 60",
                needs=("aws_applicationelb_rejected_connection_count_sum",),
                service_from=_TARGET_GROUP,
            ),
        ),
    ),
)
