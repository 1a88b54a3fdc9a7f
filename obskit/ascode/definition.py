"""What dashboards as code talk about: a definition, its panels and queries, and a problem."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from obskit.ascode.source import assigned, texts

#: A dashboard, panel or target as Grafana's JSON has it.
Model = dict[str, Any]
Language = Literal["PromQL", "LogQL", ""]
Severity = Literal["error", "warning"]

#: Grafana's types of data source, and the language that they are asked in.
LANGUAGES: Mapping[str, Language] = {"prometheus": "PromQL", "loki": "LogQL"}
SUFFIX = ".dashboard.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong with a definition, and where.

    Attributes:
        check: Name of the check that found it.
        message: What is wrong, on one line; no full stop.
        file: The definition, relative to the current folder where it is below it.
        line: Of the file, from 1; 0 when it is about the whole file.
        panel: Title of the panel, "" when it is about the dashboard.
        query: The query as the definition has it.
        column: Of the query, from 1, counted over its whole text; 0 when it is about all of it.
        hint: What to do about it.
    """

    check: str
    message: str
    file: str
    line: int = 0
    panel: str = ""
    query: str = ""
    column: int = 0
    severity: Severity = "error"
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One text that Grafana would send to Prometheus or Loki.

    Attributes:
        role: ``panel``, ``annotation`` or ``variable``.
        owner: The panel, annotation or variable that asks it.
        title: The panel's title, or the name of the annotation or variable.
        ref: The target's ``refId``; "" of annotations and variables.
        text: As the definition has it, Grafana's variables unfilled.
        language: "" when the data source is neither Prometheus nor Loki.
    """

    role: Literal["panel", "annotation", "variable"]
    owner: Model
    title: str
    ref: str
    text: str
    language: Language


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One dashboard: the file that defines it and the JSON model that Grafana gets.

    Attributes:
        name: The file's name without ``.dashboard.py``.
        path: The file.
        source: Its text.
        model: Normalised, ready to be pushed; not to be changed.
    """

    name: str
    path: Path
    source: str
    model: Model

    @property
    def uid(self) -> str:
        """Grafana's key for it; "" when the definition sets none."""
        return str(self.model.get("uid") or "")

    @property
    def title(self) -> str:
        """What Grafana lists it under."""
        return str(self.model.get("title") or "")

    @property
    def file(self) -> str:
        """The path to show: relative to the current folder where it is below it."""
        return shown(self.path)

    @cached_property
    def panels(self) -> tuple[Model, ...]:
        """Every panel, rows and those inside collapsed rows included."""
        return tuple(_panels(self.model.get("panels")))

    @cached_property
    def signals(self) -> tuple[tuple[str, ...], ...]:
        """The signals that each of `panels` was made from; see `signals_of`."""
        return tuple(signals_of(panel) for panel in self.panels)

    @cached_property
    def queries(self) -> tuple[Query, ...]:
        """Every query of panels, annotations and variables, in that order."""
        return tuple(_queries(self.model, self.panels))

    @property
    def variables(self) -> tuple[Model, ...]:
        """The template variables."""
        return tuple(_models(_listed(self.model.get("templating"))))

    @cached_property
    def _lines(self) -> dict[str, int]:
        lines = {"": line} if (line := assigned(self.source, "dashboard")) else {}
        for text, line in texts(self.source):
            lines.setdefault(text, line)
        return lines

    def line_of(self, *texts: str) -> int:
        """Return the line of the first text that stands in the file as a string of its own.

        That of ``dashboard = …`` where none does: a panel's title often comes from its signal.
        """
        found = (self._lines[text] for text in texts if text and text in self._lines)
        return next(found, self._lines.get("", 0))

    def names_of(self, panel: Model | None) -> tuple[str, ...]:
        """Return the texts by which a definition may name a panel: its title, its signals, its queries."""
        if panel is None:
            return ()
        queries = (str(target.get("expr") or "") for target in _models(panel.get("targets")))
        return (str(panel.get("title") or ""), *signals_of(panel), *queries)

    def problem(self, message: str, *, panel: Model | None = None, query: Query | None = None, **more: Any) -> Problem:
        """Return a problem that names this file, and the line where its panel or query is named.

        Args:
            message: What is wrong.
            panel: The panel that it is about.
            query: The query that it is about; names the panel too.
            more: Further fields of `Problem`.
        """
        owner = panel if panel is not None else query.owner if query else None
        title = query.title if query else str((owner or {}).get("title") or "")
        line = self.line_of(query.text if query else "", title, *self.names_of(owner))
        asked = query.text if query else ""
        found = Problem(check="", message=message, file=self.file, line=line, panel=title, query=asked)
        return replace(found, **more)


def shown(path: Path) -> str:
    """Return a path as messages show it: relative to the current folder where it is below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


#: How a panel's description ends when signals made it.
_SIGNALS = re.compile(r"Signals?: ((?:`[a-z0-9_]+`(?:, )?)+)\.?\s*\Z")


def signals_of(panel: Model) -> tuple[str, ...]:
    """Return the ids of the signals that a panel was made from, as its description says."""
    found = _SIGNALS.search(str(panel.get("description") or ""))
    return tuple(found.group(1).replace("`", "").split(", ")) if found else ()


def signals_line(names: Iterable[str]) -> str:
    """Return the line by which `signals_of` finds a panel's signals again."""
    quoted = [f"`{name}`" for name in names]
    return f"Signal{'s' if len(quoted) > 1 else ''}: {', '.join(quoted)}."


def _panels(found: object) -> Iterator[Model]:
    for panel in _models(found):
        yield panel
        yield from _panels(panel.get("panels"))


def _language(*owners: Model) -> Language:
    for owner in owners:
        source = owner.get("datasource")
        if isinstance(source, dict) and source.get("type"):
            return LANGUAGES.get(str(source["type"]), "")
    return ""


def _queries(model: Model, panels: tuple[Model, ...]) -> Iterator[Query]:
    for panel in panels:
        for target in _models(panel.get("targets")):
            if target.get("expr"):
                yield Query(
                    role="panel",
                    owner=panel,
                    title=str(panel.get("title") or ""),
                    ref=str(target.get("refId") or ""),
                    text=str(target["expr"]),
                    language=_language(target, panel),
                )
    for note in _models(_listed(model.get("annotations"))):
        target = note["target"] if isinstance(note.get("target"), dict) else {}
        text = note.get("expr") or target.get("expr")
        if text:
            yield _beside("annotation", note, str(text))
    for variable in _models(_listed(model.get("templating"))):
        asked = variable.get("query")
        text = asked.get("query") if isinstance(asked, dict) else asked
        if text and variable.get("type") == "query":
            yield _beside("variable", variable, str(text))


def _beside(role: Literal["annotation", "variable"], owner: Model, text: str) -> Query:
    name = str(owner.get("name") or "")
    return Query(role=role, owner=owner, title=name, ref="", text=text, language=_language(owner))


def _listed(holder: object) -> object:
    return holder.get("list") if isinstance(holder, dict) else None


def _models(found: object) -> Iterator[Model]:
    """Yield what is an object in a list: a definition may hold anything."""
    yield from (item for item in found if isinstance(item, dict)) if isinstance(found, list) else ()
