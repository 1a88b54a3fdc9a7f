"""obskit's base units in Grafana's words, and which words Grafana knows."""

from __future__ import annotations

from typing import get_args

import pytest

from obskit.ascode.units import grafana_units, is_known, near, unit_of
from obskit.model.words import Unit


@pytest.mark.parametrize("unit", get_args(Unit))
def test_every_base_unit_has_an_id_that_grafana_knows(unit: Unit) -> None:
    """A panel made from a signal never shows a bare number with a word behind it."""
    assert is_known(unit_of(unit))


def test_bytes_are_counted_by_1024_and_rates_bear_no_noun() -> None:
    """Memory limits are powers of two; a rate of restarts is no rate of requests."""
    assert (unit_of("bytes"), unit_of("bytes_per_second"), unit_of("per_second")) == ("bytes", "binBps", "count:/s")


def test_the_list_is_that_of_grafana_13() -> None:
    """@grafana/data 13.2.3 lists 273 ids."""
    assert len(grafana_units()) == 273
    assert all(unit == unit.strip() and "\\" not in unit for unit in grafana_units())


@pytest.mark.parametrize(
    "unit",
    ["s", "percentunit", "reqps", "µs", "short", "suffix:pods", "prefix:~", "si:mW", "time:YYYY-MM-DD", "bool:up/down"],
)
def test_ready_and_custom_units_are_known(unit: str) -> None:
    """Grafana's picker offers the ones, and takes the others as typed text."""
    assert is_known(unit)


@pytest.mark.parametrize("unit", ["rqps", "seconds", "Percentunit", "suffix", "suffix:", "unit:x", " s"])
def test_what_grafana_prints_as_a_bare_word_is_not_known(unit: str) -> None:
    """Ids are exact: case, spelling, and a custom kind needs its text."""
    assert not is_known(unit)


@pytest.mark.parametrize(
    ("unit", "meant"), [("rqps", "reqps"), ("Percentunit", "percentunit"), ("byte", "bytes"), ("qqqqqqq", "")]
)
def test_the_id_that_was_meant_is_found(unit: str, meant: str) -> None:
    """Case first, then the likeness of letters; nothing rather than something far-fetched."""
    assert meant == near(unit)
