"""ECS events that somebody exported to a file: EventBridge events, service events, or AWS CLI output."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

import orjson

from obskit.errors import UsageError
from obskit.model import Event, Telemetry
from obskit.sources import Ask
from obskit.sources.ecs_events import (
    dedupe,
    event_from_eventbridge,
    event_from_service_message,
    event_from_task,
    events_from_deployment,
)

#: A week of a large cluster is some MiB; more is another kind of file.
MAX_BYTES: Final = 64 * 1024 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"
_EXPECTED: Final = (
    "a JSON array, or one JSON object a line, of EventBridge ECS events, service events "
    "(createdAt, message), or the answer of describe-services or describe-tasks"
)
#: Lists that hold events one level down: an export, an SQS answer, a Logs answer.
_LISTS: Final = ("events", "Messages", "Records")


def read_events(path: Path | TextIO) -> tuple[Event, ...]:
    """Read exported events, each once, ascending by time.

    Args:
        path: A file (may be gzipped), or an open text such as standard input.

    Raises:
        UsageError: It cannot be read, is too large, or holds something else; the message names
            the line and what was expected.
    """
    name, data = _load(path)
    text = _decoded(name, data)
    if not text.strip():
        raise _wrong(name, "is empty", expected=_EXPECTED)
    return dedupe(event for place, row in _items(name, text) for event in _events(name, place, row))


def _wrong(name: str, what: str, *, expected: str = "", place: str = "", said: str = "") -> UsageError:
    return UsageError(
        f"the events file {what}",
        where={"file": name, "at": place, "said": said, "expected": expected},
        hint="export with: aws ecs describe-services --cluster CLUSTER --services NAME > events.json",
    )


def _load(source: Path | TextIO) -> tuple[str, bytes]:
    if not isinstance(source, Path):
        name = str(getattr(source, "name", "") or "standard input")
        try:
            data = source.read(MAX_BYTES + 1).encode("utf-8", "surrogateescape")
        except (UnicodeDecodeError, OSError) as error:
            raise _wrong(name, "cannot be read as text", expected=_EXPECTED, said=str(error)) from error
    else:
        name = str(source)
        try:
            with source.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise _wrong(name, "cannot be read", said=said) from error
    return name, _capped(name, _gunzipped(name, data) if data.startswith(_GZIP_MAGIC) else data)


def _capped(name: str, data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise _wrong(name, f"is larger than {MAX_BYTES // 2**20} MiB", expected="the incident's window only")
    return data


def _gunzipped(name: str, data: bytes) -> bytes:
    """Unpack no more than is allowed: a small file can unpack to anything."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(_capped(name, data), MAX_BYTES + 1)
    except zlib.error as error:
        raise _wrong(name, "is a damaged gzip file", said=str(error)) from error
    if not unpacker.eof and len(text) <= MAX_BYTES:
        raise _wrong(name, "is a damaged gzip file", said="it ends too early")
    return text


def _decoded(name: str, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(name, "is not text", place=f"line {line}, byte {error.start}", expected=_EXPECTED) from error
    if "\0" in text:
        raise _wrong(name, "is not text", place=f"byte {text.index(chr(0))}", expected=_EXPECTED)
    return text


def _items(name: str, text: str) -> Iterator[tuple[str, object]]:
    """Yield every row with the words that say where it stands."""
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        lines = [(n, line) for n, line in enumerate(io.StringIO(text), start=1) if line.strip()]
        if text.lstrip().startswith("[") or len(lines) < 2 or not _is_json(lines[0][1]):
            place = f"line {error.lineno}, column {error.colno}"
            raise _wrong(name, "is not JSON", place=place, said=error.msg, expected=_EXPECTED) from error
        for number, line in lines:
            yield f"line {number}", _line(name, number, line)
        return
    if isinstance(whole, list):
        yield from ((f"item {n} of the array", row) for n, row in enumerate(whole, start=1))
    else:
        yield "line 1", whole


def _is_json(line: str) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _line(name: str, number: int, line: str) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        place = f"line {number}, column {error.colno}"
        raise _wrong(name, "is not JSON", place=place, said=error.msg, expected="one JSON object a line") from error


def _events(name: str, place: str, row: object, *, nested: bool = False) -> Iterator[Event]:
    """Yield what one row says; rows of other AWS sources say nothing."""
    if not isinstance(row, Mapping):
        raise _wrong(name, f"holds {_kind(row)} where an object belongs", place=place, expected=_EXPECTED)
    event: Event | None = None
    if isinstance(row.get("services"), list) or isinstance(row.get("tasks"), list):
        yield from _aws_answer(row)
        return
    for key in _LISTS:
        rows = row.get(key)
        if isinstance(rows, list) and not nested:
            for n, inner in enumerate(rows, start=1):
                yield from _events(name, f"{place}, {key}[{n}]", inner, nested=True)
            return
    if "taskArn" in row and "lastStatus" in row:
        event = event_from_task(row)
    elif "createdAt" in row and "message" in row:
        event = event_from_service_message(row)
        if event is None:
            raise _wrong(name, "holds a service event without a time or text", place=place, expected=_EXPECTED)
    elif "detail-type" in row or any(key in row for key in ("Body", "body", "Message", "message", "@message")):
        event = event_from_eventbridge(row)
    else:
        keys = ", ".join(str(k)[:40] for k in list(row)[:6]) or "nothing"
        raise _wrong(name, "holds an object of another kind", place=place, said=f"it has {keys}", expected=_EXPECTED)
    if event is not None:
        yield event


def _aws_answer(row: Mapping[str, object]) -> Iterator[Event]:
    """Yield what an answer of describe-services or describe-tasks holds."""
    for service in _objects(row.get("services")):
        name, cluster = str(service.get("serviceName", "")), str(service.get("clusterArn", "")).rsplit("/", 1)[-1]
        for message in _objects(service.get("events")):
            event = event_from_service_message(message, service=name, cluster=cluster)
            if event is not None:
                yield event
        for deployment in _objects(service.get("deployments")):
            yield from events_from_deployment(deployment, service=name, cluster=cluster)
    for task in _objects(row.get("tasks")):
        event = event_from_task(task)
        if event is not None:
            yield event


def _objects(value: object) -> list[Mapping[str, object]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _kind(value: object) -> str:
    return {list: "an array", str: "a text", bool: "a truth value", type(None): "null"}.get(type(value), "a number")


class EventsFileSource:
    """Answers from exported files: the service's events, and its neighbours' as evidence.

    Args:
        paths: Files, or open texts; read at the first ask and kept.
    """

    def __init__(self, paths: Sequence[Path | TextIO]) -> None:
        self._paths = tuple(paths)
        self._events: tuple[Event, ...] | None = None

    @property
    def name(self) -> str:
        """``events file``."""
        return "events file"

    def answer(self, ask: Ask) -> Telemetry:
        """Return the events of the ask's window; those of other clusters are left out.

        Raises:
            UsageError: A file cannot be read.
        """
        if self._events is None:
            self._events = dedupe(event for path in self._paths for event in read_events(path))
        return Telemetry(events=tuple(e for e in self._events if _wanted(e, ask)))


def _wanted(event: Event, ask: Ask) -> bool:
    cluster, wanted = event.detail("cluster"), ask.service.cluster
    elsewhere = bool(wanted and cluster and cluster != wanted)
    return ask.window.start <= event.time <= ask.window.end and not elsewhere
