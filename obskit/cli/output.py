"""What commands print besides their text: JSON on stdout, progress on a terminal's stderr."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any


def print_json(body: Any) -> None:
    """Print a document for machines: two spaces, non-ASCII as it is."""
    print(json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False))


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal's stderr what is being done; elsewhere nothing.

    Yields:
        A function that says what is done now, to be called from any thread.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(f"{what} …") as status:
        yield lambda now: status.update(Text(f"{what}: {now} …"))
