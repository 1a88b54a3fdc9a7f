"""Prometheus' range answers as columns: no Python object a point.

The body is searched for the series' borders (a loop over series), and the points of many series
are then read by one call of Arrow's CSV reader, block by block: the only copy of the points
that is ever made is a block's. The search is safe: ``"values":[[`` holds a bare quote, which cannot
occur inside a JSON string, and no other key of the answer is followed by ``:[[``. An answer of which any
series is spaced otherwise than Prometheus spaces it (a proxy may have read and written it again) is read the slow way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from obskit.model import FloatMatrix

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_VALUES = b'"values":[['
_END = b'"]]'
#: Bytes of points that are read at once: they and their copies stay in a core's cache.
_BLOCK = 1 << 19
#: A point that no server sends, seconds: it stands after the last point of each series of a block.
_MARK = -1e15
_BORDER = b'],[%d,"0"]' % _MARK
#: How near to the grid a point lies that belongs to it, seconds: servers count in milliseconds.
_NEAR = 1.5e-3
#: Makes lines of three columns: ``:[[1,"2"],[3,"4"]`` becomes ``,  1,"2"``, ``, 3,"4"``. The first is empty.
_LINES = bytes.maketrans(b":[]", b", \n")


@dataclass(frozen=True, slots=True, eq=False)
class RangeAnswer:
    """A decoded range answer.

    Attributes:
        labels: One label set a column.
        values: Shape (T, N), float64, on the grid that was asked for; NaN where there was no point.
        warnings: What the server said beside the data.
        histograms: How many series held native histograms only, which are passed over.
        misplaced: How many points lie elsewhere than on the grid: between its points, where each was moved to the
            nearest, or before and behind it, where it was left out.
        overruled: How many points are not in *values* as a later one of their series has their place and another
            number: of several at one time the last counts.
    """

    labels: tuple[dict[str, str], ...]
    values: FloatMatrix
    warnings: tuple[str, ...]
    histograms: int
    misplaced: int = 0
    overruled: int = 0


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
    skeleton, spans = _cut(body)
    try:
        answer = orjson.loads(skeleton)
        if answer["status"] != "success" or answer["data"]["resultType"] != "matrix":
            raise NotAnAnswerError("it says neither success nor an error that obskit knows")
        rows = answer["data"]["result"]
        labels = tuple(dict(row["metric"]) for row in rows if "values" in row)
        order = [row["values"] for row in rows if "values" in row]
        if spans and any(isinstance(points, list) for points in order):
            spans = []
            order = [row["values"] for row in orjson.loads(body)["data"]["result"] if "values" in row]
        notes = [note for key in ("warnings", "infos") for note in _texts(answer.get(key) or [])]
        _texts([text for label in labels for pair in label.items() for text in pair])
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise NotAnAnswerError("it is not the JSON of a Prometheus answer, or it was cut short") from error
    if not spans and order:
        values, misplaced, overruled = _slowly(order, start, step, points)
    elif order != list(map(str, range(len(spans)))):
        raise NotAnAnswerError("a series is without points")
    else:
        values, misplaced, overruled = _on_grid(body, spans, start, step, points)
    told, histograms = tuple(str(n) for n in notes), sum("histograms" in r for r in rows)
    return RangeAnswer(labels, values, told, histograms, misplaced, overruled)


class _Span(NamedTuple):
    """Where the points of one series stand in the body: from ``:[[`` to the last point's quote."""

    first: int
    last: int


def _cut(body: bytes) -> tuple[bytes, list[_Span]]:
    """Return the body with each series' points replaced by their number, and where the points are."""
    spans: list[_Span] = []
    at = body.find(_VALUES)
    while at >= 0:
        end = body.find(_END, at)
        if end < 0:
            raise NotAnAnswerError("it was cut short")
        spans.append(_Span(at + len(_VALUES) - 3, end + 1))
        at = body.find(_VALUES, end)
    if not spans:
        return body, spans
    pieces = [body[: spans[0].first]]
    for number, (one, following) in enumerate(pairwise([*spans, _Span(len(body), 0)])):
        pieces.append(b':"%d"' % number)
        pieces.append(body[one.last + 2 : following.first])
    return b"".join(pieces), spans


def unlike(one: Floats, other: Floats) -> Flags:
    """Return where two numbers are not the same; NaN is the same as NaN."""
    return np.asarray((one != other) & ~(np.isnan(one) & np.isnan(other)))


def _on_grid(
    body: bytes, spans: Sequence[_Span], start: float, step: float, points: int
) -> tuple[FloatMatrix, int, int]:
    """Return shape (T, N), NaN where a series has no point, and how many points lie elsewhere and are overruled."""
    values, misplaced, overruled = np.full((len(spans), points), np.nan), 0, 0
    for first, block in _blocks(spans):
        times, numbers = _parse(body, block)
        border = times == _MARK
        columns = np.cumsum(border, dtype=np.int64)
        if columns[-1] != len(block):
            raise NotAnAnswerError("a point is neither a number nor a pair")
        rows, inside, near = _rows(times, start, step, points)
        inside &= ~border
        misplaced += len(times) - len(block) - int(np.count_nonzero(inside & near))
        # From a series to its border, and nowhere else, times go back: no two of its points have one place.
        ascending = np.count_nonzero(rows[1:] <= rows[:-1]) == len(block)
        cells, numbers = (first + columns[inside], rows[inside].astype(np.int64)), numbers[inside]
        values[cells] = numbers
        overruled += 0 if ascending else int(np.count_nonzero(unlike(values[cells], numbers)))
    return values.T, misplaced, overruled


def _rows(times: Floats, start: float, step: float, points: int) -> tuple[Floats, Flags, Flags]:
    """Return the place on the grid that is nearest to each time, whether it is one, and whether the time is it."""
    off = times - start
    rows = np.rint(off / step)
    off -= rows * step
    return rows, (rows >= 0) & (rows < points), np.abs(off, out=off) <= _NEAR


def _texts(values: object) -> list[str]:
    """Return a list of texts, or refuse what is none."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise NotAnAnswerError("what has to be a list of texts is something else")
    return values


def _slowly(order: Sequence[object], start: float, step: float, points: int) -> tuple[FloatMatrix, int, int]:
    """Return as `_on_grid` does, from series' points as JSON's own lists, ``[[seconds, "value"], ...]``."""
    values, misplaced, overruled = np.full((len(order), points), np.nan), 0, 0
    for column, pairs in zip(values, order, strict=True):
        try:
            at, numbers = np.array([(float(at), float(value)) for at, value in _pairs(pairs)]).reshape(-1, 2).T
        except (ValueError, TypeError) as error:
            raise NotAnAnswerError("a point is neither a number nor a pair") from error
        rows, inside, near = _rows(at, start, step, points)
        misplaced += len(at) - int(np.count_nonzero(inside & near))
        cells, numbers = rows[inside].astype(np.int64), numbers[inside]
        column[cells] = numbers
        overruled += int(np.count_nonzero(unlike(column[cells], numbers)))
    return values.T, misplaced, overruled


def _pairs(pairs: object) -> list[tuple[float, str]]:
    """Return points that are what Prometheus sends: a number and a text each."""
    if not isinstance(pairs, list):
        raise TypeError
    for pair in pairs:
        if not isinstance(pair, list) or [type(part) for part in pair] not in ([int, str], [float, str]):
            raise TypeError
    return pairs


def _blocks(spans: Sequence[_Span]) -> Iterator[tuple[int, Sequence[_Span]]]:
    """Yield series whose points together fill a block, with the position of the first of them."""
    if not spans:
        return
    ends = np.cumsum([span.last - span.first for span in spans])
    cuts = np.searchsorted(ends, np.arange(0, ends[-1], _BLOCK)).tolist()
    for first, stop in pairwise(dict.fromkeys([*cuts, len(spans)])):
        yield first, spans[first:stop]


def _parse(body: bytes, block: Sequence[_Span]) -> tuple[Floats, Floats]:
    """Return times and values of all points of some series, a point at `_MARK` after each series."""
    import pyarrow as pa
    from pyarrow import csv

    whole = memoryview(body)
    raw = b"".join([part for span in block for part in (whole[span.first : span.last], _BORDER)])
    if b"+" in raw:  # the reader knows infinity, but not its plus
        raw = raw.replace(b'"+Inf"', b'"Inf"')
    text = raw.translate(_LINES)
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=["", "t", "v"], use_threads=False, block_size=len(text)),
            convert_options=csv.ConvertOptions(
                column_types={"": pa.binary(), "t": pa.float64(), "v": pa.float64()},
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise NotAnAnswerError("a point is neither a number nor a pair") from error
    between = sum(chunk.buffers()[2].size for chunk in table.column(0).chunks if chunk.buffers()[2] is not None)
    brackets = np.count_nonzero(np.frombuffer(raw, np.uint8) == ord("["))
    if between or brackets != table.num_rows + len(block) or raw.count(b":") != len(block):
        raise NotAnAnswerError("its points are not divided as JSON's are")
    return table.column(1).to_numpy(), table.column(2).to_numpy()
