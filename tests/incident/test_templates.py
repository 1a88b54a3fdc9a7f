"""Lines become templates: masked, grouped, whatever they hold."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.incident import blanking, linebytes
from obskit.incident.blanking import coarse
from obskit.incident.grouping import group
from obskit.incident.masking import mask, wording
from obskit.incident.templates import mine, read_records, template_id
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
                "errno",
                "error code",
                "SQLSTATE",
                "42P01",
                "28",
                "ORA-00942",
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
        ("write failed: [Errno 28] after 3 s", "write failed: [Errno 28] after # s"),
        ("errno=-104, fd 12", "errno=-104, fd #"),
        ("No such file (os error 2)", "No such file (os error 2)"),
        ("deadlock (SQLSTATE 40P01) at 12", "deadlock (SQLSTATE 40P01) at #"),
        ("SQLSTATE[HY000] of 7", "SQLSTATE[HY000] of #"),
        ("code: '42P01', line: '14'", "code: '42P01', line: '#'"),
        ("ORA-00942: table 3 is missing", "ORA-00942: table # is missing"),
        ("exit status 137, code 12 of 100", "exit status 137, code # of #"),
        ("error code 1234567", "error code #"),
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
    monkeypatch.setattr(linebytes, "BLOCK", 16)

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
def test_records_keep_statuses_apart_and_wordings_do_not(order: tuple[int, ...]) -> None:
    """Many statuses of one route stay many templates of records; the program has one line for them."""
    lines = [f"GET /pay {status} 12ms" for status in (200, 201, 404, 500, 502, 503)]
    lines = [*lines[order[0] * 2 :], *lines[: order[0] * 2]]
    logs = Logs.of(range(6), ["shop"] * 6, ["t"] * 6, [""] * 6, lines)

    assert len(read_records(logs.table).names) == 6
    assert mine(pa.array(lines)).templates == ("GET /pay # #",)


def test_a_flood_of_distinct_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are all different cannot make the number of templates grow without end."""
    monkeypatch.setattr(blanking, "MOST_TEXTS", 50)
    letters = "abcdefghij"
    names = ["".join(letters[int(c)] for c in f"{n:04d}") for n in range(600)]
    mined = mine(pa.array([f"{name} {name} {name} said {name} to {name}" for name in names] + ["all is well"] * 9))

    assert len(mined.templates) <= 50


def test_too_many_texts_lose_their_rarest_words_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What many lines have in common is still told apart when names flood a column."""
    monkeypatch.setattr(blanking, "MOST_TEXTS", 50)
    letters = "abcdefghij"
    names = ["".join(letters[int(c)] for c in f"{n:04d}") for n in range(600)]
    lines = [line for name in names for line in (f"mail of {name} sent to {name}@x.org", f"no such user: {name}")]

    assert mine(pa.array(lines)).templates == ("mail of # sent to #", "no such user: #")


def test_a_rare_text_that_is_like_no_other_stays_whole_in_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new error among too many names keeps its words, though each of them is rare."""
    monkeypatch.setattr(blanking, "MOST_TEXTS", 50)
    letters = "abcdefghij"
    names = ["".join(letters[int(c)] for c in f"{n:04d}") for n in range(600)]
    lines = [*(f"mail of {name} sent to {name}@x.org" for name in names), "volume is full; cannot write journal"]

    assert mine(pa.array(lines)).templates == ("mail of # sent to #", "volume is full; cannot write journal")


@pytest.mark.parametrize(
    "text",
    [
        "errno 28",
        "errno=-28",
        "[Errno 28]",
        "os error 2",
        "SQLSTATE 42P01",
        "SQLSTATE[HY000]",
        "ORA-00942",
        "code: 'P0001'",
    ],
)
@pytest.mark.parametrize("around", ["{}", "x {}, y", "{}: 12", "({})"])
def test_codes_of_errors_are_the_same_for_bytes_and_for_texts(text: str, around: str) -> None:
    """What blanking does to the bytes of a column leaves what masking keeps."""
    line = around.format(text)
    records = read_records(Logs.of([0], ["s"], ["t"], ["error"], [line]).table)

    assert records.names == (mask(line),)
    assert text in records.names[0]


def test_names_in_an_error_are_values_only_if_there_are_many() -> None:
    """Fifteen hosts are fifteen errors; sixteen are one; in a line of another level four are one."""

    def names(count: int, level: str) -> int:
        lines = [f"connection to {chr(97 + i)}.shop.internal lost" for i in range(count)]
        return len(
            read_records(Logs.of(range(count), ["s"] * count, ["t"] * count, [level] * count, lines).table).names
        )

    assert [names(15, "error"), names(16, "error"), names(15, "fatal"), names(4, "info")] == [15, 1, 15, 1]


@given(st.lists(TEXTS, max_size=20), st.lists(st.integers(0, 20), max_size=4))
@settings(deadline=None)
def test_chunks_do_not_matter(lines: list[str], cuts: list[int]) -> None:
    """However a column is cut, each line gets the same template."""
    whole = pa.array(lines, pa.string())
    edges = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    cut = pa.chunked_array([whole.slice(a, b - a) for a, b in pairwise(edges)], pa.string())

    assert mine(cut).templates == mine(whole).templates
    assert mine(cut).ids.tolist() == mine(whole).ids.tolist()


@given(st.lists(TEXTS, min_size=2, max_size=20), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_neither_order_nor_chunks_matter_in_a_flood(lines: list[str], random: object) -> None:
    """Also where texts are too many, rare words go and the rest is lumped, nothing depends on what came first."""
    order = list(range(len(lines)))
    random.shuffle(order)  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blanking, "MOST_TEXTS", 3)
        straight = mine(pa.array(lines, pa.string()))
        shuffled = mine(pa.chunked_array([[lines[i]] for i in order], pa.string()))

    assert shuffled.templates == straight.templates
    assert shuffled.ids.tolist() == [straight.ids.tolist()[i] for i in order]


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        " \t ",
        "7" * 100_000,
        "\x00\x01\x1b[31m\x7f \u2028 \ufdd0",
        b"caf\xe9 \xff\xfe 12".decode("utf-8", "replace"),
        "a1" * 500_000,
        "word " * 200_000,
        "/" * 1_000_000,
        "." * 1_000_000,
        "#:" * 500_000,
        "a." * 500_000,
        "{" * 100_000 + '":' + "}" * 100_000,
        "12345678-" * 100_000,
        "0f8fad5b-d9cb-469f-a165-",
        "200 " * 200_000,
        "GET /" + "x" * 500_000 + " 503",
    ],
    ids=range(16),
)
def test_a_hostile_line_harms_no_other(hostile: str) -> None:
    """Very long, empty, garbled: it gets a template of its own, and its neighbours keep theirs."""
    mined = mine(pa.array(["user 7 logged in", hostile, "user 8 logged in"]))

    assert mined.ids[0] == mined.ids[2] != mined.ids[1]
    assert mined.templates[mined.ids[0]] == "user # logged in"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("copied /var/lib/a.db to ~/b", "copied # to #"),
        ("see https://example.org/x?y=1, then", "see #, then"),
        (r"opened C:\Users\bob\a.log", "opened #"),
        ("mail.example.com:# closed", "# closed"),
        ("bound org.example.shop.Orders to v#.b.c", "bound # to #"),
        ("org.example.shop.Orders: started", "org.example.shop.Orders: started"),
        ("java.vm.name=x of a.b.c()", "java.vm.name=x of a.b.c()"),
        ("on=true off=no a: null is true", "on=# off=# a: # is true"),
        ("stored # KB in # ms, lifetime <# sec", "stored # in #, lifetime #"),
        ("attempt_#_m_# of R#-M#-NC-I:J#", "attempt_# of R#"),
        ("pool-#-thread-#", "pool-#-thread-#"),
        ("blocks blk_# blk_# blk_# gone", "blocks blk_# gone"),
        ("Rect(#, #, #) in [#,#]", "Rect(#) in [#]"),
        ("invalid user  # from", "invalid user # from"),
        ("and/or, n/a", "and/or, n/a"),
    ],
)
def test_a_wording_hides_what_may_be_a_value(text: str, expected: str) -> None:
    """Paths, names, units, lists: by their looks, whatever the program."""
    assert wording(text) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("read /a/b in # ms", "read /a/c in # ms"), ("read # in # ms",)),
        (("read /a/b in # ms",), ("read /a/b in # ms",)),
        (("job x took # ms", "job x took # s"), ("job x took # #",)),
        (("VM started now", "VM stopped now", "VM paused now", "VM resumed now"), 4),
        (("a set to #", "b set to #", "c set to #", "d set to #", "e set to #"), 5),
        (("user= on a", "user=root on a", "user=bob on a"), ("user=# on a",)),
        (("to () at #", "to (#) at #"), ("to (#) at #",)),
        (("went off...... #", "went on....... #"), 2),
    ],
)
def test_places_of_values_are_told_from_statements(texts: tuple[str, ...], expected: tuple[str, ...] | int) -> None:
    """Names in one place are values sooner than words; what happened, and how a message begins, is none."""
    found = group(texts).templates

    assert (found if isinstance(expected, tuple) else len(found)) == expected


def test_what_is_a_value_in_many_places_is_one_in_a_rare_one() -> None:
    """Four users in one message make the same users a value after the same word in another."""
    opened = [f"session opened for user {name}" for name in ("ann", "bob", "cyd", "dan")]
    closed = [f"session closed for user {name} by hand" for name in ("ann", "bob")]

    assert group([*opened, *closed]).templates == ("session closed for user # by hand", "session opened for user #")


def test_a_templates_id_is_its_texts() -> None:
    """The same template has the same id in every run; another has another."""
    assert template_id("user # logged in") == "928d6a4c0d2a750e"
    assert template_id("user # logged out") != template_id("user # logged in")


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
