"""How far a column moved: what is news in it, and what it does by chance."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.culprit import noticed_within
from obskit.model import Window
from tests.support.blame import AT, BEGIN, NOTICED, POINTS, STEP, matrix_of, scene, scene_of, series_of, services


def test_a_fall_in_latency_or_errors_is_no_fault() -> None:
    """Direction counts: what got better is not to blame."""
    found = rank_suspects(scene(("better", "latency", -9.0), ("better", "errors", -9.0), ("worse", "latency", 4.0)))

    assert services(found) == ["worse", "better"]
    assert found.suspects[1].score == 0


def test_a_small_loss_of_success_is_seen() -> None:
    """Of a ratio that was always whole, a lost hundredth is news, and so is it in percent."""
    columns = (("a", "success", 0.0), ("b", "success", 0.0), ("c", "cpu", 0.4))
    for whole in (1.0, 100.0):
        values = matrix_of(columns)
        values[:, :2] = whole
        values[AT::2, 1] = 0.97 * whole
        found = rank_suspects(scene_of(values, series_of(columns)))

        assert services(found)[0] == "b"
        assert set(found.suspects[0].parts) == {"errors"}


def test_a_counter_of_errors_is_born_with_the_first_error() -> None:
    """No sample before is no error before."""
    columns = (("a", "errors_total", 0.0), ("b", "cpu", 0.5))
    values = matrix_of(columns)
    values[:AT, 0] = np.nan

    assert services(rank_suspects(scene_of(values, series_of(columns))))[0] == "a"


def test_a_metric_that_jumps_everywhere_convinces_less() -> None:
    """A step of a hundred weighs less than one of ten where such steps are usual elsewhere in calm times."""
    columns = [*((f"s{i}", "restless", 0.0) for i in range(9)), *((f"s{i}", "steady", 0.0) for i in range(9))]
    values = matrix_of(columns)
    values[8:22, 1:9] *= 100
    values[AT:, 0] *= 100
    values[AT:, 17] *= 10
    found = rank_suspects(scene_of(values, series_of(columns)))

    assert services(found)[:2] == ["s8", "s0"]


def test_a_column_that_crosses_zero_has_moved() -> None:
    """From minus ten to ten is as far as from ten to thirty, and further than a tenth."""
    columns = (("a", "offset", 0.0), ("b", "offset_of_others", 1.5))
    values = matrix_of(columns)
    values[:AT, 0] -= 20.0

    assert services(rank_suspects(scene_of(values, series_of(columns))))[0] == "a"


@pytest.mark.parametrize("factor", [1e-300, 1e-42, 1e30, 1e38, 1e300])
def test_huge_and_tiny_values_rank_as_others(factor: float) -> None:
    """What single precision cannot hold is no less evidence."""
    columns = (("a", "cpu", 20.0), ("b", "cpu", 3.0))
    values = matrix_of(columns)
    plain = rank_suspects(scene_of(values, series_of(columns)))
    values[:, 0] *= factor
    scaled = rank_suspects(scene_of(values, series_of(columns)))

    assert services(scaled) == services(plain)
    assert scaled.suspects[0].score == pytest.approx(plain.suspects[0].score, abs=0.01)


def test_churn_in_a_wide_calm_matrix_does_not_move_the_onset() -> None:
    """Two hundred services of which many began anew long before: the one that broke in the window leads."""
    columns = [
        (f"s{i}", metric, 0.0) for i in range(200) for metric in ("cpu", "memory", "latency", "strange", "threads")
    ]
    values = matrix_of(columns, seed=3)
    values[:5, ::3] = np.nan
    values[6:, ::7] += 20.0
    values[AT:, 0] += 40.0
    window = Window(start=NOTICED - 5 * STEP, end=BEGIN + (POINTS - 1) * STEP)
    given = replace(scene_of(values, series_of(columns)), noticed=noticed_within(window, BEGIN + 6 * STEP))
    found = rank_suspects(given)

    assert services(found)[0] == "s0"
    assert found.onset >= window.start - timedelta(minutes=8)
