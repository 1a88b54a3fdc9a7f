"""One thing that is wrong with a spec, and all of them as one error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from obskit.errors import SettingsError
from obskit.escape import clean
from obskit.redact import redact

#: Longer values are cut: the reader knows the file.
_LONGEST_VALUE = 80
#: So are keys: somebody may write a text where a name stands.
_LONGEST_KEY = 60
#: Shown instead of a value that may be a secret.
HIDDEN = "********"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one key.

    Attributes:
        key: Its path: ``applications.demo-app.memory``, ``waivers[2].id`` (the first is 1).
        value: As it is shown; "" where the key is missing or the value is the whole section.
        what: What is wrong, after "key = value": ``is no memory that Fargate has for 256 CPU units``.
        allowed: What can be written instead.
        severity: An ``error`` is refused before any call; a ``warning`` is said and goes through.
        line: Of the file; 0 where it is not known.
    """

    key: str
    value: str = ""
    what: str
    allowed: str = ""
    severity: Literal["error", "warning"] = "error"
    line: int = 0

    def __str__(self) -> str:
        value = f" = {self.value}" if self.value else ""
        return f"{self.key}{value} {self.what}" + (f": {self.allowed}" if self.allowed else "")


def error(key: str, value: object, what: str, allowed: str = "") -> Problem:
    """Return what is refused; a value of None is not shown."""
    return Problem(key=key, value=shown(value), what=clean(what), allowed=clean(allowed))


def warning(key: str, value: object, what: str, allowed: str = "") -> Problem:
    """Return what goes through but should be known; a value of None is not shown."""
    return replace(error(key, value, what, allowed), severity="warning")


def path_of(section: str, *keys: str) -> str:
    """Return where a key stands: ``applications.demo-app``; what no bare key of TOML could be in quotes."""
    return ".".join([section, *map(_part, keys)] if section else map(_part, keys))


def _part(key: str) -> str:
    plain = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if plain and len(key) <= _LONGEST_KEY else repr(key[:_LONGEST_KEY])


def shown(value: object) -> str:
    """Return a value as a problem shows it: on one line, cut, secrets and control characters taken out."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        # A text's own quotes tell 8080 from "8080"; repr leaves no control character.
        text = repr(list(value) if isinstance(value, tuple) else value)
    except (ValueError, RecursionError):  # a number of thousands of digits, a value nested as deep
        return "something very long"
    text = redact(text)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def located(found: Iterable[Problem], lines: Mapping[str, int]) -> tuple[Problem, ...]:
    """Return problems with the line of their key, or of the section that lacks it.

    Args:
        found: Without lines.
        lines: Path -> line, see `obskit.deploy.spec_lines.lines_of`.
    """
    return tuple(replace(problem, line=_line(problem.key, lines)) for problem in found)


def _line(key: str, lines: Mapping[str, int]) -> int:
    while key and key not in lines:
        key = key.rpartition(".")[0]
    return lines.get(key, 0)


def refusal(found: Iterable[Problem], origin: str) -> SettingsError:
    """Return one error that tells of all problems, in the file's order.

    Args:
        found: At least one.
        origin: The file, for the headline.
    """
    ordered = sorted(found, key=lambda problem: problem.line)
    count = f"{len(ordered)} problems" if len(ordered) > 1 else "1 problem"
    rows = {
        f"{number}. line {problem.line}" if problem.line else f"{number}.": str(problem)
        for number, problem in enumerate(ordered, 1)
    }
    return SettingsError(
        f"{origin} is no stack that can be deployed: {count}",
        where=rows,
        hint="correct them; obskit deploy keys lists every key with its default",
    )
