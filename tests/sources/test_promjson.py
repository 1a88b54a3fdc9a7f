"""Decoding of Prometheus' range answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from obskit.sources.promjson import NotAnAnswerError, decode_range

_START, _STEP, _POINTS = 1_795_544_400.0, 5.0, 12


def answer(result: Sequence[Mapping[str, object]], **more: object) -> bytes:
    """Return a body as Prometheus words it."""
    body = {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


_values = st.one_of(st.floats(allow_nan=False, width=32), st.sampled_from([float("inf"), float("-inf"), float("nan")]))
_columns = st.lists(
    st.tuples(
        st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=3),
        st.dictionaries(st.integers(0, _POINTS - 1), _values, min_size=1, max_size=_POINTS),
    ),
    max_size=6,
)


def _said(value: float) -> str:
    return "NaN" if np.isnan(value) else {np.inf: "+Inf", -np.inf: "-Inf"}.get(value, repr(value))


@given(_columns)
def test_every_point_lands_on_its_place_whatever_the_labels_hold(
    columns: list[tuple[dict[str, str], dict[int, float]]],
) -> None:
    """Decoding by columns equals decoding point by point; quotes and brackets in labels change nothing."""
    result = [
        {"metric": labels, "values": [[_START + _STEP * i, _said(v)] for i, v in sorted(points.items())]}
        for labels, points in columns
    ]
    expected = np.full((_POINTS, len(columns)), np.nan)
    for column, (_, points) in enumerate(columns):
        for i, value in points.items():
            expected[i, column] = value

    decoded = decode_range(answer(result), _START, _STEP, _POINTS)

    np.testing.assert_array_equal(decoded.values, expected)
    assert [labels for labels, _ in columns] == list(decoded.labels)


def test_a_label_that_imitates_the_answers_syntax_is_only_a_label() -> None:
    """Text that looks like points inside a label value is not cut out as points."""
    hostile = '"values":[[1,"2"]]'
    decoded = decode_range(answer([{"metric": {"path": hostile}, "values": [[_START, "1"]]}]), _START, _STEP, _POINTS)

    assert hostile == decoded.labels[0]["path"]
    assert decoded.values[0, 0] == 1


def test_native_histograms_are_passed_over_and_counted() -> None:
    """A series that has no plain values is reported, not guessed."""
    result = [
        {"metric": {"a": "1"}, "histograms": [[_START, {"count": "1"}]]},
        {"metric": {"a": "2"}, "values": [[_START, "3"]]},
    ]
    decoded = decode_range(answer(result), _START, _STEP, _POINTS)

    assert (decoded.histograms, len(decoded.labels)) == (1, 1)


def test_warnings_and_infos_are_kept() -> None:
    """What the server says beside the data reaches the report."""
    assert decode_range(answer([], warnings=["careful"], infos=["note"]), _START, _STEP, _POINTS).warnings == (
        "careful",
        "note",
    )


@pytest.mark.parametrize("more", [{"warnings": None}, {"warnings": [], "infos": None}])
def test_no_warnings_may_be_said_as_null(more: dict[str, object]) -> None:
    """What writes JSON for Prometheus' interface elsewhere says null for an empty list."""
    assert decode_range(answer([], **more), _START, _STEP, _POINTS).warnings == ()


@given(_columns, st.sampled_from([None, 2]))
def test_an_answer_that_a_proxy_wrote_anew_is_read_as_well(
    columns: list[tuple[dict[str, str], dict[int, float]]], indent: int | None
) -> None:
    """Spaces and line breaks between the points change nothing."""
    compact = answer(
        [{"metric": m, "values": [[_START + _STEP * i, _said(v)] for i, v in sorted(p.items())]} for m, p in columns]
    )
    spaced = json.dumps(json.loads(compact), indent=indent).encode()

    expected = decode_range(compact, _START, _STEP, _POINTS)
    decoded = decode_range(spaced, _START, _STEP, _POINTS)

    assert decoded.labels == expected.labels
    np.testing.assert_array_equal(decoded.values, expected.values)


@settings(max_examples=30)
@given(_columns, st.lists(st.booleans(), min_size=6, max_size=6), st.sampled_from([None, 2]))
def test_an_answer_of_which_some_series_are_spaced_is_read_as_well(
    columns: list[tuple[dict[str, str], dict[int, float]]], spaced: list[bool], indent: int | None
) -> None:
    """A tool that joins answers of several servers writes some of them anew, and leaves others as they came."""
    rows = [{"metric": m, "values": [[_START + _STEP * i, _said(v)] for i, v in sorted(p.items())]} for m, p in columns]
    texts = [
        json.dumps(row, indent=indent) if wide else json.dumps(row, separators=(",", ":"))
        for row, wide in zip(rows, spaced, strict=False)
    ]
    mixed = '{"status":"success","data":{"resultType":"matrix","result":[' + ",".join(texts) + "]}}"

    expected = decode_range(answer(rows), _START, _STEP, _POINTS)
    decoded = decode_range(mixed.encode(), _START, _STEP, _POINTS)

    assert decoded.labels == expected.labels
    np.testing.assert_array_equal(decoded.values, expected.values)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_points_that_lie_elsewhere_than_on_the_grid_are_counted(separators: tuple[str, str]) -> None:
    """Whoever knows what was asked can tell that this is no answer to it; milliseconds are how exact servers are."""
    columns = [(0.0, 5.0, 10.001), (2.5, 5.0), (-5.0, 600.0)]
    rows = [{"metric": {"n": str(n)}, "values": [[_START + t, "1"] for t in at]} for n, at in enumerate(columns)]
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": rows}}, separators=separators)

    assert decode_range(body.encode(), _START, 5.0, 12).misplaced == 3
    assert decode_range(answer(rows[:1]), _START, 5.0, 12).misplaced == 0


@example([[(0, 1.0), (0, 2.0)]], (",", ":"))
@example([[(1, 1.0), (0, 2.0), (1, 3.0)], [(1, 4.0)]], (",", ":"))
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.0, -1.0, float("nan"), float("inf")])), min_size=1
        ),
        max_size=4,
    ),
    st.sampled_from([(",", ":"), (", ", ": ")]),
)
def test_of_two_points_at_one_time_the_last_counts_and_what_it_overrules_is_counted(
    columns: list[list[tuple[int, float]]], separators: tuple[str, str]
) -> None:
    """In whatever order they come, beside other series; a point that says the same again overrules none."""
    rows = [
        {"metric": {"n": str(n)}, "values": [[_START + 5 * t, _said(v)] for t, v in at]} for n, at in enumerate(columns)
    ]
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": rows}}, separators=separators)
    decoded = decode_range(body.encode(), _START, 5.0, _POINTS)
    last = [dict(at) for at in columns]
    found = [{t: _said(float(decoded.values[t, n])) for t in kept} for n, kept in enumerate(last)]

    assert decoded.misplaced == 0
    assert found == [{t: _said(v) for t, v in kept.items()} for kept in last]
    assert decoded.overruled == sum(_said(v) != _said(last[n][t]) for n, at in enumerate(columns) for t, v in at)


_WHOLE = answer([{"metric": {"a": "1"}, "values": [[_START, "1"], [_START + 5, "2"]]}])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>504</html>",
        b"[]",
        b"null",
        b'{"status":"error","errorType":"bad_data","error":"x"}',
        b'{"status":"success","data":{"resultType":"vector","result":[]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"x"]]}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"1"]]}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[0:"1"]]}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "x"]]}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[],"x":1},"warnings":7}',
        *(_WHOLE[:length] for length in range(0, len(_WHOLE), 7)),
    ],
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    """HTML, other JSON, errors and answers that were cut anywhere are refused, never half-read."""
    with pytest.raises(NotAnAnswerError):
        decode_range(body, _START, _STEP, _POINTS)


def plainly(body: bytes) -> tuple[list[dict[str, str]], np.ndarray] | None:
    """Return labels and values as the standard library reads them point by point; None where it cannot.

    As of `decode_range`, a series without plain values is passed over.
    """
    try:
        rows = [row for row in json.loads(body)["data"]["result"] if "values" in row]
        values = np.full((_POINTS, len(rows)), np.nan)
        for column, row in enumerate(rows):
            for at, said in row["values"]:
                index = round((float(at) - _START) / _STEP)
                if 0 <= index < _POINTS:
                    values[index, column] = float(said)
        return [row["metric"] for row in rows], values
    except (ValueError, KeyError, TypeError):
        return None


_TWO = answer(
    [
        {"metric": {"a": "1"}, "values": [[int(_START), "1.5"], [int(_START) + 5, "+Inf"]]},
        {"metric": {"b": '"]],[['}, "values": [[int(_START) + 10, "2e-07"]]},
    ]
)


@given(st.integers(0, len(_TWO) - 1), st.integers(0, 2), st.sampled_from(list(b'[]{},:"x ')))
def test_a_damaged_answer_is_refused_or_read_as_json_reads_it(at: int, length: int, byte: int) -> None:
    """A byte of the syntax put into an answer, or in place of some of it, never makes us read what is not there."""
    body = _TWO[:at] + bytes([byte]) + _TWO[at + length :]
    try:
        decoded = decode_range(body, _START, _STEP, _POINTS)
    except NotAnAnswerError:
        return

    expected = plainly(body)
    assert expected is not None
    assert list(decoded.labels) == expected[0]
    np.testing.assert_array_equal(decoded.values, expected[1])


def test_an_answer_of_many_blocks_is_read_as_json_reads_it() -> None:
    """Series of different lengths, some with gaps, keep their points however many are read at once."""
    random = np.random.default_rng(3)
    points = 900
    result = []
    for n in range(60):
        chosen = np.flatnonzero(random.random(points) < (1.0 if n % 2 else 0.7))
        values = [
            [_START + _STEP * int(i), repr(float(v))]
            for i, v in zip(chosen, random.normal(size=len(chosen)), strict=True)
        ]
        said_twice = [[values[0][0], "7.0"]] if n in (0, 59) else []
        result.append({"metric": {"n": str(n)}, "values": values + said_twice})
    body = answer(result)
    expected = np.full((points, len(result)), np.nan)
    for column, row in enumerate(json.loads(body)["data"]["result"]):
        for at, said in row["values"]:
            expected[round((at - _START) / _STEP), column] = float(said)

    decoded = decode_range(body, _START, _STEP, points)

    np.testing.assert_array_equal(decoded.values, expected)
    assert decoded.overruled == 2


def test_times_in_milliseconds_and_points_off_the_window_find_their_place() -> None:
    """The grid begins at a fraction of a second; what lies before or behind it is left out."""
    times = [_START + 0.25 + _STEP * i for i in (-1, 0, 11, 12)]
    body = answer([{"metric": {}, "values": [[t, str(i)] for i, t in enumerate(times)]}])

    decoded = decode_range(body, _START + 0.25, _STEP, _POINTS)

    assert decoded.values[[0, 11], 0].tolist() == [1.0, 2.0]
    assert np.isnan(decoded.values[1:11]).all()


@pytest.mark.parametrize(
    "rows",
    [
        [{"metric": {"a": 5}, "values": [[1, "1"]]}],
        [{"metric": {"__name__": ["x"]}, "values": [[1, "1"]]}],
    ],
)
def test_labels_that_are_no_text_are_refused(rows: list[dict[str, object]]) -> None:
    """What comes after relies on label values being text."""
    with pytest.raises(NotAnAnswerError):
        decode_range(answer(rows), _START, _STEP, _POINTS)


@pytest.mark.parametrize(
    "points", ['[0, "1", 15, "2"]', '[[0, "1", 15, "2"]]', '[[true, "1"]]', "[[0, null]]", '[["0", "1"]]']
)
def test_points_that_a_proxy_broke_are_refused(points: str) -> None:
    """Read the slow way, a point is a number and a text, as it is the fast way."""
    body = '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": %s}]}}'
    with pytest.raises(NotAnAnswerError):
        decode_range((body % points).encode(), _START, _STEP, _POINTS)


@pytest.mark.parametrize("said", ["abc", {"a": 1}, [1]])
def test_warnings_are_a_list_of_texts(said: object) -> None:
    """A text is not read letter by letter."""
    with pytest.raises(NotAnAnswerError):
        decode_range(answer([], warnings=said), _START, _STEP, _POINTS)
