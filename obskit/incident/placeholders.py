"""What ``$service``, ``$cluster`` and ``$culprit`` stand for in the commands and queries that causes give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Template

#: What is safe in a shell word and inside a quoted label value; ECS allows no more in a name.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


def names(service: str, cluster: str, blamed: str) -> dict[str, str]:
    """Return what the placeholders of commands and queries stand for.

    Names come from labels and alerts, and commands are pasted into shells: one that holds more
    than ECS allows in a name is not filled in, the reader does that with open eyes.
    """
    told = {"service": service, "cluster": cluster, "culprit": blamed}
    return {key: name if _PLAIN.fullmatch(name) else key.upper() for key, name in told.items()}


def filled(text: str, known: Mapping[str, str]) -> str:
    """Return a command or query with its placeholders filled in; what is no placeholder of ours stays as it is."""
    return Template(text).safe_substitute(known)
