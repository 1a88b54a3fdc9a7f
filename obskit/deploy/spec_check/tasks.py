"""What is made of the spec: task definitions that ECS would refuse, and images that nobody could fetch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from obskit.deploy import fargate
from obskit.deploy.image_names import ecr_registry, parsed
from obskit.deploy.resources import _ecs
from obskit.deploy.spec_check._problem import Problem, error, path_of
from obskit.redact import redact

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.services import FargateService
    from obskit.deploy.spec import StackSpec


def check_services(services: Sequence[FargateService], spec: StackSpec, place: Place) -> Iterator[Problem]:
    """Yield what ECS would refuse at registering, and what no task could start with."""
    applications = {a.name for a in spec.applications}
    for service in services:
        key = path_of("applications", service.name) if service.name in applications else service.name
        own = f"containers.{service.program.name}."
        for problem in fargate.problems(_ecs.request(_ecs.definition(service, spec, place))):
            # What the program is started with stands in the file under the same name.
            path = f".{problem.path.removeprefix(own)}" if problem.path.startswith(own) else ""
            where = "" if path or not problem.path else f" at {problem.path}"
            what = f"makes a task definition that ECS refuses{where}, {redact(problem.message)}"
            yield error(f"{key}{path}", None, what, problem.hint)
    if spec.network.nat == "none":
        foreign = sorted({c.image for s in services for c in s.containers if not _is_reached(c.image)})
        if foreign:
            what = f"leaves no way to {', '.join(foreign)}"
            allowed = 'a registry of pull-through caches in ECR, copies of them there, or "one"'
            yield error("network.nat", "none", what, allowed)


def _is_reached(image: str) -> bool:
    """Tell whether VPC endpoints lead to an image: to repositories of ECR, of whatever account."""
    found = parsed(image)
    registry = ecr_registry(found.host)
    return registry is not None and registry.by_endpoint and found.repository != ""
