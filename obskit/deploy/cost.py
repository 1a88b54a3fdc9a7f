"""What a stack costs a month, before it stands: its fixed parts, from a table of list prices.

The table is from memory, not from AWS's price API; it holds us-east-1 on demand, without free tiers,
discounts and taxes. It is there to tell 50 USD from 500, not to check a bill. What depends on use
(traffic, logs, samples, requests) is named and not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from obskit.deploy.resource import Resource, Value

#: When the prices below were those of AWS, as far as memory goes.
AS_OF: Final = "2025-06"
SOURCE: Final = f"list prices of us-east-1, {AS_OF}, from memory, not from AWS's price API"
#: AWS's own month.
HOURS: Final = 730.0

#: USD an hour. Fargate, Linux on x86: of a vCPU, of a GB of memory, of a GB of storage beyond 20.
FARGATE_VCPU: Final = 0.04048
FARGATE_GB: Final = 0.004445
FARGATE_STORAGE_GB: Final = 0.000111
FARGATE_FREE_STORAGE_GB: Final = 20
#: What is left of the price on ARM, and on Spot (which varies by the hour).
ARM: Final = 0.8
SPOT: Final = 0.3
NAT_GATEWAY: Final = 0.045
LOAD_BALANCER: Final = 0.0225
PUBLIC_ADDRESS: Final = 0.005
ENDPOINT_ZONE: Final = 0.01
#: USD a month.
DATABASE_GB: Final = 0.115
SECRET: Final = 0.40
HOSTED_ZONE: Final = 0.50
#: Class -> USD an hour, PostgreSQL in one zone.
DATABASE: Final[Mapping[str, float]] = {
    "db.t4g.micro": 0.016,
    "db.t4g.small": 0.032,
    "db.t4g.medium": 0.065,
    "db.t4g.large": 0.129,
    "db.t4g.xlarge": 0.258,
    "db.t3.micro": 0.018,
    "db.t3.small": 0.036,
    "db.t3.medium": 0.072,
    "db.t3.large": 0.145,
    "db.m6g.large": 0.159,
    "db.m6g.xlarge": 0.318,
    "db.m6i.large": 0.178,
    "db.m6i.xlarge": 0.356,
    "db.m7g.large": 0.168,
    "db.m7g.xlarge": 0.337,
    "db.r6g.large": 0.225,
    "db.r6g.xlarge": 0.45,
    "db.r7g.large": 0.239,
    "db.r7g.xlarge": 0.478,
}
#: Kinds that cost nothing by themselves.
FREE: Final = frozenset(
    {
        "certificate",
        "certificate_validation",
        "configuration",
        "db_parameter_group",
        "db_subnet_group",
        "discovery_service",
        "dns_record",
        "event_rule",
        "flow_log",
        "internet_gateway",
        "listener",
        "listener_rule",
        "log_policy",
        "role",
        "route_table",
        "scaling_policy",
        "scaling_target",
        "security_group",
        "security_group_rules",
        "subnet",
        "target_group",
        "task_definition",
        "vpc",
    }
)
#: Kinds that cost by use alone.
BY_USE: Final[Mapping[str, str]] = {
    "bucket": "0.023 a GB and month, 0.005 for 1,000 writes",
    "cluster": "Container Insights: 0.30 a metric and month, falling with their number",
    "log_group": "0.50 a GB written, 0.03 a GB and month kept",
    "metrics_workspace": "0.90 for 10 million samples written, 0.03 a GB and month kept",
    "queue": "0.40 for a million requests",
    "repository": "0.10 a GB and month",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """What one resource costs.

    Attributes:
        address: ``kind.name``.
        what: ``2 to 6 tasks of 0.5 vCPU and 1 GB``.
        usd: USD a month at the least; None where the table has no price.
        usd_most: USD a month at the most: all tasks that autoscaling may start; None as above.
        by_use: What comes on top and is not counted, with its price; "" for nothing.
        assumption: What the amount rests on; "" for the table alone.
    """

    address: str
    what: str
    usd: float | None
    usd_most: float | None
    by_use: str = ""
    assumption: str = ""


_All = Mapping[str, Resource]


def monthly(resources: Iterable[Resource]) -> tuple[CostLine, ...]:
    """Return a line for every resource that costs something, or may; what is free has none.

    Args:
        resources: All that a spec wants, references and all.
    """
    everything = {resource.address: resource for resource in resources}
    return tuple(line for resource in everything.values() for line in _lines(resource, everything))


def total(lines: Iterable[CostLine]) -> tuple[float, float]:
    """Return the fixed parts' sum in USD a month: at the least, and at the most."""
    counted = [line for line in lines if line.usd is not None]
    return sum(line.usd or 0.0 for line in counted), sum(line.usd_most or 0.0 for line in counted)


def _lines(resource: Resource, everything: _All) -> Iterator[CostLine]:
    if resource.kind in PRICED:
        yield from PRICED[resource.kind](resource, everything)
    elif resource.kind in BY_USE:
        yield CostLine(address=resource.address, what="by use", usd=0.0, usd_most=0.0, by_use=BY_USE[resource.kind])
    elif resource.kind not in FREE:
        yield _unpriced(resource, f"no price in the table for {resource.kind}")


def _unpriced(resource: Resource, what: str) -> CostLine:
    return CostLine(address=resource.address, what=what, usd=None, usd_most=None)


def _fixed(resource: Resource, what: str, hourly: float, by_use: str = "") -> CostLine:
    usd = hourly * HOURS
    return CostLine(address=resource.address, what=what, usd=usd, usd_most=usd, by_use=by_use)


def _service(resource: Resource, everything: _All) -> Iterator[CostLine]:
    task = everything.get(f"task_definition.{resource.name}")
    if task is None:
        yield _unpriced(resource, "no size without its task definition")
        return
    cpu, memory = _number(task.fields.get("cpu")) / 1024, _number(task.fields.get("memory")) / 1024
    storage = max(0.0, _number(_at(task.fields, "ephemeralStorage", "sizeInGiB")) - FARGATE_FREE_STORAGE_GB)
    arm = _at(task.fields, "runtimePlatform", "cpuArchitecture") == "ARM64"
    hourly = (cpu * FARGATE_VCPU + memory * FARGATE_GB) * (ARM if arm else 1.0)
    target = everything.get(f"scaling_target.{resource.name}")
    count = _number(resource.fields.get("desiredCount"))
    least = _number(target.fields.get("MinCapacity")) if target else count
    most = _number(target.fields.get("MaxCapacity")) if target else count
    base, spot = _spot(resource)
    tasks = f"{least:.0f}" if least == most else f"{least:.0f} to {most:.0f}"
    size = f"{cpu:g} vCPU and {memory:g} GB" + (f", {storage:.0f} GB more storage" if storage else "")
    spots = f"{spot:.0%} of the tasks beyond {base:.0f} on Spot, at 70 % less (it varies)" if spot else ""

    def usd(number: float) -> float:
        on_spot = max(0.0, number - base) * spot
        compute = hourly * (number - on_spot + on_spot * SPOT)
        return (compute + number * storage * FARGATE_STORAGE_GB) * HOURS

    yield CostLine(
        address=resource.address,
        what=f"{tasks} {'task' if most == 1 else 'tasks'} of {size}{', ARM' if arm else ''}",
        usd=usd(least),
        usd_most=usd(most),
        assumption=spots,
    )


def _spot(resource: Resource) -> tuple[float, float]:
    """Return how many tasks never run on Spot, and the share of the others that does."""
    strategy = resource.fields.get("capacityProviderStrategy")
    if not isinstance(strategy, Mapping):
        return 0.0, 0.0
    weights = {name: _number(_at(strategy, name, "weight")) for name in strategy}
    whole = sum(weights.values())
    return _number(_at(strategy, "FARGATE", "base")), weights.get("FARGATE_SPOT", 0.0) / whole if whole else 0.0


def _database(resource: Resource, everything: _All) -> Iterator[CostLine]:  # noqa: ARG001
    name, copies = str(resource.fields.get("DBInstanceClass")), 2 if resource.fields.get("MultiAZ") else 1
    if name not in DATABASE:
        yield _unpriced(resource, f"no price in the table for {name}")
        return
    storage, limit = (_number(resource.fields.get(key)) for key in ("AllocatedStorage", "MaxAllocatedStorage"))
    where = " in two zones" if copies == 2 else ""
    least, most = (copies * (DATABASE[name] * HOURS + size * DATABASE_GB) for size in (storage, max(storage, limit)))
    yield CostLine(
        address=resource.address,
        what=f"PostgreSQL on {name}{where}, {storage:.0f} GB",
        usd=least,
        usd_most=most,
        by_use="0.095 a GB and month of backups beyond its own size",
        assumption=f"the most: its storage grows to {limit:.0f} GB" if limit > storage else "",
    )


def _load_balancer(resource: Resource, everything: _All) -> Iterator[CostLine]:  # noqa: ARG001
    zones = len(_keys(resource.fields.get("Subnets")))
    by_use = "0.008 an LCU-hour: traffic, connections, rules"
    what = f"load balancer with {zones} public addresses"
    yield _fixed(resource, what, LOAD_BALANCER + zones * PUBLIC_ADDRESS, by_use)


def _nat_gateway(resource: Resource, everything: _All) -> Iterator[CostLine]:  # noqa: ARG001
    yield _fixed(resource, "NAT gateway", NAT_GATEWAY, "0.045 a GB through it")


def _elastic_ip(resource: Resource, everything: _All) -> Iterator[CostLine]:  # noqa: ARG001
    yield _fixed(resource, "public address", PUBLIC_ADDRESS)


def _vpc_endpoint(resource: Resource, everything: _All) -> Iterator[CostLine]:  # noqa: ARG001
    zones = len(_keys(resource.fields.get("SubnetIds")))
    if resource.fields.get("VpcEndpointType") != "Gateway":
        yield _fixed(resource, f"endpoint in {zones} zones", zones * ENDPOINT_ZONE, "0.01 a GB through it")


def _secret(resource: Resource, everything: _All) -> Iterator[CostLine]:  # noqa: ARG001
    yield _fixed(resource, "secret", SECRET / HOURS, "0.05 for 10,000 reads")


def _namespace(resource: Resource, everything: _All) -> Iterator[CostLine]:  # noqa: ARG001
    yield _fixed(resource, "private hosted zone", HOSTED_ZONE / HOURS, "0.40 for a million queries")


#: Kinds with a price of their own.
PRICED: Final[Mapping[str, Callable[[Resource, _All], Iterator[CostLine]]]] = {
    "database": _database,
    "elastic_ip": _elastic_ip,
    "load_balancer": _load_balancer,
    "namespace": _namespace,
    "nat_gateway": _nat_gateway,
    "secret": _secret,
    "service": _service,
    "vpc_endpoint": _vpc_endpoint,
}


def _at(value: Value, *path: str) -> Value:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _keys(value: Value) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, Mapping) else ()


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float | str) else 0.0
