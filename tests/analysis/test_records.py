"""Log records and what users suffered as frames: joined to the templates, counted as in the report."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

import obskit
from obskit.incident.impact import impact_of
from obskit.model import Logs, Service, Telemetry, Window, nanoseconds
from tests.support.scenario import WINDOW

#: Shaped like a key of AWS, which obskit takes out of whatever it shows.
SECRET = "AKIA" + "ABCDEFGHIJKLMNOP"
TEXTS = ("service", "task", "level", "template", "id", "signature")


@pytest.fixture(scope="module")
def incident() -> obskit.Incident:
    """The incident that ships with obskit, investigated once."""
    return obskit.demo()


def of_lines(*lines: str) -> obskit.Incident:
    """Return an incident of which nothing was seen but lines, a second apart."""
    count = len(lines)
    begin = nanoseconds(WINDOW.start)
    times = [begin + i * 1_000_000_000 for i in range(count)]
    logs = Logs.of(times, ["shop"] * count, ["t1"] * count, ["error"] * count, lines)
    return obskit.Incident(service=Service(name="shop"), window=WINDOW, telemetry=Telemetry(logs=logs))


def test_records_are_joined_to_templates_by_id_and_by_text(incident: obskit.Incident) -> None:
    """The same words, the same id, and as many records of the window as the template counts."""
    records, templates = incident.records(), incident.templates()
    known = records[["id", "template"]].astype("str").drop_duplicates()
    inside = records[records.index >= incident.window.start]
    counted = inside.groupby(["id", "service"], observed=True)["weight"].sum()
    told = templates.set_index(["id", "service"])["count"]

    assert set(zip(templates["id"], templates["template"], strict=True)) <= set(map(tuple, known.to_numpy()))
    assert told.index.is_unique
    assert told.to_dict() == {key: round(counted.get(key, 0.0)) for key in told.index}


def test_a_record_is_a_line_with_its_trace(incident: obskit.Incident) -> None:
    """Ascending in time, texts as categories, no more records than lines."""
    records, mined = incident.records(), incident.steps.log_report.records

    assert mined is not None
    assert records.index.is_monotonic_increasing
    assert len(records) == len(mined.time_ns) <= len(incident.logs)
    assert {str(records[name].dtype) for name in TEXTS} == {"category"}
    assert records["service"].tolist() == [mined.services[i] for i in mined.service]
    assert records["signature"].tolist() == [mined.signatures[i] for i in mined.template]


def test_a_secret_in_a_line_is_in_no_record() -> None:
    """Telemetry of one's own making may hold one: what is shown is redacted, as in the report."""
    incident = of_lines(*[f"login with {SECRET} failed"] * 3)

    assert SECRET not in " ".join(incident.records()["template"].astype("str"))
    assert incident.records()["id"].unique().tolist() == incident.templates()["id"].tolist()


def test_half_characters_and_long_lines_are_told_as_in_the_templates() -> None:
    """Two texts that read the same after the cut are one category, with an id each."""
    incident = of_lines(r'{"message": "\ud800 broken"}', *(f"{'word ' * 80}{end}" for end in ("first", "second")))
    records = incident.records()

    assert len(records) == 3
    assert set(records["template"].astype("str")) == set(incident.templates()["template"])
    assert records["id"].nunique() == 3


def test_without_lines_there_are_no_records(incident: obskit.Incident) -> None:
    """The columns are there, and their types."""
    empty, full = of_lines().records(), incident.records()

    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns) == [*TEXTS, "weight"]
    assert [str(kind) for kind in empty.dtypes] == [str(kind) for kind in full.dtypes]
    assert empty.attrs == full.attrs


def test_impact_is_what_the_postmortem_counts(incident: obskit.Incident) -> None:
    """A row a reading, and requests lost as each side counts them."""
    told = impact_of(incident.diagnosis, incident.metrics)
    frame = incident.impact()

    assert frame["signal"].tolist() == [r.signal for r in told.readings]
    for name in ("before", "during", "lowest", "highest", "measured"):
        assert np.array_equal(frame[name], [getattr(r, name) for r in told.readings], equal_nan=True)
    assert frame["unit"].tolist() == [r.unit for r in told.readings]
    assert {where: one["failed"] for where, one in frame.attrs["lost"].items()} == {
        where: one.failed for where, one in told.lost.items() if one
    }
    assert Window(start=frame.attrs["start"], end=frame.attrs["end"]).duration == told.stretch.duration
    assert frame.attrs["over"] == told.over


def test_what_nobody_measured_is_no_loss_of_zero(incident: obskit.Incident) -> None:
    """NaN, a share of zero that was measured, and no count of requests at all."""
    frame = incident.without("metrics").impact()

    assert frame[["before", "during", "lowest", "highest"]].isna().all(axis=None)
    assert (frame["measured"] == 0).all()
    assert frame.attrs["lost"] == {}
    assert frame.attrs["end"] - frame.attrs["start"] > timedelta(0)
