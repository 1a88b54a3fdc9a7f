"""The cluster and its services: addresses, platform, insights, tags, and who may come in by ECS Exec."""

from __future__ import annotations

from collections.abc import Iterator

from obskit.deploy.resource import Resource
from obskit.deploy.security import Answer, Bad, Check, Everything, Good, Moot, at, holds

_OURS = "this is a defect of obskit: report it"
#: The oldest platform that Security Hub takes for new.
_OLDEST_PLATFORM = (1, 4, 0)


def _platform(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    version = str(resource.fields.get("platformVersion") or "LATEST")
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    fine = version == "LATEST" or numbers >= _OLDEST_PLATFORM
    yield Good() if fine else Bad(f"it runs on Fargate's platform {version}", _OURS)


def _insights(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    fine = at(resource.fields, "settings", "containerInsights") in ("enabled", "enhanced")
    yield Good() if fine else Bad("Container Insights is off", 'set telemetry.insights = "enhanced"')


def _tagged(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    yield Good() if resource.tags else Bad("it bears no tag", _OURS)


def _exec_is_off(everything: Everything) -> bool:
    return not any(one.fields.get("enableExecuteCommand") for one in everything.values() if one.kind == "service")


def _exec_logged(resource: Resource, everything: Everything) -> Iterator[Answer]:
    if _exec_is_off(everything):
        yield Moot("ECS Exec is off in every service")
    elif at(resource.fields, "configuration", "executeCommandConfiguration", "logging") in (None, "NONE"):
        yield Bad("sessions of ECS Exec are not logged", _OURS)
    else:
        yield Good()


def _exec_encrypted(resource: Resource, everything: Everything) -> Iterator[Answer]:
    if _exec_is_off(everything):
        yield Moot("ECS Exec is off in every service")
    elif not at(resource.fields, "configuration", "executeCommandConfiguration", "kmsKeyId"):
        yield Bad("sessions of ECS Exec are not encrypted with a key of the customer", _OURS)
    else:
        yield Good()


CHECKS = (
    Check(
        ids=("ECS.2", "CKV_AWS_333"),
        title="tasks have no public address",
        kinds=("service",),
        judge=holds(
            ("networkConfiguration", "assignPublicIp"), "DISABLED", "its tasks can be reached from the internet", _OURS
        ),
    ),
    Check(
        ids=("ECS.16",),
        title="task sets have no public address",
        kinds=("task_set",),
        judge=holds(("networkConfiguration", "assignPublicIp"), "DISABLED", "it can be reached", _OURS),
    ),
    Check(
        ids=("ECS.19",),
        title="capacity providers of EC2 protect instances from termination",
        kinds=("capacity_provider",),
        judge=holds(("managedTerminationProtection",), "ENABLED", "instances end with their tasks", _OURS),
    ),
    Check(ids=("ECS.10", "CKV_AWS_332"), title="tasks run on a new platform", kinds=("service",), judge=_platform),
    Check(ids=("ECS.12", "CKV_AWS_65"), title="Container Insights is on", kinds=("cluster",), judge=_insights),
    Check(ids=("ECS.13",), title="services are tagged", kinds=("service",), judge=_tagged),
    Check(ids=("ECS.14",), title="clusters are tagged", kinds=("cluster",), judge=_tagged),
    Check(ids=("ECS.15",), title="task definitions are tagged", kinds=("task_definition",), judge=_tagged),
    Check(ids=("CKV_AWS_223",), title="ECS Exec is logged", kinds=("cluster",), judge=_exec_logged),
    Check(ids=("CKV_AWS_224",), title="ECS Exec is encrypted", kinds=("cluster",), judge=_exec_encrypted),
)
