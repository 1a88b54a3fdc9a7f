"""The load balancer: what it takes in, what its targets answer, and which of them it gave up."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "alb",
    title="Load balancer",
    description="Requests, errors and response times at the balancer; its targets' health; certificates.",
    groups=(
        group(
            "Now",
            stat("alb_healthy_hosts"),
            stat("alb_unhealthy_hosts"),
            stat("alb_requests"),
            stat("alb_target_latency"),
            more="incident",
        ),
        group(
            "Requests",
            "alb_requests",
            panel("alb_target_5xx", "alb_elb_5xx", title="5XX from targets, and from the balancer itself"),
            "alb_target_latency",
        ),
        group(
            "Targets",
            panel("alb_healthy_hosts", "alb_unhealthy_hosts", title="Healthy and unhealthy targets"),
            "alb_connection_errors",
            "alb_rejected",
            runbook="causes/health_check_misconfigured",
        ),
    ),
)
