"""Progress of long work: on a terminal's stderr and below a notebook's cell; nowhere else anything."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

Tell = Callable[[str], None]


@contextlib.contextmanager
def progress(what: str) -> Iterator[Tell]:
    """Show what is being done for as long as the block lasts.

    Yields:
        A function that says what is done now, to be called from any thread.
    """
    with _status(f"{what} …") as show:
        yield lambda now: show(f"{what}: {now} …")


@contextlib.contextmanager
def waiting_for(names: Sequence[str]) -> Iterator[Tell]:
    """Show who has not answered yet.

    Args:
        names: Who is asked.

    Yields:
        A function that is told who has answered.
    """
    waiting = list(names)
    with _status(f"asking {', '.join(waiting)} …") as show:

        def tell(name: str) -> None:
            if name in waiting:
                waiting.remove(name)
            show(f"asking {', '.join(waiting)} …" if waiting else "thinking …")

        yield tell


@contextlib.contextmanager
def _status(what: str) -> Iterator[Tell]:
    if _in_notebook():
        with _below_cell(what) as show:
            yield show
    elif sys.stderr.isatty():  # looked at first: rich takes a while to import
        from rich.console import Console
        from rich.text import Text

        with Console(stderr=True).status(Text(what)) as status:
            yield lambda now: status.update(Text(now))
    else:
        yield lambda _: None


def _in_notebook() -> bool:
    """Say whether a kernel runs this, which shows what is displayed."""
    if "ipykernel" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


@contextlib.contextmanager
def _below_cell(what: str) -> Iterator[Tell]:
    """Show one line below the cell, and take it away at the end.

    Not by rich: it would leave a widget behind, which a notebook that is saved cannot show.
    """
    from IPython.display import display

    handle = display({"text/plain": what}, raw=True, display_id=True)

    def show(now: str) -> None:
        handle.update({"text/plain": now}, raw=True)

    try:
        yield show
    finally:
        show("")
