"""Reads a stack's TOML file into a `StackSpec`.

A whole file can be as short as ``name``, ``domain`` and ``image``; what else there is, `keys` lists. The
types of `obskit.deploy.spec` say what is allowed: a new attribute there is a new key here. Everything that
is wrong is told at once. Whether AWS would take the values is a question for `obskit.deploy.spec_check`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from obskit.deploy.spec import Application, Database, StackSpec, Waiver, Watcher
from obskit.deploy.spec_check import HIDDEN, Problem, error, located, path_of, refusal
from obskit.deploy.spec_keys import (
    SECTIONS,
    SHORTHAND,
    TOP,
    WATCHERS,
    Key,
    keys,
    kind,
    meanings,
    names,
    required,
    types,
)
from obskit.deploy.spec_lines import lines_of
from obskit.errors import SettingsError, UsageError
from obskit.settings_values import nearest, toml_of

__all__ = ["Key", "keys", "override", "read"]

#: AWS has no number beyond; TOML would take one of a million digits, which Python cannot even print.
_LARGEST = 2**31 - 1
#: A key is shown, and compared with the known ones, up to here.
_LONGEST_KEY = 60
#: What these hold is shown to nobody: it may be a password in the wrong place.
_NEVER_SHOWN = ("environment", "secrets")


def read(path: Path, *, commit: str = "", overrides: Mapping[str, Any] | None = None) -> StackSpec:
    """Return the stack that a file describes.

    Args:
        path: The TOML file.
        commit: Of the repository that the file is in; becomes a tag.
        overrides: Path of a key -> value, as TOML would read it; wins over the file. `override` makes one
            from ``KEY=VALUE``.

    Raises:
        SettingsError: The file cannot be read, or holds something unknown, missing or of the wrong type. The
            error tells of everything that is wrong.
    """
    found = deepcopy(_toml(path))
    problems: list[Problem] = []
    for name, value in (overrides or {}).items():
        _put(found, name, value, problems)
    spec = _Reading(problems).spec(found, commit)
    if spec is None or problems:
        lines = lines_of(path.read_text(encoding="utf-8"))
        raise refusal(located(problems, lines), str(path))
    return spec


def override(text: str) -> tuple[str, Any]:
    """Return path and value of a ``KEY=VALUE`` of the command line.

    The value is read as TOML where it is any (``2``, ``true``, ``"2"``), and is a plain text otherwise.

    Raises:
        UsageError: There is no ``=``, or nothing before it.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{text[:_LONGEST_KEY]!r} sets nothing", hint="write KEY=VALUE, as in network.zones=3")
    try:
        read_as = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return name.strip(), value
    return name.strip(), read_as["value"] if len(read_as) == 1 else value


def _toml(path: Path) -> dict[str, Any]:
    try:
        return toml_of(path)
    except SettingsError as refused:
        if not isinstance(refused.__cause__, OSError):
            raise
        said = refused.__cause__.strerror or ""
        hint = "name the file that describes the stack, or write one: name, domain and image are enough"
        raise SettingsError(f"the stack's file {path} cannot be read", where={"said": said}, hint=hint) from refused


def _put(found: dict[str, Any], name: str, value: Any, problems: list[Problem]) -> None:
    *sections, key = name.split(".")
    table: Any = found
    for section in sections:
        table = table.setdefault(section, {}) if isinstance(table, dict) else None
    if isinstance(table, dict):
        table[key] = value
    else:
        problems.append(
            error(
                ".".join(path_of("", part) for part in name.split(".")),
                None,
                "cannot be set from outside",
                "only keys of tables can",
            )
        )


class _Reading:
    """One pass through a file.

    Args:
        problems: Grows by what is wrong.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def spec(self, found: Mapping[str, Any], commit: str) -> StackSpec | None:
        """Return the spec; None when it lacks what has no default."""
        known = (*TOP, "image", "applications", *WATCHERS, *SECTIONS, "waivers")
        for name in found:
            if name not in known:
                self._unknown(name, "", known)
        top = self._values(StackSpec, {key: found[key] for key in TOP if key in found}, "")
        given = {section: self._section(section, cls, found.get(section, {})) for section, cls in SECTIONS.items()}
        applications = self._applications(found, database=given["database"] is not None)
        waivers = self._waivers(found.get("waivers", []))
        watchers = tuple(
            Watcher(name=name, **{**sizes, **self._values(Watcher, found.get(name, {}), name)})
            for name, sizes in WATCHERS.items()
        )
        if any(key not in top for key in required(StackSpec)):
            return None
        return StackSpec(**top, **given, commit=commit, applications=applications, watchers=watchers, waivers=waivers)

    def _section(self, section: str, cls: type, found: Any) -> Any:
        if cls is Database and isinstance(found, bool):
            return Database() if found else None
        return cls(**self._values(cls, found, section))

    def _applications(self, found: Mapping[str, Any], *, database: bool) -> tuple[Application, ...]:
        given = found.get("applications", {})
        if "image" in found:
            if given:
                allowed = f"put it into [applications.{SHORTHAND}]"
                self._problems.append(error("image", found["image"], "stands beside [applications]", allowed))
            image = self._values(Application, {"image": found["image"]}, "")
            shorthand = Application(name=SHORTHAND, path="/*", minimum=2, maximum=4, database=database)
            return (replace(shorthand, **image),)
        if not isinstance(given, dict):
            self._problems.append(error("applications", given, "is no section", "write [applications.NAME]"))
            return ()
        return tuple(
            Application(name=name, **self._values(Application, table, path_of("applications", name)))
            for name, table in given.items()
        )

    def _waivers(self, found: Any) -> tuple[Waiver, ...]:
        if not isinstance(found, list):
            self._problems.append(error("waivers", found, "is no list of sections", "write [[waivers]] above each"))
            return ()
        read_ = [self._values(Waiver, table, f"waivers[{number}]") for number, table in enumerate(found, 1)]
        return tuple(Waiver(**values) for values in read_ if all(key in values for key in required(Waiver)))

    def _values(self, cls: type, table: Any, section: str) -> dict[str, Any]:
        """Return the attributes that a table gives; what is wrong is left out and told."""
        if not isinstance(table, dict):
            what = "is no section"
            also = " or database = false" if cls is Database else ""
            self._problems.append(error(section, table, what, f"write [{section.partition('[')[0]}]{also}"))
            return {}
        known = TOP if cls is StackSpec else names(cls)
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key not in known:
                self._unknown(key, section, known)
                continue
            try:
                values[key] = _converted(types(cls)[key], value)
            except _UnfitError as unfit:
                hidden = HIDDEN if key in _NEVER_SHOWN else ""
                told = error(path_of(section, key) + unfit.inside, value, unfit.what, str(unfit))
                self._problems.append(replace(told, value=hidden) if hidden else told)
        for key in required(cls):
            if key not in table:
                self._problems.append(error(path_of(section, key), None, "is missing", meanings(cls)[key]))
        return values

    def _unknown(self, name: str, section: str, known: tuple[str, ...]) -> None:
        inside = f" in [{section.partition('[')[0]}]" if section else ""
        hint = nearest(name[:_LONGEST_KEY].replace("-", "_") if section else name[:_LONGEST_KEY], known)
        if not section and name == "commit":
            hint = "it is taken from git"
        self._problems.append(error(path_of(section, name), None, f"is no key{inside}", hint))


class _UnfitError(Exception):
    """A value of the wrong type; the message says what is allowed.

    Args:
        allowed: What could be written.
        what: What is wrong with it.
        inside: What follows the key's path.
    """

    def __init__(self, allowed: str, *, what: str = "", inside: str = "") -> None:
        super().__init__(allowed)
        self.what, self.inside = what, inside


def _converted(wanted: Any, value: Any) -> Any:
    """Return a value as its attribute has it.

    Raises:
        _UnfitError: It is of another type.
    """
    if get_origin(wanted) is Literal:
        return _one_of(get_args(wanted), value)
    what = f"is no {kind(wanted)}" if wanted is not bool else "is neither true nor false"
    if wanted is bool:
        if not isinstance(value, bool):
            raise _UnfitError("without quotes", what=what)
        return value
    if wanted is int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _UnfitError("digits without quotes, unit or point", what=what)
        if abs(value) > _LARGEST:
            raise _UnfitError(f"at most {_LARGEST}", what="is too large")
        return value
    if wanted is str:
        return _text(value, what)
    if wanted == tuple[str, ...]:
        if not isinstance(value, list):
            raise _UnfitError('write ["one", "another"]', what=what)
        return tuple(_text(item, what, lines=True) for item in value)
    return _table(value, what)


def _one_of(allowed: tuple[str, ...], value: Any) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise _UnfitError(", ".join(f'"{word}"' for word in allowed), what="is not allowed")
    return value


def _text(value: Any, what: str, *, lines: bool = False) -> str:
    if not isinstance(value, str):
        raise _UnfitError("put it in quotes", what=what)
    if not (value.translate({10: None, 9: None}) if lines else value).isprintable():
        raise _UnfitError("letters that can be printed", what="holds control characters")
    return value


def _table(value: Any, what: str) -> tuple[tuple[str, str], ...]:
    """Return name and text, by name; several lines in a text are fine."""
    if not isinstance(value, dict):
        raise _UnfitError('write { NAME = "text" }', what=what)
    texts = []
    for name, text in value.items():
        try:
            texts.append((name, _text(text, "is no text", lines=True)))
        except _UnfitError as unfit:
            raise _UnfitError(str(unfit), what=unfit.what, inside=f".{path_of('', name)}") from unfit
    return tuple(sorted(texts))
