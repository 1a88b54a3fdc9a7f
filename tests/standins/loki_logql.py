"""The part of LogQL that the stand-in for Loki speaks, with the real one's words for errors."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SECOND = 1_000_000_000
_UNITS = {"ns": 1, "us": 1000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}
_TOKEN = re.compile(
    r"""(?P<STRING>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<DURATION>(?:\d+(?:ns|us|ms|s|m|h|d))+)|(?P<NUMBER>\d+(?:\.\d+)?)"""
    r"""|(?P<IDENTIFIER>[A-Za-z_]\w*)|(?P<OP>\|=|\|~|!=|!~|=~|[{}()\[\],=/*|])|(?P<SPACE>\s+)"""
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\\"']))")
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'"}
_LEVEL = re.compile(
    r'"?\b(?:level|lvl|severity)"?\s*[:=]\s*"?(trace|debug|info|warn|error|fatal|critical)', re.IGNORECASE
)
_NO_MATCHER = (
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
    'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
)
Filter = Callable[[list[str]], npt.NDArray[np.bool_]]


class Refused(Exception):  # noqa: N818 (an answer, not an error of ours)
    """What the server answers instead of data: a status and a text."""

    def __init__(self, text: str, status: int = 400) -> None:
        self.text, self.status = text, status
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: a log query when *span* is 0, else a count over *span* nanoseconds."""

    matchers: tuple[tuple[str, str, str], ...]
    filters: tuple[Filter, ...]
    span: int = 0
    by: tuple[str, ...] | None = None
    factor: float = 1.0

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Say whether a stream's labels match."""
        return all(_matches(op, labels.get(name, ""), value) for name, op, value in self.matchers)


def _matches(op: str, value: str, wanted: str) -> bool:
    hit = value == wanted if op in ("=", "!=") else re.fullmatch(wanted, value, re.DOTALL) is not None
    return hit == (op in ("=", "=~"))


def _unquoted(token: str) -> str:
    if token[0] == "`":
        return token[1:-1]

    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        return chr(int(code, 16)) if code else _SIMPLE[match[4]]

    return _ESCAPE.sub(one, token[1:-1])


class Parser:
    """The part of LogQL that obskit speaks."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise Refused(f"parse error at line 1, col {at + 1}: syntax error: unexpected character {text[at]!r}")
            if match.lastgroup != "SPACE":
                self._tokens.append((str(match.lastgroup), match.group(), at + 1))
            at = match.end()
        self._tokens.append(("$end", "$end", len(text) + 1))
        self._at = 0

    def query(self) -> Query:
        """Return the whole query."""
        if self._peek() == "$end":
            raise Refused("parse error : syntax error: unexpected $end")
        query = self._log() if self._peek() == "{" else self._metric()
        self._take("$end")
        return query

    def _peek(self) -> str:
        return self._tokens[self._at][1]

    def _take(self, wanted: str = "", kind: str = "", expecting: str = "") -> str:
        found_kind, text, column = self._tokens[self._at]
        if (wanted and text != wanted) or (kind and found_kind != kind):
            name = text if found_kind in ("OP", "$end") else found_kind
            tail = f", expecting {expecting}" if expecting else ""
            raise Refused(f"parse error at line 1, col {column}: syntax error: unexpected {name}{tail}")
        self._at += 1
        return text

    def _log(self) -> Query:
        self._take("{")
        matchers = []
        while self._peek() != "}":
            name = self._take(kind="IDENTIFIER")
            matchers.append((name, self._take(kind="OP"), _unquoted(self._take(kind="STRING", expecting="STRING"))))
            if self._peek() == "}":
                break
            self._take(",", expecting="} or ,")
        self._take("}")
        if not any(op in ("=", "=~") and not _matches(op, "", value) for _, op, value in matchers):
            raise Refused(_NO_MATCHER)
        filters = []
        while self._peek() in ("|=", "!=", "|~", "!~"):
            op = self._take()
            filters.append(_line_filter(op, self._take(kind="STRING", expecting="STRING or ip")))
        return Query(tuple(matchers), tuple(filters))

    def _metric(self) -> Query:
        by: tuple[str, ...] | None = None
        summed = self._peek() == "sum"
        if summed:
            self._take()
            by = self._by() or ()
            self._take("(")
        function = self._take(kind="IDENTIFIER")
        if function not in ("count_over_time", "rate"):
            raise Refused(f"the stand-in does not speak {function}", 501)
        self._take("(")
        inner = self._log()
        self._take("[")
        span = nanoseconds_of(self._take(kind="DURATION"))
        self._take("]")
        self._take(")")
        if summed:
            self._take(")")
            by = self._by() or by
        factor = SECOND / span if function == "rate" else 1.0
        if self._peek() in ("/", "*"):
            op, number = self._take(), float(self._take(kind="NUMBER"))
            factor = factor * number if op == "*" else factor / number if number else math.nan
        return Query(inner.matchers, inner.filters, span, by, factor)

    def _by(self) -> tuple[str, ...]:
        if self._peek() != "by":
            return ()
        self._take()
        self._take("(")
        names = [self._take(kind="IDENTIFIER")]
        while self._peek() == ",":
            self._take()
            names.append(self._take(kind="IDENTIFIER"))
        self._take(")")
        return tuple(names)


def _line_filter(op: str, token: str) -> Filter:
    """Return what says of many lines which ones a filter keeps; RE2, as in the real one."""
    text = _unquoted(token)
    match = pc.match_substring if op in ("|=", "!=") else pc.match_substring_regex
    try:
        match(pa.array([""]), text)
    except pa.ArrowInvalid as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        why = f"missing closing ): `{text}`" if "missing )" in why else why
        raise Refused(f"parse error : stage '{op} {token}' : error parsing regexp: {why}") from error

    def keeps(lines: list[str]) -> npt.NDArray[np.bool_]:
        hits = np.array(match(pa.array(lines, pa.string()), text).to_numpy(zero_copy_only=False), np.bool_)
        return hits if op[0] == "|" else ~hits

    return keeps


def nanoseconds_of(duration: str) -> int:
    """Return a Go duration (``1m30s``) or a number of seconds as nanoseconds."""
    parts = re.findall(r"(\d+)(ns|us|ms|s|m|h|d)", duration)
    return sum(int(n) * _UNITS[unit] for n, unit in parts) if parts else round(float(duration) * SECOND)


def moment_of(name: str, text: str) -> int:
    """Return a time parameter as nanoseconds: ten digits are seconds, more are nanoseconds."""
    if re.fullmatch(r"-?\d+", text):
        return int(text) * (SECOND if len(text) <= 10 else 1)
    with contextlib.suppress(ValueError):
        return round(float(text) * SECOND)
    with contextlib.suppress(ValueError):
        return round(datetime.fromisoformat(text).timestamp()) * SECOND
    raise Refused(f"could not parse '{name}' parameter: strconv.ParseInt: parsing \"{text}\": invalid syntax")


def number_text(value: float) -> str:
    """Return a sample's value as the real one prints it."""
    return "NaN" if math.isnan(value) else str(int(value)) if value == int(value) else repr(value)


def level_of(line: str) -> str:
    """Return the level that a line names, as the real one detects it in plain cases."""
    found = _LEVEL.search(line)
    return found[1].lower() if found else "unknown"
