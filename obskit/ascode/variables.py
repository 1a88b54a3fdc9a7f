"""Fills Grafana's variables in, so that a parser of the query language can read a query.

No parser accepts ``rate(x[$__rate_interval])``. What a dashboard's own variables hold is put
in as Grafana would: a custom, constant, interval or textbox variable its current value or its
first option. What only a data source or Grafana's clock knows gets a stand-in that fits its
place: a duration between brackets and after ``offset``, a number after an operator, a word
elsewhere. `Filled.original` leads back from an error's position to the text as it was written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from obskit.ascode.definition import Language, Model

#: Grafana's spellings: ``$name``, ``${name}``, ``${name.field:format}``, ``[[name:format]]``.
_REFERENCE = re.compile(
    r"\$\{(?P<braced>\w+)(?:\.[^:}]+)?(?::(?P<format>[^}]+))?\}"
    r"|\$(?P<plain>\w+)"
    r"|\[\[(?P<squared>\w+)(?::(?P<old_format>\w+))?\]\]",
    re.ASCII,
)
#: An hour's range shown in some 60 points, scraped every minute; only the kinds matter.
_DURATIONS = {"__interval": "1m", "__rate_interval": "4m", "__range": "1h", "__auto": "1m"}
_NUMBERS = {
    "__interval_ms": "60000",
    "__rate_interval_ms": "240000",
    "__range_s": "3600",
    "__range_ms": "3600000",
    "__from": "1700000000000",
    "__to": "1700003600000",
}
#: Grafana's own that hold a text; those of links and titles too, so that they are nobody's mistake.
_TEXTS = frozenset(
    {"__all", "__all_variables", "__cell", "__dashboard", "__data", "__field", "__name", "__org", "__searchFilter"}
    | {"__series", "__tags", "__text", "__timeFilter", "__timezone", "__url_time_range", "__user", "__value"}
)
#: An interval variable that Grafana chooses the value of.
_AUTO = "__auto_interval"
#: What every place takes that is no duration and no number: a metric, a label, the inside of a string.
WORD = "word"
#: Kinds of variable whose values stand in the dashboard.
_WRITTEN = frozenset({"custom", "constant", "interval", "textbox"})
#: What a variable holds while "All" is chosen.
_ALL = "$__all"
_OFFSET = re.compile(r"\boffset\s+-?\s*$", re.IGNORECASE)
_OPERATOR = re.compile(
    r"(?:[-+*/%^<>]|[=!<>]=)\s*(?:bool\s+)?$"
    r"|\b(?:topk|bottomk|approx_topk|quantile|limitk|quantile_over_time|histogram_quantile)\s*"
    r"(?:(?:by|without)\s*\([^)]*\)\s*)?\(\s*$"
)
_Place = Literal["string", "duration", "number", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One mention of a variable in a text.

    Attributes:
        name: The variable.
        format: What stands after the colon; "" without one.
        start, end: Where it stands, from 0, the end excluded.
        place: What the query language expects there.
        quote: The character that the string around it began with; ``#`` in a comment; "" outside.
        template: It stands between ``{{`` and ``}}``, where Go's templates have variables too.
    """

    name: str
    format: str
    start: int
    end: int
    place: _Place
    quote: str
    template: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its variables filled in.

    Attributes:
        text: For a parser.
        spans: ``(start, end, from, to)`` of each value: where it stands in `text`, and where its
            reference stood in the text as written.
    """

    text: str
    spans: tuple[tuple[int, int, int, int], ...] = ()

    def original(self, position: int) -> int:
        """Return where a position of `text` stands in the text as written; within a value, its reference's start."""
        shift = 0
        for start, end, begin, stop in self.spans:
            if position < start:
                break
            if position < end:
                return begin
            shift = stop - end
        return position + shift


def references(text: str) -> Iterator[Reference]:
    """Yield every mention of a variable, in order."""
    quote, opened, depth, at = "", 0, 0, 0
    while at < len(text):
        if found := _REFERENCE.match(text, at):
            yield _reference(found, quote, opened, depth)
            at = found.end()
            continue
        char = text[at]
        if quote:
            if quote in "\"'" and char == "\\" and text[at + 1 : at + 2] in ("\\", quote):
                at += 1
            elif char == ("\n" if quote == "#" else quote):
                quote = ""
        elif char in "\"'`#":
            quote, opened = char, at
        elif char in "[]":
            depth = max(0, depth + (1 if char == "[" else -1))
        at += 1


def unknown_references(text: str, model: Model) -> tuple[Reference, ...]:
    """Return the mentions of variables that neither the dashboard nor Grafana defines.

    Left out is what only looks like one: groups of a regular expression (``$1``, ``$name`` with
    ``(?P<name>…)``) and variables of a Go template.
    """
    named = variables_of(model)
    return tuple(
        r for r in references(text) if r.name not in named and not _of_grafana(r.name) and not _foreign(r, text)
    )


def unknown(text: str, model: Model) -> tuple[str, ...]:
    """Return the names of variables that neither the dashboard nor Grafana defines, in order, each once."""
    return tuple(dict.fromkeys(r.name for r in unknown_references(text, model)))


def variables_of(model: Model) -> Mapping[str, Model]:
    """Return a dashboard's variables by name."""
    templating = model.get("templating")
    listed = templating.get("list") if isinstance(templating, dict) else None
    found = [v for v in listed if isinstance(v, dict)] if isinstance(listed, list) else []
    return {str(v.get("name")): v for v in found}


def filled(text: str, model: Model, language: Language) -> Filled:
    """Fill in every variable, those too that nobody defines, so that a parser finds the other mistakes.

    Args:
        text: A query.
        model: The dashboard; gives the variables' values.
        language: Of the query. Where it is neither PromQL nor LogQL, an unknown number is a word too.
    """
    named = variables_of(model)
    parts: list[str] = []
    spans: list[tuple[int, int, int, int]] = []
    length = at = 0
    for found in references(text):
        variable = named.get(found.name)
        if variable is None and not _of_grafana(found.name) and _foreign(found, text):
            continue
        parts.append(text[at : found.start])
        length += len(parts[-1])
        parts.append(_value(found, variable, text, language))
        spans.append((length, length + len(parts[-1]), found.start, found.end))
        length += len(parts[-1])
        at = found.end
    return Filled("".join([*parts, text[at:]]), tuple(spans))


def _reference(found: re.Match[str], quote: str, opened: int, depth: int) -> Reference:
    text, start = found.string, found.start()
    place: _Place = "code"
    if quote:
        place = "string"
    elif depth or _OFFSET.search(text, 0, start):
        place = "duration"
    elif _OPERATOR.search(text, 0, start) and not re.compile(r"\s*[{\[]").match(text, found.end()):
        place = "number"
    return Reference(
        name=found["braced"] or found["plain"] or found["squared"],
        format=found["format"] or found["old_format"] or "",
        start=start,
        end=found.end(),
        place=place,
        quote=quote,
        template=bool(quote) and text.rfind("{{", opened, start) > text.rfind("}}", opened, start),
    )


def _of_grafana(name: str) -> bool:
    return name in _DURATIONS or name in _NUMBERS or name in _TEXTS or name.startswith(_AUTO)


def _foreign(found: Reference, text: str) -> bool:
    return found.name.isdigit() or found.template or f"(?P<{found.name}>" in text or f"(?<{found.name}>" in text


def _value(found: Reference, variable: Model | None, text: str, language: Language) -> str:
    if variable is None and _of_grafana(found.name):
        return _grafanas(found.name, found.format)
    values, literal = _written(variable) if variable else ((), False)
    if not values or (values == ("",) and found.place in ("duration", "number")):
        return _stand_in(found, text, language)
    if found.place == "string":
        return _in_string(values, found, escape=not literal and _is_many(variable, found.format))
    return _formatted(values, found.format)


def _grafanas(name: str, form: str) -> str:
    if name in _NUMBERS:
        # Milliseconds, unless the format says seconds.
        return _NUMBERS[name][:-3] if form == "date:seconds" else _NUMBERS[name]
    return _DURATIONS.get(name) or (_DURATIONS["__auto"] if name.startswith(_AUTO) else WORD)


def _stand_in(found: Reference, text: str, language: Language) -> str:
    if found.place == "duration":
        # "[${minutes}m]" brings its own unit along.
        return "5" if text[found.end : found.end + 1].isalpha() else "5m"
    return "1" if found.place == "number" and language != "" else WORD


def _written(variable: Model) -> tuple[tuple[str, ...], bool]:
    """Return the values that stand in the dashboard, and whether they are put in as they are, as "all" is."""
    if str(variable.get("type")) not in _WRITTEN:
        return (), False
    current = variable.get("current")
    now = _texts(current.get("value") if isinstance(current, dict) else None)
    if _ALL in now and variable.get("allValue"):
        return (str(variable["allValue"]),), True
    options = variable.get("options")
    listed = [o.get("value") for o in options if isinstance(o, dict)] if isinstance(options, list) else []
    first = [text for value in listed for text in _texts(value) if text != _ALL][:1]
    values = [value for value in now if value != _ALL] or first or _of_query(variable)
    return tuple(_settled(value) for value in values), False


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(v) for v in value if isinstance(v, str | int | float)]
    return [str(value)] if isinstance(value, str | int | float) else []


def _of_query(variable: Model) -> list[str]:
    """Return what the definition says, where no option was written down: ``name : value, …``."""
    query = variable.get("query")
    if not isinstance(query, str):
        return []
    if variable.get("type") in ("constant", "textbox"):
        return [query]
    first = query.split(",")[0].rpartition(" : ")[2].strip()
    return [first] if first else []


def _settled(value: str) -> str:
    """Fill in what Grafana defines itself; a value that names another variable is not looked into."""

    def settle(found: re.Match[str]) -> str:
        name = found["braced"] or found["plain"] or found["squared"]
        return found[0] if name.isdigit() else _grafanas(name, found["format"] or "")

    return _DURATIONS["__auto"] if value == "auto" else _REFERENCE.sub(settle, value)


def _is_many(variable: Model | None, form: str) -> bool:
    return form == "regex" or (form == "" and bool(variable and (variable.get("multi") or variable.get("includeAll"))))


def _in_string(values: tuple[str, ...], found: Reference, *, escape: bool) -> str:
    if found.format in ("doublequote", "singlequote", "json", "sqlstring"):
        return _formatted(values, found.format)
    parts = [re.escape(value) for value in values] if escape else list(values)
    text = parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"
    if found.format == "raw" or found.quote == "#":
        return text if found.format == "raw" else text.replace("\n", " ")
    if found.quote == "`":
        return text.replace("`", "")
    return text.replace("\\", "\\\\").replace(found.quote, "\\" + found.quote).replace("\n", "\\n")


def _formatted(values: tuple[str, ...], form: str) -> str:
    quoted: dict[str, Callable[[], Any]] = {
        "doublequote": lambda: ",".join(json.dumps(v, ensure_ascii=False) for v in values),
        "singlequote": lambda: ",".join("'" + v.replace("'", "\\'") + "'" for v in values),
        "sqlstring": lambda: ",".join("'" + v.replace("'", "''") + "'" for v in values),
        "json": lambda: json.dumps(list(values), ensure_ascii=False),
        "csv": lambda: ",".join(values),
        "pipe": lambda: "|".join(values),
    }
    return str(quoted[form]()) if form in quoted else values[0]
