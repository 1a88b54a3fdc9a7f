"""Folded commands and queries still work when they are pasted."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.report._fold import fold_command, fold_query

COMMANDS = (
    "aws ecs update-service --cluster prod --service demo-app --force-new-deployment",
    "jq '.a | select(.b == \"it x\") | long long long' file.json \"it's a\" b 'c d' foo\\ bar",
    'curl -H \'X: a  b\' "$URL" --data \'{"a": [1, 2, 3]}\' | grep -c "two"',
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("width", [12, 20, 40, 200])
def test_a_folded_command_has_the_same_words(command: str, width: int) -> None:
    """A shell that reads the folded lines sees the same words; only blanks in double quotes may grow."""
    folded = shlex.split("\n".join(fold_command(command, width)).replace("\\\n", ""))

    assert [word.split() for word in shlex.split(command)] == [word.split() for word in folded]


def test_a_shell_prints_the_same_for_both() -> None:
    """Asked of a real shell: the words survive continuation lines."""
    command = "printf '<%s>' one 'two three' \"it's\" four\\ five 'a b c d e f g'"
    runs = [
        subprocess.run(["sh", "-c", text], check=True, capture_output=True, text=True).stdout
        for text in (command, "\n".join(fold_command(command, 20)))
    ]

    assert "<one><two three><it's><four five><a b c d e f g>" == runs[0] == runs[1]


@given(st.text(st.sampled_from("ab{}()[],=~\"'`\\ |/$"), max_size=80), st.integers(5, 60))
def test_a_folded_query_loses_nothing_but_blanks(query: str, width: int) -> None:
    """Whatever the text is, its characters stay in order; lines grow too long for long atoms only."""
    rows = fold_query(query, width)

    assert "".join(query.split()) == "".join("".join(rows).split())


def test_a_query_is_not_broken_within_a_string_or_a_name() -> None:
    """A break within a name or a quoted string would change the query."""
    query = 'sum by (service) (rate(http_requests_total{code=~"5.. or so",service="demo-app"}[1m])) / count(up)'
    rows = fold_query(query, 30)

    assert len(rows) > 3
    assert all(any(atom in row for row in rows) for atom in ("http_requests_total{", 'code=~"5.. or so"', '"demo-app"'))
    assert fold_query("", 20) == []


@given(
    st.lists(st.text(st.sampled_from("ab .|(,)\\{\n"), max_size=30), min_size=1, max_size=4),
    st.sampled_from("\"'`"),
    st.integers(5, 30),
)
def test_whatever_a_string_holds_it_stays_as_it_is(texts: list[str], quote: str, width: int) -> None:
    """Blanks, commas, brackets and line breaks within quotes are what is searched for, not places to break."""
    strings = [quote + text.replace("\\", "" if quote == "`" else "\\\\") + quote for text in texts]
    folded = "\n".join(fold_query(f"{{a=~{', b!~'.join(strings)}}} |= {quote}not closed, however long (it is)", width))

    assert all(string in folded for string in strings)
    assert f"{quote}not closed, however long (it is)" in folded


def test_a_string_within_a_shells_string_is_not_broken() -> None:
    """Blanks may grow between the words of a statement, never within what the statement compares with."""
    command = """psql -c "select 'two words  apart' from t where name = 'four words of it' and \\"a b c\\" > 0" """
    folded = "\n".join(fold_command(command, 12))

    assert len(folded.splitlines()) > 5
    assert all(literal in folded for literal in ("'two words  apart'", "'four words of it'", '\\"a b c\\"'))
