"""Whatever a Grafana answers in the place of a dashboard is compared, read and shown without a crash."""

from __future__ import annotations

import copy
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.ascode.canonical import canonical, fingerprint
from obskit.ascode.compare import as_json, differences, render, touch
from obskit.ascode.definition import Definition, Model
from obskit.ascode.grafana import Grafana
from obskit.ascode.load import load
from obskit.ascode.ours import marked
from obskit.ascode.pull import matches, pull
from obskit.ascode.variables import filled, unknown
from obskit.errors import SourceError
from tests.standins.grafana import GrafanaStandIn

#: What stands in the place of any value: other shapes, numbers that no float holds, half a variable.
VALUES: tuple[Any, ...] = (
    *(None, True, 1, -1.5, 10**400, float("inf"), float("nan"), "", "x", "$y", "${a:", "[[", "{}", "{{", "\x00\x1b[2J"),
    *(
        [],
        {},
        [None],
        [[1]],
        ["a"],
        [{}],
        [1, "a", {}],
        {"a": 1},
        {"type": ["x"]},
        {"uid": {}},
        {"list": [1]},
        "$__all",
    ),
    *({"value": {"b": 1}}, {"query": {"query": {"x": 1}}}, {"panels": {"a": 1}}, {"steps": "x"}, "\ud800"),
)


@cache
def boards() -> tuple[Definition, ...]:
    """Return the dashboards of this repository, which hold every shape that we write."""
    return load(Path(__file__).parents[2] / "dashboards")[0]


def spoilt(dice: random.Random) -> tuple[Model, Model]:
    """Return a dashboard, some of its panels only, and the same with values of other kinds in some places."""
    sound = dict(copy.deepcopy(dice.choice(boards()).model))
    sound["panels"] = dice.sample(sound["panels"], min(4, len(sound["panels"])))
    model = copy.deepcopy(sound)
    for _ in range(dice.choice((1, 1, 2, 4))):
        owner: Any = model
        while True:
            key = dice.choice(list(owner) if isinstance(owner, dict) else range(len(owner)))
            if not owner[key] or not isinstance(owner[key], dict | list) or dice.random() < 0.2:
                break
            owner = owner[key]
        owner[key] = copy.deepcopy(dice.choice(VALUES))
        if not model:
            break
    return sound, model


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0, max_value=2**32))
def test_a_dashboard_with_anything_anywhere_breaks_nothing(seed: int) -> None:
    """As diff, push and pull read it: compared both ways, shown, its queries filled in and recognised."""
    sound, model = spoilt(random.Random(seed))
    there, back = differences(sound, model), differences(model, sound)
    shown = "\n".join(render((*there, *back)))
    definition = Definition(name="f", path=Path("f.dashboard.py"), source="", model=model)

    assert {change.at for change in touch(there, back)} == {change.at for change in there}
    assert "\x1b" not in shown
    json.dumps(as_json(there))
    assert canonical(canonical(model)) == canonical(model) or "nan" in repr(model)
    fingerprint(model)
    matches(canonical(model))
    for query in definition.queries:
        filled(query.text, model, query.language)
        unknown(query.text, model)


@pytest.mark.parametrize("tags", [None, "text", {"a": 1}, [1, None, ["x"]], 7])
def test_our_tag_is_added_to_whatever_stands_there(tags: object) -> None:
    """Only definitions are marked; a broken one is not a crash."""
    assert "obskit" in marked({"tags": tags}, "obskit")["tags"]


def test_a_number_that_json_has_no_word_for_is_not_pulled() -> None:
    """1e999 can be saved, and read back as no number at all."""
    with GrafanaStandIn() as server:
        server.put({"uid": "u", "title": "T", "x": float("inf")})
        with pytest.raises(SourceError, match="is no JSON") as error:
            pull("u", Grafana(server.connection()))

    assert error.value.hint
