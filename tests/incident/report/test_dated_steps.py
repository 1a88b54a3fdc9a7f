"""Steps that look back look at the report's window, not at the moment at which somebody reads it."""

import re
import shlex
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from obskit.incident.causes import Cause, all_causes
from obskit.incident.report.dated_steps import dated
from obskit.model import Diagnosis, Step
from obskit.times import moment
from tests.support.diagnosis_example import END, WINDOW, example

#: How a command says how far it looks back from now.
_LOOKS_BACK = re.compile(r"--(since|duration|last|period)\b|\b(ago|yesterday)\b")


def _advising(*commands: str) -> Diagnosis:
    base = example()
    steps = tuple(Step(words="Look", command=command) for command in commands)
    return replace(base, hypotheses=tuple(replace(h, next_steps=steps) for h in base.hypotheses))


def _commands(diagnosis: Diagnosis) -> list[str]:
    return [step.command for h in diagnosis.hypotheses for step in h.next_steps]


@pytest.mark.parametrize(
    ("command", "then"),
    [
        (
            "obskit triage payment --since 30m",
            "obskit triage payment --from 2026-01-31T02:42:00Z --to 2026-01-31T03:12:00Z",
        ),
        (
            'logcli query \'{service="shop"} |= "--since 1h"\' --since 30m --limit 50',
            'logcli query \'{service="shop"} |= "--since 1h"\' --from 2026-01-31T02:42:00Z --to 2026-01-31T03:12:00Z'
            " --limit 50",
        ),
        (
            "aws rds describe-events --source-type db-instance --duration 60",
            "aws rds describe-events --source-type db-instance"
            " --start-time 2026-01-31T01:57:30Z --end-time 2026-01-31T03:27:00Z",
        ),
        ('psql -c "select now() - state_change as since"', 'psql -c "select now() - state_change as since"'),
        ("", ""),
    ],
)
def test_a_recordings_steps_name_its_window(command: str, then: str) -> None:
    """The day after, half an hour before now is not the incident; what is said within quotes is not touched."""
    assert {then} == set(_commands(dated(_advising(command), now=None)))


@pytest.mark.parametrize(
    ("onset", "minutes", "start"),
    [(END, 60, "02:12:00Z"), (WINDOW.start, 60, "01:42:00Z"), (END, 5, "02:42:00Z"), (None, 60, "01:42:00Z")],
)
def test_what_aws_tells_is_asked_from_before_the_onset(onset: datetime | None, minutes: int, start: str) -> None:
    """A failover comes before what it breaks, and is told late; as long as the step says, and all of the window."""
    told = dated(replace(_advising(f"aws rds describe-events --duration {minutes}"), onset=onset), now=None)

    assert {f"aws rds describe-events --start-time 2026-01-31T{start} --end-time 2026-01-31T03:27:00Z"} == set(
        _commands(told)
    )


def test_how_long_aws_keeps_its_events_is_said() -> None:
    """An empty answer to an old question does not mean that nothing happened."""
    told = dated(_advising("aws rds describe-events --duration 60", "obskit triage payment --since 30m"), now=None)

    assert [step.words for step in told.hypotheses[0].next_steps] == ["Look (AWS keeps its events for 14 days)", "Look"]


def test_what_ends_now_may_say_so() -> None:
    """At night the last half hour is the incident, and its end moves on; what ended earlier has its own times."""
    live = _advising("obskit triage payment --since 30m")

    assert dated(live, now=END) is live
    assert "--since" not in "".join(_commands(dated(live, now=END + timedelta(minutes=5))))


def test_no_step_of_any_cause_looks_back_from_a_recordings_reader() -> None:
    """Whoever writes a step with another way to say "until now" adds it to the table."""
    commands = [step.command for cause in all_causes() for step in _steps(cause)]
    known = [command for command in commands if _LOOKS_BACK.search(_unquoted(command))]
    told = _commands(dated(_advising(*commands), now=None))

    assert len(known) >= 4
    assert [command for command in told if _LOOKS_BACK.search(_unquoted(command))] == []


def test_obskit_takes_the_times_that_it_advises() -> None:
    """They are the window's to the second."""
    words = shlex.split(_commands(dated(_advising("obskit triage payment --since 30m"), now=None))[0])
    begin, end = (words[words.index(flag) + 1] for flag in ("--from", "--to"))

    assert (moment(begin, now=END), moment(end, now=END)) == (WINDOW.start, WINDOW.end)


def _steps(cause: Cause) -> tuple[Step, ...]:
    return (*cause.next_steps, *(step for steps in cause.first_steps.values() for step in steps))


def _unquoted(command: str) -> str:
    return re.sub(r"""'[^']*'|"(?:\\.|[^"\\])*\"""", "", command)
