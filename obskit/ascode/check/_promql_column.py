"""Finds where a PromQL query goes wrong: promql_parser says what, but not where.

The text is cut at its tokens. What stands before the mistake can still be completed to a query
by some ending; what holds the mistake cannot. So the longest beginning that can be completed ends
before the mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

_TOKEN = re.compile(
    r"(?P<skip>\s+|#[^\n]*)"
    r"|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`"
    r"|\[[^\[\]]*\]"  # a range is one token: its inside has no ending of its own
    r"|[\w:.]+|[=!<>]=|=~|!~|.",
    re.DOTALL,
)
_CLOSES = {"(": ")", "{": "}"}
#: What may follow at once, and what may follow after the closing brackets.
_MIDDLES = (
    *("", " x", "1", '="a"', '"a"', "x[5m]", "[5m]"),
    *("1, x", "1, x[5m]", "x[5m], 1", 'x, "a", "b", "c", "d"'),  # a call's arguments from the first on
    *(', "a", "b", "c", "d"', ', "b", "c"', ", x", ", x[5m]", ", 1", ", 1, 1"),  # and the rest of them
)
_ENDS = ("", "(x)", " x", "(x[5m])", "[5m]", "(1, x)")
#: Beyond this many tokens only the last ones are looked at: a query of thousands is generated.
_MOST = 400


def column_of(text: str, said: str) -> int:
    """Return the position, from 0, at which a query that does not parse goes wrong.

    Args:
        text: The query, its variables filled in.
        said: What promql_parser said about it.

    Returns:
        At most the text's length, which means that its end is missing.
    """
    tokens = [m for m in _TOKEN.finditer(text) if m["skip"] is None]
    if said.startswith("unclosed left parenthesis"):
        return _opened(tokens) or 0
    for number in range(len(tokens), max(0, len(tokens) - _MOST) - 1, -1):
        before = tokens[:number]
        if _can_go_on(text[: before[-1].end()] if before else "", before):
            at = tokens[number].start() if number < len(tokens) else len(text)
            return _named(text, said, at)
    return 0


def _named(text: str, said: str, at: int) -> int:
    """Go back to the function that the message names: its argument is wrong, not the bracket after it."""
    name = re.search(r"(?:call to|with name) (?:function )?'([^']+)'", said)
    if name is None:
        return at
    calls = [m.start() for m in re.finditer(rf"\b{re.escape(name[1])}\s*\(", text) if m.start() <= at]
    return calls[-1] if calls else at


def _opened(tokens: list[re.Match[str]]) -> int | None:
    """Return where the last bracket stands that is never closed."""
    stack: list[re.Match[str]] = []
    for token in tokens:
        if token[0] in _CLOSES:
            stack.append(token)
        elif token[0] in _CLOSES.values() and stack:
            stack.pop()
    return stack[-1].start() if stack else None


def _can_go_on(text: str, tokens: list[re.Match[str]]) -> bool:
    import promql_parser  # a Rust library; only checks need it

    stack: list[str] = []
    for token in tokens:
        if token[0] in _CLOSES:
            stack.append(_CLOSES[token[0]])
        elif stack and token[0] == stack[-1]:
            stack.pop()
    for ending in _endings(stack):
        try:
            promql_parser.parse(text + ending)
        except ValueError:
            continue
        return True
    return False


def _endings(stack: list[str]) -> Iterator[str]:
    """Yield endings that close all brackets; nearest the text first an operand, then what must follow a bracket."""
    inner, outer = "".join(stack[-1:]), "".join(reversed(stack[:-1]))
    for middle, end in product(_MIDDLES, _ENDS):
        yield f"{middle}{inner}{end}{outer}"
