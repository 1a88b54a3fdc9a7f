"""Lines become templates: masked, grouped, whatever they hold."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.incident import templates
from obskit.incident.templates import coarse, group, mask, mine, read_records
from obskit.model import Logs

TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet='0123456789abcdefzT-:.,/_#%"{}[]= \n\\é\u0660', max_size=60),
    st.lists(
        st.sampled_from(
            [
                "GET",
                "/a/12",
                "200",
                "status=503",
                "deadbeef01",
                "-5",
                "10.0.0.1:80",
                "x1y2z3",
                "#",
                "Jul 10",
                "5ms",
                "a=1",
                "é9",
            ]
        ),
        max_size=8,
    ).map(" ".join),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("took 45 ms for 3 rows", "took # ms for # rows"),
        ("took 12.5ms, then 1e-05", "took #, then #"),
        ("peer 10.0.3.7:5432 and 10.0.3.8:80", "peer # and #"),
        ("id 0f8fad5b-d9cb-469f-a165-70867728950e done", "id # done"),
        ("id deadbeef-beef-cafe-babe-0123456789ab", "id #"),
        ("trace=1bc4ecfd4978 span=ABCDEF12", "trace=# span=#"),
        ("at 2026-01-31T03:12:00.123Z", "at #"),
        ("on Sun Jul 10 16:01:43 2005", "on #"),
        ("block blk_-1608999687919862906", "block blk_#"),
        ("worker12 of pool-3-thread-17", "worker# of pool-#-thread-#"),
        ("GET /products/954 200 9.6ms", "GET /products/# 200 #"),
        ('"GET /v2/abc HTTP/1.1" 503 1234', '"GET /v#/abc HTTP/#" 503 #'),
        ("status: 404 len: 1893", "status: 404 len: #"),
        ("gateway returned 502, giving up after 300 attempts", "gateway returned 502, giving up after # attempts"),
        ("waited 503 ms", "waited # ms"),
        ("nothing to hide", "nothing to hide"),
        ("", ""),
    ],
)
def test_numbers_ids_and_times_are_masked_and_a_status_is_kept(text: str, expected: str) -> None:
    """What varies from line to line becomes a mask; the status of a request stays visible."""
    assert mask(text) == expected


@given(TEXTS)
def test_masking_twice_changes_nothing(text: str) -> None:
    """A mask is never masked again."""
    once = mask(text)

    assert mask(once) == once


@given(st.lists(st.one_of(TEXTS, st.none()), max_size=30))
@settings(deadline=None)
def test_any_text_can_be_mined(lines: list[str | None]) -> None:
    """Each line gets one id of a template that exists, whatever it holds, null included."""
    mined = mine(pa.array(lines, pa.string()))

    assert mined.ids.shape == (len(lines),)
    assert mined.ids.dtype == np.int32
    assert set(mined.ids.tolist()) == set(range(len(mined.templates)))


@given(st.lists(TEXTS, max_size=20), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_lines_does_not_matter(lines: list[str], random: object) -> None:
    """Shuffled lines give the same templates, and each line its own."""
    order = list(range(len(lines)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight, shuffled = mine(pa.array(lines, pa.string())), mine(pa.array([lines[i] for i in order], pa.string()))

    assert shuffled.templates == straight.templates
    assert shuffled.ids.tolist() == [straight.ids.tolist()[i] for i in order]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=20))
@settings(deadline=None)
def test_blanking_keeps_everything_but_words_with_digits(lines: list[str]) -> None:
    """What stands between words with a digit survives the bytes, also beyond ASCII."""
    codes, texts = coarse(pa.array(lines, pa.string()))

    for line, code in zip(lines, codes.tolist(), strict=True):
        plain = not any("0" <= c <= "9" for c in line)
        assert not plain or texts[code] == line
        assert len(texts[code].encode()) <= len(line.encode())


def test_blanking_sees_slices_and_chunks() -> None:
    """Offsets of Arrow's views are honoured."""
    whole = pa.array(["a 1", "b 22", "c 333x", "d 4"])
    codes, texts = coarse(pa.chunked_array([whole.slice(1, 2), whole.slice(3, 1)]))

    assert [texts[c] for c in codes] == ["b 0", "c 0", "d 0"]


def test_lines_longer_than_a_block_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block ends where a line ends: no word is cut in two."""
    lines = [f"{'x' * n} id{n}y{n} end" for n in range(50)]
    expected = mine(pa.array(lines)).templates
    monkeypatch.setattr(templates, "_BLOCK", 16)

    assert mine(pa.array(lines)).templates == expected


def test_json_lines_are_grouped_by_their_message() -> None:
    """Other fields of a structured line, whatever they hold, do not split its template."""
    lines = [
        f'{{"level":"ERROR","logger":"shop.db","msg":"timeout after {n} s","trace_id":"{n:012x}"}}' for n in range(9)
    ]

    assert mine(pa.array(lines)).templates == ("shop.db: timeout after # s",)


def test_a_word_with_many_values_is_variable_and_one_with_few_is_not() -> None:
    """Four names in one place are a variable; three outcomes are three templates."""
    users = [f"session opened for {name}" for name in ("ann", "bob", "cyd", "dan")]
    outcomes = [f"payment was {word} today" for word in ("declined", "accepted", "lost")]

    assert mine(pa.array(users + outcomes)).templates == (
        "payment was accepted today",
        "payment was declined today",
        "payment was lost today",
        "session opened for #",
    )


def test_texts_that_are_to_stay_apart_are_not_merged() -> None:
    """A known wording is never lost in a group."""
    texts = [f"peer said {word}" for word in ("refused", "ann", "bob", "cyd", "dan")]
    grouped = group(texts, ["sig", "", "", "", ""])

    assert grouped.templates == ("peer said #", "peer said refused")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_status_is_never_merged_away(order: tuple[int, ...]) -> None:
    """Many statuses of one route stay many templates."""
    lines = [f"GET /pay {status} 12ms" for status in (200, 201, 404, 500, 502, 503)]
    lines = [*lines[order[0] * 2 :], *lines[: order[0] * 2]]

    assert len(mine(pa.array(lines)).templates) == 6


def test_a_flood_of_distinct_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are all different cannot make the number of templates grow without end."""
    monkeypatch.setattr(templates, "MOST_TEXTS", 50)
    letters = "abcdefghij"
    names = ["".join(letters[int(c)] for c in f"{n:04d}") for n in range(600)]
    mined = mine(pa.array([f"{name} {name} {name} said {name} to {name}" for name in names] + ["all is well"] * 9))

    assert len(mined.templates) <= 50


def test_a_stack_trace_belongs_to_the_line_before_it() -> None:
    """One record: the complaint, and the exception that ends the trace."""
    lines = [
        "2026-01-31T03:12:00Z ERROR [app] unhandled",
        "Traceback (most recent call last):",
        '  File "/srv/main.py", line 3, in <module>',
        "    from shop_pricing import Engine",
        "ModuleNotFoundError: No module named 'shop_pricing'",
        "2026-01-31T03:12:01Z INFO [app] done",
    ]
    logs = Logs.of(range(6), ["shop"] * 6, ["t"] * 6, [""] * 6, lines)
    records = read_records(logs.table)

    assert sorted(records.names) == [
        "[app] done",
        "[app] unhandled | ModuleNotFoundError: No module named 'shop_pricing'",
    ]
    assert records.time_ns.tolist() == [0, 5]


def test_traces_of_two_tasks_do_not_mix() -> None:
    """Lines of several tasks interleave; each trace stays with its own."""
    rows = [
        ("a", "Error: connect ECONNREFUSED 10.0.0.1:5544"),
        ("b", "INFO request served"),
        ("a", "    at /srv/node_modules/pg-pool/index.js:45:11"),
        ("b", "Exception in thread main java.lang.IllegalStateException: outer"),
        ("a", "    at next (node:internal:1:2)"),
        ("b", "\tat com.shop.Main.run(Main.java:12)"),
        ("b", "Caused by: java.net.SocketException: inner"),
        ("b", "\t... 12 more"),
    ]
    logs = Logs.of(range(8), ["shop"] * 8, [task for task, _ in rows], [""] * 8, [line for _, line in rows])

    assert sorted(read_records(logs.table).names) == [
        "Exception in thread main java.lang.IllegalStateException: outer | java.net.SocketException: inner",
        "connect ECONNREFUSED # | at postgres driver",
        "request served",
    ]


def test_what_comes_much_later_is_not_part_of_a_trace() -> None:
    """An indented line a minute later is a line of its own."""
    logs = Logs.of([0, 60_000_000_000], ["s", "s"], ["t", "t"], ["", ""], ["ERROR broken", "  indented"])

    assert sorted(read_records(logs.table).names) == ["broken", "indented"]
