"""Runbooks are read as they are written: sections, blocks, links, queries; and what two of them share."""

from __future__ import annotations

from pathlib import Path

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.alerts.runbooks import SECTIONS, WORDS, Block, Runbook, alike, queries_of, runbooks_in
from obskit.catalogue import all_signals

PAGE = """# PoolWaiting

One sentence.

## Meaning

It waits, see [the pool](PoolExhausted.md#now) and [`not a link`].

## Diagnosis

1. Ask:
   ```promql db_pool_waiting
   sum(up)
     > 1
   ```
2. Run `# no heading` and:
   ```sh
   # no heading either
   obskit triage SERVICE
   ```
"""


def page(text: str, name: str = "PoolWaiting") -> Runbook:
    """Return a page of an alert."""
    return Runbook(kind="alerts", path=Path(f"{name}.md"), text=text)


def test_a_page_is_read_with_the_lines_of_its_parts() -> None:
    """Blocks in lists lose what they are indented by together, and nothing else; code has no headings and links."""
    found = page(PAGE)

    assert found.headings == ((1, 1, "PoolWaiting"), (5, 2, "Meaning"), (9, 2, "Diagnosis"))
    assert found.links == ((7, "PoolExhausted.md#now"),)
    assert found.blocks == (
        Block(info="promql db_pool_waiting", text="sum(up)\n  > 1", line=12),
        Block(info="sh", text="# no heading either\nobskit triage SERVICE", line=17),
    )
    assert (found.blocks[0].language, found.blocks[0].signal, found.blocks[1].signal) == (
        "promql",
        "db_pool_waiting",
        "",
    )


def test_a_section_holds_what_stands_below_its_heading() -> None:
    """Its code too, up to the next one; a section that is not there is empty."""
    found = page(PAGE)

    assert found.body("Meaning").startswith("It waits")
    assert found.body("Diagnosis").endswith("```")
    assert found.body("Mitigation") == ""
    assert SECTIONS == ("Meaning", "Impact", "Diagnosis", "Mitigation")


def test_a_block_that_is_never_closed_runs_to_the_end() -> None:
    """And says so."""
    (block,) = page("# A\n```sh\nls\n## Meaning\n").blocks

    assert (block.closed, block.text) == (False, "ls\n## Meaning")


@given(st.text(alphabet="#`~ ab\n[]()", max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    """Every line is prose or stands in a block or is a fence; nothing is lost and nothing fails."""
    found = page(text)

    inside = sum(len(block.text.splitlines()) for block in found.blocks)
    assert len(found.prose) + inside <= len(text.splitlines())
    assert all(1 <= number <= len(text.splitlines()) for number, _ in (*found.links, *found.prose))
    assert isinstance(found.passages, dict)


def test_pages_are_found_by_kind_and_name(tmp_path: Path) -> None:
    """Those of alerts before those of causes; other files are no pages."""
    for name in ("causes/b.md", "alerts/B.md", "alerts/A.md", "alerts/notes.txt", "other/C.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# T\n", encoding="utf-8")

    assert [(one.kind, one.name) for one in runbooks_in(tmp_path)] == [
        ("alerts", "A"),
        ("alerts", "B"),
        ("causes", "b"),
    ]


def sentence(word: str, count: int = WORDS) -> str:
    """Return so many different words."""
    return " ".join(f"{word}{number}" for number in range(count))


def test_two_pages_that_share_a_passage_are_found_with_its_place() -> None:
    """The share is of the shorter page; a link is read as its words, code is left out."""
    one = page(f"# A\n\n{sentence('own')}.\n\n- {sentence('same')}\n", "A")
    other = page(
        f"# B\n\n{sentence('mine')}. {sentence('else')}\n\n* [{sentence('same', 4)}](x.md) same4 same5 same6 same7\n",
        "B",
    )

    ((first, second, share, passage),) = alike([one, other], 0.1)

    assert (first.name, second.name, share) == ("A", "B", 0.5)
    assert one.passages[passage] == 5
    assert alike([one, other], 0.5) == ()


def test_passages_do_not_reach_over_lists_and_commands_are_no_passages() -> None:
    """The same command in many pages is meant; half a passage in two items is none."""
    items = f"- {sentence('a', 5)}\n- {sentence('b', 5)}\n"
    text = f"# A\n\n{items}\n```sh\n{sentence('c', 20)}\n```\n\n`{sentence('d', 20)}`\n"

    assert page(text).passages == {}


@pytest.mark.parametrize("signal", sorted(all_signals()))
def test_every_signal_can_stand_in_a_runbook(signal: str) -> None:
    """Each variant, of the service SERVICE, without a placeholder left."""
    for query, variant in zip(queries_of(signal), all_signals()[signal].variants, strict=True):
        assert "$" not in query.replace("$1", "").replace('$"', "").replace("$`", "").replace("$)", "").replace(
            "$|", ""
        )
        if variant.language == "PromQL":
            promql_parser.parse(query)
