"""What a project has decided not to be told: ``checks.toml`` beside its definitions, dashboards or alerts.

```toml
[[exclude]]
check = "target-job"
dashboard = "*"
reason = "tasks are told apart by service and task_id; a job is the whole of one scrape configuration"

[[exclude]]
check = "target-rate-interval"
dashboard = "slo"
panel = "Error budget"
reason = "a budget is over 30 days, whatever is shown"
```

``dashboard`` is the name of the definition (its file without ``.dashboard.py``; of another file its
whole name), or ``*`` for all; ``panel`` a title, left out for all. ``check`` and ``dashboard`` may be
lists. An exclusion needs a reason: who removes it later has to know what it was for. Of alerts the
keys are ``topic`` and ``alert``.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any

from obskit.ascode.check import all_checks
from obskit.ascode.definition import SUFFIX, Problem, shown
from obskit.errors import UsageError
from obskit.settings_values import nearest

#: Under which name problems of exclusions are reported; they cannot be excluded themselves.
CHECK = "exclusions"
FILE_NAME = "checks.toml"

_ALL = "*"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Whose exclusions they are.

    Attributes:
        checks: Returns all checks by name.
        file_key: What a definition is called in the file; also the key that names it.
        part_key: What a part of it is called; also the key.
        suffix: How a definition's file ends.
    """

    checks: Callable[[], Mapping[str, ModuleType]]
    file_key: str
    part_key: str
    suffix: str

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of an exclusion."""
        return ("check", self.file_key, self.part_key, "reason")

    @property
    def several(self) -> tuple[str, ...]:
        """Keys that may hold a list: the reason is the same for each of them."""
        return ("check", self.file_key)

    @property
    def needed(self) -> tuple[str, ...]:
        """Keys that no exclusion can do without."""
        return ("check", self.file_key, "reason")


DASHBOARDS = Kind(checks=all_checks, file_key="dashboard", part_key="panel", suffix=SUFFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """One decision not to be told.

    Attributes:
        check: Whose problems.
        dashboard: Name of the definition, or ``*``.
        panel: Title of the panel; "" for all, and for problems of the dashboard itself.
        reason: Why.
        file, line: Where it stands.
        kind: Whose; of alerts ``dashboard`` is the topic and ``panel`` the alert.
    """

    check: str
    dashboard: str
    reason: str
    panel: str = ""
    file: str = FILE_NAME
    line: int = 0
    kind: Kind = DASHBOARDS

    def hides(self, problem: Problem) -> bool:
        """Return whether it is about a problem."""
        return (
            problem.check == self.check
            and self.dashboard in (_ALL, PurePath(problem.file).name.removesuffix(self.kind.suffix))
            and self.panel in ("", problem.panel)
        )

    def __str__(self) -> str:
        panel = f", {self.kind.part_key} {self.panel!r}" if self.panel else ""
        return f"the exclusion of {self.check} from {self.dashboard}{panel}"


def read(path: Path, kind: Kind = DASHBOARDS) -> tuple[Exclusion, ...]:
    """Return the exclusions of a file, in its order; none when there is no file.

    Raises:
        UsageError: The file cannot be read, is no TOML, or an exclusion lacks something.
    """
    if not path.exists():
        return ()
    text = _text(path)
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "it is no TOML", said=str(error), hint="correct that line") from error
    for key in found:
        if key != "exclude":
            raise _wrong(path, f"there is no setting {key!r}", hint="the file holds [[exclude]] only")
    tables = found.get("exclude", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _wrong(path, "exclude is no list of tables", hint="write [[exclude]], with two brackets")
    lines = [
        text.count("\n", 0, m.start(1)) + 1 for m in re.finditer(r"^\s*(\[\[\s*exclude\s*\]\])", text, re.MULTILINE)
    ]
    # Written inline (exclude = [{…}]) they have no lines of their own.
    lines = lines if len(lines) == len(tables) else [0] * len(tables)
    pairs = zip(tables, lines, strict=True)
    return tuple(one for table, line in pairs for one in _exclusions(table, path, line, kind))


def apply(
    problems: Iterable[Problem], exclusions: Sequence[Exclusion], kind: Kind = DASHBOARDS
) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Return the problems that stay, and those that an exclusion hides; both in their order.

    What is no check's (a definition that cannot be loaded) is never hidden.
    """
    kept: list[Problem] = []
    excluded: list[Problem] = []
    for problem in problems:
        hidden = problem.check in kind.checks() and any(exclusion.hides(problem) for exclusion in exclusions)
        (excluded if hidden else kept).append(problem)
    return tuple(kept), tuple(excluded)


def unused(
    exclusions: Iterable[Exclusion],
    problems: Collection[Problem],
    made_checks: Collection[str],
    kind: Kind = DASHBOARDS,
) -> tuple[Problem, ...]:
    """Return a problem for each exclusion that is of no use.

    Args:
        exclusions: All of them.
        problems: What the checks found, before `apply`.
        made_checks: Names of the checks that were made: of others nobody knows what they would find.
        kind: Whose they are.

    Returns:
        An error for one that names no check, a warning for one that hides nothing.
    """
    return tuple(_unused(exclusions, problems, made_checks, kind))


def _unused(
    exclusions: Iterable[Exclusion], problems: Collection[Problem], made_checks: Collection[str], kind: Kind
) -> Iterator[Problem]:
    known = kind.checks()
    for one in exclusions:
        if one.check not in known:
            yield Problem(
                check=CHECK,
                message=f"there is no check {one.check!r}",
                file=one.file,
                line=one.line,
                hint=nearest(one.check, known),
            )
        elif one.check in made_checks and not any(one.hides(problem) for problem in problems):
            yield Problem(
                check=CHECK,
                message=f"{one} hides nothing",
                file=one.file,
                line=one.line,
                severity="warning",
                hint="take it out",
            )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            body = file.read(_MAX_BYTES + 1)
        if len(body) > _MAX_BYTES:
            raise _wrong(path, "it is larger than a mebibyte", hint="is it the right file?")
        return body.decode("utf-8")
    except OSError as error:
        raise _wrong(path, f"it cannot be read: {error.strerror}", hint="correct its permissions") from error
    except UnicodeDecodeError as error:
        raise _wrong(path, "it is not UTF-8", hint="save it as UTF-8") from error


def _exclusions(table: dict[str, Any], path: Path, line: int, kind: Kind) -> Iterator[Exclusion]:
    """Yield one exclusion for each pair of a check and a definition that a table names."""
    several = {key: table[key] for key in kind.several if isinstance(table.get(key), list)}
    if any(not values for values in several.values()):
        raise _wrong(path, f"{next(iter(several))} of an exclusion is an empty list", line=line, hint="take it out")
    for values in itertools.product(*several.values()):
        yield _exclusion({**table, **dict(zip(several, values, strict=True))}, path, line, kind)


def _exclusion(table: dict[str, Any], path: Path, line: int, kind: Kind) -> Exclusion:
    for key, value in table.items():
        if key not in kind.keys:
            raise _wrong(path, f"an exclusion has no {key!r}", line=line, hint=nearest(key, kind.keys))
        if not isinstance(value, str):
            raise _wrong(path, f"{key} of an exclusion is no text", line=line, hint=f'write {key} = "…"')
    for key in kind.needed:
        if not table.get(key, "").strip():
            hint = "say why: who removes it later has to know" if key == "reason" else f'write {key} = "…"'
            raise _wrong(path, f"an exclusion has no {key}", line=line, hint=hint)
    return Exclusion(
        check=table["check"],
        dashboard=table[kind.file_key],
        panel=table.get(kind.part_key, ""),
        reason=table["reason"],
        file=shown(path),
        line=line,
        kind=kind,
    )


def _wrong(path: Path, what: str, *, line: int = 0, said: str = "", hint: str = "") -> UsageError:
    place = f"{shown(path)}:{line}" if line else shown(path)
    return UsageError(f"the exclusions cannot be used: {what}", where={"in": place, "said": said}, hint=hint)
