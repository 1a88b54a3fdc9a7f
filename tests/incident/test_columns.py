"""What the signals say about the columns of a matrix."""

from __future__ import annotations

import numpy as np

from obskit.catalogue import all_signals
from obskit.incident.columns import Columns, codes
from obskit.model import Series


def test_equal_names_share_a_code_in_the_order_of_their_first_appearance() -> None:
    """Codes count from zero; no name gives no code."""
    assert codes(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
    assert codes([]).tolist() == []


def test_columns_of_one_signal_of_one_service_are_a_group() -> None:
    """Tasks and labels do not part a group; another service, or another signal, does."""
    rows = [("up", "shop", "t0"), ("up", "shop", "t1"), ("up", "cart", "t2"), ("down", "shop", "")]
    columns = Columns.of([Series(signal=s, unit="count", service=e, task=t) for s, e, t in rows], {})

    assert columns.group[0] == columns.group[1]
    assert len(set(columns.group.tolist())) == 3
    assert columns.task.tolist() == [True, True, True, False]


def test_a_signal_of_the_catalogue_has_its_rules_and_a_stranger_may_be_bad_either_way() -> None:
    """Each column gets what its own signal says, whatever the order of the columns."""
    known = all_signals()["db_pool_used_ratio"]
    strange = Series(signal="strange", unit="per_second")
    columns = Columns.of([strange, Series(signal=known.id, unit=known.unit), strange], all_signals())

    assert columns.rules.bad.tolist() == [0, 1, 0]
    assert columns.rules.relative.tolist() == [True, False, True]
    assert columns.rules.rate.tolist() == [True, False, True]
    assert known.warn is not None
    assert np.isnan(columns.warn[[0, 2]]).all()
    assert columns.warn[1] == known.warn.value
