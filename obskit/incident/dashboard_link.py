"""Where the dashboard of an incident is: the same queries that the report argues with, drawn."""

from __future__ import annotations

from urllib.parse import quote

from obskit.model import Diagnosis, nanoseconds

#: ``dashboards/incident.dashboard.py``; a test holds it to that.
DASHBOARD_UID = "obskit-incident"
_MILLISECOND = 1_000_000


def dashboard_path(diagnosis: Diagnosis) -> str:
    """Return the path on Grafana of the incident's dashboard, for its service and window.

    Grafana takes times in milliseconds since the epoch. What does not belong in an address is
    percent-encoded: a service's name may come from an alert.
    """
    window = diagnosis.window
    begin, end = (nanoseconds(moment) // _MILLISECOND for moment in (window.start, window.end))
    return f"/d/{DASHBOARD_UID}?var-service={quote(diagnosis.service, safe='', errors='replace')}&from={begin}&to={end}"
