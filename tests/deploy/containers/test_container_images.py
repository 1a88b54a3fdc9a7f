"""Tests of the pinned images."""

from __future__ import annotations

import re

import pytest

from obskit.deploy.containers._images import IMAGES, is_whole, reference


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
