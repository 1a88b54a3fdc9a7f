"""Transcripts of releases, rollbacks and what ECS said: stdout, stderr and the exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from obskit.ascode.assemble import DEPLOYMENT_TAG
from obskit.sources.events_file import read_events
from tests.standins.fargate import Outcome, exits, pull_fails, runs_out_of_memory, unhealthy
from tests.standins.grafana import GrafanaStandIn
from tests.support.standing import REPOSITORY, SERVICE, Said, Standing, Typed, minutes_ago, standing, typed

RELEASE = ("deploy", "release", SERVICE, "--name", "shop", "--commit", "abc", "--image")
BAD = [
    pytest.param(exits(1), "Essential container in task exited, exit code 1", "A bad release", id="crash"),
    pytest.param(runs_out_of_memory(), "OutOfMemoryError", "run out of memory and are killed", id="memory"),
    pytest.param(pull_fails(), "CannotPullContainerError", "image cannot be pulled", id="pull"),
    pytest.param(unhealthy(), "failed ELB health checks", "bad release", id="health"),
]


@pytest.fixture
def shop() -> Iterator[Standing]:
    """Yield a stack that stands since a while; EventBridge delivers twice and out of order."""
    with standing(began=minutes_ago(25), duplicate_events=True, shuffle_events=True) as found:
        yield found


@pytest.fixture
def obskit(
    shop: Standing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Return the command line in an empty folder; waiting moves the simulation's clock alone."""
    return typed(shop, monkeypatch, tmp_path, capsys)


def archive(said: Said) -> Path:
    """Return the file that a failed release names."""
    return Path(re.search(r"^  events +(\S+)$", said.out, re.MULTILINE)[1])  # type: ignore[index]


# --------------------------------------------------------------------------- releases


def test_a_good_release(obskit: Typed, shop: Standing) -> None:
    """Exit 0; the result on stdout, progress on stderr, and no file is left behind."""
    said = obskit(*RELEASE, "2")

    assert said.code == 0
    head, tasks = said.out.splitlines()
    assert re.fullmatch(rf"demo-app: deployment of shop-demo-app:2 \({REPOSITORY}:2\) completed after \d+ s", head)
    assert tasks == "  2 of 2 tasks run"
    assert re.search(r"deployment ecs-svc/\d+ of shop-demo-app:2 began\n", said.err)
    assert "0 of 2 new tasks run" in said.err
    assert list(Path().iterdir()) == []
    assert shop.definition("shop-demo-app:2")["tags"]["commit"] == "abc"


def test_the_same_image_again(obskit: Typed) -> None:
    """Exit 0, and said so."""
    said = obskit(*RELEASE, "1.0.0")

    assert (said.code, said.err) == (0, "")
    assert said.out == f"demo-app runs {REPOSITORY}:1.0.0 already (shop-demo-app:1): nothing to do\n"


@pytest.mark.parametrize(("outcome", "reason", "cause"), BAD)
def test_a_release_that_aws_rolled_back(
    obskit: Typed, shop: Standing, outcome: Outcome, reason: str, cause: str
) -> None:
    """Exit 1 although the service is stable; why, what serves, and a file that triage reads again."""
    shop.fargate.images["shop/demo-app:2"] = outcome
    said = obskit(*RELEASE, "2")

    assert said.code == 1
    assert "FAILED and was rolled back by AWS after" in said.out.splitlines()[0]
    assert "  serving    shop-demo-app:1 (the revision before)" in said.out
    assert re.search(r"^  failed     ([2-9]|\d\d) tasks of it in a row, as ECS counts$", said.out, re.MULTILINE)
    assert reason in said.out
    [causes] = re.findall(r"^  cause +(.*)$", said.out, re.MULTILINE)
    assert cause.lower() in causes.lower()
    path = archive(said)
    events = read_events(path)
    once = [(e.task, e.kind) for e in events if e.kind in ("task_running", "task_stopped")]
    assert len(set(once)) == len(once)
    assert [e.time for e in events] == sorted(e.time for e in events)

    look = re.search(r"obskit (triage .*)$", said.out, re.MULTILINE)[1]  # type: ignore[index]
    again = obskit(*look.split())

    assert again.code in (0, 1)
    assert cause.lower() in again.out.lower()


def test_a_failed_release_for_machines(obskit: Typed, shop: Standing, tmp_path: Path) -> None:
    """JSON alone on stdout; the file is where it was wanted."""
    shop.fargate.images["shop/demo-app:2"] = exits(1)
    path = tmp_path / "why it failed.jsonl"
    said = obskit(*RELEASE, "2", "--format", "json", "--archive", path)
    body: dict[str, Any] = json.loads(said.out)

    assert said.code == 1
    assert {key: body[key] for key in ("schema_version", "service", "outcome", "before", "after", "serving")} == {
        "schema_version": 1,
        "service": SERVICE,
        "outcome": "rolled_back",
        "before": "shop-demo-app:1",
        "after": "shop-demo-app:2",
        "serving": "shop-demo-app:1",
    }
    assert body["archive"] == str(path)
    assert path.is_file()
    assert {stop["code"] for stop in body["stops"]} == {"EssentialContainerExited"}
    assert body["causes"][0]["id"] == "bad_deployment"
    assert body["causes"][0]["probability"] > 0.5
    assert body["failed_tasks"] > 0 < len(body["stops"])
    assert body["gaps"] == []


def test_a_file_that_cannot_be_written_does_not_hide_the_failure(obskit: Typed, shop: Standing) -> None:
    """It is said on stderr; the result is as ever."""
    shop.fargate.images["shop/demo-app:2"] = exits(1)
    said = obskit(*RELEASE, "2", "--archive", "missing/folder/events.jsonl")

    assert said.code == 1
    assert "the events could not be kept" in said.err
    assert "FAILED and was rolled back" in said.out
    assert "obskit triage" not in said.out


def test_an_archive_with_a_blank_in_its_name_can_be_pasted(obskit: Typed, shop: Standing) -> None:
    """The command that is proposed is quoted for a shell."""
    shop.fargate.images["shop/demo-app:2"] = exits(1)
    said = obskit(*RELEASE, "2", "--archive", "why it failed.jsonl")

    assert "look again obskit triage demo-app --events 'why it failed.jsonl' --at 20" in said.out


def test_a_release_out_of_patience_without_undo(obskit: Typed, shop: Standing) -> None:
    """Exit 1; what serves is still the revision before, though the service is brought to the new one."""
    shop.breaker(enable=False, rollback=False)
    shop.fargate.images["shop/demo-app:2"] = exits(1)
    said = obskit(*RELEASE, "2", "--patience", "60", "--no-undo")

    assert said.code == 1
    assert "has not ended in time after" in said.out
    assert "  serving    shop-demo-app:1 (the revision before)" in said.out
    assert shop.revision == "shop-demo-app:2"


def test_ctrl_c_leaves_aws_going_on_and_says_so(obskit: Typed, shop: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 130; nothing is undone."""
    looks = []

    def look(**_: Any) -> None:
        looks.append(True)
        if len(looks) == 4:
            raise KeyboardInterrupt

    import boto3

    session = boto3.Session(region_name="eu-west-1")
    session.events.register("before-call.ecs.DescribeServices", look)
    monkeypatch.setattr(boto3, "Session", lambda **_: session)
    said = obskit(*RELEASE, "2")

    assert said.code == 130
    assert re.search(r"no longer followed: AWS goes on with deployment ecs-svc/\d+ of shop-demo-app:2\n", said.err)
    assert said.err.endswith("obskit: stopped\n")
    assert shop.revision == "shop-demo-app:2"


# --------------------------------------------------------------------------- rollbacks


def test_a_rollback(obskit: Typed, shop: Standing) -> None:
    """Exit 0; then to the same again is nothing to do."""
    obskit(*RELEASE, "2")
    said = obskit("deploy", "rollback", SERVICE, "--name", "shop")
    again = obskit("deploy", "rollback", SERVICE, "--name", "shop", "--to", "1")

    assert said.code == 0
    assert f"demo-app: deployment of shop-demo-app:1 ({REPOSITORY}:1.0.0) completed after" in said.out
    assert (again.code, again.out) == (
        0,
        f"demo-app runs {REPOSITORY}:1.0.0 already (shop-demo-app:1): nothing to do\n",
    )
    assert shop.revision == "shop-demo-app:1"


# --------------------------------------------------------------------------- events


def test_what_ecs_said_lately(obskit: Typed, shop: Standing, tmp_path: Path) -> None:
    """A line each, ascending; the file holds the same; what the queue did not show is said."""
    shop.fargate.images["shop/demo-app:2"] = exits(7)
    obskit(*RELEASE, "2")
    path = tmp_path / "events.jsonl"
    said = obskit("deploy", "events", SERVICE, "--name", "shop", "--since", "2h", "--out", path)
    body = json.loads(obskit("deploy", "events", "--name", "shop", "--since", "2h", "--format", "json").out)

    assert said.code == 0
    lines = said.out.splitlines()
    assert [line[:20] for line in lines] == sorted(line[:20] for line in lines)
    assert any(
        re.search(r" task \w{12} \(:2\) task stopped EssentialContainerExited: .*exit code 7", line) for line in lines
    )
    assert any("deployment SERVICE_DEPLOYMENT_FAILED" in line for line in lines)
    assert re.search(rf"^\d+ rows written to {path}\n", said.err)
    assert len(read_events(path)) >= len(lines)
    assert {event["service"] for event in body["events"]} == {SERVICE}
    counted = [int(n) for n in re.findall(r" \((\d+) times\)$", said.out, re.MULTILINE)]
    assert len(body["events"]) == len(lines) - len(counted) + sum(counted)
    assert body["schema_version"] == 1
    assert "arn:aws:elasticloadbalancing" not in said.out


# --------------------------------------------------------------------------- Grafana


def test_grafana_is_told_of_a_release(obskit: Typed, shop: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the tag that every dashboard shows, for a good one and a bad one, and not when nothing was done."""
    shop.fargate.images["shop/demo-app:3"] = exits(1)
    with GrafanaStandIn() as grafana:
        monkeypatch.setenv("OBSKIT_GRAFANA_URL", grafana.url)
        monkeypatch.setenv("OBSKIT_GRAFANA_BEARER_TOKEN", grafana.token)
        for image in ("2", "3", "2"):
            obskit(*RELEASE, image)
        marks = grafana.annotations

    assert [sorted(mark["tags"]) for mark in marks] == [[SERVICE, DEPLOYMENT_TAG]] * 2
    assert [mark["text"] for mark in marks] == [
        f"demo-app: release of {REPOSITORY}:2 completed",
        f"demo-app: release of {REPOSITORY}:3 FAILED and was rolled back by AWS",
    ]
    assert all(mark["time"] <= mark["timeEnd"] for mark in marks)


def test_a_grafana_that_is_down_does_not_fail_a_release(obskit: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and that is all."""
    with GrafanaStandIn() as grafana:
        grafana.down = True
        monkeypatch.setenv("OBSKIT_GRAFANA_URL", grafana.url)
        said = obskit(*RELEASE, "2")

    assert said.code == 0
    assert "Grafana was not told" in said.err
    assert "completed after" in said.out
