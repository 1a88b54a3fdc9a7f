"""Recordings: a `Telemetry` in one Parquet file.

The file is one long table that ``pandas.read_parquet`` reads as it stands. Each pillar is a row
group of its own:

========= ============================== ========================= =====================
pillar    name                           text                      and
========= ============================== ========================= =====================
manifest  service, window, made_by       JSON
grid                                                               time_ns
series    signal id                                                series (its number),
                                                                   unit, service, task,
                                                                   labels (JSON), query
metrics   signal id                                                time_ns, value, series,
                                                                   service, task, labels
logs                                     the line                  time_ns, service, task,
                                                                   level, weight
events    kind                           the message               time_ns, service, task,
                                                                   code, revision,
                                                                   deployment, labels
gaps      source                         the reason                query, code
facts     name                           value
========= ============================== ========================= =====================

Nothing is ever null: a text that a row lacks is "", a number is NaN, a time is 0.

A bundle may come from anywhere, so a reader believes nothing in it. It compares what the footer
claims with its limits, then unpacks one column at a time and counts what really comes: a page
that lies costs itself, and no more.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from obskit.errors import BundleError
from obskit.model import Event, Gap, Labels, Logs, Metrics, Series, Service, Telemetry, Unit, Window, nanoseconds, utc
from obskit.sources.bundle_layout import (
    FORMAT,
    KEY,
    MAX_BYTES,
    MAX_FILE_BYTES,
    MAX_ROWS,
    NUMBERS,
    SCHEMA,
    TEXTS,
)
from obskit.sources.bundle_write import write_bundle

MAX_FOOTER_BYTES = 4 * 1024 * 1024
MAX_ROW_GROUPS = 64
MAX_COLUMNS = 64
_BATCH_ROWS = 1 << 18
#: 2200-01-01: beyond it a time is an error of units.
_LAST_NS = 7_258_118_400 * 1_000_000_000

#: What a reader takes from each pillar; the rest is there for people with a DataFrame.
_TAKEN = {
    "manifest": ("name", "text"),
    "grid": ("time_ns",),
    "series": ("name", "service", "task", "labels", "unit", "query"),
    "metrics": ("time_ns", "series", "value"),
    "logs": ("time_ns", "service", "task", "level", "text", "weight"),
    "events": ("time_ns", "name", "service", "task", "labels", "text", "code", "revision", "deployment"),
    "gaps": ("name", "query", "text", "code"),
    "facts": ("name", "text"),
}


__all__ = ["Recording", "read_bundle", "write_bundle"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """What a bundle holds.

    Attributes:
        service, window: Of the investigation it was made for; the telemetry also covers the
            window's baseline.
        version: The format's version.
        made_by: Which obskit wrote it.
    """

    service: Service
    window: Window
    telemetry: Telemetry
    version: int
    made_by: str


def read_bundle(path: Path) -> Recording:
    """Read a recording that may come from anywhere.

    Nothing inside is executed or followed; sizes are checked before and while it is unpacked.

    Raises:
        BundleError: It is not there, no bundle, damaged, from a newer obskit, or too large.
    """
    with _refused(path):
        body = _body(path)
        _check_ends(body)
        limits = {
            "thrift_string_size_limit": MAX_FOOTER_BYTES,
            "thrift_container_size_limit": MAX_ROW_GROUPS * MAX_COLUMNS,
            "arrow_extensions_enabled": False,
        }
        footer = pq.ParquetFile(pa.BufferReader(body), **limits)
        version = _version(footer, path)
        _check_shape(footer)
        # Texts as dictionaries: otherwise a long one that repeats is spelled out uncounted.
        file = pq.ParquetFile(
            pa.BufferReader(body), read_dictionary=list(TEXTS), page_checksum_verification=True, **limits
        )
        return _recording(_pillars(file), version)


class _Damage(Exception):  # noqa: N818 (never leaves this module)
    """Something that no bundle holds; its text says what."""


@contextlib.contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Turn what a damaged or hostile file causes into one clear sentence."""
    try:
        yield
    except (_Damage, pa.ArrowException, OSError, UnicodeError) as error:
        said = " ".join(str(error).split())
        raise BundleError(
            f"{path} is damaged, or no recording of obskit",
            where={"said": "".join(c if c.isprintable() else "?" for c in said)[:300]},
            hint="make it again with `obskit record`, or copy it again",
        ) from error


def _body(path: Path) -> pa.Buffer:
    """Read the file once, so that nobody changes it between a check and its use."""
    if not path.is_file():
        raise BundleError(f"{path} is no file", hint="name a file that `obskit record` has written")
    try:
        with path.open("rb") as file:
            # Its size first, to be quick; then no more than that much, as it may grow.
            size = os.fstat(file.fileno()).st_size
            body = file.read(MAX_FILE_BYTES + 1) if size <= MAX_FILE_BYTES else b""
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", hint="may you read it?") from error
    if max(size, len(body)) > MAX_FILE_BYTES:
        raise BundleError(f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB", hint="record a shorter window")
    return pa.py_buffer(body)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a plain ValueError
        raise _Damage("a text that should be JSON is none") from error


def _check_ends(body: pa.Buffer) -> None:
    if not (body.size >= 12 and body.slice(0, 4).to_pybytes() == body.slice(body.size - 4).to_pybytes() == b"PAR1"):
        raise _Damage("it does not begin and end as a recording does: empty, cut off, or another kind of file")
    (footer,) = struct.unpack("<I", body.slice(body.size - 8, 4).to_pybytes())
    if footer > min(MAX_FOOTER_BYTES, body.size - 12):
        raise _Damage(f"its footer claims {footer} bytes")


def _version(file: pq.ParquetFile, path: Path) -> int:
    note = (file.metadata.metadata or {}).get(KEY)
    if note is None:
        raise BundleError(f"{path} is a Parquet file, but no recording of obskit", hint="`obskit record` makes one")
    known = _json(note.decode())
    version = known.get("format") if isinstance(known, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _Damage("it does not say which format it has")
    if version > FORMAT:
        raise BundleError(f"{path} was written by a newer obskit (format {version})", hint="update obskit")
    return version


def _check_shape(file: pq.ParquetFile) -> None:
    """Compare what the footer claims with what a bundle may have; reading checks it again."""
    footer = file.metadata
    if footer.num_row_groups > MAX_ROW_GROUPS or footer.num_columns > MAX_COLUMNS:
        raise _Damage(f"it has {footer.num_row_groups} row groups of {footer.num_columns} columns")
    if not 0 <= footer.num_rows <= MAX_ROWS:
        raise _Damage(f"it claims {footer.num_rows} rows, more than {MAX_ROWS}")
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    claimed = sum(max(0, group.total_byte_size) for group in groups)
    if claimed > MAX_BYTES or any(group.num_rows < 0 for group in groups):
        raise _Damage(f"it claims to unpack to {claimed} bytes, more than {MAX_BYTES}")
    if sum(group.num_rows for group in groups) != footer.num_rows:
        raise _Damage("its footer contradicts itself")
    schema = file.schema_arrow
    missing = [name for name in SCHEMA.names if schema.names.count(name) != 1]
    if missing:
        raise _Damage(f"columns are missing or double: {', '.join(missing)}")
    for field in SCHEMA:
        kind = schema.field(field.name).type
        wanted = pa.string() if field.name in TEXTS else field.type
        if kind != wanted:
            raise _Damage(f"column {field.name} holds {str(kind)[:60]}, not {wanted}")


class _Budget:
    """How many bytes may still be unpacked."""

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise _Damage(f"it unpacks to more than {MAX_BYTES} bytes")


def _pillars(file: pq.ParquetFile) -> dict[str, pa.Table]:
    """Read from each row group the columns that its pillar needs."""
    budget = _Budget()
    found: dict[str, pa.Table] = {}
    for group in range(file.metadata.num_row_groups):
        kinds = pc.unique(_column(file, group, "pillar", budget)).to_pylist()
        if not kinds or kinds[0] not in _TAKEN:
            continue  # empty, or of a later obskit
        if len(kinds) > 1 or kinds[0] in found:
            raise _Damage("its row groups are no pillars")
        found[kinds[0]] = pa.table({name: _column(file, group, name, budget) for name in _TAKEN[kinds[0]]})
    if "manifest" not in found:
        raise _Damage("it has no manifest")
    plain = {name: pa.string() for name in TEXTS} | NUMBERS
    # nulls, not an empty list: from a list Arrow would go and look for pandas (a third of a second)
    empty = {p: pa.table({name: pa.nulls(0, plain[name]) for name in names}) for p, names in _TAKEN.items()}
    return empty | found


def _column(file: pq.ParquetFile, group: int, name: str, budget: _Budget) -> pa.Array:
    """Read one column of one row group, texts spelled out."""
    rows = file.metadata.row_group(group).num_rows
    parts: list[pa.Array] = []
    for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=[name], use_threads=False):
        parts.append(_spelled(batch.column(0), budget))
        rows -= len(parts[-1])
        if rows < 0:
            break
    if rows:
        raise _Damage(f"column {name} has another number of rows than the footer claims")
    return pa.concat_arrays(parts) if parts else pa.nulls(0, pa.string())


def _spelled(part: pa.Array, budget: _Budget) -> pa.Array:
    """Check a part of a column and spell dictionary-encoded texts out, once they are known to fit."""
    budget.spend(part.nbytes)
    if part.null_count:
        raise _Damage("a value is missing")
    part.validate(full=True)
    if not pa.types.is_dictionary(part.type):
        return part
    part.dictionary.validate(full=True)
    lengths = pc.binary_length(part.dictionary).take(part.indices)
    budget.spend(pc.sum(lengths.cast(pa.int64())).as_py() or 0)
    return part.dictionary_decode()


def _recording(pillars: Mapping[str, pa.Table], version: int) -> Recording:
    made_by, service, window = _manifest(pillars["manifest"])
    gaps = zip(*(pillars["gaps"].column(n).to_pylist() for n in ("name", "query", "text", "code")), strict=True)
    facts = pillars["facts"]
    telemetry = Telemetry(
        metrics=_metrics(pillars),
        logs=_logs(pillars["logs"]),
        events=_events(pillars["events"]),
        gaps=tuple(Gap(source=s, query=q, reason=r, partial=c == "partial") for s, q, r, c in gaps),
        facts=dict(zip(facts.column("name").to_pylist(), facts.column("text").to_pylist(), strict=True)),
    )
    return Recording(service=service, window=window, telemetry=telemetry, version=version, made_by=made_by)


def _manifest(table: pa.Table) -> tuple[str, Service, Window]:
    entries = dict(zip(table.column("name").to_pylist(), table.column("text").to_pylist(), strict=True))
    try:
        made_by, service, window = (_json(entries[name]) for name in ("made_by", "service", "window"))
        who = Service(
            name=_str(service["name"]),
            cluster=_str(service["cluster"]),
            depends_on=tuple(_str(name) for name in service["depends_on"]),
        )
        when = Window(
            start=datetime.fromisoformat(window["start"]).astimezone(UTC),
            end=datetime.fromisoformat(window["end"]).astimezone(UTC),
            step=timedelta(seconds=window["step_seconds"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _Damage(f"its manifest cannot be read: {type(error).__name__}") from error
    if not (0 <= nanoseconds(when.start) < nanoseconds(when.end) < _LAST_NS and when.step > timedelta(0)):
        raise _Damage(f"its window is {when}")
    return _str(made_by), who, when


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise _Damage(f"its manifest has {type(value).__name__} where a text belongs")
    return value


def _numbers(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    """Return a column as a view: Arrow's own ``to_numpy`` would load pandas first."""
    array = table.column(name).chunk(0) if table.num_rows else pa.nulls(0, NUMBERS[name])
    kind = np.dtype(str(NUMBERS[name]).replace("double", "float64"))
    return np.frombuffer(array.buffers()[1] or b"", kind)[array.offset : array.offset + len(array)]


def _times(table: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    times = _numbers(table, "time_ns")
    if len(times) and not (times.min() >= 0 and times.max() < _LAST_NS):
        raise _Damage("a time lies before 1970 or after 2199")
    return times


def _metrics(pillars: Mapping[str, pa.Table]) -> Metrics:
    grid, table, columns = _times(pillars["grid"]), pillars["metrics"], pillars["series"]
    points, count = len(grid), columns.num_rows
    if table.num_rows != points * count:
        raise _Damage(f"it has {table.num_rows} samples for {count} series of {points} points")
    if np.any(np.diff(grid) <= 0):
        raise _Damage("its points are not in order")
    shape = (count, points)
    in_order = np.all(_numbers(table, "series").reshape(shape) == np.arange(count)[:, None])
    if not (in_order and np.all(_numbers(table, "time_ns").reshape(shape) == grid)):
        raise _Damage("its samples are not in order")
    rows = zip(*(columns.column(n).to_pylist() for n in _TAKEN["series"]), strict=True)
    series = tuple(
        Series(signal=name, service=service, task=task, labels=_labels(labels), unit=_unit(unit), query=query)
        for name, service, task, labels, unit, query in rows
    )
    values = np.ascontiguousarray(_numbers(table, "value").reshape(shape).T)
    return Metrics(times=grid.astype("datetime64[ns]"), values=values, series=series)


def _unit(text: str) -> Unit:
    units: tuple[Unit, ...] = get_args(Unit)
    for unit in units:
        if unit == text:
            return unit
    raise _Damage("a series has a unit that obskit does not know")


def _labels(text: str) -> Labels:
    labels = _json(text)
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise _Damage("labels are no JSON object of texts")
    return tuple(labels.items())


def _logs(table: pa.Table) -> Logs:
    times = _times(table)
    columns = {"line" if name == "text" else name: table.column(name) for name in _TAKEN["logs"]}
    logs = pa.table(columns)
    if np.any(np.diff(times) < 0):
        logs = logs.take(pa.array(np.argsort(times, kind="stable")))
    return Logs(table=logs.select(["time_ns", "service", "task", "level", "line", "weight"]))


def _events(table: pa.Table) -> tuple[Event, ...]:
    times = _times(table).tolist()
    rows = zip(*(table.column(n).to_pylist() for n in _TAKEN["events"][1:]), strict=True)
    return tuple(
        Event(
            time=utc(at), kind=kind, service=service, task=task, details=_labels(details), message=message,
            code=code, revision=revision, deployment=deployment,
        )
        for at, (kind, service, task, details, message, code, revision, deployment) in zip(times, rows, strict=True)
    )  # fmt: skip
