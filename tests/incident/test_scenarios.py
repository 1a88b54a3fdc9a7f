"""Recorded incidents: real processes, real faults, and the answer that is known.

Each folder of ``tests/scenarios`` holds a bundle and its truth. The demo's is the one that ships. Those that end in
``_lab`` were recorded with `obskit lab record`; the others in two laboratories that share no code with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from obskit.asking import demo_bundle
from obskit.incident.causes import all_causes
from obskit.incident.investigate import investigate
from obskit.incident.report import as_html, as_json, as_markdown, as_text
from obskit.model import Diagnosis, Logs, Metrics
from obskit.sources.bundle import Recording, read_bundle

SCENARIOS = Path(__file__).parent.parent / "scenarios"


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened."""

    cause: str
    acceptable: tuple[str, ...]
    culprit: str


def _truth(name: str) -> Truth:
    held = json.loads((SCENARIOS / name / "truth.json").read_text())
    return Truth(held["cause"], tuple(held["acceptable"]), held["culprit"] or "")


@cache
def _recording(name: str) -> Recording:
    path = SCENARIOS / name / "incident.obskit"
    return read_bundle(path if path.exists() else demo_bundle())


@cache
def _diagnosis(name: str) -> Diagnosis:
    recording = _recording(name)
    return investigate(recording.telemetry, service=recording.service, window=recording.window)


NAMES = sorted(path.name for path in SCENARIOS.iterdir())
FAULTS = [name for name in NAMES if _truth(name).cause != "none"]
INNOCENT = [name for name in NAMES if name not in FAULTS]


@pytest.mark.parametrize("name", FAULTS)
def test_the_true_cause_and_culprit_come_first(name: str) -> None:
    """On every recorded incident the first cause is the one that was injected."""
    diagnosis, truth = _diagnosis(name), _truth(name)

    assert diagnosis.hypotheses[0].cause in (truth.cause, *truth.acceptable)
    assert diagnosis.verdict == "cause_found"
    assert diagnosis.culprit.service == truth.culprit


@pytest.mark.parametrize("name", INNOCENT)
def test_the_calm_ones_are_calm(name: str) -> None:
    """Ordinary load has no cause, nor have a batch job or a deployment that break nothing; it says what was checked."""
    diagnosis = _diagnosis(name)

    assert (diagnosis.verdict, diagnosis.hypotheses) == ("calm", ())
    assert len(diagnosis.clean) > 20


# which recording it is does not matter: those of the lab would only take long
@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("_lab")])
def test_the_same_recording_gives_the_same_bytes(name: str) -> None:
    """A postmortem repeats the answer of the night to the byte, in every format."""
    recording = _recording(name)
    again = investigate(recording.telemetry, service=recording.service, window=recording.window)

    for report in (as_json, as_html, as_markdown, as_text):
        assert report.render(again) == report.render(_diagnosis(name))


@pytest.mark.parametrize("name", NAMES)
def test_of_each_task_that_stopped_the_page_says_how(name: str) -> None:
    """A table that says of a killed task that nothing happened to it is worse than none."""
    told = {line.task: line for line in as_html._tasks(_diagnosis(name))[0]}
    seen = _recording(name).window.with_baseline()
    stopped = {
        e.task
        for e in _recording(name).telemetry.events
        if e.kind == "task_stopped" and seen.start <= e.time <= seen.end
    }

    assert [task for task in stopped & set(told) if not told[task].happened] == []
    assert [task for task in stopped & set(told) if told[task].seen.endswith(("the end", "throughout"))] == []
    assert {task for task in stopped if task not in told} == set() or len(told) >= as_html._WITHOUT_SERIES


@pytest.mark.parametrize("name", FAULTS)
def test_probabilities_and_the_unknown_share_sum_to_one(name: str) -> None:
    """Whatever is left out of the list is counted as unknown."""
    diagnosis = _diagnosis(name)

    assert sum(h.probability for h in diagnosis.hypotheses) + diagnosis.unknown_probability == pytest.approx(1)


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_cause_brings_about_is_not_called_clean(name: str) -> None:
    """A report does not say that a symptom was seen and, further down, that it was not."""
    diagnosis = _diagnosis(name)
    titles = {cause.id: cause.title for cause in all_causes()}
    told = {titles[c] for h in diagnosis.hypotheses for c in h.brings_about}

    assert not told & set(diagnosis.clean)


@pytest.mark.parametrize("name", FAULTS)
def test_the_mechanism_behind_a_cause_is_not_called_clean(name: str) -> None:
    """A report does not say that memory leaks and, further down, that no leak was found."""
    diagnosis = _diagnosis(name)
    behind = {h.judgement.reason_cause for h in diagnosis.hypotheses} - {""}

    assert not {diagnosis.cause_titles[cause] for cause in behind} & set(diagnosis.clean)


@pytest.mark.parametrize("name", FAULTS)
def test_no_cause_brings_about_its_own_reason_or_what_it_follows_from(name: str) -> None:
    """A page that lists what leads to what in a circle explains nothing."""
    told = {h.cause: h for h in _diagnosis(name).hypotheses}

    assert not any({h.judgement.reason_cause, h.explained_by} & set(h.brings_about) for h in told.values())
    assert not any(h.cause in told[c].brings_about for h in told.values() for c in h.brings_about if c in told)


@pytest.mark.parametrize("name", FAULTS)
def test_a_found_cause_has_a_beginning_and_names_a_series_of_whom_it_blames(name: str) -> None:
    """When it began is the first question; a series of somebody else beside the culprit misleads."""
    diagnosis = _diagnosis(name)
    whose = diagnosis.culprit.series.partition("{")[2].rstrip("}").partition(",")[0]

    assert diagnosis.onset is not None
    assert whose in ("", diagnosis.culprit.service)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("pillar", ["metrics", "logs", "events"])
def test_without_one_pillar_nothing_false_is_called_found(name: str, pillar: str) -> None:
    """With a pillar lost the answer may be unsure, but no wrong cause is certain."""
    recording, truth = _recording(name), _truth(name)
    telemetry = recording.telemetry
    lost = {
        "metrics": replace(telemetry, metrics=Metrics.empty()),
        "logs": replace(telemetry, logs=Logs.empty()),
        "events": replace(telemetry, events=()),
    }[pillar]
    diagnosis = investigate(lost, service=recording.service, window=recording.window)
    wrong = [h for h in diagnosis.hypotheses if h.cause not in (truth.cause, *truth.acceptable)]

    assert all(h.probability < 0.9 for h in wrong), [(h.cause, h.probability) for h in wrong[:3]]
