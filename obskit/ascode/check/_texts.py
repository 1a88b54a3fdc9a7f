"""Reads query texts where no tree helps: matchers as the definition writes them, ranges of LogQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from obskit.ascode.promql_tree import reference

_STRING = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`"
_MATCHER = re.compile(rf"([A-Za-z_][\w.]*)\s*(=~|!~|!=|==?)\s*({_STRING})")
_OUTSIDE = re.compile(rf"({_STRING})|#[^\n]*|(\$\{{[^}}]*\}}|\[\[\w+(?::\w+)?\]\])|([\[\]{{}}])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One matcher as a query writes it.

    Attributes:
        label, op: Its name and operator.
        value: Between the quotes, escapes untouched.
        column: Where it begins in the query, from 1.
    """

    label: str
    op: str
    value: str
    column: int

    def __str__(self) -> str:
        return f'{self.label}{self.op}"{self.value}"'


def matchers(text: str) -> Iterator[Matcher]:
    """Yield what stands in a query's braces: outside of strings, pipelines left out."""
    for start, end in spans(text, "{", "}"):
        yield from _matchers(text, start, end)


def spans(text: str, opening: str, closing: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of what stands between brackets outside of strings, comments and variables."""
    start = -1
    for found in _OUTSIDE.finditer(text):
        if found.group(3) == opening:
            start = found.end()
        elif found.group(3) == closing and start >= 0:
            yield start, found.start()
            start = -1


def selectors(text: str) -> Iterator[tuple[int, tuple[Matcher, ...]]]:
    """Yield the column and the matchers of each pair of braces."""
    for start, end in spans(text, "{", "}"):
        yield start, tuple(_matchers(text, start, end))


def names(text: str, variable: str) -> bool:
    """Return whether a text refers to a variable."""
    return re.search(reference(variable), text) is not None


def _matchers(text: str, start: int, end: int) -> Iterator[Matcher]:
    for found in _MATCHER.finditer(text, start, end):
        label, op, literal = found.groups()
        yield Matcher(label=label, op=op, value=literal[1:-1], column=found.start() + 1)
