"""Single settings: from what was written to the value that its field takes, or a clear refusal."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from obskit.errors import SettingsError

_MAX_SECONDS = 600.0


_MAX_LOG_LINES = 5_000_000


#: Never in a file, which ends up in a repository.
SECRETS = ("password", "bearer_token")


LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


_PATHS = ("bearer_token_file", "ca_file", "cert_file", "key_file")


_URLS = ("url", "endpoint_url", "queue_url", "runbook_url")


_NUMBERS = {"timeout_seconds": _MAX_SECONDS, "deadline_seconds": _MAX_SECONDS, "max_log_lines": _MAX_LOG_LINES}


@dataclass(frozen=True, slots=True)
class Given:
    """One value as it was set.

    Attributes:
        name: ``section.key``.
        value: As TOML read it, or the variable's text.
        origin: The variable's name, or the file's.
        folder: What a relative path starts from.
    """

    name: str
    value: Any = field(repr=False)
    origin: str
    folder: Path

    @property
    def key(self) -> str:
        """The name without its section."""
        return self.name.rpartition(".")[2]

    @property
    def from_variable(self) -> bool:
        """Whether it was set in the environment rather than in the file."""
        return self.origin.startswith("OBSKIT_")

    def wrong(self, what: str, *, hint: str = "", shown: bool = True) -> SettingsError:
        """Return the error; the value is shown unless it may hold a secret."""
        value = "" if not shown or self.key in SECRETS else repr(self.value)[:80]
        subject = self.origin if self.from_variable else self.name
        where = {"value": value, "in": "" if self.from_variable else self.origin}
        return SettingsError(f"{subject} {what}", where=where, hint=hint)


def checked(given: Given) -> Any:
    """Return the value as the type that its field has."""
    if given.key in _NUMBERS:
        return _number(given, _NUMBERS[given.key])
    if given.key == "compress":
        if not isinstance(given.value, bool):
            raise given.wrong("is neither true nor false")
        return given.value
    if given.key == "headers":
        if not isinstance(given.value, dict) or not all(isinstance(v, str) for v in given.value.values()):
            raise given.wrong("is no table of texts", shown=False)
        return tuple(sorted(given.value.items()))
    if given.key == "instrumentation":
        return names_of(given)
    text = text_of(given)
    if given.key in _URLS:
        return _url(given, text)
    if given.name.startswith("labels.") and not LABEL_NAME.fullmatch(text):
        raise given.wrong("is no label name", hint="letters, digits and _, not beginning with a digit")
    if given.name in ("dashboards.folder", "dashboards.mark") and not text:
        raise given.wrong("is empty")
    return _path(given, text) if given.key in _PATHS and text else text or (None if given.key in _PATHS else "")


def text_of(given: Given) -> str:
    """Return a value that must be a printable text."""
    if not isinstance(given.value, str):
        raise given.wrong("is no text", hint="put it in quotes")
    if not given.value.isprintable():
        raise given.wrong("holds control characters", shown=False)
    return given.value


def names_of(given: Given) -> tuple[str, ...]:
    """Return a value that must be a list of names, each once."""
    if not isinstance(given.value, list) or not all(isinstance(v, str) and v for v in given.value):
        raise given.wrong("is no list of names", hint=f'write {given.key} = ["one", "another"]')
    return tuple(dict.fromkeys(given.value))


def _number(given: Given, most: float) -> float | int:
    whole = given.key == "max_log_lines"
    try:
        if isinstance(given.value, bool) or not isinstance(given.value, str | int | float):
            raise ValueError
        number = float(given.value)
        if not math.isfinite(number) or (whole and number != int(number)):
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise given.wrong(f"is no {'whole ' if whole else ''}number") from error
    if not 0 < number <= most:
        raise given.wrong("is out of range", hint=f"more than 0, at most {most:g}")
    return int(number) if whole else number


def _url(given: Given, text: str) -> str:
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise given.wrong("is no address", hint="write http://host:port", shown="@" not in text) from error
    if "@" in parts.netloc or ("@" in text and not parts.netloc):
        raise given.wrong(
            "holds a user or password", hint="set the username and password settings instead", shown=False
        )
    shown = "@" not in text and not parts.query
    if parts.scheme not in ("http", "https") or not parts.hostname:
        missing = "://" not in text and not text.startswith("/")
        raise given.wrong(
            "does not begin with http:// or https://",
            hint=f"did you mean http://{text}?" if missing and shown else "write http://host:port or https://host",
            shown=shown,
        )
    if port == 0 or any(c.isspace() for c in text):
        raise given.wrong("is no address", hint="write http://host:port", shown=shown)
    if parts.query or parts.fragment:
        raise given.wrong("is more than a base address", hint="leave out what follows ? or #", shown=False)
    return text.rstrip("/")


def _path(given: Given, text: str) -> Path:
    path = given.folder / Path(text).expanduser()
    if not path.exists() or path.is_dir():
        raise given.wrong("names a file that is not there", hint=f"looked for {path}")
    return path
