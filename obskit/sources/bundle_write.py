"""Writes a `Telemetry` as a bundle; `obskit.sources.bundle` says how one is laid out."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obskit.errors import BundleError
from obskit.files import whole_file
from obskit.model import Event, Logs, Metrics, Series, Service, Telemetry, Window, nanoseconds
from obskit.redact import redacted
from obskit.sources.bundle_layout import (
    ABSENT,
    FORMAT,
    KEY,
    MAX_FILE_BYTES,
    MAX_ROWS,
    SCHEMA,
    TEXTS,
)


def write_bundle(path: Path, telemetry: Telemetry, *, service: Service, window: Window, made_by: str) -> None:
    """Write a redacted recording; a reader sees the old file or the whole new one.

    Equal input gives equal bytes.

    Args:
        path: The file; one that exists is replaced.
        telemetry: What was seen. Log lines, events' messages and details and gaps' reasons
            are redacted on the way.
        service, window: Whom and which time it is about.
        made_by: ``obskit 1.2.3``.

    Raises:
        BundleError: The place cannot be written, or the recording is larger than what
            `read_bundle` accepts.
    """
    _require_place(path)
    tables = _tables(redacted(telemetry), service, window, made_by)
    rows = sum(table.num_rows for table in tables)
    if rows > MAX_ROWS:
        raise BundleError(f"the recording would have {rows} rows, more than {MAX_ROWS}", hint="narrow the window")
    try:
        _write_whole(path, tables)
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error


def _require_place(path: Path) -> None:
    """Refuse what no recording can be written to, before anything is put together.

    Raises:
        BundleError: It is a folder, or no name that a file can have.
    """
    try:
        os.lstat(path)
        folder = path.is_dir()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error
    except ValueError as error:  # a zero byte, half a character
        raise BundleError(f"{str(path)[:80]!r} is no name of a file", hint="for example incident.obskit") from error
    if folder:
        raise BundleError(f"{path} is a folder", hint="name a file, for example incident.obskit")


def _not_written(path: Path, why: str) -> BundleError:
    return BundleError(f"{path} cannot be written: {why}", hint="name a file in a folder that you can write to")


def _write_whole(path: Path, tables: Sequence[pa.Table]) -> None:
    with whole_file(path) as file:
        with pq.ParquetWriter(
            file,
            SCHEMA,
            compression="zstd",
            compression_level=9,
            use_dictionary=True,
            write_statistics=False,
            store_schema=False,
            write_page_checksum=True,
        ) as writer:
            writer.add_key_value_metadata({KEY: json.dumps({"format": FORMAT}).encode()})
            for table in tables:
                writer.write_table(table, row_group_size=max(table.num_rows, 1))
        size = file.tell()
        if size > MAX_FILE_BYTES:
            raise BundleError(
                f"the recording would take {size} bytes, more than {MAX_FILE_BYTES}", hint="narrow the window"
            )


def _tables(telemetry: Telemetry, service: Service, window: Window, made_by: str) -> list[pa.Table]:
    manifest = {
        "format": FORMAT,
        "made_by": made_by,
        "service": {"name": service.name, "cluster": service.cluster, "depends_on": list(service.depends_on)},
        "window": {
            "start": window.start.isoformat(),
            "end": window.end.isoformat(),
            "step_seconds": window.step.total_seconds(),
        },
    }
    entries = {name: json.dumps(value, ensure_ascii=False, sort_keys=True) for name, value in manifest.items()}
    metrics, series, gaps = telemetry.metrics, telemetry.metrics.series, telemetry.gaps
    facts = sorted(telemetry.facts.items())
    return [
        _table("manifest", len(entries), name=_texts(list(entries)), text=_texts(list(entries.values()))),
        _table("grid", len(metrics.times), time_ns=_time_ns(metrics)),
        _table("series", len(series), **_columns_of(series), series=np.arange(len(series), dtype=np.int32)),
        _metrics_table(metrics),
        _logs_table(telemetry.logs),
        _events_table(telemetry.events),
        _table(
            "gaps",
            len(gaps),
            name=_texts([g.source for g in gaps]),
            query=_texts([g.query for g in gaps]),
            text=_texts([g.reason for g in gaps]),
            code=_texts(["partial" if g.partial else "" for g in gaps]),
        ),
        _table("facts", len(facts), name=_texts([k for k, _ in facts]), text=_texts([v for _, v in facts])),
    ]


def _time_ns(metrics: Metrics) -> np.ndarray[Any, np.dtype[np.int64]]:
    return metrics.times.astype("datetime64[ns]").astype(np.int64)


def _columns_of(series: Sequence[Series]) -> dict[str, pa.Array]:
    return {
        "name": _texts([s.signal for s in series]),
        "service": _texts([s.service for s in series]),
        "task": _texts([s.task for s in series]),
        "labels": _texts([_as_json(s.labels) for s in series]),
        "unit": _texts([s.unit for s in series]),
        "query": _texts([s.query for s in series]),
    }


def _metrics_table(metrics: Metrics) -> pa.Table:
    """Lay the matrix out series by series, each with all of its points."""
    points, columns = metrics.values.shape
    number = np.repeat(np.arange(columns, dtype=np.int32), points)
    at = pa.array(number)
    spread = {
        name: pa.DictionaryArray.from_arrays(column.indices.take(at), column.dictionary)
        for name, column in _columns_of(metrics.series).items()
        if name != "query"
    }
    return _table(
        "metrics",
        points * columns,
        time_ns=np.tile(_time_ns(metrics), columns),
        series=number,
        value=np.ascontiguousarray(metrics.values.T).reshape(-1),
        **spread,
    )


def _logs_table(logs: Logs) -> pa.Table:
    table = logs.table
    texts = {name: _dictionary(table.column(name)) for name in ("service", "task", "level")}
    return _table(
        "logs",
        len(logs),
        time_ns=table.column("time_ns"),
        weight=table.column("weight"),
        text=_dictionary(table.column("line")),
        **texts,
    )


def _events_table(events: Sequence[Event]) -> pa.Table:
    return _table(
        "events",
        len(events),
        time_ns=np.array([nanoseconds(e.time) for e in events], np.int64),
        name=_texts([e.kind for e in events]),
        service=_texts([e.service for e in events]),
        task=_texts([e.task for e in events]),
        text=_texts([e.message for e in events]),
        code=_texts([e.code for e in events]),
        revision=_texts([e.revision for e in events]),
        deployment=_texts([e.deployment for e in events]),
        labels=_texts([_as_json(e.details) for e in events]),
    )


def _table(pillar: str, rows: int, **columns: Any) -> pa.Table:
    """Return the rows of one pillar; what is not given is absent."""
    one = pa.array(np.zeros(rows, np.int32))
    arrays = []
    for field in SCHEMA:
        if field.name in columns:
            column = columns[field.name]
            array = column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column, field.type)
        elif field.name in TEXTS:
            array = pa.DictionaryArray.from_arrays(one, pa.array([pillar if field.name == "pillar" else ""]))
        else:
            array = pa.repeat(pa.scalar(ABSENT[field.name], field.type), rows)
        arrays.append(array.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _texts(values: Sequence[str]) -> pa.DictionaryArray:
    """Encode texts; half characters, which events may hold, become ``?``."""
    try:
        return pa.array(values, pa.string()).dictionary_encode()
    except UnicodeEncodeError:
        return _texts([v.encode("utf-8", "replace").decode() for v in values])


def _dictionary(column: pa.ChunkedArray) -> pa.Array:
    whole = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())
    return whole if pa.types.is_dictionary(whole.type) else whole.cast(pa.string()).dictionary_encode()


def _as_json(labels: Sequence[tuple[str, str]]) -> str:
    # Pairs rather than an object would keep equal names apart, but labels have none, and a
    # DataFrame's reader wants {"path": "/"}.
    return json.dumps(dict(labels), ensure_ascii=False, separators=(",", ":"))
