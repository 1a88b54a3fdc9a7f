"""What tasks write on standard output: collected with time, service and task, kept as JSON lines, read as columns."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson

from obskit.errors import SourceError
from obskit.lab.counts import counts
from obskit.model import Logs, Telemetry, nanoseconds
from obskit.sources import Ask

#: A longer line is cut, as log routers do.
MOST_BYTES: Final = 256 * 1024
#: ``"level": "error"`` near the beginning, or the word itself in capitals.
_LEVEL: Final = re.compile(
    r'(?i:"?\b(?:level|levelname|severity)"?\s*[=:]\s*"?(?P<field>[a-z]+))'
    r"|^[^{]{0,80}?\b(?P<word>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC)\b"
)
_LOOKED_AT: Final = 400


def level_of(line: str) -> str:
    """Return a line's level as the stack's log router says it: lower case, ``warn`` for warnings, "" for none."""
    found = _LEVEL.search(line[:_LOOKED_AT])
    if not found:
        return ""
    level = (found["field"] or found["word"]).lower()
    return "warn" if level == "warning" else level


class Splitter:
    """Makes lines of a stream's pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, data: bytes) -> list[str]:
        """Return the lines that are whole by now.

        Args:
            data: The next piece; ``b""`` says that none follows.
        """
        whole, _, self._rest = (self._rest + data).rpartition(b"\n")
        if not data or len(self._rest) > MOST_BYTES:
            whole, self._rest = (whole + b"\n" + self._rest if whole else self._rest), b""
        found = (line.decode("utf-8", "replace").rstrip("\r") for line in whole.split(b"\n"))
        return [line[:MOST_BYTES] for line in found if line.strip()]


class Collector:
    """Keeps lines in a file.

    Args:
        path: Of the file.
        clock: Nanoseconds since 1970.

    Attributes:
        shipping: False while shipping is stopped: lines are lost, as they are with a log router that died.
        lost: How many were.
    """

    def __init__(self, path: Path, clock: Callable[[], int] = time.time_ns) -> None:
        self.shipping = True
        self.lost = 0
        self._path = path
        self._clock = clock
        self._rows: list[dict[str, object]] = []

    def add(self, service: str, task: str, lines: list[str]) -> None:
        """Take lines that were written just now."""
        if not self.shipping:
            self.lost += len(lines)
            return
        now = self._clock()
        self._rows += [
            {"t": now + n, "service": service, "task": task, "level": level_of(line), "line": line}
            for n, line in enumerate(lines)
        ]

    def flush(self) -> list[dict[str, object]]:
        """Write what has come since the last time, and return it."""
        rows, self._rows = self._rows, []
        if rows:
            with self._path.open("ab") as file:
                file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        return rows


def push_body(rows: list[dict[str, object]], cluster: str) -> bytes:
    """Return rows as Loki's push API takes them, with the labels that obskit's stack gives."""
    streams: dict[tuple[str, str, str], list[list[str]]] = {}
    for row in rows:
        key = (str(row["service"]), str(row["task"]), str(row["level"]))
        streams.setdefault(key, []).append([str(row["t"]), str(row["line"])])
    body = {
        "streams": [
            {
                "stream": {
                    "service": service,
                    "task_id": task,
                    "cluster": cluster,
                    **({"level": level} if level else {}),
                },
                "values": values,
            }
            for (service, task, level), values in streams.items()
        ]
    }
    return json.dumps(body, ensure_ascii=False).encode()


class LinesSource:
    """Answers from the file that a `Collector` writes.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """``lab logs``."""
        return "lab logs"

    def answer(self, ask: Ask) -> Telemetry:
        """Return the lines of the ask's window, every service's, and how many they are.

        Raises:
            SourceError: The file cannot be read.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyarrow import json as pj

        texts = ("service", "task", "level", "line")
        schema = pa.schema([("t", pa.int64()), *((name, pa.string()) for name in texts)])
        try:
            held = self._path.read_bytes() if self._path.exists() else b""
            held = held[: held.rfind(b"\n") + 1]  # the last line may be half written
            if not held:
                return Telemetry(facts={"logs.lines": "0"})
            options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
            table = pj.read_json(pa.BufferReader(held), parse_options=options)
        except (OSError, pa.ArrowInvalid) as error:
            raise SourceError(f"{self._path} cannot be read", where={"said": str(error)}) from error
        first, last = nanoseconds(ask.window.start), nanoseconds(ask.window.end)
        inside = pc.and_(pc.greater_equal(table["t"], first), pc.less_equal(table["t"], last))
        kept = table.filter(inside)
        logs = Logs.of(*(kept[name].to_pylist() for name in ("t", *texts)))
        return Telemetry(metrics=counts(kept, ask.window), logs=logs, facts={"logs.lines": str(len(logs))})
