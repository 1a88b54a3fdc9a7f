"""The id of a log template is its text's: not the run's, the process's, or that of how lines came."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.incident.logs import find_in_logs
from obskit.incident.templates import template_id
from obskit.model import Logs, Window, nanoseconds
from obskit.redact import redact

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=30))
LINES = (
    *(f"GET /cart/{n} 200 {n % 7} ms" for n in range(12)),
    *(f"user {name} logged in from 10.0.0.{n}" for n, name in enumerate(("ann", "bob", "cyd", "dan", "eve"))),
    "no contacts found",
    "cannot reach pay: connection refused",
    "worker 3 stopped",
)


def ids_of(lines: list[str], *, chunk: int = 1000, shift: int = 0) -> dict[str, str]:
    """Return the id of each template of these lines, one a second, in chunks of so many lines."""
    times = [nanoseconds(START) + (n + shift) * 1_000_000_000 for n in range(len(lines))]
    count = len(lines)
    table = Logs.of(times, ["shop"] * count, ["t"] * count, ["info"] * count, lines).table
    pieces = [table.slice(n, chunk) for n in range(0, count, chunk)]
    found = find_in_logs(Logs(table=pa.concat_tables(pieces)), window=WINDOW, service="shop", redact=redact)
    return {t.template: t.id for t in found.templates}


@settings(max_examples=20, deadline=None)
@given(st.permutations(LINES), st.integers(1, 7), st.integers(0, 600))
def test_order_and_chunks_of_lines_do_not_matter(lines: list[str], chunk: int, shift: int) -> None:
    """How a source pages, and which lines came first, changes no template and no id."""
    assert ids_of(lines, chunk=chunk, shift=shift) == ids_of(list(LINES))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["a cache was warmed", "queue is empty", "tick"]), max_size=30))
def test_other_lines_do_not_matter(others: list[str]) -> None:
    """A template that both windows hold has one id: reports of two nights can be compared."""
    alone, among = ids_of(list(LINES)), ids_of([*others, *LINES])

    assert {text: among.get(text) for text in alone} == alone


def test_an_id_is_that_of_the_text_that_is_shown() -> None:
    """Whoever holds a report can make it again; different texts have different ids."""
    found = ids_of(list(LINES))

    assert found == {text: template_id(text) for text in found}
    assert len(set(found.values())) == len(found) > 4


def test_texts_that_are_cut_alike_have_ids_of_their_own() -> None:
    """A report shows the beginning of a long line; what it is called by tells it from others of that beginning."""
    beginning = "rule " + "very " * 80
    (one,), (other,) = (ids_of([f"{beginning} {end}"] * 3).items() for end in ("open", "closed"))

    assert one[0] == other[0]
    assert one[1] != other[1]


def test_an_id_tells_nothing_of_a_secret() -> None:
    """It is made of the redacted text: nobody can try passwords against it, and a recording has the same."""
    first, second = (ids_of([f"login failed, password={word}"]) for word in ("hunter2", "swordfish"))

    assert first == second


@pytest.mark.parametrize("seed", ["0", "1"])
def test_another_process_gives_the_same_ids(seed: str) -> None:
    """Python's own hashes differ from process to process; ids do not."""
    code = f"import runpy; found = runpy.run_path({__file__!r}); print(found['ids_of'](list(found['LINES'])))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONHASHSEED": seed},
        timeout=60,
    )

    assert done.stdout.strip() == str(ids_of(list(LINES)))
