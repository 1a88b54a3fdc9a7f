"""How many lines of the services' logs tell of a known fault: triage's own signatures, sent to Loki."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from obskit.checkup.ask import Access
from obskit.checkup.rows import MOST_ROWS, entity_of
from obskit.checkup.words import Probe, Row
from obskit.errors import SourceError

#: How far back lines are counted: what a person who comes in the morning still calls "now".
SPAN = "15m"
#: One line is a retry that went well; a fault repeats itself.
LEAST_LINES = 3


def told_of(cause: str, title: str) -> Probe:
    """Return the probe that counts lines with a signature of this cause.

    Args:
        cause: Its id, as in `obskit.incident.signatures`.
        title: A row's title.
    """
    return Probe(source="Loki", title=title, ask=partial(_count, cause=cause, title=title))


def query_of(cause: str, service: str) -> str:
    """Return the LogQL query: lines by service, without signatures that only hint or need a context."""
    from obskit.catalogue import quoted
    from obskit.incident.signatures import signatures

    known = [s.regex for s in signatures() if s.cause == cause and not s.generic and not s.context]
    pattern = "|".join(f"(?:{regex})" for regex in known)
    return f"sum by ({service}) (count_over_time({{{service}=~{quoted('.+')}}} |~ {quoted(pattern)} [{SPAN}]))"


def _count(access: Access, *, cause: str, title: str) -> tuple[Row, ...]:
    if access.loki is None:
        raise SourceError("Loki is not configured")
    service = access.settings.labels.log_service
    query = query_of(cause, service)
    found = sorted(access.loki.now(query, access.epoch), key=lambda r: (-r.value, r.labels))
    common = Row(
        state="ok",
        what=title,
        value=0.0,
        unit="count",
        threshold=LEAST_LINES,
        reason="one line is a retry that went well; a fault repeats itself",
        words=f"lines in {SPAN}",
        query=query,
    )
    wrong = [r for r in found if r.value >= LEAST_LINES]
    if wrong:
        rows = [replace(common, state="look", entity=entity_of(r.labels), value=r.value) for r in wrong[:MOST_ROWS]]
        rows[-1] = replace(rows[-1], more=max(0, len(wrong) - MOST_ROWS))
        return tuple(rows)
    if found:
        return (replace(common, entity=entity_of(found[0].labels), value=found[0].value),)
    # Silence means "none" only where lines come at all.
    any_line = f'sum(count_over_time({{{service}=~".+"}} [{SPAN}]))'
    return (common,) if access.loki.now(any_line, access.epoch) else ()
