"""An incident in the hand of an analyst: frames, stages, what-ifs, and the way to a file and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import obskit
from obskit.analysis.frames import findings_frame, suspects_frame
from obskit.errors import BundleError, UsageError
from obskit.incident.investigate import investigate
from obskit.model import Logs, Service, Telemetry
from tests.support.command_line import typed
from tests.support.hostile import hostile


@pytest.fixture(scope="module")
def incident() -> obskit.Incident:
    """The incident that ships with obskit, investigated once."""
    return obskit.demo()


def test_the_diagnosis_is_the_one_that_the_command_line_prints(incident: obskit.Incident) -> None:
    """The library has no engine of its own; what it made once it keeps."""
    told = investigate(incident.telemetry, service=incident.service, window=incident.window)
    mine = incident.diagnosis

    assert [(h.cause, h.probability) for h in mine.hypotheses] == [(h.cause, h.probability) for h in told.hypotheses]
    assert (mine.onset, mine.summary) == (told.onset, told.summary)
    assert [(f.onset, f.words) for f in mine.timeline] == [(f.onset, f.words) for f in told.timeline]
    assert incident.diagnosis is mine
    assert incident.steps is incident.steps
    assert obskit.triage(incident) is mine


def test_each_stage_can_be_looked_at(incident: obskit.Incident) -> None:
    """What triage decides with is there: matrix, detection, log report, findings, judgements, ranking."""
    steps = incident.steps

    assert steps.metrics.values.shape[1] == len(steps.detection.score) == len(steps.metrics.series)
    found = {*steps.detection.findings, *steps.log_report.findings, *steps.event_findings}
    assert len(found) > 10
    assert set(steps.evidence.findings) <= found
    assert steps.ranked[0].judgement == steps.judgements["db_pool_exhausted"]
    assert set(steps.judgements) <= {cause.id for cause in steps.causes}


def test_every_time_is_utc_in_nanoseconds_and_every_number_has_a_unit(incident: obskit.Incident) -> None:
    """A frame of one incident can be joined to another's, also an empty one."""
    frames = {
        "hypotheses": incident.hypotheses(),
        "evidence": incident.evidence(),
        "timeline": incident.timeline(),
        "changes": incident.changes(),
        "templates": incident.templates(),
        "events": incident.events_frame(),
        "gaps": incident.gaps_frame(),
    }
    times = [column for frame in frames.values() for _, column in frame.select_dtypes("datetimetz").items()]
    indexes = [frames["timeline"].index, frames["events"].index, incident.metrics.to_frame().index]
    indexes += [incident.records().index, incident.frame().index]

    assert {str(column.dtype) for column in times} == {"datetime64[ns, UTC]"}
    assert {str(index.tz) for index in indexes if isinstance(index, pd.DatetimeIndex)} == {"UTC"}
    assert frames["evidence"].attrs["units"] == {"weight": "nats"}
    assert (frames["timeline"]["unit"] != "").sum() == np.isfinite(frames["timeline"]["after"]).sum()
    units = incident.metrics.to_frame().attrs["units"]
    assert {name: units[name] for name in units} == {s.name: s.unit for s in incident.metrics.series}


def test_frames_without_rows_have_the_same_columns_and_types(incident: obskit.Incident) -> None:
    """A loop over calm and troubled windows does not stumble."""
    blind = obskit.Incident(service=Service(name="x"), window=incident.window, telemetry=Telemetry())

    for name in (
        "hypotheses",
        "evidence",
        "suspects",
        "timeline",
        "changes",
        "templates",
        "events_frame",
        "gaps_frame",
    ):
        empty, full = getattr(blind, name)(), getattr(incident, name)()
        assert len(empty) == 0
        assert list(empty.columns) == list(full.columns)
        assert list(empty.dtypes) == list(full.dtypes)
    for frame in (blind.timeline(), blind.events_frame(), blind.records()):
        assert str(frame.index.dtype) == "datetime64[ns, UTC]"


def test_evidence_is_what_the_diagnosis_argues_with(incident: obskit.Incident) -> None:
    """For and against, with weights that sum to the score; what was not seen weighs nothing."""
    evidence, hypotheses = incident.evidence(), incident.hypotheses()
    sums = evidence.groupby("cause")["weight"].sum()

    assert evidence["cause"].iloc[0] == hypotheses["cause"].iloc[0] == "db_pool_exhausted"
    for cause, score in zip(hypotheses["cause"], hypotheses["evidence"], strict=True):
        assert sums[cause] == pytest.approx(score)
    assert (evidence.loc[evidence["side"] == "for", "weight"] > 0).all()
    assert (evidence.loc[evidence["side"] == "against", "weight"] < 0).all()
    assert (evidence.loc[evidence["side"] == "not seen", "weight"] == 0).all()
    assert set(evidence["side"]) == {"for", "against", "not seen"}


def test_probabilities_of_the_frame_and_the_unknown_share_are_one(incident: obskit.Incident) -> None:
    """As in the report."""
    total = incident.hypotheses()["probability"].sum() + incident.diagnosis.unknown_probability

    assert total == pytest.approx(1)


def test_taking_a_pillar_away_is_a_gap_and_leaves_the_incident_as_it_was(incident: obskit.Incident) -> None:
    """A what-if is a value of its own, and blinds what needs the pillar."""
    less = incident.without("logs", "events")

    assert len(less.logs) == 0
    assert less.events == ()
    assert [gap.source for gap in less.gaps] == ["loki", "ecs"]
    assert len(incident.logs) > 0
    assert less.diagnosis.not_judged
    with pytest.raises(UsageError, match="no pillar 'traces'"):
        incident.without("traces")  # type: ignore[arg-type]


def test_what_was_saved_opens_as_the_same_incident(incident: obskit.Incident, tmp_path: Path) -> None:
    """The same bytes again, and the same answer; a text or a path will do."""
    first = incident.save(str(tmp_path / "one.obskit"))
    again = obskit.open_bundle(first)

    assert again.save(tmp_path / "two.obskit").read_bytes() == first.read_bytes()
    assert again.service == incident.service
    assert again.diagnosis.summary == incident.diagnosis.summary


def test_a_file_that_is_no_bundle_is_an_error_of_obskit(tmp_path: Path) -> None:
    """With what to do, and no traceback of a library."""
    path = tmp_path / "note.txt"
    path.write_text("hello", encoding="utf-8")

    with pytest.raises(BundleError, match=r"damaged, or no recording"):
        obskit.open_bundle(path)


def test_telemetry_of_ones_own_is_triaged_with_its_service_and_window(incident: obskit.Incident) -> None:
    """An incident holds both; what is missing or too much is said."""
    own = replace(incident.telemetry, events=())

    assert obskit.triage(own, incident.service, incident.window).service == incident.service.name
    with pytest.raises(UsageError, match="does not say whom and when"):
        obskit.triage(own, "shop-api")
    with pytest.raises(UsageError, match="holds its service and window"):
        obskit.triage(incident, "shop-api")


@pytest.mark.parametrize(
    ("service", "change", "words"),
    [
        ("shop-apii", {}, "nothing in this telemetry is about a service 'shop-apii'"),
        (
            "shop-api",
            {"start": datetime(2026, 1, 31, tzinfo=UTC), "end": datetime(2026, 1, 31, 1, tzinfo=UTC)},
            "nothing",
        ),
        ("shop-api", {"start": datetime(2026, 11, 24, 19)}, "does not say in which zone"),
        ("shop-api", {"start": datetime(2026, 11, 24, 23, tzinfo=UTC)}, "ends before it begins"),
        ("shop-api", {"start": "end"}, "has no length"),
    ],
)
def test_a_question_that_telemetry_cannot_answer_is_refused(
    incident: obskit.Incident, service: str, change: dict[str, Any], words: str
) -> None:
    """As on the command line: no cause is named of a time or a service that was not seen."""
    window = incident.window
    asked: dict[str, Any] = {name: window.end if value == "end" else value for name, value in change.items()}
    with pytest.raises(UsageError, match=words) as refused:
        obskit.triage(incident.telemetry, service, replace(window, **asked))
    assert service == "shop-api" or "shop-api" in refused.value.where["near"]


def test_a_file_is_opened_before_it_is_triaged(incident: obskit.Incident) -> None:
    """A path holds its service and window: to ask for them would lead astray."""
    for path in ("kept/incident.obskit", Path("kept/incident.obskit")):
        with pytest.raises(UsageError, match="takes an incident, no file") as error:
            obskit.triage(path)  # type: ignore[arg-type]
        assert "triage(open_bundle('kept/incident.obskit'))" in error.value.hint
    times = (incident.window.start, incident.window.end)
    with pytest.raises(UsageError, match="is no window") as no_window:
        obskit.triage(incident.telemetry, "shop-api", times)  # type: ignore[arg-type]
    assert "Window(start=..., end=...)" in no_window.value.hint
    with pytest.raises(UsageError, match="'7' is no service"):
        obskit.triage(incident.telemetry, 7, incident.window)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="an incident or telemetry, no Metrics"):
        obskit.triage(incident.metrics, "shop-api", incident.window)  # type: ignore[arg-type]


@pytest.mark.parametrize("pillar", ["metrics", "logs", "events"])
def test_one_pillar_is_enough_to_be_triaged(incident: obskit.Incident, pillar: str) -> None:
    """A service that only its events, its lines or its series name is known."""
    left = incident.without(*({"metrics", "logs", "events"} - {pillar})).telemetry  # type: ignore[arg-type]

    assert obskit.triage(left, "shop-api", incident.window).service == "shop-api"


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "", ".", "missing/x.obskit", "\ud800"])
def test_a_place_that_cannot_be_written_is_an_error_of_obskit(
    incident: obskit.Incident, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the name is."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError):
        incident.save(name)
    assert list(tmp_path.iterdir()) == []


def test_lines_have_the_same_types_however_many_there_are(incident: obskit.Incident) -> None:
    """Texts are texts in an empty frame too."""
    empty, full = Logs.empty().to_frame(), incident.logs.to_frame()

    assert list(empty.dtypes) == list(full.dtypes)
    assert empty.index.dtype == full.index.dtype
    assert empty["line"].str.contains("x").sum() == 0
    assert full["line"].tolist() == incident.logs.table.column("line").to_pylist()


def test_all_findings_make_a_frame_like_the_timeline(incident: obskit.Incident) -> None:
    """The timeline is a choice; steps hold the rest."""
    every = findings_frame(incident.steps.evidence.findings)

    assert len(every) >= len(incident.timeline())
    assert list(every.columns) == list(incident.timeline().columns)


def test_suspects_are_told_with_every_reason() -> None:
    """A row a reason, its share beside the score of the service; the shares make the score."""
    suspects = hostile().suspects
    frame = suspects_frame(suspects)

    assert len(frame) == sum(len(one.contributions) for one in suspects) == 2
    assert frame.attrs["units"] == {"score": "nats", "evidence": "nats"}
    assert frame["evidence"].sum() == frame["score"].iloc[0]


def test_a_draft_is_what_the_command_prints_of_the_same_file(
    incident: obskit.Incident, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file's name included, without its folder; what was taken away from a recording is that recording no more."""
    path = incident.save(tmp_path / "night.obskit")
    said = typed(monkeypatch, tmp_path, capsys)("postmortem", path)
    opened = obskit.open_bundle(path)

    assert (said.code, said.err) == (0, "")
    assert opened.postmortem() == said.out
    assert "`night.obskit`" in said.out
    assert opened.recording == "night.obskit"
    assert ".obskit" not in opened.without("logs").postmortem()


def test_an_incident_says_what_it_is_on_one_line(incident: obskit.Incident) -> None:
    """Its repr is for a person: no matrix is printed."""
    assert repr(incident).startswith("<Incident of shop-api, 2026-")
    assert len(repr(incident)) < 160
