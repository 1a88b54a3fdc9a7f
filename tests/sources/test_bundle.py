"""Recordings: what is written comes back, and what is no recording is refused."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obskit.errors import BundleError
from obskit.model import Event, Gap, Logs, Metrics, Series, Service, Telemetry, Window, nanoseconds
from obskit.sources.bundle import Recording, read_bundle, write_bundle

START = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
START_NS = nanoseconds(START)
SERVICE = Service(name="demo-app", cluster="prod", depends_on=("auth", "payment"))
WINDOW = Window(start=START, end=START + timedelta(minutes=30), step=timedelta(seconds=15, microseconds=1))
MADE_BY = "obskit 0.1.0"
ONE = (Series(signal="a", unit="count"),)


def example(points: int = 40, lines: int = 200) -> Telemetry:
    """Return a telemetry with something of everything, and with hostile texts."""
    series = (
        Series(signal="b", unit="ratio", service="demo-app", task="0a" * 16, query='rate(x{a="\\"b"}[1m])'),
        Series(signal="a", unit="seconds", labels=(("z", "ü\n\x00"), ("path", "/<b>"))),
        Series(signal="a", unit="seconds", labels=(("z", "ü\n\x00"), ("path", "/<b>"))),
    )
    values = np.random.default_rng(1).normal(size=(points, 3))
    values[::3, 0] = np.nan
    values[:, 2] = [np.inf, -0.0] * (points // 2)
    times = (START_NS + np.arange(points) * 15_000_000_001).astype("datetime64[ns]")
    numbers = range(lines)
    logs = Logs.of(
        [START_NS + i // 2 for i in numbers],
        ["demo-app"] * lines,
        [f"task{i % 3}" for i in numbers],
        ["", "error"] * (lines // 2),
        [f"line {i}: \x1b[31m'\"<script> ünï \u0000" for i in numbers],
        weight=[1.0 + i / 7 for i in numbers],
    )
    event = Event(
        time=START + timedelta(microseconds=7), kind="task_stopped", service="demo-app", task="t1",
        code="EssentialContainerExited", message="OutOfMemoryError: container killed", revision="demo:7",
        deployment="ecs-svc/1", details=(("exit_code", "137"), ("cpu", "256")),
    )  # fmt: skip
    gaps = (
        Gap(source="loki", query='{app="x"}', reason="504", partial=True),
        Gap(source="ecs", query="events", reason="no"),
    )
    return Telemetry(
        metrics=Metrics(times=times, values=values, series=series),
        logs=logs,
        events=(event, Event(time=START, kind="alert")),
        gaps=gaps,
        facts={"z": "1", "a": "{}"},
    )


def write(path: Path, telemetry: Telemetry, window: Window = WINDOW) -> Path:
    """Write a bundle and return its path."""
    write_bundle(path, telemetry, service=SERVICE, window=window, made_by=MADE_BY)
    return path


def same(one: Telemetry, other: Telemetry) -> None:
    """Assert that two telemetries are equal to the last bit."""
    assert one.metrics.series == other.metrics.series
    assert one.metrics.times.dtype == other.metrics.times.dtype
    assert one.metrics.times.tobytes() == other.metrics.times.tobytes()
    assert one.metrics.values.shape == other.metrics.values.shape
    assert one.metrics.values.tobytes() == other.metrics.values.tobytes()
    assert one.logs.table.equals(other.logs.table)
    assert one.logs.table.schema == other.logs.table.schema
    assert (one.events, one.gaps, dict(one.facts)) == (other.events, other.gaps, dict(other.facts))


def refused(path: Path) -> BundleError:
    """Assert that a file is refused with a sentence and a hint, and return the error."""
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    assert caught.value.hint
    assert "\n" not in caught.value.what
    return caught.value


def test_what_is_written_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    """Metrics with NaN and column order, logs, events, gaps, facts, service and window."""
    telemetry = example()

    recording = read_bundle(write(tmp_path / "a.obskit", telemetry))

    same(telemetry, recording.telemetry)
    assert (recording.service, recording.window) == (SERVICE, WINDOW)
    assert (recording.version, recording.made_by) == (1, MADE_BY)


@pytest.mark.parametrize(
    "metrics",
    [
        Metrics.empty(),
        Metrics(times=np.array([START_NS], "datetime64[ns]"), values=np.empty((1, 0)), series=()),
        Metrics(times=np.empty(0, "datetime64[ns]"), values=np.empty((0, 1)), series=ONE),
        Metrics(times=np.array([START_NS], "datetime64[ns]"), values=np.array([[np.nan]]), series=ONE),
    ],
    ids=["nothing", "a grid without series", "series without points", "no sample"],
)  # fmt: skip
def test_an_empty_share_comes_back_empty(tmp_path: Path, metrics: Metrics) -> None:
    """Shapes survive even where there is nothing in them."""
    telemetry = Telemetry(metrics=metrics)

    same(telemetry, read_bundle(write(tmp_path / "a.obskit", telemetry)).telemetry)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@:=\"'-"), max_size=12)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(st.tuples(st.integers(0, 10**18), TEXT, TEXT), max_size=8),
    labels=st.lists(st.dictionaries(TEXT, TEXT, max_size=3), max_size=3),
    facts=st.dictionaries(TEXT, TEXT, max_size=3),
)
def test_any_texts_come_back(
    lines: list[tuple[int, str, str]], labels: list[dict[str, str]], facts: dict[str, str]
) -> None:
    """No character is lost, whatever a label or a line holds."""
    series = tuple(Series(signal="s", unit="count", labels=tuple(found.items())) for found in labels)
    telemetry = Telemetry(
        metrics=Metrics(times=np.array([5, 9], "datetime64[ns]"), values=np.ones((2, len(series))), series=series),
        logs=Logs.of(
            [t for t, _, _ in lines],
            [s for _, s, _ in lines],
            [""] * len(lines),
            [""] * len(lines),
            [x for *_, x in lines],
        ),
        events=tuple(Event(time=START, kind=k, message=m) for _, k, m in lines),
        facts=facts,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        same(telemetry, read_bundle(write(Path(folder) / "a", telemetry)).telemetry)


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    """A recording can be compared by its hash; facts have no order."""
    telemetry = example()
    turned = replace(telemetry, facts=dict(reversed(list(telemetry.facts.items()))))

    assert write(tmp_path / "a", telemetry).read_bytes() == write(tmp_path / "b", turned).read_bytes()


def test_a_recording_of_a_recording_is_the_same(tmp_path: Path) -> None:
    """Redaction is done once; writing again changes no byte."""
    first = write(tmp_path / "a", example())
    again = write(tmp_path / "b", read_bundle(first).telemetry)

    assert first.read_bytes() == again.read_bytes()


def test_secrets_do_not_reach_the_file(tmp_path: Path) -> None:
    """Lines, events' messages and details, and gaps' reasons are redacted on the way."""
    telemetry = Telemetry(
        logs=Logs.of([START_NS], ["s"], ["t"], ["error"], ["login password=hunter2Xq host=db:5432"]),
        events=(
            Event(time=START, kind="alert", message="token: hunter2Xq", details=(("url", "http://u:hunter2Xq@h/"),)),
        ),
        gaps=(Gap(source="loki", query="x", reason="http://u:hunter2Xq@loki refused"),),
    )

    path = write(tmp_path / "a", telemetry)
    kept = read_bundle(path).telemetry

    assert kept.logs.table.column("line").to_pylist() == ["login password=[password] host=db:5432"]
    assert kept.events[0].message == "token: [token]"
    assert "hunter2Xq" not in pd.read_parquet(path).to_csv()


def test_pandas_alone_reads_it(tmp_path: Path) -> None:
    """One table, no nulls, exact times: an analyst needs nothing of obskit."""
    telemetry = example(points=4, lines=2)

    frame = pd.read_parquet(write(tmp_path / "a", telemetry))
    metrics = frame[frame.pillar == "metrics"].pivot_table(
        index="time_ns", columns="series", values="value", dropna=False
    )

    assert frame.time_ns.dtype == np.int64
    assert frame.drop(columns=["value", "weight"]).notna().all(axis=None)
    assert frame[frame.pillar == "logs"].text.tolist() == telemetry.logs.table.column("line").to_pylist()
    np.testing.assert_array_equal(metrics.to_numpy(), telemetry.metrics.values)


def test_reading_does_not_load_pandas(tmp_path: Path) -> None:
    """Which would take longer than the reading."""
    path = write(tmp_path / "a", example())
    code = (
        "import sys, pathlib; from obskit.sources.bundle import read_bundle;"
        f"read_bundle(pathlib.Path({str(path)!r})); print('pandas' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_half_characters_do_not_stop_a_recording(tmp_path: Path) -> None:
    """JSON may hold half of a surrogate pair; Parquet may not."""
    telemetry = Telemetry(events=(Event(time=START, kind="alert", message="a\ud800b", details=(("k", "\udfff"),)),))

    assert read_bundle(write(tmp_path / "a", telemetry)).telemetry.events[0].message == "a?b"


def test_lines_are_in_order_of_time(tmp_path: Path) -> None:
    """Whoever wrote them, readers may rely on it; ties keep their order."""
    logs = Logs.of([3, 1, 3], ["s"] * 3, [""] * 3, [""] * 3, ["c", "a", "d"])
    mixed = Logs(table=logs.table.take(pa.array([1, 0, 2])))

    lines = read_bundle(write(tmp_path / "a", Telemetry(logs=mixed))).telemetry.logs.table

    assert lines.column("line").to_pylist() == ["a", "c", "d"]
    assert lines.column("time_ns").to_pylist() == [1, 3, 3]


def test_writing_replaces_a_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """The old one stays until the new one is whole."""
    path = tmp_path / "a.obskit"
    path.write_text("old")

    write(path, example())

    assert isinstance(read_bundle(path), Recording)
    assert [p.name for p in tmp_path.iterdir()] == ["a.obskit"]


@pytest.mark.parametrize("place", ["folder", "missing/a.obskit", "file/a.obskit"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, place: str) -> None:
    """A folder, a folder that is not there, a file where a folder should be: one sentence each."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(BundleError) as caught:
        write(tmp_path / place, Telemetry())

    assert caught.value.hint
    assert not list((tmp_path / "folder").iterdir())


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table], **note: Any) -> Path:
    """Write the bundle's table anew as an attacker would, one row group a pillar."""
    table = change(pq.read_table(path))
    pillars = table.column("pillar").to_pylist() if "pillar" in table.schema.names else ["metrics"] * table.num_rows
    with pq.ParquetWriter(path, table.schema, compression="zstd", store_schema=False) as writer:
        writer.add_key_value_metadata({"obskit": json.dumps({"format": 1, **note})})
        start = 0
        for end in range(1, len(pillars) + 1):
            if end == len(pillars) or pillars[end] != pillars[start]:
                writer.write_table(table.slice(start, end - start))
                start = end
    return path


def with_column(
    name: str, change: Callable[[list[Any]], list[Any]], kind: pa.DataType | None = None
) -> Callable[[pa.Table], pa.Table]:
    """Return a change of one column's values."""

    def apply(table: pa.Table) -> pa.Table:
        at = table.schema.names.index(name)
        values = change(table.column(name).to_pylist())
        return table.set_column(at, name, pa.array(values, kind or table.schema.field(name).type))

    return apply


def test_what_the_attacker_s_writer_leaves_alone_can_be_read(tmp_path: Path) -> None:
    """The refusals below are about the change, not about the way of writing; more columns do no harm."""
    path = rewritten(
        write(tmp_path / "a", example()),
        lambda t: t.append_column("extra", pa.array([[1]] * t.num_rows, pa.list_(pa.int8()))),
    )

    same(example(), read_bundle(path).telemetry)


FOREIGN = {
    "empty": b"",
    "zeros": bytes(100_000),
    "random": np.random.default_rng(7).bytes(100_000),
    "text": b"time,value\n1,2\n",
    "magic only": b"PAR1PAR1",
    "no footer": b"PAR1" + bytes(4) + b"PAR1",
    "huge footer": b"PAR1" + bytes(100) + struct.pack("<I", 0xFFFFFFF0) + b"PAR1",
    "footer beyond the file": b"PAR1" + bytes(100) + struct.pack("<I", 5000) + b"PAR1",
    "random footer": b"PAR1" + np.random.default_rng(8).bytes(5000) + struct.pack("<I", 4000) + b"PAR1",
    "pickle": b"\x80\x04cos\nsystem\n(S'false'\ntR.",
}


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_no_recording_is_refused(tmp_path: Path, body: bytes) -> None:
    """With one sentence, whatever the bytes."""
    path = tmp_path / "a.obskit"
    path.write_bytes(body)

    refused(path)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_half_a_recording_is_refused(tmp_path: Path, share: float) -> None:
    """A copy that was cut off is not half an answer."""
    path = write(tmp_path / "a", example())
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * share)])

    assert "cut off" in str(refused(path))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Neither is a folder a recording."""
    assert "no file" in refused(tmp_path / "a").what
    assert "no file" in refused(tmp_path).what


def test_another_parquet_file_is_refused(tmp_path: Path) -> None:
    """It says that it is one, so that nobody looks for damage."""
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a")

    assert "is a Parquet file, but no recording" in refused(tmp_path / "a").what


def test_a_newer_format_says_so(tmp_path: Path) -> None:
    """The cure is an update, not a new recording."""
    error = refused(rewritten(write(tmp_path / "a", example()), lambda t: t, format=2))

    assert "newer obskit" in error.what
    assert "update" in error.hint


WRONG: dict[str, tuple[Callable[[pa.Table], pa.Table], dict[str, Any]]] = {
    "no version": (lambda t: t, {"format": None}),
    "version true": (lambda t: t, {"format": True}),
    "a column less": (lambda t: t.drop_columns(["value"]), {}),
    "all columns less but one": (lambda t: t.select(["pillar"]), {}),
    "values as texts": (with_column("value", lambda v: [str(x) for x in v], pa.string()), {}),
    "texts as bytes": (with_column("text", lambda v: [x.encode() for x in v], pa.binary()), {}),
    "times as floats": (with_column("time_ns", lambda v: [float(x) for x in v], pa.float64()), {}),
    "times in the past": (with_column("time_ns", lambda v: [x - START_NS - 10**6 for x in v]), {}),
    "times in seconds of the far future": (with_column("time_ns", lambda v: [x and 8 * 10**18 for x in v]), {}),
    "a null": (with_column("text", lambda v: [None, *v[1:]]), {}),
    "an unknown unit": (with_column("unit", lambda v: [x and "parsecs" for x in v]), {}),
    "labels that are no JSON": (with_column("labels", lambda v: [x and "{" for x in v]), {}),
    "labels that are a list": (with_column("labels", lambda v: [x and "[1]" for x in v]), {}),
    "labels of numbers": (with_column("labels", lambda v: [x and '{"a":1}' for x in v]), {}),
    "a label of ten thousand digits": (with_column("labels", lambda v: [x and "1" * 10_000 for x in v]), {}),
    "deep labels": (with_column("labels", lambda v: [x and "[" * 200_000 for x in v]), {}),
    "a manifest of numbers": (with_column("text", lambda v: ["1"] * len(v)), {}),
    "a manifest that is no JSON": (with_column("text", lambda v: ["{"] * len(v)), {}),
    "no manifest": (lambda t: t.filter(pa.compute.not_equal(t["pillar"], "manifest")), {}),
    "no grid": (lambda t: t.filter(pa.compute.not_equal(t["pillar"], "grid")), {}),
    "samples less": (lambda t: t.filter(pa.compute.not_equal(t["series"], 1)), {}),
    "samples in another order": (with_column("series", lambda v: [{0: 1, 1: 0}.get(x, x) for x in v]), {}),
    "pillars mixed": (lambda t: pa.concat_tables([t, t]), {}),
    "an inverted window": (
        with_column("text", lambda v: [x.replace("2026-01-31T03:00", "2027-01-31T03:00") for x in v]), {},
    ),
    "an endless step": (with_column("text", lambda v: [x.replace("15.000001", "1e300") for x in v]), {}),
    "a step of NaN": (with_column("text", lambda v: [x.replace("15.000001", "NaN") for x in v]), {}),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_what_no_recording_holds_is_refused(
    tmp_path: Path, wrong: tuple[Callable[[pa.Table], pa.Table], dict[str, Any]]
) -> None:
    """A file that Arrow reads well may still lie; every lie is found before it becomes a value."""
    change, note = wrong
    path = write(tmp_path / "a", example(points=4, lines=4))

    refused(rewritten(path, change, **note))


def test_a_bomb_of_rows_does_not_go_off(tmp_path: Path) -> None:
    """Fifty-one million equal rows take next to nothing on disk; the limit holds before one is unpacked."""
    path = tmp_path / "a"
    block = pa.table({"time_ns": pa.repeat(pa.scalar(0, pa.int64()), 1_000_000)})
    with pq.ParquetWriter(path, block.schema, compression="zstd", write_statistics=False) as writer:
        writer.add_key_value_metadata({"obskit": '{"format": 1}'})
        for _ in range(51):
            writer.write_table(block)

    error = refused(path)

    assert path.stat().st_size < 1_000_000
    assert "claims 51000000 rows" in str(error)


def test_a_bomb_of_text_does_not_go_off(tmp_path: Path) -> None:
    """A long text that a dictionary repeats ten thousand times is counted before it is spelled out."""
    path = write(tmp_path / "a", example(points=2, lines=2))
    texts = {"pillar": "logs", "text": "A" * 900_000}
    zeros = pa.repeat(pa.scalar(0, pa.int32()), 10_000)

    def repeat(table: pa.Table) -> pa.Table:
        return pa.table(
            {
                field.name: pa.DictionaryArray.from_arrays(zeros, [texts.get(field.name, "")])
                if field.type == pa.string()
                else zeros.cast(field.type)
                for field in table.schema
            }
        )

    error = refused(rewritten(path, repeat))

    assert path.stat().st_size < 1_000_000
    assert "unpacks to more than" in str(error)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bytes_give_a_recording_or_a_refusal(tmp_path: Path, data: st.DataObject) -> None:
    """Damage anywhere never ends in a traceback."""
    path = tmp_path / "a"
    whole = tmp_path / "whole"
    if not whole.exists():
        write(whole, example(points=4, lines=10))
    body = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(body)

    with contextlib.suppress(BundleError):
        assert isinstance(read_bundle(path), Recording)


def test_a_file_beyond_the_size_limit_is_refused_unread(tmp_path: Path) -> None:
    """A sparse file of 600 MiB costs nothing to make and must cost little to refuse."""
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.write(b"PAR1")
        file.seek(600 * 1024 * 1024, io.SEEK_SET)
        file.write(b"PAR1")

    assert "larger than 512 MiB" in refused(path).what
