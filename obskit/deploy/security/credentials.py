"""No credential stands where everybody may read it: in a variable, a command or a log option of a task definition.

ECS.8 itself knows three names of AWS keys. Here whatever `obskit.redact` takes for a credential counts, by
its name or by its shape; the finding names the variable and never shows the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from obskit.deploy.resource import Join, Resource, Value
from obskit.deploy.security import Answer, Bad, Check, Everything, Good, at, entries
from obskit.redact import CREDENTIAL, redact

#: The names that Security Hub looks for.
_NAMES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECS_ENGINE_AUTH_DATA")
#: What a shell or psql replaces by a value that is not written here: ``$NAME``, ``${NAME}``, ``:'name'``.
_PLACEHOLDER: Final = re.compile(r"\$\{\w+\}|\$\w+|:'\w+'")
_TODO: Final = "put it into a secret of Secrets Manager and name that under the application's secrets"


def credential(text: str) -> str:
    """Return what kind of credential a text holds; "" for none.

    Args:
        text: ``NAME=value``, or any other text.
    """
    if any(text.startswith(f"{name}=") for name in _NAMES):
        return "aws-key"
    there = CREDENTIAL.findall(text)
    found = [kind for kind in CREDENTIAL.findall(redact(text)) if kind not in there]
    return found[0] if found else ""


def _plain(value: Value) -> str:
    """Return the parts of a value that are written down; references are known to AWS alone."""
    if isinstance(value, Join):
        return "".join(part for part in value.parts if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _texts(container: Value) -> Iterator[tuple[str, str]]:
    for name, value in entries(container, "environment").items():
        # a reference alone is an ARN or an address, whatever the variable is called
        if text := _plain(value):
            yield f"variable {name}", f"{name}={text}"
    for name, value in entries(container, "logConfiguration", "options").items():
        yield f"log option {name}", f"{name}={_plain(value)}"
    for key in ("command", "entryPoint"):
        words = at(container, key)
        if isinstance(words, tuple):
            yield key, _PLACEHOLDER.sub('""', " ".join(_plain(word) for word in words))


def _judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    for name, container in sorted(entries(resource.fields, "containers").items()):
        part = f"containers.{name}"
        found = [f"{what} ({kind})" for what, text in _texts(container) if (kind := credential(text))]
        if found:
            yield Bad(f"holds what looks like a credential: {', '.join(sorted(found))}", _TODO, part)
        else:
            yield Good(part)


CHECKS = (
    Check(
        ids=("ECS.8",),
        title="no credential stands in a task definition",
        kinds=("task_definition",),
        judge=_judge,
    ),
)
