"""Host names, for several topics."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: Of a whole name, RFC 1035.
_LONGEST = 253
#: No certificate authority answers for these; RFC 6762 and ICANN's resolution of 2024 on ``internal``.
_NOT_PUBLIC = ("internal", "local", "localhost", "lan", "home", "corp")
FORM = "a host name in small letters without scheme, port or last point, as in shop.example.com"


def wrong(name: str) -> str:
    """Return what is wrong with a public host name; "" when nothing is."""
    labels = name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(name) > _LONGEST:
        return "is no host name"
    if len(labels) < 2 or labels[-1].isdigit():
        return "is no full host name"
    return "is not known to the world" if labels[-1] in _NOT_PUBLIC else ""


def lies_in(name: str, zone: str) -> bool:
    """Tell whether a host name belongs to a zone."""
    return name == zone or name.endswith(f".{zone}")
