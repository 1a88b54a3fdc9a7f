"""Tests of the alerts on the load balancer, in the CloudWatch exporters' words: sums of a minute."""

from collections.abc import Callable, Mapping

from obskit.ascode.alerts import around, fires, quiet, steady

SHOP = "targetgroup/shop/0123456789abcdef"
CART = "targetgroup/cart/0123456789abcdef"
WEB = "app/web/0123456789abcdef"
OF_SHOP = {"service": "shop"}
OF_WEB = {"dimension_LoadBalancer": WEB}

#: Samples, four a minute.
DAY, HOUR, MINUTE = 5760, 240, 4


def target(metric: str, group: str = SHOP, zone: str = "") -> str:
    """Return a series of a target group, as YACE names it."""
    where = f',dimension_AvailabilityZone="{zone}"' if zone else ""
    return f'aws_applicationelb_{metric}{{dimension_TargetGroup="{group}",dimension_LoadBalancer="{WEB}"{where}}}'


def balancer(metric: str) -> str:
    """Return a series of the balancer itself, as YACE names it."""
    return f'aws_applicationelb_{metric}{{dimension_LoadBalancer="{WEB}"}}'


def answers(per_minute: float, group: str = SHOP) -> Callable[[float], Mapping[str, str]]:
    """Return how a share of so many requests that fail looks."""
    return lambda share: {
        target("httpcode_target_5_xx_count_sum", group): steady(share * per_minute),
        target("request_count_sum", group): steady(per_minute),
    }


def own_errors(share: float) -> dict[str, str]:
    """Return how a share of requests that the balancer failed looks: they are not among those that it counts."""
    return {
        balancer("httpcode_elb_5_xx_count_sum"): steady(share * 6000),
        balancer("request_count_sum"): steady((1 - share) * 6000),
    }


def waits(statistic: str, per_minute: float) -> Callable[[float], Mapping[str, str]]:
    """Return how a response time looks while there are so many requests."""
    return lambda seconds: {
        target(f"target_response_time_{statistic}"): steady(seconds),
        target("request_count_sum"): steady(per_minute),
    }


def rate(series: str) -> Callable[[float], Mapping[str, str]]:
    """Return how so many a second look in a sum of a minute."""
    return lambda per_second: {series: steady(per_second * 60)}


def handshakes(per_minute: float) -> Callable[[float], Mapping[str, str]]:
    """Return how so many failed handshakes a second look among so many new connections."""
    return lambda per_second: {
        balancer("client_tlsnegotiation_error_count_sum"): steady(per_second * 60),
        balancer("new_connection_count_sum"): steady(per_minute),
    }


def traffic(yesterday: float, before: float, now: str) -> dict[str, str]:
    """Return requests at the balancer yesterday, in the four hours until then today, and from then on."""
    gap = f"_x{DAY - 6 * HOUR}"  # what is not looked at costs only time
    return {
        balancer("request_count_sum"): f"{yesterday}x{2 * HOUR} {gap} {before}x{4 * HOUR} {now}",
        target("healthy_host_count_average"): f"2x{2 * HOUR} {gap} 2x{8 * HOUR}",
    }


def ended(metric: str, bad: str, good: str, beside: str = "") -> dict[str, str]:
    """Return a number of a target group, or of the balancer, that was bad for 20 minutes and is good from then on."""
    series = balancer(metric) if "elb" in metric else target(metric)
    requests = balancer("request_count_sum") if "elb" in metric else target("request_count_sum")
    return {series: f"{bad}x{20 * MINUTE - 1} {good}x100", **({requests: beside} if beside else {})}


TROUBLES = {
    "AlbTargetErrors": ended("httpcode_target_5_xx_count_sum", "600", "0", steady(6000)),
    "AlbBalancerErrors": ended("httpcode_elb_5_xx_count_sum", "600", "0", steady(6000)),
    "AlbNoHealthyTarget": ended("healthy_host_count_average", "0", "2"),
    "AlbTargetsSlow": ended("target_response_time_p50", "9", "0.1", steady(6000)),
}

TESTS = (
    *(fires(alert, series, at="24m15s", why="it may come back") for alert, series in TROUBLES.items()),
    *(quiet(alert, series, at="26m", why="it has not come back") for alert, series in TROUBLES.items()),
    around("AlbTargetErrors", answers(6000), labels={**OF_SHOP, "severity": "page"}, far=1),
    quiet("AlbTargetErrors", answers(3)(1 / 3), at="20m", why="by night one request of three fails"),
    quiet(
        "AlbTargetErrors", {**answers(6000)(0.001), **answers(5)(1)}, at="20m", why="five requests a minute, all failed"
    ),
    quiet(
        "AlbTargetErrors",
        {
            target("httpcode_target_5_xx_count_sum"): f"0x40 3000x{MINUTE} 0x200",
            target("request_count_sum"): steady(6000),
        },
        at="13m",
        why="a task that crashes spoils one minute",
    ),
    quiet(
        "AlbTargetErrors",
        {
            **answers(6000)(0.03),
            target("httpcode_target_5_xx_count_sum", zone="eu-west-1a"): steady(180),
            target("httpcode_target_5_xx_count_sum", zone="eu-west-1b"): steady(180),
        },
        at="20m",
        why="CloudWatch publishes every sum once more for each zone",
    ),
    fires(
        "AlbTargetErrors",
        {**answers(6000)(0.2), **answers(60_000, CART)(0)},
        at="10m",
        why="one target group fails, and a larger one does not",
        labels=OF_SHOP,
    ),
    fires(
        "AlbTargetErrors",
        {
            f'aws_applicationelb_httpcode_target_5_xx_count_sum{{target_group="{SHOP}"}}': steady(600),
            f'aws_applicationelb_request_count_sum{{target_group="{SHOP}"}}': steady(6000),
        },
        at="10m",
        why="the official exporter has other labels",
        labels=OF_SHOP,
    ),
    around("AlbTargetErrorsRaised", answers(6000), labels={**OF_SHOP, "severity": "ticket"}),
    quiet("AlbTargetErrorsRaised", answers(100)(0.05), at="2h", why="five failed requests a minute are stray ones"),
    around("AlbBalancerErrors", own_errors, labels={**OF_WEB, "severity": "page"}, far=1),
    fires(
        "AlbBalancerErrors",
        {balancer("httpcode_elb_5_xx_count_sum"): steady(600)},
        at="10m",
        why="with no target at all no request is counted, and every answer is a 503",
        labels=OF_WEB,
    ),
    quiet(
        "AlbBalancerErrors",
        {balancer("httpcode_elb_5_xx_count_sum"): steady(3), balancer("request_count_sum"): steady(10)},
        at="20m",
        why="three of a quiet minute",
    ),
    around("AlbBalancerErrorsRaised", own_errors, labels={**OF_WEB, "severity": "ticket"}),
    quiet(
        "AlbBalancerErrorsRaised",
        {
            balancer("httpcode_elb_5_xx_count_sum"): " ".join(["200x20 0x60"] * 6),
            balancer("request_count_sum"): steady(6000),
        },
        at="1h45m",
        why="a deployment every twenty minutes cuts connections",
    ),
    quiet(
        "AlbBalancerErrorsRaised",
        {balancer("httpcode_elb_5_xx_count_sum"): steady(3), balancer("request_count_sum"): steady(10)},
        at="2h",
        why="three of every quiet minute are for nobody to look at",
    ),
    around(
        "AlbNoHealthyTarget",
        lambda n: {target("healthy_host_count_average"): steady(n)},
        labels={**OF_SHOP, "severity": "page"},
        bad=0,
        good=1,
    ),
    fires(
        "AlbNoHealthyTarget",
        {target("healthy_host_count_average"): steady(0), target("healthy_host_count_average", CART): steady(4)},
        at="10m",
        why="another service of the same balancer is well",
        labels=OF_SHOP,
    ),
    quiet(
        "AlbNoHealthyTarget",
        {
            target("healthy_host_count_average"): steady(2),
            target("healthy_host_count_average", zone="eu-west-1a"): steady(2),
            target("healthy_host_count_average", zone="eu-west-1b"): steady(0),
        },
        at="10m",
        why="a zone without targets is no service without targets",
    ),
    around(
        "AlbUnhealthyTargets",
        lambda n: {target("un_healthy_host_count_average"): steady(n), target("healthy_host_count_average"): steady(2)},
        labels=OF_SHOP,
    ),
    quiet(
        "AlbUnhealthyTargets",
        {target("un_healthy_host_count_average"): steady(3), target("healthy_host_count_average"): steady(0)},
        at="30m",
        why="with none left, the page tells",
    ),
    quiet(
        "AlbUnhealthyTargets",
        {
            target("un_healthy_host_count_average"): " ".join(["1x12 0x28"] * 10),
            target("healthy_host_count_average"): steady(2),
        },
        at="62m",
        why="one of three tasks is replaced now and again",
    ),
    around("AlbTargetsSlow", waits("p50", 6000), labels={**OF_SHOP, "severity": "page"}),
    quiet("AlbTargetsSlow", waits("p50", 6)(30), at="30m", why="six requests a minute, of which some are slow"),
    around("AlbSlowestRequestsSlow", waits("p99", 6000), labels={**OF_SHOP, "severity": "ticket"}),
    quiet("AlbSlowestRequestsSlow", waits("p99", 60)(30), at="2h", why="p99 of sixty requests is the slowest of them"),
    around("AlbTargetConnectionsFail", rate(target("target_connection_error_count_sum")), labels=OF_SHOP),
    around("AlbTargetTlsErrors", rate(target("target_tlsnegotiation_error_count_sum")), labels=OF_SHOP),
    around("AlbClientTlsErrors", handshakes(3000), labels={**OF_WEB, "severity": "page"}),
    quiet("AlbClientTlsErrors", handshakes(60_000)(20), at="30m", why="scanners, a small share of a busy address"),
    quiet("AlbClientTlsErrors", handshakes(120)(1.5), at="30m", why="scanners, nearly alone at a quiet address"),
    around("AlbConnectionsRejected", rate(balancer("rejected_connection_count_sum")), labels=OF_WEB),
    fires("AlbTrafficGone", traffic(6000, 6000, "285x400"), at="24h7m", why="one in twenty is left", labels=OF_WEB),
    quiet("AlbTrafficGone", traffic(6000, 6000, "315x400"), at="24h10m", why="a little more than that is left"),
    quiet("AlbTrafficGone", traffic(6000, 6000, "0x400"), at="24h4m", why="it waits for five minutes"),
    fires(
        "AlbTrafficGone", traffic(6000, 6000, "_x400"), at="24h15m", why="minutes without requests are not published"
    ),
    fires(
        "AlbTrafficGone",
        traffic(6000, 6000, " ".join(["NaN"] * 100)),
        at="24h15m",
        why="or as no number",
        labels=OF_WEB,
    ),
    quiet(
        "AlbTrafficGone", traffic(30, 6000, "10x400"), at="24h15m", why="every night ends like this: so did yesterday's"
    ),
    quiet("AlbTrafficGone", traffic(6000, 30, "10x400"), at="24h15m", why="a holiday: it has been calm for hours"),
    quiet(
        "AlbTrafficGone",
        {**traffic(6000, 6000, "_x400"), target("healthy_host_count_average"): f"2x{DAY} _x400"},
        at="24h15m",
        why="an exporter that is silent altogether is no balancer without requests",
    ),
)
