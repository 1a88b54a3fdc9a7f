"""What faults need of the lab: an authority, a small disk, a limit of descriptors, batch jobs, an address."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from obskit.lab import batch, wire
from obskit.lab.app.settings import ConfigurationError, read
from obskit.lab.certificates import Authority
from obskit.lab.ecs_task import Revision
from obskit.lab.lines import LinesSource
from obskit.lab.runner import Container
from obskit.model import Service, Window, nanoseconds
from obskit.sources import Ask
from tests.support.shop import until
from tests.support.tasks import task

_SMALL = """
import errno, pathlib, sys
from obskit.lab import kernel
folder = pathlib.Path(sys.argv[1])
kernel.mount_small(folder, 1)
try:
    (folder / "large").write_bytes(bytes(2**21))
except OSError as error:
    print(error.errno, sorted(path.name for path in folder.iterdir()))
"""


async def _greet(port: int, trusted: ssl.SSLContext) -> int:
    reader, writer = await asyncio.open_connection(wire.HOST, port, ssl=trusted)
    writer.write(wire.written("GET / HTTP/1.1", {}, b""))
    answer = await wire.read(reader, answer=True)
    writer.close()
    return answer.status


def test_a_certificate_is_good_until_it_has_expired(tmp_path: Path) -> None:
    """By a client as strict as Python's are; the server need not be started again, and is good again afterwards."""

    async def hello(_: wire.Message) -> wire.Message:
        return wire.plain(200, "hello")

    async def work() -> list[int | str]:
        authority = Authority(tmp_path / "tls")
        found: list[int | str] = []
        trusted = ssl.create_default_context(cafile=authority.path)
        trusted.verify_flags |= ssl.VERIFY_X509_STRICT
        async with await wire.serve(hello, context=authority.context) as server:
            for days in (90, -0.01, 1):
                authority.certify(days)
                try:
                    found.append(await _greet(wire.port_of(server), trusted))
                except ssl.SSLCertVerificationError as error:
                    found.append(error.verify_message)
        return found

    assert asyncio.run(work()) == [200, "certificate has expired", 200]
    assert (tmp_path / "tls" / "server.pem").stat().st_mode & 0o077 == 0


def test_nobody_else_trusts_the_lab(tmp_path: Path) -> None:
    """Its authority is its own."""
    other = ssl.create_default_context(cafile=Authority(tmp_path / "b").path)

    async def work() -> None:
        authority = Authority(tmp_path / "a")

        async def hello(_: wire.Message) -> wire.Message:
            return wire.plain(200, "hello")

        async with await wire.serve(hello, context=authority.context) as server:
            with pytest.raises(ssl.SSLCertVerificationError):
                await _greet(wire.port_of(server), other)

    asyncio.run(work())


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts")
def test_a_small_disk_is_full_soon_and_seen_by_nobody_else(tmp_path: Path) -> None:
    """It goes with the process that mounted it."""
    done = subprocess.run(
        [sys.executable, "-c", _SMALL, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == f"{errno.ENOSPC} ['large']"
    assert list(tmp_path.iterdir()) == []


def test_a_task_may_open_so_many_files(tmp_path: Path) -> None:
    """The limit is there before the program has started others."""
    one = task("a")
    code = 'until [ "$(ulimit -n)" = 77 ]; do sleep 0.02; done; sh -c "ulimit -n"'
    one.revision = Revision(family="demo-app", command=("/bin/sh", "-c", code))
    lines: list[str] = []

    async def work() -> int:
        async with asyncio.timeout(10):
            return await (await Container.start(one, tmp_path, {}, 77)).run(lines.extend)

    assert (asyncio.run(work()), lines) == (0, ["77"])


def test_a_batch_job_is_polite_and_busy(tmp_path: Path) -> None:
    """Nice 19, and it uses CPU until it is ended."""
    job = subprocess.Popen(batch.COMMAND, cwd=tmp_path)
    try:

        def words() -> list[str]:
            return Path(f"/proc/{job.pid}/stat").read_text().rpartition(")")[2].split()

        until(lambda: words()[16] == "19" and int(words()[11]) > 0)
    finally:
        job.kill()
        job.wait()
    assert list(tmp_path.iterdir()) == []


def test_the_application_listens_where_it_is_told() -> None:
    """Everywhere in a container, on loopback in a lab; a name is no address."""
    assert read({}).host == "0.0.0.0"
    assert read({"HOST": "127.0.0.1"}).host == "127.0.0.1"
    assert read({"HOST": "::1"}).host == "[::1]"
    with pytest.raises(ConfigurationError, match="HOST must be an IP address"):
        read({"HOST": "localhost"})


def test_lines_are_counted_as_loki_would(tmp_path: Path) -> None:
    """A service that falls silent counts zero; before its first line nothing is known; "no error" tells of none."""
    begin = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
    first = nanoseconds(begin)
    said = [(20 + n, "a", "GET /") for n in range(20)]
    said += [(25, "a", "ERROR timed out"), (26, "a", "0 errors"), (30, "b", "hello")]
    rows = [{"t": first + s * 10**9, "service": name, "task": "", "level": "", "line": line} for s, name, line in said]
    path = tmp_path / "logs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in sorted(rows, key=lambda row: str(row["t"]))))
    window = Window(start=begin, end=begin + timedelta(seconds=60), step=timedelta(seconds=10))
    ask = Ask(service=Service(name="a"), window=window, deadline=time.monotonic() + 10)
    metrics = LinesSource(path).answer(ask).metrics
    found = {(s.signal, s.service): metrics.values[:, n].tolist() for n, s in enumerate(metrics.series)}

    assert found["log_lines", "a"][2:] == [0.1, 1.2, 0.9, 0.0, 0.0]
    assert np.isnan(found["log_lines", "a"][:2]).all()
    assert found["log_errors", "a"][2:] == found["log_timeouts", "a"][2:] == [0.0, 0.1, 0.0, 0.0, 0.0]
    assert found["log_errors", "b"][3:] == [0.0] * 4
    assert metrics.times[1] - metrics.times[0] == np.timedelta64(10, "s")
