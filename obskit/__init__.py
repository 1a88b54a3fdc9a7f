"""From an alert to its root cause, and what has to be in place for that.

What is listed in ``__all__`` is the library; everything else may change. A name is loaded when it is first
used, so that ``import obskit`` costs nothing.

    >>> import obskit
    >>> obskit.demo().hypotheses()[["cause", "probability"]].head(1)["cause"].tolist()
    ['db_pool_exhausted']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obskit.analysis.incident import Incident, demo, open_bundle, triage
    from obskit.analysis.live import Sources, connect
    from obskit.analysis.wanted import build_dashboards, build_rules, plan_stack, signals
    from obskit.errors import ObskitError
    from obskit.model import Diagnosis, Logs, Metrics, Service, Signal, Telemetry, Window

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
    "obskit.analysis.incident": ("Incident", "demo", "open_bundle", "triage"),
    "obskit.analysis.live": ("Sources", "connect"),
    "obskit.analysis.wanted": ("build_dashboards", "build_rules", "plan_stack", "signals"),
    "obskit.errors": ("ObskitError",),
    "obskit.model": ("Diagnosis", "Logs", "Metrics", "Service", "Signal", "Telemetry", "Window"),
}


def __getattr__(name: str) -> object:
    """Load a name of the library when it is first used (PEP 562)."""
    from importlib import import_module

    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'obskit' has no attribute {name!r}")
    found: object = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the library's names without loading them."""
    return sorted(__all__)
