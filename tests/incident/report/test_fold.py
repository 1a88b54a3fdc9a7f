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
