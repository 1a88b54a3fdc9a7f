"""The Markdown face: short enough for a chat, and nothing in it can break out."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from obskit.escape import clean
from obskit.incident.report.as_markdown import render
from obskit.incident.report.markdown import code, escape, template_line
from obskit.model import Diagnosis
from tests.support.diagnosis_example import calm, example, unclear
from tests.support.hostile import hostile

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TEXT = st.text(st.sampled_from("ab1 `*_[]()<>|~#!&;@:/\\\"'-+=.{}$\n\x1b\u202e"), max_size=40)


def _kinds(markdown: str) -> set[str]:
    tokens = PARSER.parse(markdown)
    return {child.type for token in tokens for child in (token, *(token.children or ()))}


def test_the_example_fits_an_issue_or_a_chat() -> None:
    """A message of a chat holds some 6,000 characters."""
    assert len(render(example())) < 6000


@pytest.mark.parametrize("diagnosis", [example(), calm(), hostile()], ids=["example", "calm", "hostile"])
def test_no_text_of_others_becomes_markup(diagnosis: Diagnosis) -> None:
    """No link, image, HTML or further heading comes from a log line or a label."""
    markdown = render(diagnosis)

    assert not _kinds(markdown) & {"link_open", "image", "html_inline", "html_block", "s_open", "fence", "code_block"}
    assert not {c for c in markdown if (ord(c) < 32 and c != "\n") or c in "\x7f\x9b\u202e"}
    headings = [line for line in markdown.splitlines() if line.startswith("#")]
    assert len(headings) == sum(token.type == "heading_open" for token in PARSER.parse(markdown)) <= 6


@given(TEXT)
def test_escaped_text_reads_as_it_stands(text: str) -> None:
    """Rendered, the text is a plain paragraph of the same characters; joiners have no width."""
    tokens = PARSER.parse(f"x {escape(text)}")

    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    assert f"x {clean(text)}".rstrip() == "".join(child.content for child in children).replace("\u2060", "").rstrip()


@pytest.mark.parametrize("trigger", ["@everyone", "https://evil.example", "www.evil.example", "#12", ":bomb:"])
def test_mentions_links_and_references_are_broken(trigger: str) -> None:
    """What chats and forges act on beyond CommonMark is split by a joiner without width."""
    assert trigger not in escape(trigger).replace("\\", "")
    assert trigger == escape(trigger).replace("\\", "").replace("\u2060", "")


@pytest.mark.parametrize("text", ["1. a", "12) a", "- a", "+ a", "= a", "# a", "> a"])
def test_a_line_cannot_begin_a_block(text: str) -> None:
    """A cell or an item that begins like a list or heading stays text."""
    assert [token.type for token in PARSER.parse(escape(text))] == ["paragraph_open", "inline", "paragraph_close"]


@given(TEXT)
def test_a_code_span_cannot_be_ended_from_within(text: str) -> None:
    """Backticks of the text are its content; the span is one token with the text as it stands."""
    if not clean(text):
        assert code(text) == ""
        return
    children = PARSER.parse(f"x {code(text)} y")[1].children or []

    assert [child.type for child in children] == ["text", "code_inline", "text"]
    assert clean(text) == children[1].content


def test_a_table_row_keeps_its_cells() -> None:
    """A pipe in a title is a character, not the end of a cell."""
    tokens = PARSER.parse(render(hostile()))
    rows, cells = (sum(token.type == kind for token in tokens) for kind in ("tr_open", "td_open"))

    assert 4 * (rows - 1) == cells


def test_a_rate_stands_beside_the_template_that_it_counts() -> None:
    """One line of a group came once: its own text is an example, and where nothing is masked there is none."""
    masked = replace(example().log_templates[0], template="GET /carts 503 in # ms", example="GET /carts 503 in 9.0 ms")
    first, *rest = template_line(masked).split("\n")

    assert first.rstrip().endswith(" lines a minute: `GET /carts 503 in # ms`")
    assert rest == ["  for example `GET /carts 503 in 9.0 ms`"]
    assert "for example" not in template_line(replace(masked, example=masked.template))
    assert "for example" not in template_line(replace(masked, example=""))


def test_suspects_are_a_list_with_their_contributions() -> None:
    """Numbered by suspicion; each line says what, from when, and how to see it again."""
    text = render(unclear())
    lines = text.splitlines()
    first = lines.index("1. **auth**, score 4.6")

    assert lines[first + 1 : first + 5] == [
        r"   - \+2.9 errors, from 02:58:00Z: share of requests answered 5xx 0 % -\> 3.2 %  ",
        '     `errors{service="auth"}`',
        r"   - \+1.7 along the calls: 83 % of the ways from demo-app to whoever is affected end here",
        r"   - \+\<0.1 smaller parts",
    ]
    assert sum(token.type == "ordered_list_open" for token in PARSER.parse(text)) == 1
    assert "Suspects" not in render(example())


@pytest.mark.parametrize(("name", "diagnosis"), [("example", example()), ("calm", calm())])
def test_the_report_as_markdown(name: str, diagnosis: Diagnosis, golden: Callable[[str, str], None]) -> None:
    """The whole report, byte for byte."""
    golden(f"report/{name}.md", render(diagnosis))
