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
            panel("alb_target_5xx", "alb_target_4xx", title="5XX and 4XX from targets"),
            "alb_error_ratio",
            panel("alb_target_latency", "alb_target_latency_p50", title="Target response time, p99 and p50"),
            "alb_requests_per_target",
        ),
        group(
            "Targets",
            panel("alb_healthy_hosts", "alb_unhealthy_hosts", title="Healthy and unhealthy targets"),
            "alb_connection_errors",
            "alb_target_tls_errors",
            runbook="causes/health_check_misconfigured",
        ),
        group(
            "The balancer itself",
            "alb_balancer_requests",
            "alb_balancer_traffic_ratio",
            "alb_balancer_error_ratio",
            panel("alb_balancer_5xx", "alb_balancer_4xx", title="5XX and 4XX from the balancer itself"),
            panel("alb_active_connections", title="Connections open"),
            "alb_new_connections",
            "alb_balancer_rejected",
            "alb_tls_errors",
        ),
        group(
            "Certificates",
            stat("certificates_expiry", title="The next one expires in", width=8),
            panel("certificates_expiry", "certificates_last_seen_expiry", title="Time until a certificate expires"),
            "certificates_probe_ok",
            runbook="causes/tls_failure",
        ),
    ),
)
