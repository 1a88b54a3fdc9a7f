"""The pinned versions of all images that obskit did not build: data, with where it was read and when.

A stack file may name another tag, or a whole other reference, with a service's ``image``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from obskit.deploy.image_names import DEFAULT_HOST, located


@dataclass(frozen=True, slots=True)
class PinnedImage:
    """One image.

    Attributes:
        repository: With its registry.
        tag: The pinned version.
        released: When that was published, ``YYYY-MM-DD``; "" where the source does not say.
        source: Where the version was read.
    """

    repository: str
    tag: str
    released: str
    source: str

    @property
    def reference(self) -> str:
        """``repository:tag``."""
        return f"{self.repository}:{self.tag}"


#: All of them are published for X86_64 and ARM64. Docker Hub bounds how often an address may pull without an
#: account; Grafana's programs are published nowhere else.
IMAGES: Final[Mapping[str, PinnedImage]] = {
    "prometheus": PinnedImage(
        "quay.io/prometheus/prometheus",
        "v3.14.0",
        "2026-08-17",
        "https://github.com/prometheus/prometheus/blob/main/CHANGELOG.md",
    ),
    "alertmanager": PinnedImage(
        "quay.io/prometheus/alertmanager",
        "v0.34.0",
        "2026-08-16",
        "https://github.com/prometheus/alertmanager/blob/main/CHANGELOG.md",
    ),
    "node-exporter": PinnedImage(
        "quay.io/prometheus/node-exporter",
        "v1.12.1",
        "2026-07-14",
        "https://github.com/prometheus/node_exporter/blob/master/CHANGELOG.md",
    ),
    "ecs-exporter": PinnedImage(
        "quay.io/prometheuscommunity/ecs-exporter",
        "v0.4.0",
        "2025-03-19",
        "https://github.com/prometheus-community/ecs_exporter/blob/main/CHANGELOG.md",
    ),
    "grafana": PinnedImage("docker.io/grafana/grafana", "13.1.0", "", "https://github.com/grafana/grafana/releases"),
    "loki": PinnedImage("docker.io/grafana/loki", "3.7.6", "2026-08-05", "https://github.com/grafana/loki/releases"),
    "alloy": PinnedImage(
        "docker.io/grafana/alloy", "v1.18.0", "2026-07-17", "https://github.com/grafana/alloy/blob/main/CHANGELOG.md"
    ),
    "router": PinnedImage(
        "public.ecr.aws/aws-observability/aws-for-fluent-bit",
        "3.4.14",
        "2026-08-21",
        "https://github.com/aws/aws-for-fluent-bit/releases/tag/v3.4.14",
    ),
    "aws-cli": PinnedImage(
        "public.ecr.aws/aws-cli/aws-cli", "2.36.5", "2026-07-21", "https://github.com/aws/aws-cli/tree/v2"
    ),
    "postgres": PinnedImage(
        "public.ecr.aws/docker/library/postgres",
        "17.9-alpine",
        "2026-02-26",
        "https://www.postgresql.org/docs/release/",
    ),
}


def reference(name: str, asked: str = "") -> str:
    """Return the whole reference of an image.

    Args:
        name: Its key in `IMAGES`.
        asked: What the stack file says: "" for the pinned one, another tag, or a whole reference.
    """
    image = IMAGES[name]
    if not asked:
        return image.reference
    return asked if is_whole(asked) else f"{image.repository}:{asked}"


#: Registry -> where it is below ``registry`` of the stack file: AWS's proposals for ECR's pull-through caches.
CACHES: Final[Mapping[str, str]] = {"quay.io": "quay", DEFAULT_HOST: "docker-hub", "public.ecr.aws": "ecr-public"}
_CACHED: Final = re.compile(rf"[^/]+/(?:.+/)?(?:{'|'.join(CACHES.values())})/")


def fetched_from(image: str, registry: str) -> str:
    """Return the whole reference under which an image is fetched.

    Args:
        image: Whole reference; without a host it is Docker Hub's.
        registry: As the stack file says it; "" for where the image is published.
    """
    if not registry:
        return image
    host, path = located(image)
    return f"{registry.rstrip('/')}/{CACHES[host]}/{path}" if host in CACHES else image


def is_cached(image: str) -> bool:
    """Tell whether an image comes from such a cache, which has it once somebody has fetched it."""
    return bool(_CACHED.match(image))


def is_whole(asked: str) -> bool:
    """Tell whether an image of a stack file is a whole reference, and not a tag alone."""
    return any(mark in asked for mark in "/:@")
