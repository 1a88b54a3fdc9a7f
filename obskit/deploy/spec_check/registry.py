"""Where images of others are fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from obskit.deploy.image_names import ecr_registry
from obskit.deploy.spec_check._problem import Problem, error, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

_REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?")


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield a registry that is none, and what a stack without a way to the internet needs of it."""
    registry = spec.registry
    if not registry:
        return
    if not _REGISTRY.fullmatch(registry) or "." not in registry.partition("/")[0]:
        form = "host, or host/path, without scheme and tag: 123456789012.dkr.ecr.eu-west-1.amazonaws.com"
        yield error("registry", registry, "is no registry", form)
        return
    found = ecr_registry(registry.partition("/")[0])
    if spec.network.nat != "none" or found is None or not found.by_endpoint:
        return
    region = place.region if place is not None else spec.region
    if region and found.region != region:
        what = "lies in another region, which endpoints do not lead to"
        yield error("registry", registry, what, f"one in {region}")
    else:
        # Amazon ECR user guide, "Considerations for Amazon ECR VPC endpoints".
        what = "fetches no image for the first time through an endpoint"
        yield warning("registry", registry, what, "docker pull each image once from elsewhere, or copy them there")
