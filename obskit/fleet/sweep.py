"""Hands items to Dask's workers and yields what comes of each."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from obskit.errors import SourceError, UsageError
from obskit.extras import to_install
from obskit.fleet.extra import distributed
from obskit.fleet.item import Item, Row, failed, reason, shown
from obskit.fleet.limit import give_up
from obskit.fleet.look import look

#: Further tries of what failed otherwise than by its own fault, such as a connection that broke.
RETRIES = 2
#: How long Dask itself tries to connect; `DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT` is its variable for it.
_PATIENCE = "distributed.comm.timeouts.connect"
#: Of our own cluster: a worker that dies is started again by its nanny, however often, and never missed for good;
#: and two deaths are enough for a suspicion, which is then looked into.
_OURS = {"distributed.deploy.lost-worker-timeout": "3650 days", "distributed.scheduler.allowed-failures": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Who does the work.

    Attributes:
        scheduler: Address of a cluster that is there already, such as ``tcp://host:8786``; "" for this machine.
        count: Items that are looked at at once on this machine; 0 for as many as it has processors.
        threads: Work in this process instead of one process each. A process can be killed without harm to the others,
            and does not wait for Python's lock; a thread costs nothing to start.
    """

    scheduler: str = ""
    count: int = 0
    threads: bool = False


def sweep(items: Sequence[Item], workers: Workers, *, timeout: float) -> Generator[Row, None, None]:
    """Yield a row for each item as it is done, in whatever order; close the iterator to stop the workers.

    Only as many items as can be worked on are handed out at a time: what scheduler and workers hold does not grow with
    the number of items. When a worker dies, Dask suspects all that it held, guilty or not, and gives up what it has
    suspected too often. Such an item is looked at once more when all others are done, alone: it fails by its own fault
    or not at all.

    Args:
        items: Each becomes a row, but for those that turn out not to be wanted.
        workers: Who does it.
        timeout: Seconds that an item may take.

    Raises:
        UsageError: `obskit[fleet]` is not installed, or the scheduler's address is none.
        SourceError: The scheduler cannot be reached, has no workers, or was lost.
    """
    if not items:
        return
    with _hired(workers, len(items)) as (client, scratch):
        submit = partial(client.submit, look, timeout=timeout, scratch=scratch, pure=False, retries=RETRIES)
        suspects: list[Item] = []
        for item, future in _in_turn(client, submit, iter(items), lambda: _threads(client)):
            if _is_dead(future):
                suspects.append(item)
            elif (row := _row(client, item, future, workers)) is not None:
                yield row
        for item, future in _in_turn(client, submit, iter(suspects), lambda: 1):
            if (row := _row(client, item, future, workers)) is not None:
                yield row


def _in_turn(
    client: Any, submit: Callable[[Item], Any], waiting: Iterator[Item], most: Callable[[], int]
) -> Iterator[tuple[Item, Any]]:
    """Yield items with their futures as they are done; *most* says how many may be under way now."""
    open_ones: dict[Any, Item] = {}
    done = distributed().as_completed(loop=client.loop)

    def hand_out() -> None:
        for item in islice(waiting, max(0, max(1, most()) - len(open_ones))):
            future = submit(item)
            open_ones[future] = item
            done.add(future)

    hand_out()
    for future in done:
        yield open_ones.pop(future), future
        future.release()
        hand_out()


def _row(client: Any, item: Item, future: Any, workers: Workers) -> Row | None:
    """Return what came of one item; a process that still works on it is ended.

    Raises:
        SourceError: The scheduler was lost, and with it what it knew.
    """
    if future.status == "finished":
        row: Row | None = future.result()
        if row is not None and row.late and not (workers.threads or workers.scheduler):
            # Dask starts another process, and hands out again what this one held
            holders = client.who_has([future]).get(future.key, ())
            client.restart_workers(list(holders), raise_for_error=False)
        return row
    if future.status == "cancelled":
        raise _lost()
    return failed(item.name, _why(future.exception()))


def _is_dead(future: Any) -> bool:
    """Say whether Dask gave an item up because its workers died."""
    return future.status == "error" and type(future.exception()).__name__ == "KilledWorker"


def _why(error: BaseException) -> str:
    """Return why Dask gave an item up."""
    if type(error).__name__ == "KilledWorker":
        return "the worker that looked at it died each time, also when it looked at nothing else: memory, or a crash"
    if isinstance(error, ModuleNotFoundError) and str(error.name).startswith("obskit"):
        return "the workers have no obskit, or another version: install this one there"
    return reason(error)


def _threads(client: Any) -> int:
    """Return how many items can be worked on now.

    Raises:
        SourceError: The scheduler is gone: what is handed out from now on would be waited for in vain.
    """
    try:
        if client.status == "running":
            return sum(client.nthreads().values())
    except OSError as error:
        raise _lost() from error
    raise _lost()


def _lost() -> SourceError:
    return SourceError(
        "the scheduler was lost midway", hint="what was told so far is right; sweep the rest again when it is back"
    )


@contextlib.contextmanager
def _hired(workers: Workers, items: int) -> Iterator[tuple[Any, Path | None]]:
    """Yield a client, and a folder that the workers share where they are ours."""
    if workers.scheduler:
        with _connected(workers.scheduler) as client:
            yield client, None
        return
    library = distributed()
    import dask
    from dask.system import CPU_COUNT  # what a container or an affinity leaves of the machine

    count = min(workers.count or CPU_COUNT, items)
    # what a worker that is killed leaves behind goes with the folder
    with tempfile.TemporaryDirectory(prefix="obskit-sweep-", ignore_cleanup_errors=True) as folder:
        options: dict[str, Any] = {
            "processes": not workers.threads,
            "n_workers": 1 if workers.threads else count,
            "threads_per_worker": count if workers.threads else 1,
            "host": None if workers.threads else "127.0.0.1",
            "local_directory": folder,
            # status pages, which would be for everybody otherwise
            "dashboard_address": "127.0.0.1:0",
            "worker_dashboard_address": "127.0.0.1:0",
            "silence_logs": logging.CRITICAL,  # what matters is in the rows
        }
        if not workers.threads:
            # whoever reaches a scheduler runs code as its user: even on loopback only we may
            options["security"] = _own_certificate(library)
        with (
            dask.config.set({**_OURS, "temporary-directory": folder}),
            library.LocalCluster(**options) as cluster,
            library.Client(cluster, set_as_default=False) as client,
        ):
            try:
                yield client, Path(folder)
            finally:
                give_up(folder)  # threads cannot be killed: whoever waits for one goes on


def _own_certificate(library: Any) -> Any:
    """Return a key and certificate that live as long as this run."""
    try:
        return library.Security.temporary()
    except ImportError as error:
        raise UsageError("worker processes need cryptography", hint=to_install("fleet")) from error


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Yield a client of a cluster that is there already; what is under way for us is given up at the end."""
    library = distributed()
    import dask

    try:
        client = library.Client(address, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise SourceError(
            f"the scheduler {shown(address)} cannot be reached",
            where={"said": reason(error, hide=address)},
            hint="is it running, and is its address right? A Dask scheduler listens on tcp://HOST:8786",
        ) from error
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{shown(address)} is no address of a scheduler",
            where={"said": reason(error, hide=address)},
            hint="write tcp://HOST:8786",
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=dask.config.get(_PATIENCE))
        except (OSError, TimeoutError) as error:
            raise SourceError(
                f"the scheduler {shown(address)} has no workers", hint="start one: dask worker"
            ) from error
        yield client
