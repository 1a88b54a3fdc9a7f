"""The packages of `obskit[notebooks]`: imported when something is drawn, and missed in plain words."""

from __future__ import annotations

from importlib import import_module

from obskit.errors import ObskitError
from obskit.extras import to_install


def require_matplotlib() -> None:
    """Make sure that plots can be drawn.

    Raises:
        ObskitError: matplotlib is not installed.
    """
    try:
        import_module("matplotlib")  # half a second, so only here
    except ImportError as error:
        raise ObskitError("a plot needs matplotlib, which is not installed", hint=to_install("notebooks")) from error
