"""What a worker does with one item."""

from __future__ import annotations

import time
from pathlib import Path

from obskit.errors import ObskitError
from obskit.fleet.item import Item, Row, failed, reason, row_of
from obskit.fleet.limit import LateError, within
from obskit.model import Diagnosis


def look(item: Item, timeout: float, scratch: Path | None) -> Row | None:
    """Investigate one item and return what is told of it; None where it is not wanted.

    Args:
        item: What to look at.
        timeout: Seconds that fetching, reading and thinking may take together.
        scratch: A folder for files that are removed again, of this sweep alone; None for the machine's own.

    Raises:
        Exception: What another try may cure, such as a connection that broke; Dask tries again.
    """
    # numpy and pyarrow are the workers' affair; what a first import costs is not the item's
    import obskit.sources.bundle  # noqa: F401
    from obskit.incident.investigate import investigate

    def diagnosis() -> Diagnosis | None:
        seen = item.seen(scratch)
        return None if seen is None else investigate(seen.telemetry, service=seen.service, window=seen.window)

    begun = time.monotonic()
    try:
        found = within(timeout, diagnosis, run=str(scratch or ""))
    except LateError:
        return failed(
            item.name, f"not done within {timeout:g} s (--timeout)", seconds=time.monotonic() - begun, late=True
        )
    except ObskitError as error:
        return failed(item.name, reason(error), seconds=time.monotonic() - begun)
    return None if found is None else row_of(item.name, found, seconds=time.monotonic() - begun)
