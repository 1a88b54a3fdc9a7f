"""How the stack is watched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from obskit.deploy.spec_check._problem import HIDDEN, Problem, error, path_of, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

#: What CloudWatch Logs takes (PutRetentionPolicy).
LOG_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
#: Ten years, the longest of CloudWatch's.
_MOST_DAYS: Final = 3653
#: Objectives look back 30 days; a day more, so that the last block is whole.
_OBJECTIVE_DAYS: Final = 31
#: Cloud Map answers by Route 53 multivalue records, of which an answer holds eight.
MOST_DNS_TASKS: Final = 8
#: The first Prometheus that asks ECS for tasks.
_ASKS_ECS: Final = (3, 8)
_VERSION: Final = re.compile(r"(?:^|:)v?([0-9]+)\.([0-9]+)(?:[.-][^/]*)?$")


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield retentions that AWS does not have, and ways to find tasks that would miss some."""
    del place
    telemetry = spec.telemetry
    if telemetry.log_days not in LOG_DAYS:
        allowed = ", ".join(map(str, LOG_DAYS))
        yield error("telemetry.log_days", telemetry.log_days, "is no retention that CloudWatch has", allowed)
    for name in ("loki_days", "metrics_days"):
        days = getattr(telemetry, name)
        if not 1 <= days <= _MOST_DAYS:
            yield error(f"telemetry.{name}", days, "is no number of days", f"1 to {_MOST_DAYS}")
    if 1 <= telemetry.metrics_days < _OBJECTIVE_DAYS and not telemetry.workspace:
        what = "is less than objectives of 30 days look back"
        yield warning("telemetry.metrics_days", telemetry.metrics_days, what, f"{_OBJECTIVE_DAYS} or more")
    if telemetry.discovery == "dns":
        yield from _dns(spec)
    else:
        yield from _version(spec)
    yield from _address(telemetry.obskit_url)
    if not telemetry.obskit_url and any(w.name == "prometheus" for w in spec.watchers):
        what = "lets alerts reach nobody: they are seen in Grafana alone"
        yield warning("telemetry.obskit_url", "", what, "as in https://obskit.example.com/alerts")


def _dns(spec: StackSpec) -> Iterator[Problem]:
    applications = ((path_of("applications", a.name), a.maximum) for a in spec.applications)
    for key, maximum in (*applications, *((w.name, w.maximum) for w in spec.watchers)):
        if maximum > MOST_DNS_TASKS:
            what = 'is more than Prometheus sees with telemetry.discovery = "dns"'
            fact = "Route 53 multivalue answers hold at most eight addresses"
            yield error(f"{key}.maximum", maximum, what, f'{MOST_DNS_TASKS} or less, or discovery = "ecs"; {fact}')


def _version(spec: StackSpec) -> Iterator[Problem]:
    for watcher in spec.watchers:
        found = _VERSION.search(watcher.image.partition("@")[0]) if watcher.name == "prometheus" else None
        if found and (int(found[1]), int(found[2])) < _ASKS_ECS:
            what = 'cannot ask ECS for tasks, as telemetry.discovery = "ecs" wants it'
            allowed = f'{".".join(map(str, _ASKS_ECS))} or newer, or discovery = "dns"'
            yield error("prometheus.image", watcher.image, what, allowed)


def _address(url: str) -> Iterator[Problem]:
    if not url:
        return
    key, allowed = "telemetry.obskit_url", "as in https://obskit.example.com/alerts"
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:
        good, parts = False, urlsplit("")
    if "@" in url:
        yield Problem(key=key, value=HIDDEN, what="may hold a password", allowed=f"an address without @, {allowed}")
    elif not good or parts.fragment:
        yield error(key, url, "is no address", allowed)
