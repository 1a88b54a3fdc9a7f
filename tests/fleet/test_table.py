"""What is told of a sweep, in each form."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from obskit.fleet.item import Row
from obskit.fleet.table import KEYS, as_csv, document, line, lines, values
from tests.support.hostile import HOSTILE
from tests.support.scenario import ONSET, WINDOW

FOUND = Row(
    name="2026/pool",
    service="shop",
    window=WINDOW,
    verdict="cause_found",
    cause="db_pool_exhausted",
    probability=0.9251,
    culprit="shop",
    task="a1b2c3d4e5f60718",
    onset=ONSET,
    seconds=1.2345,
)
CALM = Row(name="calm", service="shop", window=WINDOW, verdict="calm", seconds=0.5)
LOST = Row(name="lost", error="it is damaged", seconds=0.1)
ROWS = (FOUND, CALM, replace(FOUND, name="2026/pool_2", task="", onset=ONSET + timedelta(seconds=1)), LOST)


@pytest.mark.parametrize("seed", range(10))
def test_the_order_is_by_name_whatever_came_first(seed: int) -> None:
    """Two sweeps of the same recordings can be compared line by line."""
    shuffled = random.Random(seed).sample(ROWS, len(ROWS))

    assert lines(shuffled) == lines(ROWS)
    assert document(shuffled) == document(ROWS)
    assert as_csv(shuffled) == as_csv(ROWS)


def test_the_table_has_a_line_each_then_what_failed_then_the_counts() -> None:
    """The reason stands where the row would."""
    assert lines(ROWS) == [
        "name         service  verdict      cause              prob  culprit                 onset                   s",
        "2026/pool    shop     cause_found  db_pool_exhausted  93 %  shop task a1b2c3d4e5f…  2026-01-31T03:22:00Z  1.2",
        "2026/pool_2  shop     cause_found  db_pool_exhausted  93 %  shop                    2026-01-31T03:22:01Z  1.2",
        "calm         shop     calm         -                     -  -                       -                     0.5",
        "",
        "Failed: 1",
        "  lost: it is damaged",
        "",
        "4 swept: 2 cause_found, 1 calm, 1 failed",
        "causes: db_pool_exhausted 2",
    ]


def test_a_long_name_keeps_its_end() -> None:
    """The beginning of a path is what all have in common."""
    row = replace(CALM, name="/very" * 20 + "/long/pool")

    assert lines([row])[1].split()[0] == "…" + row.name[-47:]
    assert line(row).startswith(row.name)


def test_a_line_says_the_same_as_it_comes() -> None:
    """One line a row, before the table."""
    assert line(FOUND) == (
        "2026/pool: cause_found, db_pool_exhausted 93 %, shop task a1b2c3d4e5f…, since 2026-01-31T03:22:00Z"
    )
    assert line(CALM) == "calm: calm"
    assert line(LOST) == "lost: failed: it is damaged"


def test_the_document_has_null_for_what_cannot_be_said() -> None:
    """Not an empty text, not a zero."""
    held = document(ROWS)

    assert {key: held[key] for key in ("schema_version", "swept", "failed", "verdicts", "causes")} == {
        "schema_version": 1,
        "swept": 4,
        "failed": 1,
        "verdicts": {"calm": 1, "cause_found": 2},
        "causes": {"db_pool_exhausted": 2},
    }
    assert tuple(held["rows"][0]) == KEYS
    assert held["rows"][0]["probability"] == 0.9251
    assert held["rows"][3] == {**dict.fromkeys(KEYS), "name": "lost", "seconds": 0.1, "error": "it is damaged"}


def test_no_name_steers_a_terminal_or_breaks_a_line() -> None:
    """Recordings may come from anywhere, with their names and what they say."""
    bad = replace(FOUND, name=HOSTILE, service=HOSTILE, culprit=HOSTILE, task=HOSTILE)
    texts = [*lines([bad, Row(name=HOSTILE, error=HOSTILE)]), line(bad), line(Row(name=HOSTILE, error=HOSTILE))]

    assert all(text.isprintable() for text in texts)
    assert not any(ord(char) < 32 for char in json.dumps(values(bad), ensure_ascii=False))


def test_csv_is_read_back_and_holds_no_formula() -> None:
    """A spreadsheet would run what begins with an equals sign."""
    rows = list(csv.DictReader(io.StringIO(as_csv([FOUND, replace(CALM, name="=HYPERLINK(1)"), LOST]))))

    assert [row["name"] for row in rows] == ["2026/pool", "'=HYPERLINK(1)", "lost"]
    assert rows[0]["start"] == "2026-01-31T03:10:00Z"
    assert rows[0]["probability"] == "0.9251"
    assert (rows[2]["verdict"], rows[2]["error"]) == ("", "it is damaged")
