"""Fills Grafana's variables into a query for sending.

A value never leaves the string literal that it stands in, whatever it holds: it is escaped for
the literal, and for the regular expression where the literal is one. Grafana itself escapes by
the variable's kind instead of its place, so that a selection of ``a.b`` finds nothing in
``label="$x"`` there; here the place decides, and the value is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from obskit.errors import UsageError
from obskit.model import stamp, utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a variable stands for.

    Attributes:
        texts: The chosen values; none for an empty choice.
        pattern: Whether the text is a regular expression already, as an ``allValue`` is: it
            goes in as it stands.
    """

    texts: tuple[str, ...]
    pattern: bool = False

    def __str__(self) -> str:
        return ", ".join(self.texts)


Values = Mapping[str, Value]

_REFERENCE = (
    r"\$\{(?P<braced>\w+)(?:\.[^:}]*)?(?::(?P<how>[^}]*))?\}|\[\[(?P<old>\w+)(?::(?P<old_how>\w+))?\]\]|\$(?P<bare>\w+)"
)
_REFERENCES = re.compile(_REFERENCE)
#: A pair of a backslash and what it escapes hides a reference: `\\$x` in a literal is two things, `\$x` none.
_IN_LITERAL = re.compile(rf"\\.|{_REFERENCE}", re.DOTALL)
_TOKENS = re.compile(
    r"""(?P<comment>\#[^\n]*) | (?P<literal>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*`) | (?P<code>[^"'`\#]+|.)""",
    re.DOTALL | re.VERBOSE,
)
_REGEX_SYNTAX = re.compile(r"[\\.+*?()|\[\]{}^$]")
#: What may stand outside of quotes: names, numbers, durations, and lists of them.
_WORDS = re.compile(r"[\w:.,+* -]*", re.ASCII)
#: Milliseconds since the epoch, up to the year 5138.
_MOMENT = re.compile(r"[0-9]{1,14}")
_BROKEN = re.compile("[\ud800-\udfff]")
_PAIRS = re.compile(r"""\\.|["'\\\n]""", re.DOTALL)


def references(text: str) -> frozenset[str]:
    """Return the names of all variables that a text refers to."""
    return frozenset(_name(match) for match in _REFERENCES.finditer(text))


def interpolate(text: str, values: Values) -> str:
    """Return a PromQL or LogQL query with the variables filled in.

    A variable without a value stays as it is, as in Grafana. A literal in backticks that holds
    a variable comes back in double quotes, which can hold every value.

    Args:
        text: The query as the dashboard has it: ``$x``, ``${x}``, ``${x:regex}``, ``[[x]]``.
        values: By name; Grafana's own, such as ``__rate_interval``, among them.

    Raises:
        UsageError: A value outside of quotes is neither a name, a number, a duration nor a list
            of such.
    """
    out: list[str] = []
    code = ""
    for token in _TOKENS.finditer(text):
        if token["literal"]:
            out.append(_literal(token["literal"], values, is_regex=code.rstrip().endswith("~")))
        elif token["code"]:
            code = token["code"]
            out.append(_REFERENCES.sub(lambda match: _in_code(match, values), code))
        else:
            out.append(token.group())
    return "".join(out)


def in_prose(text: str, values: Values) -> str:
    """Return a title or a text with the variables filled in; several values are joined by `` + ``.

    A moment in milliseconds that is wanted as a date, ``${__from:date:iso}``, becomes one.
    """

    def put(match: re.Match[str]) -> str:
        value = values.get(_name(match))
        if value is None:
            return match.group()
        if _how(match).startswith("date") and value.texts and _MOMENT.fullmatch(value.texts[0]):
            return stamp(utc(int(value.texts[0]) * 1_000_000))
        return " + ".join(value.texts)

    return _REFERENCES.sub(put, text)


def quoted(text: str) -> str:
    """Return the text as a literal in double quotes."""
    return f'"{_escaped(text)}"'


def _name(match: re.Match[str]) -> str:
    return match["braced"] or match["old"] or match["bare"]


def _literal(token: str, values: Values, *, is_regex: bool) -> str:
    """Fill the variables into one string literal, quotes included."""
    body = token[1:-1]

    def meant(match: re.Match[str]) -> str:
        """Return what the reference means: text before any escaping for the literal."""
        value = values.get(_name(match))
        return match.group() if value is None else _spelled(value, _how(match), is_regex=is_regex)

    def put(match: re.Match[str]) -> str:
        value = None if match.group().startswith("\\") else values.get(_name(match))
        if value is None:
            return match.group()
        return _closed(meant(match)) if value.pattern else _escaped(meant(match))

    if token[0] != "`":
        return f"{token[0]}{_IN_LITERAL.sub(put, body)}{token[0]}"
    known = any(_name(match) in values for match in _REFERENCES.finditer(body))
    return quoted(_REFERENCES.sub(meant, body)) if known else token


def _how(match: re.Match[str]) -> str:
    return match["how"] or match["old_how"] or ""


def _spelled(value: Value, how: str, *, is_regex: bool) -> str:
    """Return the value as the place or the given format wants it."""
    if how in ("raw", "text", "csv"):
        return ",".join(value.texts)
    if how == "pipe" or value.pattern:
        return "|".join(value.texts)
    if not (is_regex or how == "regex"):
        return "|".join(value.texts)
    return _alternatives(value.texts)


def _alternatives(texts: Iterable[str]) -> str:
    """Return a regular expression that matches exactly these; in brackets, as the place may add to it."""
    found = [_REGEX_SYNTAX.sub(r"\\\g<0>", text) for text in texts]
    return found[0] if len(found) == 1 else f"({'|'.join(found)})"


def _escaped(text: str) -> str:
    """Escape for a literal in either quotes; half characters, which cannot be sent, become U+FFFD."""
    whole = _BROKEN.sub("\ufffd", text)
    return re.sub(r"""["'\\]""", r"\\\g<0>", whole).replace("\n", r"\n")


def _closed(pattern: str) -> str:
    """Escape only what would end a literal: the pattern's own backslashes stay, as in Grafana."""
    whole = _BROKEN.sub("\ufffd", pattern)
    return _PAIRS.sub(
        lambda m: m.group() if m.group() != "\\\n" and len(m.group()) == 2 else _escaped(m.group()), whole
    )


def _in_code(match: re.Match[str], values: Values) -> str:
    """Fill a reference in that stands outside of quotes."""
    value = values.get(_name(match))
    if value is None:
        return match.group()
    if _how(match) in ("doublequote", "singlequote"):
        return ",".join(map(quoted, value.texts))
    text = ",".join(value.texts)
    if not _WORDS.fullmatch(text):
        raise UsageError(
            f"the value of ${_name(match)} cannot stand outside of quotes",
            where={"value": text[:200]},
            hint="only names, numbers and durations can",
        )
    return text
