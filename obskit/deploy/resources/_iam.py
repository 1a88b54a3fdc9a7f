"""Policy documents as nested mappings, so that a difference between two has a path.

A document is ``{"Version": …, "Statement": {Sid: {"Effect": …, "Action": …, …}}}``. Where IAM takes one
text or a list of them, one stands alone and several are a sorted tuple: their order says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from obskit.deploy.resource import Fields, Place, Value, references
from obskit.deploy.resources._json import compact, mapping

VERSION: Final = "2012-10-17"
#: Begins the key of a statement without a Sid; no Sid can have a dash.
_UNNAMED: Final = "statement-"
_LISTS: Final = ("Action", "NotAction", "Resource", "NotResource")
_MAPPINGS: Final = ("Principal", "NotPrincipal", "Condition")


def allow(sid: str, actions: Iterable[str], resources: Iterable[Value] | Value, **more: Value) -> dict[str, Value]:
    """Return a statement that allows something.

    Args:
        sid: Names it; letters and digits.
        actions: ``service:Action``.
        resources: ARNs; ``"*"`` for actions that AWS does not limit to a resource.
        more: ``Condition``, ``Principal``.
    """
    few = resources if isinstance(resources, str) or not isinstance(resources, Iterable) else tuple(resources)
    return {"Sid": sid, "Effect": "Allow", "Action": tuple(actions), "Resource": few, **more}


def trust(service: str, place: Place | None = None, sources: str = "") -> dict[str, Value]:
    """Return the document by which a service of AWS may take a role, on behalf of one account alone.

    Args:
        service: Its principal: ``ecs-tasks.amazonaws.com``.
        place: Where the stack stands; None where the service may not tell for whom it acts.
        sources: Pattern of the ARNs that the service may act for; "" where it does not tell.

    Source: "The confused deputy problem" in the IAM user guide.
    """
    statement: dict[str, Value] = {
        "Sid": "Trust",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if place is not None:
        condition: dict[str, Value] = {"StringEquals": {"aws:SourceAccount": place.account}}
        statement["Condition"] = {**condition, **({"ArnLike": {"aws:SourceArn": sources}} if sources else {})}
    return policy([statement])


def policy(statements: Iterable[Fields], version: str = VERSION) -> dict[str, Value]:
    """Return a document of statements, each with its Sid.

    A statement of several resources, one of them a reference, becomes one statement each: what a reference
    stands for is not known yet, so neither is the order.
    """
    keyed: dict[str, Value] = {}
    for number, statement in enumerate((one for many in statements for one in _parted(many)), start=1):
        sid = str(statement.get("Sid") or f"{_UNNAMED}{number}")
        keyed[sid] = {key: _normal(key, value) for key, value in statement.items() if key != "Sid"}
    return {"Version": version, "Statement": keyed}


def read(document: Any) -> dict[str, Value]:
    """Return a document as AWS gives it: JSON, perhaps URL-encoded, or already read."""
    if isinstance(document, str):
        text = document if document.lstrip().startswith("{") else unquote(document)
        document = json.loads(text)
    statements = document.get("Statement") or ()
    statements = [statements] if isinstance(statements, Mapping) else statements
    return policy(statements, str(document.get("Version", "2008-10-17")))


def written(document: Value) -> str:
    """Return a document of resolved values as AWS takes it: compact JSON, for AWS counts its characters."""
    statements = []
    for sid, statement in mapping(mapping(document)["Statement"]).items():
        statements.append({**({} if sid.startswith(_UNNAMED) else {"Sid": sid}), **mapping(statement)})
    return compact({"Version": mapping(document)["Version"], "Statement": statements})


def _parted(statement: Fields) -> Iterator[Fields]:
    resources = statement.get("Resource")
    if isinstance(resources, tuple) and len(resources) > 1 and any(references(resources)):
        for number, resource in enumerate(resources, start=1):
            yield {**statement, "Sid": f"{statement['Sid']}{number}", "Resource": resource}
    else:
        yield statement


def _normal(key: str, value: Any) -> Value:
    if key in _LISTS:
        return _few(value)
    if key in _MAPPINGS and isinstance(value, Mapping):
        return {str(inner): _inner(content) for inner, content in value.items()}
    return value  # type: ignore[no-any-return]


def _inner(value: Any) -> Value:
    if isinstance(value, Mapping):
        return {str(key): _few(content) for key, content in value.items()}
    return _few(value)


def _few(value: Any) -> Value:
    """Return one value alone, several as a tuple, sorted where all are texts."""
    values: list[Value] = [_text(one) for one in value] if isinstance(value, (list, tuple)) else [_text(value)]
    if all(isinstance(one, str) for one in values):
        values = [*sorted({str(one) for one in values})]
    return values[0] if len(values) == 1 else tuple(values)


def _text(value: Any) -> Any:
    """Return a condition's true or number as the text that IAM compares."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value
