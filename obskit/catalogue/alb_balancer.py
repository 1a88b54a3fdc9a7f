"""The load balancer as a whole: what CloudWatch counts for no target group.

Its own 5XX, rejected connections and TLS errors carry the balancer's name only, and several
services may share it: so these signals belong to no service. By label, YACE calls it
``dimension_LoadBalancer``, the official exporter ``load_balancer``.
"""

from obskit.model import Signal, Threshold, Variant

_BALANCER = "load balancer"
_BY = "dimension_LoadBalancer, load_balancer"
#: The balancer's own numbers: neither those of a target group nor those of one zone again.
_OWN = 'dimension_TargetGroup="",target_group="",dimension_AvailabilityZone="",availability_zone="",$scope'
_ALL_ZONES = 'dimension_AvailabilityZone="",availability_zone="",$scope'
_REQUESTS = f"aws_applicationelb_request_count_sum{{{_OWN}}}"
_FAILED = f"sum by ({_BY}) (aws_applicationelb_httpcode_elb_5_xx_count_sum{{{_OWN}}})"
#: A minute without requests is not published, or as NaN: of a balancer whose targets are still
#: reported it is none, and an exporter that is silent altogether says nothing.
_NOW = (
    f"(sum by ({_BY}) ({_REQUESTS} > 0)"
    f" or 0 * count by ({_BY}) (aws_applicationelb_healthy_host_count_average{{{_ALL_ZONES}}}))"
)
_BEFORE = f"sum by ({_BY}) (avg_over_time(({_REQUESTS} > 0)[3h:5m] offset 15m))"
_YESTERDAY = f"sum by ({_BY}) (avg_over_time(({_REQUESTS} > 0)[1h:5m] offset 1d))"

SIGNALS = (
    Signal(
        id="alb_balancer_requests",
        topic="alb_balancer",
        title="requests at the whole balancer",
        meaning=(
            "All requests that the balancer took, for all services behind it. A drop to zero while "
            "services are healthy means that users no longer reach it: DNS, certificate, firewall."
        ),
        unit="per_second",
        bad="both",
        scope="shared",
        entity=_BALANCER,
        floor=0.5,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_request_count_sum{{{_OWN}}}) / 60",
                needs=("aws_applicationelb_request_count_sum",),
            ),
        ),
    ),
    Signal(
        id="alb_balancer_5xx",
        topic="alb_balancer",
        title="5XX from the whole balancer itself",
        meaning=(
            "Answers 5XX that the balancer gave in a service's place: 502 a broken answer, 503 no healthy "
            "target, 504 too slow. The target groups with unhealthy targets say which service."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=_BALANCER,
        floor=0.05,
        warn=Threshold(value=0.1, reason="six failed requests a minute: more than connections cut during a deployment"),
        crit=Threshold(value=1.0, reason="a failed request a second: users see it"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_httpcode_elb_5_xx_count_sum{{{_OWN}}}) / 60",
                needs=("aws_applicationelb_httpcode_elb_5_xx_count_sum",),
            ),
        ),
    ),
    Signal(
        id="alb_balancer_4xx",
        topic="alb_balancer",
        title="4XX from the balancer itself",
        meaning=(
            "Requests that the balancer refused before any service saw them: malformed, too large, cut "
            "off by the client (460) or stopped by a rule. A wave is mostly a scanner or a broken client."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=_BALANCER,
        floor=1,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_httpcode_elb_4_xx_count_sum{{{_OWN}}}) / 60",
                needs=("aws_applicationelb_httpcode_elb_4_xx_count_sum",),
            ),
        ),
    ),
    Signal(
        id="alb_tls_errors",
        topic="alb_balancer",
        title="TLS handshakes with clients that failed",
        meaning=(
            "Clients that could not agree on TLS: an expired certificate, a stricter policy, or old "
            "clients and scanners. A jump right after a change of certificate or policy locks users out."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=_BALANCER,
        floor=0.2,
        warn=Threshold(value=1.0, reason="more than the scanners that every public address attracts"),
        crit=Threshold(value=10.0, reason="users are locked out: they never get as far as a request"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_client_tlsnegotiation_error_count_sum{{{_OWN}}}) / 60",
                needs=("aws_applicationelb_client_tlsnegotiation_error_count_sum",),
            ),
        ),
    ),
    Signal(
        id="alb_balancer_rejected",
        topic="alb_balancer",
        title="connections that the whole balancer rejected",
        meaning=(
            "Connections turned away because the balancer had reached its limit. It scales by itself "
            "within minutes; a wave that stays calls for a look at who sends it."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=_BALANCER,
        floor=0.05,
        warn=Threshold(value=0.1, reason="none is normal"),
        crit=Threshold(value=1.0, reason="a user a second does not even get a connection"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_rejected_connection_count_sum{{{_OWN}}}) / 60",
                needs=("aws_applicationelb_rejected_connection_count_sum",),
            ),
        ),
    ),
    Signal(
        id="alb_active_connections",
        topic="alb_balancer",
        title="connections open at the balancer",
        meaning=(
            "Connections from clients to the balancer and from it to targets. A climb with unchanged "
            "requests means that answers are slow or that clients do not hang up."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_BALANCER,
        floor=100,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_active_connection_count_sum{{{_OWN}}})",
                needs=("aws_applicationelb_active_connection_count_sum",),
            ),
        ),
    ),
    Signal(
        id="alb_new_connections",
        topic="alb_balancer",
        title="connections opened at the balancer",
        meaning=(
            "New connections to the balancer and its targets. Many for each request mean that keep-alive "
            "does not work or that TLS has to be agreed on each time."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=_BALANCER,
        floor=5,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_new_connection_count_sum{{{_OWN}}}) / 60",
                needs=("aws_applicationelb_new_connection_count_sum",),
            ),
        ),
    ),
    Signal(
        id="alb_balancer_error_ratio",
        topic="alb_balancer",
        title="share of requests that the balancer itself answers with 5XX",
        meaning=(
            "Which part of all requests never got an answer from a service. AWS counts as requests only "
            "those that found a target, so the failed ones are added to them here: when none does, it is 1."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_BALANCER,
        combine="max",
        floor=0.01,
        weighed=False,
        warn=Threshold(
            value=0.01, reason="one request in a hundred: a 99.9 % objective's month is spent within three days"
        ),
        crit=Threshold(value=0.05, reason="one request in twenty: that month is spent within hours"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"{_FAILED} / ({_FAILED} + (sum by ({_BY}) ({_REQUESTS} > 0) or 0 * {_FAILED}))",
                needs=("aws_applicationelb_httpcode_elb_5_xx_count_sum", "aws_applicationelb_request_count_sum"),
            ),
        ),
    ),
    Signal(
        id="alb_balancer_traffic_ratio",
        topic="alb_balancer",
        title="requests at the whole balancer, of what is usual",
        meaning=(
            "Requests now, of the last three hours' mean or of the same hour yesterday, whichever is less; "
            "not told below one request a second. Near 0 users no longer get here: DNS, certificate, firewall."
        ),
        unit="ratio",
        bad="down",
        scope="shared",
        entity=_BALANCER,
        combine="min",
        floor=0.1,
        weighed=False,
        crit=Threshold(
            value=0.05, reason="no rhythm of a day takes nineteen of twenty requests away against both that were usual"
        ),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=(f"{_NOW} / ((({_BEFORE} < {_YESTERDAY}) or ({_YESTERDAY} <= {_BEFORE})) > 60)"),
                needs=("aws_applicationelb_request_count_sum", "aws_applicationelb_healthy_host_count_average"),
            ),
        ),
    ),
    Signal(
        id="alb_tls_error_ratio",
        topic="alb_balancer",
        title="TLS handshakes with clients that failed, for each new connection",
        meaning=(
            "How many of the connections that are opened end in a failed handshake. Scanners fail by night "
            "and day; on a busy address they are a small share, and a large one means that users fail."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_BALANCER,
        combine="max",
        floor=0.05,
        weighed=False,
        crit=Threshold(value=0.1, reason="one connection in ten: more than scanners make up beside real traffic"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f"sum by ({_BY}) (aws_applicationelb_client_tlsnegotiation_error_count_sum{{{_OWN}}}) / sum by ({_BY}) (aws_applicationelb_new_connection_count_sum{{{_OWN}}} > 0)",
                needs=(
                    "aws_applicationelb_client_tlsnegotiation_error_count_sum",
                    "aws_applicationelb_new_connection_count_sum",
                ),
            ),
        ),
    ),
)
