"""Long commands and queries on several lines that still work when they are pasted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: A string as PromQL and LogQL write one; what is not closed reaches to the end.
_STRING = r"""(?:"(?:\\.|[^"\\])*(?:"|\\?\Z)|'(?:\\.|[^'\\])*(?:'|\\?\Z)|`[^`]*(?:`|\Z))"""

#: A query's atoms: a string whole with what clings to it, or text up to a place where white space may stand.
_QUERY = re.compile(rf"""(?:[^\s"'`(,{{]*[=~])?{_STRING}[)\]}},]*|\s+|[^\s"'`(,{{]*[(,{{]|[^\s"'`(,{{]+""", re.DOTALL)

#: A command's atoms: quoted strings whole, escaped characters, white space, the rest.
_SHELL = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|\s+|[^\s'"\\]+|.""")

#: What double quotes hold: strings of another language whole, as SQL, JMESPath and LogQL write them; blanks; the rest.
_WITHIN = re.compile(r"""'[^']*'|\\"(?:(?!\\").)*\\"|\s+|[^\s'\\]+|.""")


def fold_query(query: str, width: int) -> list[str]:
    """Return the query in lines, broken only where PromQL and LogQL allow white space: never within a string.

    Args:
        query: Cleaned text, possibly of several lines.
        width: The longest line; a single atom that is longer stays whole, with the line breaks of its own.
    """
    rows, line = list[str](), list[str]()
    for atom in _QUERY.findall(query):
        if atom.isspace() and "\n" in atom:
            rows += _fill(line, width)
            line = []
        else:
            line.append(atom)
    return rows + _fill(line, width)


def fold_command(command: str, width: int) -> list[str]:
    """Return the shell command in lines that are continued with a backslash.

    Words stay as they are, but for a blank within double quotes that grows by the indent: that is where long SQL
    stands, and SQL does not mind. A string within them is not broken.

    Args:
        command: Cleaned text, possibly of several lines.
        width: The longest line; a single word that is longer stays whole.
    """
    rows = []
    for line in command.splitlines():
        *head, last = _fill(_words(line), width - 2) or [""]
        rows += [*(f"{row} \\" for row in head), last]
    return rows


def _words(line: str) -> Iterator[str]:
    """Yield words and the white space between them; glued parts (``a'b c'``) stay one word.

    Within double quotes a shell drops a backslash at a line's end too, so their spaces count
    as places to break; within single quotes it does not.
    """
    word = ""
    for atom in _SHELL.findall(line):
        for part in _WITHIN.findall(atom) if atom[0] == '"' or atom.isspace() else [atom]:
            if part.isspace():
                yield from (word, part)
                word = ""
            else:
                word += part
    yield word


def _fill(atoms: Iterable[str], width: int) -> list[str]:
    """Return lines of at most *width*, later ones indented; blanks at a break are dropped."""
    rows, row = [], ""
    for atom in atoms:
        if row.strip() and len(row) + len(atom.rstrip()) > width:
            rows.append(row.rstrip())
            row = "  " + atom.lstrip()
        else:
            row += atom
    return [*rows, row.rstrip()] if row.strip() else rows
