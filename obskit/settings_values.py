"""Single settings: from what was written to the value that its field takes, or a clear refusal."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from obskit.errors import SettingsError

_MAX_SECONDS = 600.0
_MAX_FILE_BYTES = 1024 * 1024


_MAX_LOG_LINES = 5_000_000
#: Names that a hint lists, and characters of one that is compared.
_MOST_NAMES, _LONGEST_NAME = 30, 80


#: Never in a file, which ends up in a repository.
SECRETS = ("password", "bearer_token")


_SECRET_HEADERS = ("authorization", "cookie", "token", "key", "secret", "password")


#: How Alertmanager tells somebody.
RECEIVER_KINDS = ("webhook", "pagerduty", "slack")


#: Words of keys that would hold a receiver's secret.
_SECRET_KEYS = ("key", "token", "secret", "password", "credentials", "api_url")


#: The path of an address there is the secret: who has it may write. Slack's and PagerDuty's, for governments and the
#: European Union too.
_SECRET_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com", "events.pagerduty.com", "events.eu.pagerduty.com")


LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


_PATHS = ("bearer_token_file", "ca_file", "cert_file", "key_file")


_URLS = ("url", "endpoint_url", "queue_url", "runbook_url")


_NEVER_EMPTY = ("dashboards.folder", "dashboards.mark")


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
    text = text_of(given, empty=given.name not in _NEVER_EMPTY)
    if given.key in _URLS:
        return _webhook(given) if given.name == "alertmanager.url" else _url(given, text)
    if given.name.startswith("labels.") and not LABEL_NAME.fullmatch(text):
        raise given.wrong("is no label name", hint="letters, digits and _, not beginning with a digit")
    return _path(given, text) if given.key in _PATHS and text else text or (None if given.key in _PATHS else "")


def text_of(given: Given, *, empty: bool = True) -> str:
    """Return a value that must be a printable text.

    Args:
        given: The value.
        empty: It may be "".
    """
    if not isinstance(given.value, str):
        raise given.wrong("is no text", hint="put it in quotes")
    if not given.value.isprintable():
        raise given.wrong("holds control characters", shown=False)
    if not given.value and not empty:
        raise given.wrong("is empty")
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


def toml_of(path: Path) -> dict[str, Any]:
    """Return what a settings file holds.

    Raises:
        SettingsError: It cannot be read, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            body = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(
            f"the settings file {path} cannot be read: {error.strerror}", hint="correct OBSKIT_CONFIG, or unset it"
        ) from error
    try:
        if len(body) > _MAX_FILE_BYTES:
            raise ValueError("it is larger than a mebibyte")
        return tomllib.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # TOML and UTF-8 errors are ValueErrors
        said = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise SettingsError(f"{path} is no TOML", where={"said": said}, hint="correct that line") from error


def no_secret(given: Given) -> Given:
    """Refuse what must not stand in a file that ends up in a repository."""
    section = given.name.partition(".")[0]
    variable = f"OBSKIT_{section.upper()}_{given.key.upper()}"
    if given.key in SECRETS:
        file = f", or name a file: {section}.bearer_token_file" if given.key == "bearer_token" else ""
        raise given.wrong("is a secret, and a file is no place for it", hint=f"set {variable}{file}")
    if given.key == "headers" and isinstance(given.value, dict):
        for name in given.value:
            if any(word in name.lower() for word in _SECRET_HEADERS):
                raise given.wrong(
                    f"holds {name!r}, which is a secret, and a file is no place for it",
                    hint=f"set OBSKIT_{section.upper()}_BEARER_TOKEN or _PASSWORD",
                    shown=False,
                )
    return given


def unknown(name: str, known: Sequence[str], path: Path, *, section: str = "") -> SettingsError:
    """Return the error about a name that no setting has.

    Args:
        name: As it was written.
        known: Those that there are.
        path: The settings file.
        section: Where it stands in the file; "" at its top.
    """
    inside = f" in [{section}]" if section else ""
    return SettingsError(f"there is no setting {name!r}{inside}", where={"in": str(path)}, hint=nearest(name, known))


def nearest(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Return a hint: the name that was probably meant, in whatever case it was written, or those that there are.

    Args:
        name: As it was written.
        known: The names that there are.
        otherwise: What to say where none is near; "" for the names, the first of them where they are many.
    """
    names = list(dict.fromkeys(known))
    small = {one.lower(): one for one in reversed(names)}
    near = difflib.get_close_matches(name[:_LONGEST_NAME].lower(), small, n=1, cutoff=0.5)
    if near:
        return f"did you mean {small[near[0]]}?"
    more = len(names) - _MOST_NAMES
    return otherwise or f"there are {', '.join(names[:_MOST_NAMES])}{f' and {more} more' if more > 0 else ''}"


def check_auth(source: str, given: Iterable[str]) -> None:
    """Refuse two ways to say who we are, and half of one.

    Args:
        source: Whose connection.
        given: Its keys that are set.

    Raises:
        SettingsError: They contradict each other.
    """
    given = set(given)
    ways = [
        way
        for way, keys in (
            ("username and password", {"username", "password"}),
            ("bearer_token", {"bearer_token"}),
            ("bearer_token_file", {"bearer_token_file"}),
            ("sigv4_region", {"sigv4_region"}),
        )
        if given & keys
    ]
    if len(ways) > 1:
        raise SettingsError(f"{source} is given two ways to authenticate: {', '.join(ways)}", hint="keep one of them")
    if "password" in given and "username" not in given:
        raise SettingsError(
            f"{source} is given a password without a username", hint=f"set OBSKIT_{source.upper()}_USERNAME"
        )
    if "key_file" in given and "cert_file" not in given:
        raise SettingsError(
            f"{source} is given a key_file without a cert_file", hint=f"set OBSKIT_{source.upper()}_CERT_FILE"
        )


def receiver_of(name: str, keys: dict[str, Any], known: Sequence[str], path: Path) -> dict[str, Any]:
    """Return the fields of one ``[alertmanager.receivers.NAME]``.

    Args:
        name: The receiver's.
        keys: As TOML read them.
        known: The fields that there are.
        path: The settings file.

    Raises:
        SettingsError: A key is unknown or of the wrong kind, or a secret stands in the file.
    """
    section = f"alertmanager.receivers.{name}"
    found = {}
    for key, value in keys.items():
        given = Given(f"{section}.{key}", value, str(path), path.parent)
        if key not in known:
            if any(word in key.lower() for word in _SECRET_KEYS):
                hint = 'put it into a file on Alertmanager\'s machine, and name that: file = "/run/secrets/NAME"'
                raise given.wrong("is a secret, and a file is no place for it", hint=hint, shown=False)
            raise unknown(key, known, path, section=section)
        found[key] = _RECEIVER_FIELDS.get(key, text_of)(given)
    kind = found.get("kind", "webhook")
    for key, others in (("url", "webhook"), ("channel", "slack")):
        if found.get(key) and kind != others:
            given = Given(f"{section}.{key}", "", str(path), path.parent)
            raise given.wrong(
                f"is for kind = {others!r}, and the receiver is {kind!r}", shown=False, hint=f"leave out {key}"
            )
    return found


def _receiver_kind(given: Given) -> str:
    text = text_of(given)
    if text not in RECEIVER_KINDS:
        raise given.wrong("is no way to tell somebody", hint=nearest(text, RECEIVER_KINDS))
    return text


def _secret_file(given: Given) -> str:
    """Return the name of a file on another machine; what may be the secret itself is refused unshown."""
    text = text_of(given) if isinstance(given.value, str) else ""
    if (text or not isinstance(given.value, str)) and not text.startswith("/"):
        hint = "name a file on Alertmanager's machine, as in /run/secrets/NAME; never the secret itself"
        raise given.wrong("is no absolute path", hint=hint, shown=False)
    return text


def _webhook(given: Given) -> str:
    """Return an address that alerts are posted to.

    Raises:
        SettingsError: It is none, or holds a secret, which is not shown, however the rest is written.
    """
    text = text_of(given)
    host = next((host for host in _SECRET_HOSTS if host in text.lower()), "")
    if host:
        kind = "slack" if "slack" in host else "pagerduty"
        hint = (
            "put it into a file on Alertmanager's machine, and name that: "
            f'[alertmanager.receivers.NAME] kind = "{kind}", file = "/run/secrets/NAME"'
        )
        raise given.wrong("is a secret, and a file is no place for it", hint=hint, shown=False)
    return _url(given, text)


_RECEIVER_FIELDS = {"kind": _receiver_kind, "file": _secret_file, "url": _webhook}


def displayed(key: str, value: object) -> str:
    """Return a setting's value as it is shown: a secret masked, "" when it is unset."""
    if value in ("", (), None):
        return ""
    if key in (*SECRETS, "headers"):
        return "********"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
