"""The lab's HTTP on real loopback sockets: what passes a balancer, and what it answers itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from obskit.lab import wire
from obskit.lab.balancer import Balancer
from obskit.lab.ecs_task import Revision, Task
from obskit.lab.programs import Ports
from tests.support.tasks import task


async def _echo(request: wire.Message) -> wire.Message:
    return wire.plain(200, f"{request.method} {request.target} {request.headers.get('x-id')} {request.body.decode()}")


def _run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(10):
            await work()

    asyncio.run(limited())


def test_a_request_passes_with_its_headers_and_body() -> None:
    """And its answer comes back; the balancer counts it as the target's."""

    async def work() -> None:
        async with await wire.serve(_echo) as target:
            balancer = Balancer(lambda: [task("a", port=wire.port_of(target))])
            async with await wire.serve(balancer.answer) as front:
                port = wire.port_of(front)
                answer = await wire.ask(port, "POST", "/x?y=1", headers={"x-id": "7"}, body=b"hallo", seconds=5)
        assert (answer.status, answer.body) == (200, b"POST /x?y=1 7 hallo")
        assert any("request_count_sum" in row and row.endswith(" 1") for row in balancer.tally.metrics("t", []))

    _run(work)


@pytest.mark.parametrize(("tasks", "status"), [([], 503), ([Ports().new()], 502)])
def test_the_balancer_answers_where_no_target_does(tasks: list[int], status: int) -> None:
    """503 without a target, 502 where none can be reached; and counts it as its own."""

    async def work() -> None:
        balancer = Balancer(lambda: [task("a", port=port) for port in tasks])
        answer = await balancer.answer(wire.Message("GET / HTTP/1.1"))
        own = next(row for row in balancer.tally.metrics("t", []) if "httpcode_elb_5_xx" in row)

        assert answer.status == status
        assert own.endswith(" 1")

    _run(work)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef", b"abc"),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", b"abc"),
    ],
)
def test_bodies_are_read_however_they_come(raw: bytes, body: bytes) -> None:
    """Of a length, until the end, in chunks."""

    async def work() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        reader.feed_eof()
        assert (await wire.read(reader, answer=True)).body == body

    _run(work)


@pytest.mark.parametrize(
    "raw",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"],
)
def test_half_an_answer_is_none(raw: bytes) -> None:
    """A target that dies in the middle of one is a broken connection; one that never ends is refused."""

    async def work() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        reader.feed_eof()
        with pytest.raises((ConnectionError, ValueError)):
            await wire.read(reader, answer=True)

    _run(work)


def test_who_has_gone_is_waited_for_by_nobody() -> None:
    """A client that closes first breaks off the request at the target too: a 460, an ELB's and a client's error."""

    async def work() -> None:
        asked, ended = asyncio.Event(), asyncio.Event()

        async def never(_: wire.Message) -> wire.Message:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            raise AssertionError

        async with await wire.serve(never, cancel_on_disconnect=True) as target:
            balancer = Balancer(lambda: [task("a", port=wire.port_of(target))])
            async with await wire.serve(balancer.answer, cancel_on_disconnect=True) as front:
                user = asyncio.create_task(wire.ask(wire.port_of(front), "GET", "/", seconds=5))
                await asked.wait()
                user.cancel()
                await ended.wait()
        told = [row for row in balancer.tally.metrics("t", []) if "httpcode_" in row and not row.endswith(" 0")]
        assert [row.partition("{")[0] for row in told] == ["aws_applicationelb_httpcode_elb_4_xx_count_sum"]

    _run(work)


def test_who_stays_gets_an_answer_and_its_errors() -> None:
    """Watching for a client's end changes neither; what it says beyond its request is not read."""

    async def fails(_: wire.Message) -> wire.Message:
        raise ValueError

    async def work() -> None:
        async with await wire.serve(_echo, cancel_on_disconnect=True) as target:
            reader, writer = await asyncio.open_connection(wire.HOST, wire.port_of(target))
            writer.write(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
            assert (await wire.read(reader, answer=True)).body.startswith(b"GET /a")
            writer.close()
        async with await wire.serve(fails, cancel_on_disconnect=True) as target:
            with pytest.raises(ConnectionError):
                await wire.ask(wire.port_of(target), "GET", "/", seconds=5)

    _run(work)


def test_a_slow_answer_is_given_up() -> None:
    """After the seconds that were allowed."""

    async def never(_: wire.Message) -> wire.Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def work() -> None:
        async with await wire.serve(never) as target:
            with pytest.raises(TimeoutError):
                await wire.ask(wire.port_of(target), "GET", "/", seconds=0.05)

    _run(work)


def test_a_revision_is_named_as_ecs_names_it() -> None:
    """Family and number; the image by its tag."""
    revision = Revision(family="demo-app", number=3)
    named: Task = task("a")

    assert (revision.name, revision.image.rpartition("/")[2]) == ("demo-app:3", "demo-app:r3")
    assert named.arn == "arn:aws:ecs:eu-west-1:123456789012:task/lab/a"
