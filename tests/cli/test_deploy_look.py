"""Transcripts of what only looks: ``obskit deploy status`` and ``verify``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import requests

from tests.standins.fargate import exits
from tests.support.standing import SERVICE, Standing, Typed, minutes_ago, standing, typed

FILE = """name = "shop"
region = "eu-west-1"
domain = "shop.example.com"

[applications.demo-app]
image = "1.0.0"
path = "/*"
"""


@pytest.fixture
def shop() -> Iterator[Standing]:
    """Yield a stack that stands since a while."""
    with standing(began=minutes_ago(25)) as found:
        found.fargate.advance(120)
        yield found


@pytest.fixture
def obskit(
    shop: Standing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Return the command line in an empty folder."""
    return typed(shop, monkeypatch, tmp_path, capsys)


def test_a_stack_that_is_well(obskit: Typed) -> None:
    """Exit 0, a line each."""
    said = obskit("deploy", "status", "--name", "shop")

    assert (said.code, said.err) == (0, "")
    assert "shop" in said.out.splitlines()[0]
    assert "  ok  service.demo-app" in said.out
    assert "2 of 2 tasks run shop-demo-app:1" in said.out
    assert "!!" not in said.out


def test_a_stack_that_is_not_well(obskit: Typed, shop: Standing) -> None:
    """Exit 1, also for machines."""
    shop.breaker(enable=False, rollback=False)
    shop.fargate.images["shop/demo-app:2"] = exits(1)
    obskit("deploy", "release", SERVICE, "--name", "shop", "--image", "2", "--patience", "60", "--no-undo")
    said = obskit("deploy", "status", "--name", "shop")
    body = json.loads(obskit("deploy", "status", "--name", "shop", "--format", "json").out)

    assert said.code == 1
    assert "  !!  service.demo-app" in said.out
    assert body["counts"]["bad"] == 1
    assert next(row["health"] for row in body["rows"] if row["kind"] == "service") == "bad"


def test_a_stack_that_is_not_there(obskit: Typed) -> None:
    """Exit 2, with its name."""
    said = obskit("deploy", "status", "--name", "other")

    assert said.code == 2
    assert "there is no stack other in eu-west-1, account 123456789012" in said.err
    assert "there are: shop" in said.err


def test_what_a_deployment_would_stumble_over(obskit: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Exit 1 with hints beside, 0 where all is good or could only not be seen."""

    def offline(*_: Any, **__: Any) -> Any:
        raise requests.ConnectionError

    def allowed(params: Any, **_: Any) -> Any:
        arns = [value for key, value in params["body"].items() if key.startswith("ResourceArns")]
        rows = [{"EvalResourceName": arn, "EvalDecision": "allowed"} for arn in arns]
        return SimpleNamespace(status_code=200), {"EvaluationResults": rows, "IsTruncated": False}

    session = boto3.Session(region_name="eu-west-1")
    session.events.register("before-call.iam.SimulatePrincipalPolicy", allowed)
    monkeypatch.setattr(boto3, "Session", lambda **_: session)
    monkeypatch.setattr(requests, "get", offline)
    (tmp_path / "stack.toml").write_text(FILE, encoding="utf-8")
    good = obskit("deploy", "verify")
    (tmp_path / "stack.toml").write_text(FILE.replace("example.com", "example.org"), encoding="utf-8")
    bad, machine = obskit("deploy", "verify"), obskit("deploy", "verify", "--format", "json")

    assert good.code == 0
    assert re.search(
        r"^\?\?  image  no registry outside AWS answers from here: \d+ images not seen$", good.out, re.MULTILINE
    )
    assert good.out.count("??  image") == 1
    assert "${" not in good.out
    assert "ok  ports" in good.out
    assert bad.code == machine.code == 1
    assert "!!  zone" in bad.out
    assert "      try: create a public hosted zone" in bad.out
    assert "\n\n" not in bad.err
    rows = json.loads(machine.out)["rows"]
    assert {row["about"] for row in rows if row["state"] == "bad"} == {"shop.example.org", "grafana.shop.example.org"}
