"""The packages of `obskit[fleet]`: imported when a sweep begins, and missed in plain words."""

from __future__ import annotations

from typing import Any

from obskit.errors import UsageError
from obskit.extras import to_install


def distributed() -> Any:
    """Return Dask's package ``distributed``.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import distributed as package
    except ImportError as error:
        raise _missing("Dask") from error
    return package


def fsspec() -> Any:
    """Return ``fsspec``.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import fsspec as package
    except ImportError as error:
        raise _missing("fsspec") from error
    return package


def _missing(package: str) -> UsageError:
    return UsageError(f"a sweep needs {package}, which is not installed", hint=to_install("fleet"))
