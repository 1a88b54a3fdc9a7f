"""What several causes ask about calls: which service was called."""

from __future__ import annotations

import re
from typing import Final

from obskit.incident.evidence import Evidence
from obskit.model import Finding

#: A word as services are named.
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")


def callee(evidence: Evidence, finding: Finding | None) -> str:
    """Return the called service that a client metric is about, or the only dependency, or ""."""
    if finding is not None:
        for _, value in finding.labels:
            if value in evidence.relations or len(finding.labels) == 1:
                return value
    known = evidence.dependencies()
    return known[0] if len(known) == 1 else ""


def named(evidence: Evidence, *signatures: str) -> str:
    """Return the dependency that the service's own lines of these signatures name, or ""."""
    for said in evidence.signatures(*signatures):
        words = set(_WORD.findall(said.example.lower()))
        for name in evidence.dependencies():
            if name.lower() in words:
                return name
    return ""
