"""From an alert to its root cause, and what has to be in place for that.

What is listed in ``__all__`` is the library. Stable as well are

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
