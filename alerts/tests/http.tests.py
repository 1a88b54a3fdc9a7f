"""Tests of the alerts on requests and calls."""

from collections.abc import Callable

from obskit.ascode.alerts import around, counting, fires, quiet, steady

Series = dict[str, str]


def failing(share: float, per_second: float = 10, task: str = "a") -> Series:
    """Return a task's requests, of which a share is answered 500."""
    head = f'http_requests_total{{service="shop",task_id="{task}",path="/cart",status='
    bad = min(share, 1.0) * per_second
    return {f'{head}"200"}}': counting(per_second - bad), f'{head}"500"}}': counting(bad)}


def one_task_failing(share: float) -> Series:
    """Return three tasks of which one fails a share of its requests."""
    return {**failing(share), **failing(0, task="b"), **failing(0, task="c")}


def slow(percentile: float, per_second: float = 10) -> Callable[[float], Series]:
    """Return requests whose percentile is a value: all in one bucket, in which Prometheus interpolates."""

    def drive(value: float) -> Series:
        head = 'http_server_request_duration_seconds_bucket{service="shop",task_id="a",http_route="/cart",le='
        count = counting(per_second)
        return {
            f'{head}"{value / percentile!r}"}}': count,
            f'{head}"+Inf"}}': count,
            'http_server_request_duration_seconds_count{service="shop",task_id="a",http_route="/cart"}': count,
        }

    return drive


def hanging(value: float) -> Series:
    """Return requests in progress for a time: by Little's law, as many as come in that time."""
    return {
        'http_server_active_requests{service="shop",task_id="a"}': steady(value * 10),
        'http_server_request_duration_seconds_count{service="shop",task_id="a"}': counting(10),
    }


def busy(share: float) -> Series:
    """Return Tomcat's threads, of which a share serves a request."""
    return {
        'tomcat_threads_busy_threads{service="shop",task_id="a"}': steady(share * 200),
        'tomcat_threads_config_max_threads{service="shop",task_id="a"}': steady(200),
    }


def calls_failing(share: float, per_second: float = 10) -> Series:
    """Return calls to a dependency of which a share gets no answer, so that they have no status."""
    head = 'http_client_request_duration_seconds_count{service="shop",server_address="pay"'
    bad = min(share, 1.0) * per_second
    return {f'{head},http_response_status_code="200"}}': counting(per_second - bad), f"{head}}}": counting(bad)}


def calls_slow(mean: float, per_second: float = 10) -> Series:
    """Return calls that take so long on average."""
    labels = '{service="shop",server_address="pay",http_response_status_code="200"}'
    metric = "http_client_request_duration_seconds"
    return {f"{metric}_sum{labels}": counting(per_second * mean), f"{metric}_count{labels}": counting(per_second)}


def traffic(after: float, *, metric: str = "http_requests_total", hours: int = 3) -> Series:
    """Return 4 requests a second for some hours, then a share of them."""
    labels = '{service="shop",task_id="a",path="/cart",status="200"}'
    steps = hours * 240
    return {metric + labels: f"0+60x{steps} {60 * steps}+{60 * after}x900"}


CALLS_COUNTED = 'http_client_request_duration_seconds_count{service="shop",server_address="pay"'
PAGE = {"service": "shop", "severity": "page"}
TICKET = {"service": "shop", "severity": "ticket"}
PAY = {"service": "shop", "server_address": "pay"}

RUNS = {'up{service="shop",task_id="a"}': steady(1)}
GONE = {'up{service="shop",task_id="a"}': steady(0)}

TESTS = (
    around("HttpRequestsFailing", failing, labels=PAGE, far=1.0),
    fires("HttpRequestsFailing", failing(1), at="3m", why="the failure is total: two minutes are enough"),
    quiet("HttpRequestsFailing", failing(1, per_second=0.03), at="20m", why="nine failed requests in five minutes"),
    quiet(
        "HttpRequestsFailing", one_task_failing(1), at="20m", why="one task of three is a third, and no total failure"
    ),
    fires(
        "HttpRequestsFailing",
        {**failing(1, task="a"), **failing(0, per_second=0.1, task="b")},
        at="20m",
        why="a task without traffic that is well does not make the mean better",
    ),
    around("HttpTaskFailing", one_task_failing, labels=TICKET, far=1.0),
    quiet(
        "HttpTaskFailing",
        {**failing(1, per_second=0.01), **failing(0, per_second=0.02, task="b")},
        at="30m",
        why="three failed requests in five minutes are one user",
    ),
    quiet("HttpTaskFailing", failing(1), at="30m", why="the whole service fails: HttpRequestsFailing pages"),
    around("HttpLatencyHigh", slow(0.95), labels=PAGE),
    quiet("HttpLatencyHigh", slow(0.95, per_second=0.1)(60), at="30m", why="30 requests in five minutes have no p95"),
    quiet(
        "HttpLatencyHigh",
        {key: value.replace("x1920", "x40 0x400") for key, value in slow(0.95)(60).items()},
        at="30m",
        why="no requests any more: NaN is no latency",
    ),
    around("HttpTailLatencyHigh", slow(0.99), labels=TICKET),
    quiet(
        "HttpTailLatencyHigh", slow(0.99, per_second=0.5)(60), at="90m", why="150 requests in five minutes have no p99"
    ),
    fires(
        "HttpTrafficGone", {**traffic(0.045), **RUNS}, at="3h30m", labels=PAGE, why="less than one in twenty is left"
    ),
    quiet("HttpTrafficGone", {**traffic(0.06), **RUNS}, at="3h30m", why="one in seventeen still comes"),
    quiet(
        "HttpTrafficGone",
        {**traffic(0), **RUNS},
        at="3h11m",
        why="the rate is nothing since five minutes, not since ten",
    ),
    fires(
        "HttpTrafficGone", {**traffic(0), **RUNS}, at="3h16m", why="the rate fell below one in twenty ten minutes ago"
    ),
    quiet("HttpTrafficGone", RUNS, at="3h30m", why="no series at all, now or an hour ago"),
    fires(
        "HttpTrafficGone",
        {'http_requests_total{service="shop",task_id="a",path="/cart",status="200"}': "0+60x720 stale", **RUNS},
        at="3h30m",
        why="new tasks that nobody has reached have no series of requests at all",
    ),
    fires(
        "HttpTrafficGone",
        {
            **traffic(0),
            **RUNS,
            'http_requests_total{service="shop",task_id="a",path="/health",status="200"}': counting(4),
        },
        at="3h30m",
        why="health checks are no traffic",
    ),
    quiet(
        "HttpTrafficGone",
        {
            'http_requests_total{service="shop",task_id="a",path="/cart",status="200"}': "0x560 0+600x80 48000x400",
            **RUNS,
        },
        at="3h",
        why="a batch of twenty minutes came an hour ago and is over",
    ),
    quiet(
        "HttpTrafficGone",
        {'http_requests_total{service="shop",task_id="a",path="/cart",status="200"}': "0+60x720 0+60x900", **RUNS},
        at="3h30m",
        why="the counter began anew with the task, and requests come as before",
    ),
    quiet("HttpTrafficGone", {**traffic(0), **GONE}, at="3h30m", why="no task answers: ServiceDown pages"),
    around("HttpRequestsHanging", hanging, labels=TICKET),
    fires(
        "HttpRequestsHanging",
        {
            'http_server_active_requests{service="shop",task_id="a"}': steady(40),
            'http_server_request_duration_seconds_count{service="shop",task_id="a"}': steady(1000),
        },
        at="30m",
        why="nothing is answered at all: infinitely long",
    ),
    quiet(
        "HttpRequestsHanging",
        {
            'http_server_active_requests{service="shop",task_id="a"}': steady(3),
            'http_server_request_duration_seconds_count{service="shop",task_id="a"}': counting(0.01),
        },
        at="30m",
        why="three downloads of a service at rest",
    ),
    around("HttpWorkersExhausted", busy, labels=PAGE, far=1.0),
    around("DependencyFailing", calls_failing, labels={**PAY, "severity": "page"}, far=1.0),
    quiet("DependencyFailing", calls_failing(1, per_second=0.03), at="30m", why="nine failed calls in five minutes"),
    fires(
        "DependencyFailing",
        {'http_client_requests_seconds_count{service="shop",client_name="pay",status="CLIENT_ERROR"}': counting(5)},
        at="30m",
        labels={"client_name": "pay"},
        why="Micrometer calls the other side by another label, and no answer CLIENT_ERROR",
    ),
    around("DependencyErrors", calls_failing, labels={**PAY, "severity": "ticket"}, far=1.0),
    quiet(
        "DependencyErrors",
        {f'{CALLS_COUNTED},http_response_status_code="404"}}': counting(5)},
        at="30m",
        why="404 is an answer",
    ),
    quiet("DependencyErrors", calls_failing(1, per_second=0.03), at="30m", why="nine failed calls in five minutes"),
    quiet("DependencySlow", calls_slow(60, per_second=0.03), at="30m", why="nine calls in five minutes have no mean"),
    around("DependencySlow", calls_slow, labels={**PAY, "severity": "ticket"}),
)
