"""A stack's cluster with the one service that tests of ECS kinds look at, and all that it stands on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from obskit.deploy.aws import Aws
from obskit.deploy.resource import Attributes, Resource, Stack, references
from obskit.deploy.resources import (
    cluster,
    discovery_service,
    namespace,
    security_group,
    service,
    subnet,
    target_group,
    task_definition,
    vpc,
)
from obskit.deploy.resources._tags import as_list
from obskit.deploy.spec import Application, StackSpec
from tests.support.kinds import Known, built
from tests.support.stack import PLACE, example_spec

SERVICE = "demo-app"


def one_service(**changes: Any) -> StackSpec:
    """Return a stack with one public application, without watchers and database.

    Args:
        changes: Attributes of the application that shall be others.
    """
    application = Application(name=SERVICE, image="1.0.0", path="/*", cpu=512, memory=1024, minimum=2, maximum=6)
    return example_spec(applications=(replace(application, **changes),), watchers=(), database=None)


def wanted_task(spec: StackSpec) -> Resource:
    """Return the task definition that a spec wants of the service."""
    return next(r for r in task_definition.KIND.wanted(spec, PLACE) if r.name == SERVICE)


def wanted_service(spec: StackSpec) -> Resource:
    """Return the ECS service that a spec wants."""
    return next(r for r in service.KIND.wanted(spec, PLACE) if r.name == SERVICE)


def made_up(resources: Iterable[Resource]) -> dict[str, Attributes]:
    """Return attributes for all that resources refer to, none of which exists."""
    found: dict[str, dict[str, str]] = {}
    for resource in resources:
        for ref in references(resource.fields):
            value = f"arn:aws:made-up:::{ref.address}" if ref.attribute == "arn" else f"{ref.address}.{ref.attribute}"
            found.setdefault(ref.address, {})[ref.attribute] = value
    return {**found}


def ground(aws: Aws, stack: Stack, spec: StackSpec) -> Known:
    """Create what the service stands on, its task definition included, and return what is known then."""
    known: Known = made_up([wanted_task(spec)])
    network = (vpc.KIND, subnet.KIND, security_group.KIND)
    known = built(
        aws,
        stack,
        spec,
        (*network, namespace.KIND, discovery_service.KIND, target_group.KIND, cluster.KIND, task_definition.KIND),
        known,
    )
    if spec.applications[0].path:
        _listen(aws, stack, known)
    return known


def _listen(aws: Aws, stack: Stack, known: Known) -> None:
    """Have a load balancer forward to the target group: ECS refuses one that nobody forwards to."""
    subnets = [known[f"subnet.private-{number}"]["id"] for number in (1, 2)]
    balancer = aws.call("elbv2", "create_load_balancer", Name=stack.name, Subnets=subnets, Tags=as_list({"a": "b"}))
    aws.call(
        "elbv2",
        "create_listener",
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": known[f"target_group.{SERVICE}"]["arn"]}],
    )
