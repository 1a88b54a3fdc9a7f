"""Where a definition says something: the lines of its texts, and of the arguments of its calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def texts(source: str) -> Iterator[tuple[str, int]]:
    """Yield every string of its own in a file with its line, from the outside in.

    Args:
        source: Python that parses.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def assigned(source: str, *names: str) -> int:
    """Return the line of the first ``name = …`` in a file, or 0."""
    lines = [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") in names for target in node.targets)
    ]
    return min(lines, default=0)


def arguments(source: str) -> dict[str, list[dict[str, int]]]:
    """Return the lines of the arguments of each call that names something.

    Returns:
        What its first argument, or its ``name=``, says -> for each such call, in their order in the
        file, argument -> line; the name's own line is that of "".
    """
    found: dict[str, list[dict[str, int]]] = {}
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        named = call.args[0] if call.args else keywords.get("name")
        if isinstance(named, ast.Constant) and isinstance(named.value, str):
            lines = {"": named.lineno, **{key: value.lineno for key, value in keywords.items()}}
            found.setdefault(named.value, []).append(lines)
    return found
