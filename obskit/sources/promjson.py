"""Prometheus' range answers as columns: no Python object a point.

The body is cut at the series' borders (a loop over series), and all points of all series are
then parsed by one call of Arrow's CSV reader. Cutting is safe: ``"values":[[`` holds a bare
quote, which cannot occur inside a JSON string, and no other key of the answer is followed by
``:[[``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import orjson

from obskit.model import FloatMatrix

_VALUES = b'"values":[['
_END = b"]]"


@dataclass(frozen=True, slots=True, eq=False)
class RangeAnswer:
    """A decoded range answer.

    Attributes:
        labels: One label set a column.
        values: Shape (T, N) on the grid that was asked for; NaN where there was no point.
        warnings: What the server said beside the data.
        histograms: How many series held native histograms only, which are passed over.
    """

    labels: tuple[dict[str, str], ...]
    values: FloatMatrix
    warnings: tuple[str, ...]
    histograms: int


class NotAnAnswerError(ValueError):
    """The body is not what Prometheus says."""


def decode_range(body: bytes, start: float, step: float, points: int) -> RangeAnswer:
    """Decode the body of ``query_range``.

    Args:
        body: As received.
        start: Seconds of the grid's first point.
        step: Seconds between points.
        points: T.

    Raises:
        NotAnAnswerError: Wrong or cut JSON, or a status that is no success.
    """
    skeleton, blobs = _cut(body)
    try:
        answer = orjson.loads(skeleton)
        if answer["status"] != "success" or answer["data"]["resultType"] != "matrix":
            raise NotAnAnswerError("it says neither success nor an error that obskit knows")
        rows = answer["data"]["result"]
        labels = tuple(dict(row["metric"]) for row in rows if "values" in row)
        order = [row["values"] for row in rows if "values" in row]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise NotAnAnswerError("it is not the JSON of a Prometheus answer, or it was cut short") from error
    notes = (*answer.get("warnings", ()), *answer.get("infos", ()))
    used = [blobs[i] for i in order if isinstance(i, int)]
    if len(used) != len(labels):
        raise NotAnAnswerError("a series is without points")
    values = _on_grid(used, start, step, points)
    return RangeAnswer(labels, values, tuple(str(n) for n in notes), sum("histograms" in r for r in rows))


def _cut(body: bytes) -> tuple[bytes, list[bytes]]:
    """Return the body with each series' points replaced by their number, and the points."""
    parts = body.split(_VALUES)
    blobs: list[bytes] = []
    skeleton = [parts[0]]
    for part in parts[1:]:
        points, end, rest = part.partition(_END)
        if not end:
            raise NotAnAnswerError("it was cut short")
        skeleton.append(b'"values":%d' % len(blobs) + rest)
        blobs.append(points)
    return b"".join(skeleton), blobs


def _on_grid(blobs: list[bytes], start: float, step: float, points: int) -> FloatMatrix:
    values = np.full((points, len(blobs)), np.nan)
    if not blobs:
        return values
    lengths = np.fromiter((blob.count(b"],[") + 1 for blob in blobs), np.int64, len(blobs))
    times, numbers = _parse(b"],[".join(blobs))
    if len(times) != lengths.sum():
        raise NotAnAnswerError("a point is neither a number nor a pair")
    rows = np.rint((times - start) / step).astype(np.int64)
    columns = np.repeat(np.arange(len(blobs)), lengths)
    inside = (rows >= 0) & (rows < points)
    values[rows[inside], columns[inside]] = numbers[inside]
    return values


def _parse(blob: bytes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    import pyarrow as pa
    from pyarrow import csv

    text = blob.replace(b"],[", b"\n").replace(b'"+Inf"', b'"inf"').replace(b'"-Inf"', b'"-inf"')
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=["t", "v"], use_threads=False, block_size=1 << 24),
            convert_options=csv.ConvertOptions(
                column_types={"t": pa.float64(), "v": pa.float64()}, null_values=[], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise NotAnAnswerError("a point is neither a number nor a pair") from error
    columns = (table.column(0).to_numpy(), table.column(1).to_numpy())
    return cast("tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]", columns)
