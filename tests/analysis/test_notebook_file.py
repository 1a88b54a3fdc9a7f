"""A notebook for one incident: what its tables show is what a person reads."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import obskit
from obskit.analysis.notebook_file import notebook
from tests.support.scenario import Scenario, full_pool, recorded

#: Cells without a table of their own, or with none that holds times: `tests/cli/test_notebook.py` runs them.
_COSTLY = ("behind", "felt", "without", "postmortem")


def cells_of(text: str, kind: str) -> dict[str, str]:
    """Return the cells of one kind by their ids."""
    return {c["id"]: "".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == kind}


def shown(text: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    """Run the cells in this process, and return what each would show."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    values: dict[str, Any] = {}
    with pd.option_context("display.max_colwidth", 50):  # put back what the first cell sets
        for cell, code in cells_of(text, "code").items():
            if cell in _COSTLY:
                continue
            tree = ast.parse(code)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, cell, "exec"), names)
            if isinstance(last, ast.Expr):
                values[cell] = eval(compile(ast.Expression(last.value), cell, "eval"), names)
    return values


@pytest.mark.parametrize("pillars", [(), ("metrics", "logs", "events")], ids=["all seen", "nothing seen"])
def test_tables_show_words_and_clock_times(
    pillars: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No query takes the words' room, and no time has its date, zone and fractions of a second in every row."""
    seen: Scenario = full_pool() if not pillars else Scenario().without(*pillars)
    incident = obskit.open_bundle(recorded(tmp_path / "x.obskit", seen))
    text = notebook(incident.diagnosis, incident.telemetry, bundle="x.obskit")
    tables = {cell: one for cell, one in shown(text, monkeypatch, tmp_path).items() if isinstance(one, pd.DataFrame)}
    read = {cell: one for cell, one in tables.items() if cell != "gaps"}  # whose query is what it is about

    assert {"hypotheses", "evidence", "timeline", "templates", "records", "events"} <= set(read)
    assert [cell for cell, table in read.items() if "query" in table] == []
    for table in read.values():
        whole = table.reset_index()
        assert [name for name in whole if pd.api.types.is_datetime64_any_dtype(whole[name])] == []
    if not pillars:
        times = [*read["evidence"]["at"], *read["hypotheses"]["onset"], *read["timeline"].index]
        assert {text for text in times if not re.fullmatch(r"(\d\d:\d\d:\d\d)?", text)} == set()
        assert any(times)
        assert "db_pool_used_ratio{shop}" in capsys.readouterr().out  # the queries, as text


def test_times_of_a_window_that_crosses_midnight_have_their_day() -> None:
    """Else the later one would seem to be the earlier."""
    seen = full_pool()
    told, telemetry = seen.diagnosis(), seen.telemetry
    earlier = replace(told.window, start=told.window.start - timedelta(hours=9))
    early, late = (notebook(replace(told, window=one), telemetry, bundle=None) for one in (told.window, earlier))

    assert 'CLOCK = "%H:%M:%S"' in cells_of(early, "code")["open"]
    assert 'CLOCK = "%m-%d %H:%M:%S"' in cells_of(late, "code")["open"]


def test_what_its_words_point_to_is_there() -> None:
    """A path in backticks can be typed."""
    incident = obskit.demo()
    text = notebook(incident.diagnosis, incident.telemetry, bundle=None)
    paths = re.findall(r"`incident\.([\w.]+)`", "\n".join(cells_of(text, "markdown").values()))

    assert paths
    for path in paths:
        value: object = incident
        for name in path.split("."):
            value = getattr(value, name)
