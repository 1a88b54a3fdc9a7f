"""What a log line says, and which known wording of a known fault that is, if any.

`read` unwraps a line; `match` and `match_examples` compare messages with the signatures. Their
wordings are data, in ``signatures.json``, in the order in which they are tried: a
database's "connection refused" stands before anybody's. All are RE2, so that no line, however
it was made, can make a search slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

#: Everything after this many characters of a message tells nothing about its kind.
LONGEST_TEXT: Final = 1000
#: A line is read this far for its fields; longer ones are cut (16 KiB is the agents' usual limit).
_LONGEST_LINE: Final = 1 << 14
#: Levels of lines that tell of ordinary life; a generic wording in one of them proves nothing.
_CALM_LEVELS: Final = ("debug", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a line says, without its wrapping.

    Attributes:
        level: ``debug``, ``info``, ``warn``, ``error``, ``fatal`` or "" when it does not say.
        logger: Who wrote it, or "".
        text: The message, with the last line of its stack trace after a bar.
    """

    level: str
    logger: str
    text: str

    @property
    def words(self) -> str:
        """Return ``logger: text``, or the text alone where no logger is named."""
        return f"{self.logger}: {self.text}" if self.logger else self.text


_MESSAGE_KEYS: Final = ("message", "msg", "event.original", "log", "@message", "text", "body", "short_message", "event")
_TRACE_KEYS: Final = ("exception", "exc", "exc_info", "stack_trace", "stacktrace", "stack", "traceback", "error", "err")
_LEVEL_KEYS: Final = ("level", "severity", "lvl", "levelname", "log.level", "severity_text", "loglevel")
_LOGGER_KEYS: Final = ("logger", "logger_name", "log.logger", "component", "caller")
_STATUS_KEYS: Final = ("status", "status_code", "statuscode", "http_status", "code")
LEVELS: Final = {
    **dict.fromkeys(("trace", "debug", "verbose", "10", "20"), "debug"),
    **dict.fromkeys(("info", "information", "informational", "notice", "log", "30"), "info"),
    **dict.fromkeys(("warn", "warning", "40"), "warn"),
    **dict.fromkeys(("error", "err", "severe", "50"), "error"),
    **dict.fromkeys(("fatal", "critical", "crit", "panic", "emerg", "emergency", "alert", "60"), "fatal"),
}
_LEVEL_WORDS: Final = "|".join(sorted((w for w in LEVELS if w.isalpha()), key=len, reverse=True))
_PAIR: Final = re.compile(r'"([^"\\]{1,64})"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",\[\]{}]+))')
_LOGFMT: Final = re.compile(r'(?:^|\s)([A-Za-z_@][\w.@-]{0,40})=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_TIMESTAMP: Final = re.compile(
    r"^(?:[\d\s:.,/+|\]-]|\[(?=\s*(?:\d|Mon|Tue|Wed|Thu|Fri|Sat|Sun))|T(?=\d)|Z\b"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|UTC|GMT)\b)+"
)
# Go's "panic: …" is a wording of its own, so its first word is not taken for a level here.
_LEADING_LEVEL: Final = re.compile(
    rf"^(?!panic:)(?:[\[(<]\s*({_LEVEL_WORDS})\s*[\])>]|({_LEVEL_WORDS})(?=:|\s*\|| - ))[\s:|-]*", re.IGNORECASE
)
_LEADING_UPPER: Final = re.compile(rf"^({_LEVEL_WORDS.upper()}):?\s+(?:\|\s*)?")
_INNER_LEVEL: Final = re.compile(r"\b(FATAL|PANIC|CRITICAL|SEVERE|ERROR|WARNING|WARN|LOG|INFO|DEBUG)\b")
#: Drivers by what their frames in a stack trace look like; digits may have been blanked.
_DRIVERS: Final = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("asyncpg pool", r"asyncpg/pool\.py"),
        ("postgres driver", r"node_modules/pg\b|pg-pool|psycopg|asyncpg|org\.postgresql|jackc/pgx|lib/pq"),
        ("mysql driver", r"node_modules/mysql|pymysql|MySQLdb|com\.mysql|org\.mariadb|go-sql-driver"),
        ("mongo driver", r"node_modules/mongodb|pymongo|com\.mongodb"),
        ("redis driver", r"ioredis|node_modules/@?redis|redis/(?:connection|client)\.py|lettuce|jedis|go-redis"),
    )
)
_NAMELESS: Final = re.compile(r"(?i)time(?:d ?)?out|refused|ECONN|unreach|reset|closed|terminated")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def read(line: str) -> Message:
    """Unwrap one line.

    Args:
        line: JSON, logfmt or plain text; also JSON inside JSON, and a prefix before JSON.

    Returns:
        Its message, level and logger. A line that cannot be read is its own message.
    """
    level = logger = ""
    text = line[:_LONGEST_LINE].strip()
    for _ in range(3):  # an agent wraps a runtime that wraps an application
        fields = _fields(text)
        found = _first(fields, _MESSAGE_KEYS)
        trace = _trace(fields)
        if not fields or not (found or trace):
            break
        level = LEVELS.get(_first(fields, _LEVEL_KEYS).lower(), "") or level
        logger = _first(fields, _LOGGER_KEYS) or logger
        text = _with_status(_with_trace(found, trace), fields)
    said, text = _plain(text)
    if "\n" in text:
        text = _with_trace(text.split("\n", 1)[0], final_line(text))
    return Message(level=level or said, logger=logger if len(logger) <= 80 else "", text=text.strip()[:LONGEST_TEXT])


def read_record(first: str, last: str = "", driver: str = "") -> Message:
    """Unwrap a line with the line of its stack trace that counts and the driver it went through."""
    head = read(first)
    if not (last or driver):
        return head
    said = read(last.strip().removeprefix("Caused by:"))
    bare = first.lstrip().startswith("Traceback")
    text = " | ".join(part for part in ("" if bare and last else head.text, said.text) if part)
    level = head.level or said.level or ("error" if last else "")
    return Message(level=level, logger=head.logger, text=with_driver(text, driver)[:LONGEST_TEXT])


def _first(fields: Mapping[str, str], keys: Iterable[str]) -> str:
    return next((fields[k] for k in keys if fields.get(k)), "")


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a JSON or logfmt line by lower-case name; nested names joined by dots."""
    brace = text.find("{", 0, 200)
    if brace >= 0 and text.endswith("}") and '":' in text[brace:].replace('" :', '":'):
        try:
            parsed = orjson.loads(text[brace:])
        except orjson.JSONDecodeError:
            # Blanking may leave what is no longer JSON; a cut line never was.
            pairs = _PAIR.findall(text, brace)
            return {key.lower(): _unescape(quoted) or bare for key, quoted, bare in reversed(pairs)}
        return dict(_flat(parsed)) if isinstance(parsed, dict) else {}
    if "msg=" in text or "message=" in text:
        pairs = _LOGFMT.findall(text)
        return (
            {key.lower(): _unescape(quoted) or bare for key, quoted, bare in reversed(pairs)} if len(pairs) > 1 else {}
        )
    return {}


def _flat(parsed: Mapping[str, object], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, value in parsed.items():
        name = prefix + key.lower()
        if isinstance(value, dict):
            if depth < 3:
                yield from _flat(value, name + ".", depth + 1)
        elif isinstance(value, str):
            yield name, value
        elif isinstance(value, int | float):
            yield name, str(value)


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text, flags=re.DOTALL) if "\\" in text else text


def _trace(fields: Mapping[str, str]) -> str:
    """Return the line that counts of a line's exception fields."""
    whole = _first(fields, _TRACE_KEYS) or _first(fields, ("error.stack_trace", "error.stack", "err.stack"))
    kind = _first(fields, ("exc_type", "error.type", "err.type", "exception.type", "error.name", "exception.class"))
    said = _first(fields, ("error.message", "err.message", "exception.message", "exc_message"))
    last = final_line(whole) if whole else said
    named = last if not kind or kind in last else f"{kind}: {last}".rstrip(": ")
    return with_driver(named, driver_of(whole))


def final_line(text: str) -> str:
    """Return the line of a stack trace that names the root: the last cause, or Python's last line."""
    lines = [part for part in text.split("\n") if part.strip()]
    if not lines:
        return ""
    caused = next((part for part in reversed(lines) if part.lstrip().startswith("Caused by:")), "")
    if caused:
        return caused.strip().removeprefix("Caused by:").strip()
    if any(part.startswith(("Traceback (most", '  File "')) for part in lines):
        # An exception's own text may go on for lines; it begins where indentation ended last.
        outer = [i for i, part in enumerate(lines) if part[0].isspace()]
        return lines[min(outer[-1] + 1, len(lines) - 1)].strip() if outer else lines[-1].strip()
    return lines[0].strip()


def driver_of(trace: str) -> str:
    """Return which driver a stack trace goes through, such as ``postgres driver``, or ""."""
    return next((name for name, pattern in _DRIVERS if pattern.search(trace)), "")


def with_driver(text: str, driver: str) -> str:
    """Add the driver to a message that does not say whose connection it was that failed."""
    return f"{text} | at {driver}" if driver and _NAMELESS.search(text) and " | at " not in text else text


def _with_trace(text: str, trace: str) -> str:
    first = text.strip().split("\n", 1)[0]
    tail = final_line(text) if "\n" in text.strip() else ""
    parts = [first]
    parts += [part for part in (tail, trace) if part and not any(part in p for p in parts)]
    return " | ".join(p for p in parts if p)


def _with_status(text: str, fields: Mapping[str, str]) -> str:
    status = _first(fields, _STATUS_KEYS)
    return f"{text} status={status}" if re.fullmatch("[1-5][0-9]{2}", status) and status not in text else text


def _plain(text: str) -> tuple[str, str]:
    """Return the level of a text line, and the line without its leading time and level."""
    stamp = _TIMESTAMP.match(text)
    if stamp and re.search(r"\d:\d", stamp[0]):
        text = text[stamp.end() :]
    leading = _LEADING_LEVEL.match(text) or _LEADING_UPPER.match(text)
    if leading:
        word = next(g for g in leading.groups() if g)
        return LEVELS[word.lower()], text[leading.end() :]
    if text.startswith("panic: "):
        return "fatal", text
    inner = _INNER_LEVEL.search(text, 0, 120)
    return (LEVELS[inner[1].lower()] if inner else ""), text


_HEAD, _COMPLAINT, _NAMED, _CONTINUED, _TRACE, _CAUSED = range(6)
_CONTINUATION: Final = re.compile(
    r"\s|$|at \S+[ (.]|\.\.\. ?\d|File \"|[}\])]+[;,]?$|During handling of the above|The above exception was the direct"
)
_EXCEPTION: Final = re.compile(r"[A-Za-z_][\w.]*(?::\s|$)")
#: Lines of one task this close together may belong to one record.
_RECORD_NS: Final = 1_000_000_000


def _line_kind(text: str) -> int:
    """Say which part of a record a line may be."""
    if text.startswith("Traceback (most recent"):
        return _TRACE
    if text.lstrip().startswith("Caused by:"):
        return _CAUSED
    if _CONTINUATION.match(text):
        return _CONTINUED
    if _EXCEPTION.match(text):
        return _NAMED
    return _COMPLAINT if read(text).level in ("warn", "error", "fatal") else _HEAD


def fold(codes: npt.NDArray[np.int32], texts: Sequence[str], entity: Ints, time_ns: Ints) -> tuple[Ints, Ints, Ints]:
    """Put stack traces together with the lines that they belong to.

    Args:
        codes, texts: What `templates.coarse` returned, ascending in time.
        entity: Shape (lines,): which task wrote each line.
        time_ns: Shape (lines,): when.

    Returns:
        For each record, ascending in time: its first row; the row of its exception (Python's
        last line, Java's last cause) or -1; a row whose frame names a driver, or -1.
    """
    kinds = np.array([_line_kind(text) for text in texts], np.int64)[codes]
    if not (kinds >= _CONTINUED).any():
        rows = np.arange(len(codes), dtype=np.int64)
        return rows, np.full(len(rows), -1), np.full(len(rows), -1)
    order = np.argsort(entity, kind="stable")
    kind, near = kinds[order], np.zeros(len(order), bool)
    near[1:] = (np.diff(entity[order]) == 0) & (np.diff(time_ns[order]) <= _RECORD_NS)
    before = np.concatenate(([_HEAD], kind[:-1]))
    part = near & ((kind == _CONTINUED) | (kind == _CAUSED))
    part |= near & (kind == _TRACE) & ((before == _COMPLAINT) | (before == _CONTINUED))
    block = np.cumsum(~part) - 1
    traced = np.zeros(len(order), bool)
    traced[block[kind == _TRACE]] = True
    # Python ends a trace with a line that is not indented: the exception itself.
    last = (
        near & (kind <= _NAMED) & (kind >= _COMPLAINT) & (before == _CONTINUED) & np.append(False, traced[block[:-1]])
    )
    starts = np.flatnonzero(~(part | last))
    counts = np.where(last | (kind == _CAUSED), np.arange(len(order)), -1)
    driven = np.array([bool(driver_of(text)) for text in texts])[codes][order] & (kind == _CONTINUED)
    found = [np.maximum.reduceat(c, starts) for c in (counts, np.where(driven, np.arange(len(order)), -1))]
    final, driver = (np.where(f >= 0, order[f], -1) for f in found)
    rows = order[starts]
    by_time = np.argsort(rows, kind="stable")
    return rows[by_time], final[by_time], driver[by_time]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One known wording.

    Attributes:
        id: ``cause/name``.
        cause: The cause that it speaks for.
        regex: RE2, searched anywhere in a message.
        sample: A line as the program writes it.
        nature: ``cause`` when the line names what is broken; ``symptom`` when it may well be
            the effect of something else.
        confirmed: How the wording is known: ``R`` from running the program, ``S`` from its
            source, ``D`` from its documentation, ``F`` from published logs, ``K`` by common
            knowledge.
        context: RE2 that must match too, where the wording alone belongs to several programs.
        generic: True for wordings that harmless lines use as well.
    """

    id: str
    cause: str
    regex: str
    sample: str
    nature: Literal["cause", "symptom"]
    confirmed: Literal["R", "S", "D", "F", "K"]
    context: str = ""
    generic: bool = False


@cache
def signatures() -> tuple[Signature, ...]:
    """Return all signatures in order of precedence, specific before generic."""
    rows = orjson.loads(files(__package__).joinpath("signatures.json").read_bytes())
    return tuple(Signature(**row) for row in rows)


@cache
def is_sure(signature_id: str) -> bool:
    """Say whether one line with this wording is enough: it names what is broken and nobody else uses it."""
    return any(s.id == signature_id and s.nature == "cause" and not s.generic for s in signatures())


def match(templates: Sequence[str], levels: Sequence[str] | None = None) -> list[str]:
    """Return the id of the first signature that each text matches, "" where none does.

    Args:
        templates: Masked messages. A mask counts as a digit; a wording that needs certain
            numbers is found by `match_examples` only.
        levels: Level of each; generic wordings do not count in ``debug`` and ``info`` lines.
    """
    return match_examples([template.replace("#", "7") for template in templates], levels=levels)


def match_examples(examples: Sequence[str], levels: Sequence[str] | None = None) -> list[str]:
    """Return the id of the first signature that each example line of a template matches.

    Args:
        examples: Unmasked messages, one a template.
        levels: Level of each; generic wordings do not count in ``debug`` and ``info`` lines.

    Returns:
        One signature id an example, "" where none matches.
    """
    column = pa.array(list(examples), pa.large_string())
    calm = np.array([level in _CALM_LEVELS for level in levels or [""] * len(examples)], bool)
    found = np.full(len(examples), -1)
    for i, signature in enumerate(signatures()):
        hit = _hits(column, signature.regex)
        if not hit.any():
            continue
        if signature.context:
            hit &= _hits(column, signature.context)
        if signature.generic:
            hit &= ~calm
        found[hit & (found < 0)] = i
    return [signatures()[i].id if i >= 0 else "" for i in found]


def _hits(column: pa.Array, regex: str) -> npt.NDArray[np.bool_]:
    return np.array(pc.match_substring_regex(column, regex).to_numpy(zero_copy_only=False), bool)


def inherit(found: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Give generic signatures the name that the same failure has where its stack trace was logged, too.

    Args:
        found: What `match_examples` returned.
        texts: The messages that it was given.
    """
    named = {
        text.split(" | at ")[0]: name for text, name in zip(texts, found, strict=True) if " | at " in text and name
    }
    vague = {s.id for s in signatures() if s.generic}
    return [
        next((n for part, n in named.items() if part in text and n not in vague), name) if name in vague else name
        for text, name in zip(texts, found, strict=True)
    ]
