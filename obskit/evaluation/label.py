"""What really happened: the label beside a recording."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from obskit.errors import UsageError
from obskit.incident.causes import all_causes

#: Causes of a label that are none of the engine's: nothing happened; something that obskit has no cause for.
CALM, OTHER = "none", "other"
#: A label is a page that a person wrote.
_MOST_BYTES = 256 * 1024
#: How like a key must be to one that is missing to be taken for its misspelling (difflib's ratio).
_LIKE = 0.75
_KEYS = ("cause", "acceptable", "service", "culprit", "task", "onset", "decoys", "family")
#: What older labels call the onset; it is the moment at which a fault was injected.
_ONSETS = ("onset", "fault_start")
#: The end of a name that counts repetitions: ``pool_leak_2``, ``pool_leak-b``, ``pool_leak/3``.
_REPETITION = re.compile(r"(?:^|[-_./])(?:\d+|[a-z])$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One recording's truth.

    Attributes:
        cause: A cause's id, `CALM` or `OTHER`.
        acceptable: Other causes that are a right first answer, too.
        service: Which service was investigated; "" leaves it to the recording.
        culprit: The service or entity that is to blame; "" when the label does not say.
        task: The task that is to blame; "" for all of them or when the label does not say.
        onset: When the fault began (UTC); None when the label does not say.
        decoys: Innocents that were there at the same time, by name: causes' ids or a person's words.
        family: Incidents of one family are never on both sides of a cross-validation.
    """

    cause: str
    acceptable: tuple[str, ...] = ()
    service: str = ""
    culprit: str = ""
    task: str = ""
    onset: datetime | None = None
    decoys: tuple[str, ...] = ()
    family: str = ""

    @property
    def right(self) -> tuple[str, ...]:
        """Return the causes that are a right first answer: none for a calm window."""
        return () if self.cause in (CALM, OTHER) else (self.cause, *self.acceptable)


def read_label(path: Path, *, name: str) -> Label:
    """Read a label; what it holds beside the known keys is a team's own business.

    Args:
        path: A JSON file.
        name: The recording's, from which the family is taken where the label has none.

    Raises:
        UsageError: It cannot be read, or does not say what happened in words that obskit knows.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is too large for a label", hint="it holds a few lines of JSON")
        held = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no readable JSON", where={"said": str(error)}) from error
    if not isinstance(held, dict):
        raise UsageError(f"{path} is no label: a JSON object is wanted")
    _refuse_misspelt(held, path)
    cause = _cause(held.get("cause"), path)
    return Label(
        cause=cause,
        acceptable=tuple(_cause(c, path) for c in _texts(held, "acceptable", path)),
        service=_text(held, "service", path),
        culprit=_text(held, "culprit", path),
        task=_text(held, "task", path),
        onset=_onset(held, path),
        decoys=_texts(held, "decoys", path),
        family=_text(held, "family", path) or family_of(name),
    )


def family_of(name: str) -> str:
    """Return a recording's name without what counts its repetitions.

    ``lab/pool_leak_2`` and ``night/pool_leak/b`` are both of the family ``pool_leak``.
    """
    stem = _REPETITION.sub("", name)
    return stem.rpartition("/")[2] or name


def _refuse_misspelt(held: dict[str, Any], path: Path) -> None:
    """A key that is nearly a known one, where that is missing, would silently not count."""
    missing = [key for key in _KEYS if key not in held]
    for key in held.keys() - set(_KEYS) - set(_ONSETS):
        near = difflib.get_close_matches(key, missing, n=1, cutoff=_LIKE)
        if near:
            raise UsageError(f"{path} has a key {key[:80]!r}", hint=f"is {near[0]!r} meant?")


def _cause(value: object, path: Path) -> str:
    known = [cause.id for cause in all_causes()]
    if isinstance(value, str) and value in (CALM, OTHER, *known):
        return value
    if value is None:
        raise UsageError(f"{path} names no cause", hint=f"add one: a cause's id, {CALM!r} or {OTHER!r}")
    near = difflib.get_close_matches(str(value)[:80], known, n=3, cutoff=0.4)
    raise UsageError(
        f"{path} names a cause that obskit does not know: {str(value)[:80]!r}",
        where={"near": ", ".join(near)},
        hint=f"{OTHER!r} says that none of obskit's causes is it, {CALM!r} that nothing happened",
    )


def _text(held: dict[str, Any], key: str, path: Path) -> str:
    value = held.get(key)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{path}: {key} is no text", where={key: str(value)[:80]})
    return value or ""


def _texts(held: dict[str, Any], key: str, path: Path) -> tuple[str, ...]:
    value = held.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{path}: {key} is no list of texts", where={key: str(value)[:80]})
    return tuple(value)


def _onset(held: dict[str, Any], path: Path) -> datetime | None:
    text = next((text for key in _ONSETS if (text := _text(held, key, path))), "")
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{path}: the onset {text[:80]!r} is no time", hint="2026-01-31T03:12:00Z") from error
    if when.tzinfo is None:
        raise UsageError(f"{path}: the onset {text[:80]!r} has no time zone", hint="2026-01-31T03:12:00Z")
    return when.astimezone(UTC)
