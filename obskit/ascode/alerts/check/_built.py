"""What checks look at: each rule as a server gets it, and where its definition says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from obskit.ascode.alerts.build import INTERVAL, Document, alert_document
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.rule import Rule, RuleFile
from obskit.ascode.alerts.slo import Slo, expanded
from obskit.ascode.definition import Problem, shown
from obskit.ascode.source import arguments, assigned
from obskit.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a definition says an alert or an objective.

    Attributes:
        file: The file of definitions.
        name: What is named there.
        number: Which of those of this name, from 0.
    """

    file: RuleFile
    name: str
    number: int = 0

    @cached_property
    def _lines(self) -> dict[str, int]:
        found = arguments(self.file.source).get(self.name, [])
        return found[min(self.number, len(found) - 1)] if found else {}

    def line(self, *fields: str) -> int:
        """Return the line of the first of these arguments that is said; else that of the name, or of the list."""
        said = (self._lines[field] for field in (*fields, "") if field in self._lines)
        return next(said, 0) or assigned(self.file.source, "RULES", "SLOS")

    def problem(self, message: str, *fields: str, **more: Any) -> Problem:
        """Return a problem of it.

        Args:
            message: What is wrong.
            fields: The arguments that say it; the first that stands there gives the line.
            more: Further fields of `Problem`.
        """
        problem = Problem(
            check="",
            message=f"{self.name}: {message}",
            file=shown(self.file.path),
            line=self.line(*fields),
            panel=self.name,
        )
        return replace(problem, **more)


@dataclass(frozen=True, kw_only=True)
class Said:
    """An alert as its definition says it; objectives say two each.

    Attributes:
        rule: The alert.
        place: Where; of an objective's alert the objective's.
        slo: The objective that it was made from.
    """

    rule: Rule
    place: Place
    slo: Slo | None = None

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.rule.name

    def problem(self, message: str, *fields: str, **more: Any) -> Problem:
        """Return a problem of it; see `Place.problem`."""
        found = self.place.problem(message, *fields)
        return replace(found, message=f"{self.name}: {message}", panel=self.name, **more)


@dataclass(frozen=True, kw_only=True)
class Built:
    """A rule as a rule file has it, and where it comes from.

    Attributes:
        document: As YAML has it.
        language: Who evaluates it.
        group, interval: Of its rule group.
        place: Where it is defined.
        said: Of an alert: what it was made from.
    """

    document: Document
    language: str
    place: Place
    group: str = ""
    interval: str = INTERVAL
    said: Said | None = None

    @property
    def name(self) -> str:
        """The alert's name, or what it records."""
        return str(self.document.get("alert") or self.document.get("record") or "")

    @property
    def is_alert(self) -> bool:
        """Whether it wakes somebody, or only records."""
        return "alert" in self.document

    @property
    def expr(self) -> str:
        """The whole expression."""
        return str(self.document.get("expr", ""))

    @cached_property
    def tree(self) -> Any:
        """The expression's syntax tree; None of LogQL, and of what does not parse, which is another check's to say."""
        if self.language != "PromQL":
            return None
        import promql_parser  # a Rust library; only checks need it

        try:
            return promql_parser.parse(self.expr)
        except ValueError:
            return None

    def problem(self, message: str, *fields: str, **more: Any) -> Problem:
        """Return a problem of it; see `Place.problem`."""
        found = self.place.problem(message, *fields)
        return replace(found, message=f"{self.name}: {message}", panel=self.name, **more)


def said_in(files: Iterable[RuleFile], writer: Writer) -> tuple[Said, ...]:
    """Return every alert of the files, those of objectives after the others of their file."""
    from obskit.ascode.alerts.slo_rules import rules_of

    found: list[Said] = []
    for file in files:
        seen: dict[str, int] = {}
        for rule in file.rules:
            place = Place(file=file, name=rule.name, number=seen.get(rule.name, 0))
            seen[rule.name] = place.number + 1
            found.append(Said(rule=rule, place=place))
        for place, slo in _objectives(file):
            found += [Said(rule=rule, place=place, slo=slo) for rule in rules_of(slo, writer)]
    return tuple(found)


def built_from(files: Iterable[RuleFile], writer: Writer) -> tuple[tuple[Built, ...], tuple[Problem, ...]]:
    """Return every rule as it is built, and a problem for each that cannot be."""
    found: list[Built] = []
    problems: list[Problem] = []
    said = said_in(files, writer)
    for one in said:
        if one.slo is None:
            try:
                document = alert_document(one.rule, one.place.file.name, writer)
                language = writer.language(one.rule)
            except (UsageError, ValueError) as error:  # promql_parser's own error is a ValueError
                problems.append(_unbuilt(one, error))
            else:
                group = f"obskit-{one.place.file.name}"
                found.append(Built(document=document, language=language, place=one.place, group=group, said=one))
    for file in dict.fromkeys(one.place.file for one in said if one.slo):
        found += _of_objectives(file, [one for one in said if one.slo and one.place.file is file], writer)
    return tuple(found), tuple(problems)


def _objectives(file: RuleFile) -> Iterator[tuple[Place, Slo]]:
    seen: dict[str, int] = {}
    for slo in file.slos:
        if isinstance(slo, Slo):
            number = seen.get(slo.name, 0)
            seen[slo.name] = number + 1
            yield Place(file=file, name=slo.name, number=number), slo


def _of_objectives(file: RuleFile, said: list[Said], writer: Writer) -> Iterator[Built]:
    """Yield what a file's objectives expand into: their groups come in their order, the same number of each."""
    groups = expanded(file.slos, file.name, writer)
    places = list(dict.fromkeys(one.place for one in said))
    each = len(groups) // len(places)
    for index, group in enumerate(groups):
        place = places[index // each]
        mine = {one.name: one for one in said if one.place is place}
        for document in group.rules:
            yield Built(
                document=document,
                language=group.language,
                group=group.name,
                interval=group.interval,
                place=place,
                said=mine.get(str(document.get("alert"))),
            )


def _unbuilt(one: Said, error: Exception) -> Problem:
    """Return the problem, with the line of the text whose placeholder is wrong, else of what shapes the expression."""
    words = " ".join(str(getattr(error, "what", error)).split()).removeprefix(f"{one.name}: ")
    placeholder = f"{{{words.rpartition('no label ')[2].strip(chr(39))}}}"
    texts = [field for field in ("summary", "description") if placeholder in getattr(one.rule, field)]
    fields = texts[:1] or ["by", "over", "ahead"]
    return one.problem(words, *fields, hint=str(getattr(error, "hint", "")))
