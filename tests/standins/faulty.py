"""An HTTP server that misbehaves in one chosen way: what a source may meet on a bad night."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

#: Between two bytes of a slow answer. A reader's deadline lies far beyond one of them.
DRIP_SECONDS = 0.02
#: After this a slow server answers after all, so that whoever waits for it is found out.
PATIENCE_SECONDS = 15.0
#: A safety net: a server that streams endlessly stops here although nobody hung up.
MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as the server saw it; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:
        """Note the request and misbehave."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(method=self.command, path=self.path, headers=headers, body=body))
        modes = self.server.modes
        mode = modes.pop(0) if len(modes) > 1 else modes[0]
        # The client may hang up at any byte; that is what some of the tests are about.
        with contextlib.suppress(OSError):
            mode(self)

    do_POST = do_GET  # noqa: N815 (http.server's name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Keep the tests' output clean."""

    def pause(self, seconds: float) -> bool:
        """Wait, but not beyond the server's end; return True when that has come."""
        return self.server.stopping.wait(seconds)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole, correct answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


Mode = Callable[[_Handler], None]


def ok(body: bytes = b"{}", **headers: str) -> Mode:
    """Answer 200 with this body."""
    return lambda handler: handler.answer(200, body, **headers)


def status(code: int, body: bytes = b"") -> Mode:
    """Answer with this status and body."""
    return lambda handler: handler.answer(code, body)


def hang(handler: _Handler) -> None:
    """Accept the request and say nothing for a long time."""
    if not handler.pause(PATIENCE_SECONDS):
        handler.answer(200, b"{}")


def slow(handler: _Handler) -> None:
    """Drip the body byte by byte: never silent for long, not done for a long time."""
    drips = round(PATIENCE_SECONDS / DRIP_SECONDS)
    handler.send_response(200)
    handler.send_header("Content-Length", str(drips))
    handler.end_headers()
    _drip(handler, drips)


def slow_headers(handler: _Handler) -> None:
    """Drip a header: the status line comes at once, the empty line late."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Drip: ")
    _drip(handler, round(PATIENCE_SECONDS / DRIP_SECONDS))
    handler.wfile.write(b"\r\n\r\n")


def _drip(handler: _Handler, count: int) -> None:
    for _ in range(count):
        if handler.pause(DRIP_SECONDS):
            return
        handler.wfile.write(b"0")


def truncated(handler: _Handler) -> None:
    """Promise more than is sent, and hang up in the middle of the JSON."""
    handler.send_response(200)
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"status":"success","data":{"resultType":"mat')
    handler.close_connection = True


def html(handler: _Handler) -> None:
    """Answer as a proxy's login page does: 200, and not what was asked for."""
    handler.answer(200, b"<!doctype html><title>Sign in</title><h1>Sign in</h1>", Content_Type="text/html")


def too_large(handler: _Handler) -> None:
    """Stream until the client hangs up, as good as without an end."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    piece = b"0" * 65_536
    for _ in range(MOST_BYTES // len(piece)):
        if handler.server.stopping.is_set():
            return
        handler.wfile.write(piece)


def reset(handler: _Handler) -> None:
    """Break the connection with a TCP reset instead of an answer."""
    # Lingering for zero seconds makes close() send RST rather than FIN.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.server.forget(handler.connection)
    handler.close_connection = True


def garbage(handler: _Handler) -> None:
    """Answer something that is not HTTP, with control characters in it."""
    handler.wfile.write(b"\x1b[31mSSH-2.0-nope\r\n\r\n")
    handler.close_connection = True


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, modes: tuple[Mode, ...], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.modes, self.seen, self.stopping = list(modes), list[Seen](), threading.Event()
        self._tls = tls

    def finish_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Shake hands in the request's own thread: a client that refuses must not stop the others."""
        assert isinstance(request, socket.socket)
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        with contextlib.suppress(OSError), self._tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def forget(self, connection: socket.socket) -> None:
        """Close without the polite shutdown that would turn a reset into an end."""
        connection.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: broken connections are the purpose."""


class FaultyServer:
    """Listens on a loopback port and treats each request as told.

    Args:
        modes: What to do with the first request, the second, …; the last one stays.
        tls: Serve HTTPS with this context.
    """

    def __init__(self, *modes: Mode, tls: ssl.SSLContext | None = None) -> None:
        self._listener = _Listener(modes or (ok(),), tls)
        self._thread = threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02})
        self._scheme = "http" if tls is None else "https"

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, or ``https://``."""
        return f"{self._scheme}://127.0.0.1:{self._listener.server_port}"

    @property
    def seen(self) -> list[Seen]:
        """The requests so far, in order."""
        return self._listener.seen

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listener.stopping.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()


@contextlib.contextmanager
def refuse() -> Iterator[str]:
    """Yield an address where connections are refused: its port is taken, but nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"
