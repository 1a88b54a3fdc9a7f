"""Log lines: one JSON object each, on standard output, stack traces included, secrets taken out."""

from __future__ import annotations

import contextvars
import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final

from .settings import Settings

#: Of the request that is worked on; "" outside of one. Threads of the pool inherit it.
request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")

#: Names of what nobody may see.
_HUSHED: Final = r"password|passwd|secret|token|authorization|api[_-]?key"
#: ``password=…``, ``Authorization: …`` and ``//user:password@`` as libraries write them into errors.
_LOOKS_SECRET: Final = re.compile(
    rf"(?i)((?:{_HUSHED})[\"']?\s*[=:]\s*)[\"']?(?:bearer\s+|basic\s+)?[^\s\"',;&}}]+"
    r"|(?<=//)[^/\s:@]+:[^/\s@]+(?=@)"
)
_NAMES_SECRET: Final = re.compile(rf"(?i){_HUSHED}")
_HIDDEN: Final = "***"


def _hide(match: re.Match[str]) -> str:
    return f"{match.group(1) or ''}{_HIDDEN}"


class JsonLines(logging.Formatter):
    """One object a record: ``time level logger message request_id``, what the caller added, ``exception``.

    Args:
        settings: Whose service and version every line bears, and whose secrets none does.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._always = {"service": settings.service, "version": settings.version}
        self._secrets = settings.secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.clean(record.getMessage()),
            **self._always,
            "process": record.process,
        }
        if request_id.get():
            entry["request_id"] = request_id.get()
        added: dict[str, object] = getattr(record, "fields", {})
        entry |= {key: self._clean_field(key, value) for key, value in added.items() if value is not None}
        if record.exc_info and record.exc_info[0]:
            entry["error"] = record.exc_info[0].__qualname__
            entry["exception"] = self.clean(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)

    def _clean_field(self, key: str, value: object) -> bool | int | float | str:
        """Return numbers as they are, and anything else as text without secrets."""
        if isinstance(value, bool | int | float):
            return value
        return _HIDDEN if _NAMES_SECRET.search(key) else self.clean(str(value))

    def clean(self, text: str) -> str:
        """Return a text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return _LOOKS_SECRET.sub(_hide, text)


def begin(settings: Settings) -> None:
    """Let every logger of the process write JSON lines to standard output."""
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(JsonLines(settings))
    root = logging.getLogger()
    root.handlers = [output]
    root.setLevel(settings.log_level.upper())
    logging.captureWarnings(capture=True)
    # It writes a line for every call, with the whole address; `gateway` measures them.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)


def fields(**values: object) -> dict[str, dict[str, object]]:
    """Return the ``extra`` of a log call: further keys of its line."""
    return {"fields": values}
