"""From scores to probabilities, and the file that two numbers come from."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import UsageError
from obskit.incident.calibration import AS_SET, TEMPERATURES, UNKNOWNS, Calibration, parsed, read_calibration, shipped
from obskit.incident.rank import rank
from obskit.model import Claim, Judgement

_scores = st.lists(st.floats(-20, 30), max_size=8)
_calibrations = st.builds(Calibration, temperature=st.floats(*TEMPERATURES), unknown=st.floats(*UNKNOWNS))


@given(_scores, _calibrations)
def test_shares_sum_to_one_and_keep_the_order_of_scores(scores: list[float], calibration: Calibration) -> None:
    """Whatever was fitted, more evidence never means less probability."""
    shares, unknown = calibration.shares(scores)
    ordered = [share for _, share in sorted(zip(scores, shares, strict=True))]

    assert math.fsum(shares) + unknown == pytest.approx(1)
    assert ordered == sorted(ordered)


@given(_scores)
def test_without_a_calibration_probabilities_are_the_plain_softmax(scores: list[float]) -> None:
    """To the last bit: a recording's report does not change because calibration exists."""
    total = 1.0 + math.fsum(math.exp(score) for score in scores)

    assert AS_SET.shares(scores) == (tuple(math.exp(score) / total for score in scores), 1.0 / total)


@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=6), _calibrations)
def test_a_calibration_changes_probabilities_and_nothing_else(weights: list[float], calibration: Calibration) -> None:
    """Order, explanations and independence come from the scores."""
    judgements = [
        Judgement(cause=f"c{n}", claims_for=(Claim(words="seen", weight=weight),)) for n, weight in enumerate(weights)
    ]
    graph = {"c0": ["c1"], "c2": ["c0", "c3"]}
    plain, _ = rank(judgements, brings_about=graph, resolution=timedelta(seconds=10))
    other, _ = rank(judgements, brings_about=graph, resolution=timedelta(seconds=10), calibration=calibration)

    assert [(r.judgement, r.score, r.explained_by, r.independent) for r in plain] == [
        (r.judgement, r.score, r.explained_by, r.independent) for r in other
    ]


def test_a_higher_temperature_is_less_sure_and_more_unknown_takes_from_all() -> None:
    """The two numbers do what they say."""
    plain, _ = AS_SET.shares([4.0, 1.0])
    doubting, _ = Calibration(temperature=2.0).shares([4.0, 1.0])
    wary, unknown = Calibration(unknown=2.0).shares([4.0, 1.0])

    assert doubting[0] < plain[0]
    assert all(now < before for now, before in zip(wary, plain, strict=True))
    assert unknown > AS_SET.shares([4.0, 1.0])[1]


def test_what_is_shipped_is_what_lies_beside_the_module() -> None:
    """Without a file the weights are used as they were set."""
    held = files("obskit.incident").joinpath("calibration.json")
    expected = parsed(held.read_bytes(), name="calibration.json") if held.is_file() else AS_SET

    assert shipped() == expected


def test_a_file_is_read(tmp_path: Path) -> None:
    """What else it holds is for people."""
    path = tmp_path / "calibration.json"
    path.write_text('{"schema_version": 1, "temperature": 1.5, "unknown": -1, "fitted_on": {}}', encoding="utf-8")

    assert read_calibration(path) == Calibration(temperature=1.5, unknown=-1.0)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("{", "no JSON"),
        ("[]", "no calibration"),
        ('{"schema_version": 2, "temperature": 1, "unknown": 0}', "no calibration"),
        ('{"schema_version": 1, "unknown": 0}', "no sensible temperature"),
        ('{"schema_version": 1, "temperature": 0, "unknown": 0}', "between: 0.5 and 10"),
        ('{"schema_version": 1, "temperature": NaN, "unknown": 0}', "no sensible temperature"),
        ('{"schema_version": 1, "temperature": true, "unknown": 0}', "no sensible temperature"),
        ('{"schema_version": 1, "temperature": 1, "unknown": "0"}', "no sensible unknown"),
        ('{"schema_version": 1, "temperature": 1, "unknown": 99}', "between: -5 and 5"),
    ],
)
def test_a_file_that_nobody_fitted_is_refused(tmp_path: Path, held: str, words: str) -> None:
    """A wrong number here would make every report lie."""
    path = tmp_path / "calibration.json"
    path.write_text(held, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_calibration(path)

    assert words in " ".join(str(refused.value).split())
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Named on the command line, it was meant."""
    with pytest.raises(UsageError, match="cannot be read"):
        read_calibration(tmp_path / "nowhere.json")


def test_limits_leave_every_score_a_finite_share() -> None:
    """The surest file on the strongest evidence does not overflow."""
    shares, unknown = Calibration(temperature=TEMPERATURES[0], unknown=UNKNOWNS[1]).shares([100.0, -100.0])

    assert all(map(math.isfinite, (*shares, unknown)))
    assert json.dumps([*shares, unknown], allow_nan=False)
