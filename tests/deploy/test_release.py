"""Releases and rollbacks in the simulated Fargate: what ends well, what does not, and what serves then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.release import RELEASE_TAG, release, rollback
from obskit.errors import UsageError
from tests.standins.fargate import Outcome, exits, pull_fails, runs_out_of_memory, unhealthy
from tests.support.standing import REPOSITORY, SERVICE, Standing, standing

BAD = [
    pytest.param(exits(1), "EssentialContainerExited", id="it crashes at its start"),
    pytest.param(runs_out_of_memory(), "EssentialContainerExited", id="it is killed for memory"),
    pytest.param(pull_fails(), "TaskFailedToStart", id="it cannot be pulled"),
    pytest.param(unhealthy(), "ServiceSchedulerInitiated", id="it never passes a health check"),
]


@pytest.fixture
def shop() -> Iterator[Standing]:
    """Yield a stack that stands."""
    with standing() as found:
        yield found


def bring(shop: Standing, image: str = "2.0.0", **changes: Any) -> Any:
    """Release an image."""
    return release(shop.aws, shop.stack, SERVICE, image, shop.ask(**changes))


def back(shop: Standing, to: int = 0, **changes: Any) -> Any:
    """Roll back."""
    return rollback(shop.aws, shop.stack, SERVICE, shop.ask(**changes), to=to)


def when_seconds_have_passed(shop: Standing, seconds: float, action: Any) -> None:
    """Let somebody else do something while a release is followed."""
    began, sleep = shop.fargate.clock.now, shop.aws.sleep
    done: list[bool] = []

    def slept(for_seconds: float) -> None:
        sleep(for_seconds)
        if not done and shop.fargate.clock.now >= began + seconds:
            done.append(True)
            action()

    shop.aws.sleep = slept


# --------------------------------------------------------------------------- a good image


def test_a_release_has_succeeded_when_its_own_deployment_is_completed(shop: Standing) -> None:
    """The new revision runs the image and serves; what was before is named."""
    done = bring(shop)

    assert done.good
    assert done.followed.outcome == "completed"
    assert (done.before, done.after, done.serving) == ("shop-demo-app:1", "shop-demo-app:2", "shop-demo-app:2")
    assert shop.image(shop.revision) == done.image == f"{REPOSITORY}:2.0.0"
    assert shop.row["deployments"][0]["id"] == done.followed.deployment


def test_a_release_changes_the_image_of_the_program_and_nothing_else(shop: Standing) -> None:
    """Every other field of the definition and every tag is as before; the commit is the new one."""
    before = shop.definition(shop.revision)

    bring(shop, commit="fedcba9")

    after = shop.definition(shop.revision)
    for told in ("taskDefinitionArn", "revision", "registeredAt"):
        del before[told], after[told]
    tags_before, tags_after = before.pop("tags"), after.pop("tags")
    programs = [next(c for c in one["containerDefinitions"] if c["name"] == "app") for one in (before, after)]
    assert [p.pop("image") for p in programs] == [f"{REPOSITORY}:1.0.0", f"{REPOSITORY}:2.0.0"]
    assert after == before
    assert tags_after == tags_before | {"commit": "fedcba9", RELEASE_TAG: "completed"}


def test_an_image_that_nobody_has_pushed_is_refused_before_anything_is_deployed(shop: Standing) -> None:
    """A mistyped tag shall not cost a failed deployment."""
    shop.fargate.unpushed.add(f"{REPOSITORY.partition('/')[2]}:2.0.0")
    before = shop.revision

    with pytest.raises(DeployError, match="has not been pushed yet"):
        bring(shop)
    assert shop.revision == before
    assert len(shop.row["deployments"]) == 1


def test_the_same_image_again_is_nothing_to_do(shop: Standing) -> None:
    """No revision is registered, the service is not touched, and that is success."""
    shop.aws.calls.clear()
    done = bring(shop, "1.0.0")

    assert done.good
    assert done.followed is None
    assert (done.serving, done.after) == ("shop-demo-app:1", "")
    assert set(shop.aws.calls) == {"ecs:DescribeServices", "ecs:DescribeTaskDefinition"}


def test_a_release_that_was_interrupted_is_followed_to_its_end_by_the_next(shop: Standing) -> None:
    """Ctrl-C leaves AWS going on; the same command again registers nothing, and judges that same deployment."""
    when_seconds_have_passed(shop, 4, lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bring(shop)
    going = shop.row["deployments"][0]["id"]

    done = bring(shop)

    assert any("AWS goes on with deployment" in words and going in words for words in shop.told)
    assert (done.followed.outcome, done.followed.deployment) == ("completed", going)
    assert (done.before, done.serving) == ("shop-demo-app:1", "shop-demo-app:2")
    assert shop.revision == "shop-demo-app:2"


def test_an_interrupted_release_of_a_bad_image_is_found_bad_by_the_next(shop: Standing) -> None:
    """Who follows somebody else's half of a release sees the same rollback."""
    shop.fargate.images["shop/demo-app:2.0.0"] = exits(1)
    when_seconds_have_passed(shop, 4, lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bring(shop)

    done = bring(shop)

    assert (done.good, done.followed.outcome, done.serving) == (False, "rolled_back", "shop-demo-app:1")


WRITTEN = {
    "2.0.0": f"{REPOSITORY}:2.0.0",
    f"{REPOSITORY}:3": f"{REPOSITORY}:3",
    f"sha256:{'a' * 64}": f"{REPOSITORY}@sha256:{'a' * 64}",
    "4": f"{REPOSITORY}:4",
    f"{REPOSITORY}:tag@sha256:{'c' * 64}": f"{REPOSITORY}:tag@sha256:{'c' * 64}",
    "5": f"{REPOSITORY}:5",
    f"other/repo@sha256:{'b' * 64}": f"other/repo@sha256:{'b' * 64}",
    "localhost:5000/repo:tag": "localhost:5000/repo:tag",
    "6": "localhost:5000/repo:6",
    f"sha256:{'d' * 64}": f"localhost:5000/repo@sha256:{'d' * 64}",
}
NONE = ("", "a b", "shop/demo-app", "repo:", "repo@sha256:abc", "-x", "re po:1", "a:b:c", "repo:1\n")


def test_an_image_is_a_tag_a_digest_or_a_whole_reference(shop: Standing) -> None:
    """What is left out is that of the running image, which may itself end in a tag, a digest, or both."""
    shop.ecs("update_service", service=SERVICE, desiredCount=0)  # nothing has to start
    brought = {written: bring(shop, written).image for written in WRITTEN}

    assert brought == WRITTEN
    assert shop.image(shop.revision) == list(WRITTEN.values())[-1]


def test_what_is_no_image_is_refused_before_anything_is_done(shop: Standing) -> None:
    """Nothing was registered."""
    for written in NONE:
        with pytest.raises(UsageError, match="is no image"):
            bring(shop, written)
    assert "ecs:RegisterTaskDefinition" not in shop.aws.calls


# --------------------------------------------------------------------------- a bad image


@pytest.mark.parametrize(("outcome", "code"), BAD)
def test_a_bad_image_that_aws_rolls_back_is_no_success(shop: Standing, outcome: Outcome, code: str) -> None:
    """The service is stable again, but at the revision before; the stopped tasks say why."""
    shop.fargate.images["shop/demo-app:2.0.0"] = outcome

    done = bring(shop)

    assert not done.good
    assert done.followed.outcome == "rolled_back"
    assert "tasks failed to start" in done.followed.reason
    assert done.serving == done.before == shop.revision == "shop-demo-app:1"
    stops = [e for e in done.history.stops if e.deployment == done.followed.deployment]
    assert len(stops) >= 3
    assert code in {e.code for e in stops}
    assert shop.definition("shop-demo-app:2")["tags"][RELEASE_TAG] == "failed"


def test_a_rollback_that_was_over_before_anybody_looked_is_no_success(shop: Standing) -> None:
    """Between two looks the failed deployment vanished and the old one is completed: only ids tell."""
    shop.fargate.images["shop/demo-app:2.0.0"] = pull_fails()
    sleep = shop.aws.sleep
    shop.aws.sleep = lambda _: sleep(300)

    done = bring(shop)

    assert done.followed.outcome == "rolled_back"
    assert "deployment failed" in done.followed.reason
    assert done.serving == "shop-demo-app:1"


def test_where_aws_shall_not_roll_back_we_do(shop: Standing) -> None:
    """The breaker only fails the deployment; the revision before is brought back by a deployment of our own."""
    shop.breaker(enable=True, rollback=False)
    shop.fargate.images["shop/demo-app:2.0.0"] = exits(1)

    done = bring(shop)

    assert done.followed.outcome == "failed"
    assert done.serving == shop.revision == "shop-demo-app:1"
    assert shop.row["deployments"][0]["rolloutState"] == "COMPLETED"
    assert "going back to shop-demo-app:1" in shop.told


def test_a_rollback_that_aws_owes_is_waited_for(shop: Standing) -> None:
    """FAILED is told a moment before the rollback begins: to undo it then would make two deployments of one."""
    shop.fargate.images["shop/demo-app:2.0.0"] = exits(1)
    owed = shop.fargate.world.services["shop:demo-app"]

    def fail_first() -> None:
        owed.deployments[0].state = "FAILED"
        owed.world.timeline.at(15.0, turn)

    def turn() -> None:
        own = owed.deployments[0]
        own.state, own.failures = "IN_PROGRESS", 99
        owed._break(own)

    when_seconds_have_passed(shop, 4, fail_first)

    done = bring(shop)

    assert (done.followed.outcome, done.serving) == ("rolled_back", "shop-demo-app:1")
    assert not any("going back to" in words for words in shop.told)


def test_who_wants_no_undo_is_left_with_the_failed_deployment(shop: Standing) -> None:
    """It is still a failure, and what serves is still told."""
    shop.breaker(enable=True, rollback=False)
    shop.fargate.images["shop/demo-app:2.0.0"] = exits(1)

    done = bring(shop, undo=False)

    assert (done.good, done.serving, shop.revision) == (False, "shop-demo-app:1", "shop-demo-app:2")


@pytest.mark.parametrize("undo", [True, False])
def test_what_does_not_end_within_patience_is_no_success(shop: Standing, undo: bool) -> None:
    """Without a breaker ECS tries for ever; after the patience the revision before is brought back."""
    shop.breaker(enable=False, rollback=False)
    shop.fargate.images["shop/demo-app:2.0.0"] = exits(1)

    done = bring(shop, patience_seconds=120, undo=undo)

    assert (done.good, done.followed.outcome, done.serving) == (False, "unfinished", "shop-demo-app:1")
    assert shop.revision == ("shop-demo-app:1" if undo else "shop-demo-app:2")


@pytest.mark.parametrize("newer", ["3.0.0", "1.0.0"])
def test_what_somebody_else_deployed_meanwhile_is_not_undone(shop: Standing, newer: str) -> None:
    """Ours has failed all the same; theirs stays, be it newer or what was before."""
    theirs = []

    def overtake() -> None:
        if newer == "1.0.0":
            theirs.append(shop.ecs("update_service", service=SERVICE, taskDefinition="shop-demo-app:1"))
        else:
            running = shop.aws.call("ecs", "describe_task_definition", taskDefinition="shop-demo-app:1")
            fields = running["taskDefinition"]
            keys = ("family", "networkMode", "containerDefinitions", "cpu", "memory", "executionRoleArn", "volumes")
            asked = {key: fields[key] for key in keys} | {"requiresCompatibilities": ["FARGATE"]}
            made = shop.aws.call("ecs", "register_task_definition", **asked)["taskDefinition"]["taskDefinitionArn"]
            theirs.append(shop.ecs("update_service", service=SERVICE, taskDefinition=made))

    when_seconds_have_passed(shop, 8, overtake)

    done = bring(shop)

    assert (done.good, done.followed.outcome) == (False, "overtaken")
    assert shop.row["deployments"][0]["id"] == theirs[0]["service"]["deployments"][0]["id"]
    assert "going back" not in " ".join(shop.told)


def test_an_undo_that_aws_refuses_does_not_hide_why_the_release_failed(shop: Standing) -> None:
    """The result with its evidence is returned, and the refusal told."""
    shop.breaker(enable=False, rollback=False)
    shop.fargate.images["shop/demo-app:2.0.0"] = exits(1)
    spoiled = []

    def spoil(params: Any, **_: Any) -> None:
        if params.get("taskDefinition", "").endswith(":1"):
            spoiled.append(params)
            raise AwsError("ecs:UpdateService", "AccessDeniedException", "no")

    shop.aws.client("ecs").meta.events.register("before-parameter-build.ecs.UpdateService", spoil)

    done = bring(shop, patience_seconds=120)

    assert spoiled
    assert (done.followed.outcome, bool(done.history.stops)) == ("unfinished", True)
    assert any("whether shop-demo-app:1 serves again is not known" in words for words in shop.told)


# --------------------------------------------------------------------------- refusals


def test_an_unknown_service_names_those_that_are_there(shop: Standing) -> None:
    """A misspelled name is seen at once."""
    with pytest.raises(UsageError, match="has no service demo-ap") as caught:
        release(shop.aws, shop.stack, "demo-ap", "2", shop.ask())
    assert "demo-app" in caught.value.hint


def test_an_image_that_the_file_says_is_not_released(shop: Standing) -> None:
    """The next apply would undo it."""
    with pytest.raises(UsageError, match="the image of demo-app is the stack file's") as caught:
        bring(shop, of_the_file=frozenset({SERVICE}))
    assert "[applications.demo-app]" in caught.value.hint
    assert "grafana" in shop.ask().of_the_file
    assert "ecs:RegisterTaskDefinition" not in shop.aws.calls


def test_latest_is_no_release(shop: Standing) -> None:
    """As in the file; a digest behind it says what it is."""
    for image in ("latest", f"{REPOSITORY}:latest", "other/repo:latest"):
        with pytest.raises(UsageError, match="another image tomorrow"):
            bring(shop, image)


def test_a_service_that_is_not_the_stacks_is_not_touched(shop: Standing) -> None:
    """Who else put a service into the cluster keeps it as it is."""
    arn = shop.row["serviceArn"]
    shop.aws.call("ecs", "untag_resource", resourceArn=arn, tagKeys=["obskit:stack"])
    shop.aws.calls.clear()

    for attempt in (bring, back):
        with pytest.raises(DeployError, match="not of stack shop"):
            attempt(shop)
    assert set(shop.aws.calls) == {"ecs:DescribeServices"}


# --------------------------------------------------------------------------- rolling back


def test_a_rollback_goes_to_the_last_good_revision_past_failed_ones(shop: Standing) -> None:
    """2 was good, 3 failed, 4 is to be left: 2 it is. Then 2 is left as well: 1."""
    shop.fargate.images["shop/demo-app:bad"] = exits(1)
    bring(shop, "2")
    bring(shop, "bad")
    bring(shop, "4")

    first, second = back(shop), back(shop)

    assert (first.good, first.before, first.serving) == (True, "shop-demo-app:4", "shop-demo-app:2")
    assert (second.good, second.serving) == (True, "shop-demo-app:1")
    assert shop.image(shop.revision) == f"{REPOSITORY}:1.0.0"


def test_what_was_left_once_is_not_gone_back_to(shop: Standing) -> None:
    """A revision that somebody rolled back from completed, too; it was no good nevertheless."""
    bring(shop, "2")
    back(shop)
    bring(shop, "3")

    assert back(shop).serving == "shop-demo-app:1"


def test_a_revision_that_was_registered_and_never_run_is_not_gone_back_to(shop: Standing) -> None:
    """A release that died between registering and deploying leaves a revision that nobody has seen run."""
    real, refuse = shop.aws.client("ecs").meta.events, [True]

    def spoil(**_: Any) -> None:
        if refuse.pop():
            raise AwsError("ecs:UpdateService", "AccessDeniedException", "no")

    real.register("before-parameter-build.ecs.UpdateService", spoil)
    with pytest.raises(AwsError):
        bring(shop, "2")
    real.unregister("before-parameter-build.ecs.UpdateService", spoil)
    bring(shop, "3")

    assert back(shop).serving == "shop-demo-app:1"


def test_a_rollback_to_a_number_goes_there(shop: Standing) -> None:
    """Also forward, and to one that failed once: who names it knows why."""
    bring(shop, "2")
    bring(shop, "3")

    assert back(shop, to=1).serving == "shop-demo-app:1"
    assert back(shop, to=3).serving == "shop-demo-app:3"


def test_an_impossible_rollback_is_refused_with_what_there_is(shop: Standing) -> None:
    """There is but one revision, and it runs; to go there is nothing to do."""
    for to in (7, 0):
        with pytest.raises(UsageError, match="to go back to") as caught:
            back(shop, to=to)
        assert caught.value.where == {"running": "shop-demo-app:1", "there are": "1 (1.0.0, not known)"}
    done = back(shop, to=1)

    assert (done.good, done.followed) == (True, None)
    assert "ecs:UpdateService" not in shop.aws.calls


def test_a_rollback_in_the_middle_of_a_bad_deployment_leaves_it(shop: Standing) -> None:
    """That is when it is needed: nobody waits for the breaker."""
    shop.breaker(enable=False, rollback=False)
    shop.fargate.images["shop/demo-app:2.0.0"] = exits(1)
    bring(shop, patience_seconds=60, undo=False)

    done = back(shop)
    with pytest.raises(UsageError) as caught:
        back(shop, to=9)
    back(shop, to=2, patience_seconds=1)

    assert (done.good, done.before, done.serving) == (True, "shop-demo-app:1", "shop-demo-app:1")
    assert done.image == f"{REPOSITORY}:1.0.0"
    assert caught.value.where["there are"] == "2 (2.0.0, failed), 1 (1.0.0, good)"
    assert "warning: shop-demo-app:2 has failed before" in shop.told


# --------------------------------------------------------------------------- the way there


def test_a_release_only_calls_what_the_workflows_role_may(shop: Standing) -> None:
    """The role of CI is enough, also for a release that fails and is undone."""
    from obskit.deploy.resources import _role_policies
    from obskit.deploy.services import services
    from tests.support.stack import PLACE

    shop.breaker(enable=True, rollback=False)
    shop.aws.calls.clear()
    shop.fargate.images["shop/demo-app:2.0.0"] = exits(1)
    bring(shop)
    back_to_good = bring(shop, "3")

    document: Any = _role_policies.ci(shop.spec, PLACE, services(shop.spec, PLACE))
    statements = document["Statement"]
    rows = statements.values() if isinstance(statements, dict) else statements
    allowed = {a for row in rows for a in ([row["Action"]] if isinstance(row["Action"], str) else row["Action"])}
    assert back_to_good.good
    assert set(shop.aws.calls) - allowed == set()
