"""Tests of the pinned images."""

from __future__ import annotations

import re

import pytest

from obskit.deploy.containers._images import IMAGES, fetched_from, is_cached, is_whole, reference
from obskit.deploy.services import services
from tests.support.stack import PLACE, example_spec


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_an_image_is_pinned_with_its_source(name: str) -> None:
    """What is pulled tomorrow is what was pulled today, and somebody can look up why."""
    image = IMAGES[name]

    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-alpine)?", image.tag), f"{image.tag} is no version"
    assert re.fullmatch(r"(\d{4}-\d{2}-\d{2})?", image.released)
    assert image.source.startswith("https://")
    assert "." in image.repository.partition("/")[0], "the registry is named, not guessed"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", IMAGES["loki"].reference),
        ("3.7.5", "docker.io/grafana/loki:3.7.5"),
        ("registry.example.com/loki:3.7.5", "registry.example.com/loki:3.7.5"),
        ("loki@sha256:00", "loki@sha256:00"),
    ],
)
def test_a_stack_file_may_name_a_tag_or_a_whole_reference(asked: str, expected: str) -> None:
    """A tag alone is one of the pinned repository."""
    assert reference("loki", asked) == expected
    assert is_whole(asked) is (asked == expected)


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("image", "below"),
    [
        ("quay.io/prometheus/prometheus:v3", "quay/prometheus/prometheus:v3"),
        ("docker.io/grafana/loki:3.7.6", "docker-hub/grafana/loki:3.7.6"),
        ("public.ecr.aws/aws-cli/aws-cli:2", "ecr-public/aws-cli/aws-cli:2"),
        ("nginx:1.27", "docker-hub/library/nginx:1.27"),
        ("grafana/loki:3", "docker-hub/grafana/loki:3"),
    ],
)
def test_images_of_others_are_fetched_from_the_registry_of_the_stack_file(image: str, below: str) -> None:
    """Under the names that AWS proposes for pull-through caches; a mirror can have the same."""
    assert fetched_from(image, ECR) == f"{ECR}/{below}"
    assert fetched_from(image, "mirror.example.com/cache/") == f"mirror.example.com/cache/{below}"
    assert is_cached(fetched_from(image, ECR))
    assert fetched_from(image, "") == image


@pytest.mark.parametrize("image", [f"{ECR}/shop/demo-app:1", "ghcr.io/team/app:1", "localhost:5000/app:1"])
def test_images_of_other_registries_stay_where_they_are(image: str) -> None:
    """There is a cache for three registries only."""
    assert fetched_from(image, ECR) == image
    assert not is_cached(image)


def test_every_container_of_a_stack_comes_from_its_registry() -> None:
    """Sidecars and init containers too: a stack without NAT reaches nothing else."""
    images = {c.image for s in services(example_spec(registry=ECR), PLACE) for c in s.containers}

    assert len(images) > len(IMAGES) - 1
    assert [image for image in images if not image.startswith(f"{ECR}/")] == []
