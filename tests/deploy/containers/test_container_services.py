"""Rules that every service of a stack keeps, whatever it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from obskit.deploy.containers import _images, _router, _targets
from obskit.deploy.resource import Join, Ref, references
from obskit.deploy.services import Container, FargateService, services
from obskit.deploy.spec import Application, StackSpec, Telemetry
from tests.support.stack import PLACE, example_spec

#: Containers that run as root, each for a reason that its module tells, and end before the program starts.
_ROOT_AT_START = {"files", "tmp"}


def _spec() -> StackSpec:
    spec = example_spec(telemetry=Telemetry(workspace=True))
    private = Application(name="payment", image="example.com/payment:2", port=9000, read_only=False)
    caller = replace(spec.applications[0], calls=("payment",))
    return replace(spec, applications=(caller, private))


_SERVICES = services(_spec(), PLACE)
_CONTAINERS = [(s, c) for s in _SERVICES for c in s.containers]
each_service = pytest.mark.parametrize("service", _SERVICES, ids=lambda s: s.name)
each_container = pytest.mark.parametrize(("service", "container"), _CONTAINERS, ids=lambda v: v.name)


def _refs(service: FargateService) -> Iterator[Ref]:
    for container in service.containers:
        for _, text in (*container.environment, *container.secrets):
            yield from references(text)
    yield from references(service.permissions)


def test_every_wanted_service_is_there_once() -> None:
    """In the stack file's order, applications first."""
    assert [s.name for s in _SERVICES] == [
        "demo-app",
        "payment",
        "prometheus",
        "grafana",
        "loki",
        "alloy",
        "node-exporter",
    ]


def test_a_watcher_that_is_not_wanted_is_not_there() -> None:
    """Nor does anybody send it lines or wait for it."""
    spec = replace(_spec(), watchers=())

    found = services(spec, PLACE)

    assert [s.name for s in found] == ["demo-app", "payment"]
    assert all(c.logs == "awslogs" and not c.router for s in found for c in s.containers)


def test_the_same_stack_file_gives_the_same_services() -> None:
    """A plan of what is applied is empty."""
    assert services(_spec(), PLACE) == _SERVICES


@each_container
def test_a_container_runs_as_a_named_user_that_is_not_root(service: FargateService, container: Container) -> None:
    """Security Hub's ECS.20; the router, and what hands out volumes before the start, are known exceptions."""
    assert re.fullmatch(r"\d+(:\d+)?", container.user), f"{service.name} leaves the user to the image"
    root = container.user.partition(":")[0] == "0"
    assert root is (container.router or container.name in _ROOT_AT_START)
    if container.name in _ROOT_AT_START:
        assert not container.essential
        assert (container.name, "SUCCESS") in service.program.after


@each_container
def test_a_container_cannot_write_its_own_files(service: FargateService, container: Container) -> None:
    """Security Hub's ECS.5; the router's configuration is put into its root file system by AWS."""
    assert container.read_only is not (container.router or (service.name == "payment" and container.name == "app"))


@each_container
def test_what_a_container_waits_for_comes_true(service: FargateService, container: Container) -> None:
    """ECS refuses SUCCESS of an essential container and HEALTHY of one without a health check."""
    others = {c.name: c for c in service.containers}
    for name, condition in container.after:
        assert name != container.name
        assert not (condition in ("SUCCESS", "COMPLETE") and others[name].essential)
        assert condition != "HEALTHY" or others[name].probe is not None


@each_container
def test_no_secret_stands_in_the_environment(service: FargateService, container: Container) -> None:
    """Whoever may describe a task definition reads its environment."""
    for name, text in container.environment:
        assert not re.search("PASSWORD|SECRET|TOKEN", name), f"{service.name}: {name}"
        assert not any(ref.address.startswith("secret.") for ref in references(text))
    for _, text in container.secrets:
        assert re.search(r"secret\.|arn:aws:secretsmanager:", str(text))
        assert isinstance(text, str | Join)


@each_container
def test_an_image_is_pinned(service: FargateService, container: Container) -> None:
    """A tag that moves makes tasks of one revision differ."""
    assert re.search(r":[\w.-]+$", container.image)
    assert not container.image.endswith(":latest")
    if container is not service.program:
        assert container.image in {image.reference for image in _images.IMAGES.values()}


@each_service
def test_every_task_tells_of_itself(service: FargateService) -> None:
    """The exporter sees its own task only, so that every task needs one; it does not end the task."""
    (exporter,) = (c for c in service.containers if _targets.EXPORTER_PORT in c.ports)

    assert not exporter.essential
    assert (_targets.EXPORTER_PORT, "/metrics") in service.metrics


@each_service
def test_what_is_reached_listens(service: FargateService) -> None:
    """Ports that others may reach are ports of the task, and callers are services of the stack."""
    listening = {port for c in service.containers for port in c.ports}
    names = {s.name for s in _SERVICES}

    assert service.port in listening
    assert {port for port, _ in service.metrics} <= listening
    for caller, ports in service.callers:
        assert caller in names
        assert set(ports) <= listening
    assert len([p for c in service.containers for p in c.ports]) == len(listening), "containers share a network"


@each_service
def test_files_are_fetched_where_there_are_some(service: FargateService) -> None:
    """And mounted, read-only, by the program."""
    if service.configuration is None:
        assert not any(c.name == "files" for c in service.containers)
        return
    assert any(m.path == "/config" and m.read_only for m in service.program.mounts)
    assert Ref(f"configuration.{service.name}", "prefix") in set(_refs(service))
    assert not any(name.startswith("/") or ".." in name for name in service.configuration)


@each_service
def test_a_volume_that_a_program_writes_to_is_made_its_own(service: FargateService) -> None:
    """Fargate's empty volumes belong to root, and a program that is not root would fail at its start."""
    made = {m.volume for c in service.containers if c.name in _ROOT_AT_START for m in c.mounts}
    written = {m.volume for c in service.containers if c.essential for m in c.mounts if not m.read_only}

    assert written <= made


@each_service
def test_permissions_name_what_they_allow(service: FargateService) -> None:
    """No star for an action; for a resource only where AWS knows no other, and a condition bounds it."""
    sids = [statement["Sid"] for statement in service.permissions]
    assert len(sids) == len(set(sids))
    for statement in service.permissions:
        assert statement["Effect"] == "Allow"
        assert isinstance(statement["Action"], tuple)
        assert isinstance(statement["Resource"], tuple)
        assert all("*" not in str(action) for action in statement["Action"])
        if "*" in statement["Resource"]:
            assert "Condition" in statement or statement["Action"] == ("ec2:DescribeNetworkInterfaces",)


def test_the_router_sends_lines_to_alloy_with_the_labels_that_obskit_asks_for() -> None:
    """Fluent Bit's output; the task's id is added by Alloy, who finds it in each line."""
    service = _SERVICES[0]

    options = _router.options(_spec(), service, service.program)

    assert options["Name"] == "loki"
    assert (options["Host"], options["Port"]) == ("alloy.shop.internal", "3100")
    assert options["Labels"] == "service=demo-app, container=app, cluster=shop"
    assert all(isinstance(value, str) for value in options.values()), "ECS takes nothing but text"


def test_the_routers_and_alloy_do_not_write_to_themselves() -> None:
    """A line about a line that could not be sent would be one more that cannot be sent."""
    for service in _SERVICES:
        for container in service.containers:
            assert (container.logs == "firelens") is (container.name == "app")
