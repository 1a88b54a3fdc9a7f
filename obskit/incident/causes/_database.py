"""What several causes ask about the database: does it work more than the requests explain?"""

from __future__ import annotations

from obskit.incident.evidence import Evidence
from obskit.model import Finding

#: Statements that run at once, against before: beyond this, requests wait for the database.
_MANY_TIMES = 3.0


def busier(evidence: Evidence) -> Finding | None:
    """Return the finding that far more statements run at once than the requests explain, or None.

    A leaked connection is idle, so it does not show here; a slow or waiting statement does.
    """
    active, requests = evidence.worse("pg_active"), evidence.worse("http_requests")
    if active is None or active.kind == "spike":
        return None
    grown = requests.after / requests.before if requests and requests.before > 0 else 1.0
    return active if active.after > _MANY_TIMES * max(active.before, 1.0) * max(grown, 1.0) else None


def lost_exporter(evidence: Evidence) -> Finding | None:
    """Return the finding that the database's exporter tells nothing any more, or None.

    An exporter asks the server at each scrape: where the server hangs, so does the scrape.
    """
    up = evidence.worse("pg_up")
    return up if up is not None and up.kind == "lost" else None
