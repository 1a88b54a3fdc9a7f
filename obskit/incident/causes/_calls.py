"""What several causes ask about calls: which service was called."""

from __future__ import annotations

from obskit.incident.evidence import Evidence
from obskit.model import Finding


def callee(evidence: Evidence, finding: Finding | None) -> str:
    """Return the called service that a client metric is about, or the only dependency, or ""."""
    if finding is not None:
        for _, value in finding.labels:
            if value in evidence.relations or len(finding.labels) == 1:
                return value
    known = evidence.dependencies()
    return known[0] if len(known) == 1 else ""
