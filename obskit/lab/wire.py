"""As much of HTTP/1.1 as a lab needs on loopback: one request a connection, bodies of known length or until the end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

HOST: Final = "127.0.0.1"
_MOST_HEAD: Final = 64 * 1024
_MOST_BODY: Final = 16 * 2**20
#: A client that has connected and says nothing.
_SILENCE_SECONDS: Final = 30.0
#: As much as is read at once of what nobody waits for.
_PIECE: Final = 64 * 1024
_PHRASES: Final = {200: "OK", 404: "Not Found", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer.

    Attributes:
        line: The first line.
        headers: Names in lower case; of several of one name the last.
    """

    line: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def status(self) -> int:
        """An answer's status; 0 where there is none."""
        words = self.line.split(" ", 2)
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    @property
    def method(self) -> str:
        """A request's method."""
        return self.line.split(" ", 1)[0]

    @property
    def target(self) -> str:
        """A request's path with its query."""
        words = self.line.split(" ")
        return words[1] if len(words) > 1 else "/"


async def read(reader: asyncio.StreamReader, *, answer: bool) -> Message:
    """Read one message.

    Args:
        reader: Of the connection.
        answer: An answer without a length ends with the connection; a request has no body then.

    Raises:
        OSError: The connection broke.
        ValueError: It is no HTTP, or larger than this lab needs.
    """
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (row.partition(":") for row in lines[1:])}
        length = headers.get("content-length", "")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = await _chunks(reader)
        elif length:
            if int(length) > _MOST_BODY:
                raise ValueError("a body of more than 16 MiB")
            body = await reader.readexactly(int(length))
        else:
            body = await reader.read(_MOST_BODY) if answer else b""
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("the connection ended too early") from error
    except asyncio.LimitOverrunError as error:
        raise ValueError("a head of more than 64 KiB") from error
    return Message(lines[0], headers, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        if len(found) + size > _MOST_BODY:
            raise ValueError("a body of more than 16 MiB")
        found += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return bytes(found)


def written(line: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a message as it goes over the wire; its connection ends after it."""
    own = {**headers, "content-length": str(len(body)), "connection": "close"}
    own.pop("transfer-encoding", None)
    head = "".join(f"{name}: {value}\r\n" for name, value in own.items())
    return f"{line}\r\n{head}\r\n".encode("latin-1") + body


def plain(status: int, text: str, *, kind: str = "text/plain; charset=utf-8") -> Message:
    """Return an answer."""
    return Message(f"HTTP/1.1 {status} {_PHRASES.get(status, 'Status')}", {"content-type": kind}, text.encode())


async def ask(
    port: int,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    seconds: float,
) -> Message:
    """Send one request to a loopback port and return the answer.

    Raises:
        OSError: It could not be reached, or broke off; TimeoutError: it was too slow.
        ValueError: It answered no HTTP.
    """
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(HOST, port, limit=_MOST_HEAD)
        try:
            given = {"host": f"{HOST}:{port}", **(headers or {})}
            writer.write(written(f"{method} {target} HTTP/1.1", given, body))
            return await read(reader, answer=True)
        finally:
            writer.close()


async def serve(
    answer: Callable[[Message], Coroutine[Any, Any, Message]],
    port: int = 0,
    *,
    context: ssl.SSLContext | None = None,
    cancel_on_disconnect: bool = False,
) -> asyncio.Server:
    """Listen on loopback and answer each request by a function.

    Args:
        answer: What answers; what it raises ends the connection without one.
        port: 0 for a free one.
        context: The certificate, for TLS.
        cancel_on_disconnect: A client that closes before it has its answer ends the answering, which is cancelled.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                request = await read(reader, answer=False)
            work = answer(request)
            found = await (_while_there(reader, work) if cancel_on_disconnect else work)
            writer.write(written(found.line, found.headers, found.body))
            await writer.drain()
        except (OSError, ValueError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(connected, HOST, port, limit=_MOST_HEAD, backlog=512, ssl=context)


async def _while_there(reader: asyncio.StreamReader, work: Coroutine[Any, Any, Message]) -> Message:
    """Return what answers a client, as long as the client is there.

    Raises:
        ConnectionResetError: It has closed first; the work was cancelled.
    """
    answering, gone = asyncio.create_task(work), asyncio.create_task(_end_of(reader))
    try:
        await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise ConnectionResetError("the client has gone")
        return answering.result()
    finally:
        for task in (answering, gone):
            task.cancel()
        await asyncio.gather(answering, gone, return_exceptions=True)


async def _end_of(reader: asyncio.StreamReader) -> None:
    """Return when the other side has closed; what it says before is one request too many, and not read."""
    with contextlib.suppress(OSError):
        while await reader.read(_PIECE):
            pass


def port_of(server: asyncio.Server) -> int:
    """Return where a server listens."""
    port: int = server.sockets[0].getsockname()[1]
    return port
