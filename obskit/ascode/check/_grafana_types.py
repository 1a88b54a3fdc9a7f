"""Grafana's own types, as JSON Schemas, and what a value has that they have not.

The types are those of the pinned ``@grafana/schema``; `obskit.ascode.npm` makes the schemas.
Where the types are known to say less than Grafana reads and writes, they are widened here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from obskit.ascode.definition import Model

#: ``Dashboard``, ``Panel``, ``RowPanel``, ``FieldConfig`` of all panels, or of one kind of panel.
_File = Literal["dashboard.Dashboard", "dashboard.Panel", "dashboard.RowPanel"] | str
#: What Grafana 13 stores in variables, by their type, and the type VariableModel leaves out.
_OF_VARIABLES: dict[str, Any] = {
    "definition": {"type": "string"},
    "auto": {"type": "boolean"},
    "auto_count": {"type": "number"},
    "auto_min": {"type": "string"},
    "filters": {"type": "array"},
    "baseFilters": {"type": "array"},
    "defaultKeys": {"type": "array"},
}
_KINDS = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
}
_KINDS |= {"boolean": "true or false", "null": "null"}
#: What Grafana has no default for; ``id`` too, but of a panel itself, which it numbers.
_NEEDED = frozenset({"type", "name", "matcher", "url"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One place where a value is not as Grafana's type wants it.

    Attributes:
        path: JSON path below the dashboard or panel, ``options.legend``.
        said: What is wrong there.
        filled: Something is missing that Grafana fills in with its default: harmless, but it
            shows as a change when somebody saves.
    """

    path: str
    said: str
    filled: bool = False

    def __str__(self) -> str:
        return f"{self.path} {self.said}"


def deviations(
    value: object, folder: Path, file: _File, path: str = "", inside: tuple[str, ...] = ()
) -> Iterator[Deviation]:
    """Yield every deviation of a value from a type.

    Args:
        value: As JSON has it.
        folder: That of `obskit.ascode.npm.tools`.
        file: Of the type, without ``.json``.
        path: Of the value; goes in front of all paths.
        inside: Name a property of the type, at any depth, instead of the type.
    """
    validator = _validator(folder, file, inside)
    if validator is None:
        yield Deviation(path=path, said="is nothing that Grafana knows")
        return
    for error in validator.iter_errors(value):
        yield from _told(error, path)


def has_schema(folder: Path, file: _File) -> bool:
    """Return whether there is a schema of that name."""
    return (folder / "schemas" / f"{file}.json").is_file()


@cache
def _schema(folder: Path, file: _File) -> Model:
    found: Model = json.loads((folder / "schemas" / f"{file}.json").read_text(encoding="utf-8"))
    defined = found["definitions"]
    # "TODO.. this should just be a normal query target", say the types themselves of annotations.
    for name in ("AnnotationQuery", "AnnotationTarget"):
        if name in defined:
            defined[name]["additionalProperties"] = True
    if "AnnotationTarget" in defined:
        defined["AnnotationTarget"].pop("required", None)
    # The dialogue of a panel's links writes title, address and whether to open a tab, and no more.
    if file != "dashboard.Dashboard" and "DashboardLink" in defined:
        defined["DashboardLink"]["required"] = ["title", "url"]
    if "VariableModel" in defined:
        defined["VariableModel"]["properties"] |= _OF_VARIABLES
    return found


@cache
def _validator(folder: Path, file: _File, inside: tuple[str, ...]) -> Any:
    from jsonschema import Draft7Validator  # only checks need it

    whole = _schema(folder, file)
    part: Model | None = whole
    for name in inside:
        part = _property(part, name, whole) if part is not None else None
    return None if part is None else Draft7Validator({**part, "definitions": whole["definitions"]})


def _property(schema: Model, name: str, whole: Model) -> Model | None:
    """Return the schema of a property, through references and choices."""
    while "$ref" in schema:
        schema = whole["definitions"][_defined(schema["$ref"])]
    if name in (schema.get("properties") or {}):
        found: Model = schema["properties"][name]
        return found
    choices = [choice for kind in ("allOf", "anyOf", "oneOf") for choice in schema.get(kind) or ()]
    if given := [part for choice in choices if (part := _property(choice, name, whole)) is not None]:
        return {"anyOf": given}
    # An open record takes anything.
    return {} if schema.get("additionalProperties", True) is True and schema.get("type") == "object" else None


def _defined(reference: str) -> str:
    from urllib.parse import unquote

    return unquote(reference.rpartition("/")[2])


def _told(error: Any, path: str) -> Iterator[Deviation]:
    """Say in our words what jsonschema found; of a choice, what the nearest alternative lacks."""
    here = _joined(path, error.absolute_path)
    match error.validator:
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            # jsonschema gives an error a name; the message begins with it.
            name = next((name for name in missing if error.message.startswith(repr(name))), missing[0])
            filled = name not in _NEEDED and (name != "id" or not here)
            yield Deviation(path=_joined(here, [name]), said="is missing", filled=filled)
        case "additionalProperties":
            known = error.schema.get("properties") or {}
            for name in sorted(set(error.instance) - set(known)):
                yield Deviation(path=_joined(here, [name]), said="is nothing that Grafana knows")
        case "type":
            wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
            kinds = " or ".join(_KINDS[kind] for kind in wanted)
            yield Deviation(path=here, said=f"is {_shown(error.instance)}, not {kinds}")
        case "enum" | "const":
            known = error.validator_value if error.validator == "enum" else [error.validator_value]
            values = ", ".join(sorted(json.dumps(value) for value in known))
            yield Deviation(path=here, said=f"is {_shown(error.instance)}; Grafana knows {values}")
        case "anyOf" | "oneOf" if error.context:
            yield from _nearest(error, here, path)
        case _:
            yield Deviation(path=here, said=f"is {_shown(error.instance)}, which breaks the rule {error.validator}")


def _nearest(error: Any, here: str, path: str) -> Iterator[Deviation]:
    """Tell the errors of the alternative that fits best: of the right type, and with the fewest."""
    alternatives: dict[int, list[Any]] = {}
    for one in error.context:
        alternatives.setdefault(one.relative_schema_path[0], []).append(one)
    if all(one.validator in ("type", "const", "enum") and not one.relative_path for one in error.context):
        yield Deviation(path=here, said=f"is {_shown(error.instance)}, not {_wanted(error.context)}")
    elif told_apart := _told_apart(list(alternatives.values())):
        at = _joined(path, told_apart[0].absolute_path)
        yield Deviation(path=at, said=f"is {_shown(told_apart[0].instance)}, not {_wanted(told_apart)}")
    else:
        best = min(
            alternatives.values(),
            key=lambda found: (any(not e.relative_path and e.validator == "type" for e in found), len(found)),
        )
        for one in best:
            yield from _told(one, path)


def _told_apart(alternatives: list[list[Any]]) -> list[Any]:
    """Return the errors of the key that says which alternative is meant, where it says none of them."""
    words = [
        {tuple(e.relative_path): e for e in found if e.relative_path and e.validator in ("const", "enum")}
        for found in alternatives
    ]
    common = set.intersection(*(set(of_one) for of_one in words))
    return [of_one[min(common)] for of_one in words] if common else []


def _wanted(errors: list[Any]) -> str:
    wanted = []
    for one in errors:
        if one.validator == "type":
            kinds = one.validator_value if isinstance(one.validator_value, list) else [one.validator_value]
            wanted += [_KINDS[kind] for kind in kinds]
        else:
            values = one.validator_value if one.validator == "enum" else [one.validator_value]
            wanted += [json.dumps(value) for value in values]
    return " or ".join(dict.fromkeys(wanted))


def _joined(path: str, names: Any) -> str:
    for name in names:
        path += f"[{name}]" if isinstance(name, int) else f".{name}" if path else str(name)
    return path


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"
