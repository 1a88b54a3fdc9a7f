"""Whatever happens to one item or one worker, every item has its row."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dask
import distributed
import psutil
import pytest

from obskit.errors import SourceError, UsageError
from obskit.fleet.item import Item, Row
from obskit.fleet.sweep import Workers, sweep
from tests.fleet.items import RELEASE, Broken, Deadly, Held, Quick, Shaky, Stuck
from tests.support.servers import free_port

#: Long enough for the slowest machine; what shall be late never ends.
ENOUGH = 600.0
HERE = Workers(count=2, threads=True)
#: So often a worker may die before Dask gives up what it held: never again than once.
DEATHS = {"distributed.scheduler.allowed-failures": 0, "distributed.deploy.lost-worker-timeout": "1 day"}


def swept(items: Sequence[Item], workers: Workers = HERE, timeout: float = ENOUGH) -> dict[str, Row]:
    """Return the rows by name; no name comes twice."""
    rows = list(sweep(items, workers, timeout=timeout))
    found = {row.name: row for row in rows}
    assert len(found) == len(rows)
    return found


def quick(count: int) -> list[Item]:
    """Return items that are done at once."""
    return [Quick(name=f"quick {n:02}") for n in range(count)]


@contextlib.contextmanager
def cluster(folder: Path, **options: Any) -> Iterator[Any]:
    """Start a cluster that somebody else might have."""
    library: Any = distributed  # most of it has no types
    silent = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL, "threads_per_worker": 1}
    with (
        dask.config.set({"temporary-directory": str(folder), **DEATHS}),
        library.LocalCluster(host="127.0.0.1", protocol="tcp", **silent, **options) as one,
    ):
        yield one


def test_one_that_fails_fails_alone(tmp_path: Path) -> None:
    """An unreadable recording, a bug, one that is not wanted: the others have their rows."""
    odd: list[Item] = [
        Broken(name="bundle", how="bundle"),
        Broken(name="bug", how="bug"),
        Broken(name="unwanted", how="unwanted"),
    ]
    found = swept([*quick(3), *odd, *quick(6)[3:]])

    assert sorted(found) == ["bug", "bundle", *(f"quick {n:02}" for n in range(6))]
    assert {name: row.error for name, row in found.items() if row.error} == {
        "bundle": "it is damaged; said: cut off; try: copy it again",
        "bug": "ZeroDivisionError: nobody thought of this",
    }
    assert all(row.verdict for row in found.values() if not row.error)


@pytest.mark.parametrize(("breaks", "tries", "error"), [(2, 3, ""), (9, 3, "ConnectionResetError: reset by peer")])
def test_a_connection_that_breaks_is_tried_again(tmp_path: Path, breaks: int, tries: int, error: str) -> None:
    """By Dask, twice; not for ever."""
    found = swept([Shaky(name="x", count=tmp_path / "count", breaks=breaks)])

    assert found["x"].error == error
    assert (tmp_path / "count").stat().st_size == tries


def test_what_takes_too_long_is_told_so_and_the_rest_goes_on() -> None:
    """Its worker is free for the next one."""
    found = swept([Stuck(name=f"stuck {n}") for n in range(3)], Workers(count=1, threads=True), timeout=0.05)

    assert {row.error for row in found.values()} == {"not done within 0.05 s (--timeout)"}
    assert all(row.late for row in found.values())


class Counted(list[Item]):
    """Items that know how many of them were taken."""

    taken = 0

    def __iter__(self) -> Iterator[Item]:
        for item in super().__iter__():
            self.taken += 1
            yield item


def test_no_more_items_are_handed_out_than_can_be_worked_on() -> None:
    """What the scheduler holds does not grow with the number of items."""
    items = Counted(quick(50))
    with contextlib.closing(sweep(items, HERE, timeout=ENOUGH)) as rows:
        for done, _ in enumerate(rows):
            assert items.taken <= done + 2


def test_a_sweep_that_is_stopped_leaves_no_thread_that_waits() -> None:
    """Though what it looked at would never end; at most those that are stuck are left, and keep nobody alive."""
    before = set(threading.enumerate())
    with contextlib.closing(
        sweep([*quick(1), Stuck(name="stuck 1"), Stuck(name="stuck 2")], HERE, timeout=ENOUGH)
    ) as rows:
        next(rows)
    left = [thread for thread in set(threading.enumerate()) - before if thread.name == "Dask-Default-Threads"]

    assert left == []


def test_nobody_else_can_connect_to_the_threads() -> None:
    """Whatever Dask listens on is on loopback."""
    with contextlib.closing(sweep(quick(3), HERE, timeout=ENOUGH)) as rows:
        next(rows)
        sockets = psutil.Process().net_connections("inet")

    assert {one.laddr.ip for one in sockets if one.status == psutil.CONN_LISTEN} <= {"127.0.0.1"}


def test_nothing_to_sweep_needs_no_worker() -> None:
    """Not even Dask."""
    assert swept([]) == {}


def test_a_killed_worker_costs_nothing_but_what_kills_it_again(tmp_path: Path) -> None:
    """Two real processes: one item kills its worker once, one whenever it is looked at; no other row is lost.

    Dask may suspect the innocent that was beside a killer; looked at alone, it is found innocent.
    """
    once = Deadly(name="once", count=tmp_path / "once", times=1)
    always = Deadly(name="always", count=tmp_path / "always", times=99)
    with cluster(tmp_path, n_workers=2, processes=True) as there:
        pids = {worker.pid for worker in there.workers.values()}
        found = swept(
            [*quick(3), once, *quick(6)[3:], always, *quick(8)[6:]], Workers(scheduler=there.scheduler_address)
        )

    assert len(pids) == 2
    assert sorted(found) == sorted(["always", "once", *(f"quick {n:02}" for n in range(8))])
    assert [name for name, row in found.items() if row.error] == ["always"]
    assert "died each time" in found["always"].error
    assert (tmp_path / "once").stat().st_size == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_scheduler_that_is_lost_ends_the_sweep_with_what_came(tmp_path: Path, workers: int) -> None:
    """The rows so far were told; the error says that there are more.

    With one worker nothing is under way when it is lost, with two the second item is.
    """
    RELEASE.clear()
    items = [*quick(1), Held(name="held")]
    patience = dask.config.set({"distributed.comm.timeouts.connect": "2s"})
    with patience, cluster(tmp_path, n_workers=workers, processes=False) as there:
        rows = sweep(items, Workers(scheduler=there.scheduler_address), timeout=ENOUGH)
        first = next(rows)
        there.sync(there.scheduler.close)
        with pytest.raises(SourceError, match="midway"):
            list(rows)
        RELEASE.set()

    assert first.name == "quick 00"


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_a_scheduler_that_does_not_answer_is_the_outside_world(scheme: str) -> None:
    """In the time that Dask is configured to try."""
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "200ms"}),
        pytest.raises((SourceError, UsageError), match=r"127\.0\.0\.1"),
    ):
        swept(quick(1), Workers(scheduler=f"{scheme}://127.0.0.1:{free_port()}"))


def test_an_address_that_is_none_is_wrong_usage() -> None:
    """And its password is not repeated."""
    with pytest.raises(UsageError, match="is no address of a scheduler") as error:
        swept(quick(1), Workers(scheduler="nonsense://me:5ec2e7@host:1"))

    assert "5ec2e7" not in str(error.value)


def test_a_cluster_without_workers_is_said(tmp_path: Path) -> None:
    """It would be waited for in vain."""
    with (
        cluster(tmp_path, n_workers=0, processes=False) as there,
        dask.config.set({"distributed.comm.timeouts.connect": "500ms"}),
        pytest.raises(SourceError, match="has no workers"),
    ):
        swept(quick(1), Workers(scheduler=there.scheduler_address))
