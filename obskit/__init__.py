"""From an alert to its root cause, and what has to be in place for that.

Where an analysis begins::

    demo               the incident that ships with obskit: ``obskit.demo()``
    open_bundle        a recording: ``obskit.open_bundle("incident.obskit")``
    connect            live servers: ``obskit.connect("http://prometheus:9090", "http://loki:3100")``
    triage             telemetry of your own: ``obskit.triage(telemetry, "demo-app", window)``

What is in one's hand then::

    Incident           what was seen of one service, and all that is made of it: frames, plots, the diagnosis
    Sources            of `connect`: ``.incident(service, since="1h")``, ``.signal``, ``.promql``, ``.logql``, ``.logs``
    Diagnosis          the answer: ranked causes, their evidence, what was not seen, what to do next
    Telemetry          metrics, logs, events, and the gaps between them
    Metrics            series as one matrix; ``.to_frame()``, ``.plot()``
    Logs               log lines as columns; ``.to_frame()``
    Service            whom it is about: ``obskit.Service(name="demo-app")``
    Window             when: ``obskit.Window(start=..., end=...)``, aware datetimes
    Signal             one thing worth watching: queries, unit, thresholds
    ObskitError        what every error of obskit is: what, where, what to do

What the command line does, as values::

    signals            the catalogue: ``obskit.signals("pool")``
    build_dashboards   files for Grafana
    build_rules        files for Prometheus, Loki and Alertmanager
    plan_stack         what a deployment would change

Stable as well are

* ``obskit.analysis.trends``, ``obskit.analysis.objectives`` and ``obskit.analysis.comparison``: when a limit is
  reached, burn rates and budgets of a recording, two incidents side by side;
* ``obskit.ascode`` and ``obskit.ascode.alerts``: what definitions of dashboards, alerts and objectives are made of.

Everything else may change, also the modules of the engine (``obskit.incident``, ``obskit.evaluation``) that notebooks
look into. A name is loaded when it is first used, so that ``import obskit`` costs nothing.

    >>> import obskit
    >>> obskit.demo().hypotheses()[["cause", "probability"]].head(1)["cause"].tolist()
    ['db_pool_exhausted']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obskit.analysis.begin import demo, open_bundle, triage
    from obskit.analysis.incident import Incident
    from obskit.analysis.live import Sources, connect
    from obskit.analysis.wanted import build_dashboards, build_rules, plan_stack, signals
    from obskit.errors import ObskitError
    from obskit.model import Diagnosis, Logs, Metrics, Service, Signal, Telemetry, Window

    __version__: str

__all__ = [
    "Diagnosis",
    "Incident",
    "Logs",
    "Metrics",
    "ObskitError",
    "Service",
    "Signal",
    "Sources",
    "Telemetry",
    "Window",
    "build_dashboards",
    "build_rules",
    "connect",
    "demo",
    "open_bundle",
    "plan_stack",
    "signals",
    "triage",
]

#: Where each name is defined: a test holds it against the imports above.
_HOMES = {
    "obskit.analysis.begin": ("demo", "open_bundle", "triage"),
    "obskit.analysis.incident": ("Incident",),
    "obskit.analysis.live": ("Sources", "connect"),
    "obskit.analysis.wanted": ("build_dashboards", "build_rules", "plan_stack", "signals"),
    "obskit.errors": ("ObskitError",),
    "obskit.model": ("Diagnosis", "Logs", "Metrics", "Service", "Signal", "Telemetry", "Window"),
}


def __getattr__(name: str) -> object:
    """Load a name of the library when it is first used (PEP 562)."""
    from importlib import import_module

    if name == "__version__":
        from importlib.metadata import version

        return version("obskit")
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'obskit' has no attribute {name!r}")
    found: object = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the library's names without loading them."""
    return sorted(__all__)
