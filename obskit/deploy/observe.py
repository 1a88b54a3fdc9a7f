"""What AWS has of a stack: every kind is asked, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from obskit.deploy.aws import Aws
from obskit.deploy.resource import Kind, Observed, Place, Stack

#: Kinds asked at once. AWS throttles an account's describing calls at some ten a second and service.
WORKERS = 8


def where(aws: Aws) -> Place:
    """Ask AWS who and where we are.

    Raises:
        AwsError: There are no credentials, or no region, or AWS cannot be reached.
    """
    account = str(aws.call("sts", "get_caller_identity")["Account"])
    region = str(aws.client("ec2").meta.region_name)
    answer = aws.call(
        "ec2", "describe_availability_zones", Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}]
    )
    zones = tuple(
        sorted(
            zone["ZoneName"] for zone in answer["AvailabilityZones"] if zone.get("State", "available") == "available"
        )
    )
    return Place(account=account, region=region, partition=partition_of(aws.session, region), zones=zones)


def partition_of(session: Any, region: str) -> str:
    """Return which partition of AWS a region is in, as boto3 knows it; nobody is called.

    Args:
        session: boto3's.
        region: One that is not AWS's (a stand-in may call its regions as it likes) is taken to be in ``aws``.
    """
    from botocore.exceptions import UnknownRegionError

    try:
        return str(session.get_partition_for_region(region))
    except UnknownRegionError:
        return "aws"


def observe(
    aws: Aws,
    stack: Stack,
    kinds: Mapping[str, Kind],
    *,
    workers: int = WORKERS,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Observed, ...]:
    """Return all that a stack has, kind by kind.

    Args:
        aws, stack: Where.
        kinds: By name; those alone are asked.
        workers: How many are asked at once; 1 for one after the other, in order.
        tell: Is told which kind is asked.

    Raises:
        AwsError: One could not be asked. What is not known is not taken for nothing.
    """

    def ask(kind: Kind) -> tuple[Observed, ...]:
        tell(kind.name)
        return tuple(kind.observe(aws, stack))

    if workers == 1:
        return tuple(one for kind in kinds.values() for one in ask(kind))
    with ThreadPoolExecutor(workers, thread_name_prefix="obskit-observe") as pool:
        answers = list(pool.map(ask, kinds.values()))
    return tuple(one for answer in answers for one in answer)
