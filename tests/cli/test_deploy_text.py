"""How plans read: values, revisions, notes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from obskit.cli import deploy_text as words
from obskit.deploy.plan import Change, Plan, Step
from obskit.deploy.resource import Observed, Resource, Unknown, Value
from tests.support.stack import example_spec

REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/demo-app"


def changing(kind: str, *changes: Change) -> Plan:
    """Return a plan that changes one resource."""
    one = Observed(kind=kind, name="main", fields={}, attributes={})
    return Plan(steps=(Step(action="change", observed=one, changes=changes),))


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (True, False, "true -> false"),
        ("x", None, '"x" -> nothing'),
        (("a", 1), (), '["a", 1] -> []'),
        ("td:7", Unknown("${task_definition.demo-app.arn}"), '"td:7" -> a new revision'),
        (None, Unknown("${vpc.main.id}"), "nothing -> ${vpc.main.id}"),
    ],
)
def test_values_are_written_as_json(before: Value, after: Value, shown: str) -> None:
    """References stay as they are."""
    assert f"path  {shown}" in words.of_plan(changing("service", Change("path", before, after)), "")


def test_another_major_version_is_noted() -> None:
    """It cannot be taken back; a minor one is nothing to note."""
    major, minor = Change("EngineVersion.Major", "16", "17"), Change("EngineVersion.Minor", "1", "2")

    [note] = words.of_versions(changing("database", major, minor))
    assert note.startswith("database.main: PostgreSQL 16 -> 17: ")
    assert "no way back" in note
    assert list(words.of_versions(changing("database", minor))) == []


def tasks(tag: str) -> Resource:
    """Return a task definition whose image is a release's."""
    fields: dict[str, Value] = {"containers": {"app": {"image": f"{REPOSITORY}:{tag}"}}}
    path = ("containers.app.image",)
    return Resource(kind="task_definition", name="demo-app", fields=fields, left_to_others=path)


def test_an_image_in_the_file_that_does_not_run_is_noted() -> None:
    """Releases own the image; without one in the file there is nothing to say."""
    spec = example_spec()
    one = Observed(kind="task_definition", name="demo-app", fields=tasks("1.3.0").fields, attributes={})
    plan = Plan(steps=(), observed=(one,))

    assert list(words.of_images(spec, plan, (tasks("1.9.0"),))) == [
        "the file's image of demo-app (1.9.0) is not what runs (1.3.0): obskit deploy release demo-app --image 1.9.0"
    ]
    assert list(words.of_images(spec, plan, (tasks("1.3.0"),))) == []
    unset = replace(spec, applications=(replace(spec.applications[0], image=""),))
    assert list(words.of_images(unset, plan, (tasks("latest"),))) == []
