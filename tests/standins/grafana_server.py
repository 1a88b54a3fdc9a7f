"""The HTTP side of the stand-in for Grafana: tokens, roles, a log of calls, and the faults of a bad night.

What the API does with a call stands in ``tests/standins/grafana.py``.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from obskit.settings import Connection

READS, WRITES = ("GET", "HEAD"), ("POST", "PUT", "PATCH", "DELETE")
_VIEWER = {"dashboards:read", "folders:read", "annotations:read"}
_WHAT = ("dashboards:create", "dashboards:write", "dashboards:delete", "folders:create", "folders:delete")
_EDITOR = {*_VIEWER, *_WHAT, "annotations:create"}
#: What the basic roles may do, as far as our routes ask for it.
HOLDS: Mapping[str, frozenset[str]] = {
    "Viewer": frozenset(_VIEWER),
    "Editor": frozenset(_EDITOR),
    "Admin": frozenset(_EDITOR),
}


class Refused(Exception):  # noqa: N818 (an answer, not a failure)
    """An answer that is no 200."""

    def __init__(self, code: int, message: str, /, **more: object) -> None:
        super().__init__(message)
        self.code, self.body = code, {"message": message, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as the server saw it.

    Attributes:
        path: Decoded, without the query.
        segments: The parts of the path, each decoded on its own.
        query: Each parameter's values.
        body: The decoded JSON, None without one.
        role: "" before anybody is known.
        status: Of the answer; 0 when the connection was cut instead.
    """

    method: str
    path: str
    segments: tuple[str, ...]
    query: Mapping[str, list[str]]
    body: Any = None
    role: str = ""
    status: int = 0

    def asked(self, name: str, default: str = "") -> str:
        """Return the first value of a parameter."""
        return self.query.get(name, [default])[0]

    def whole(self, name: str, default: int) -> int:
        """Return a parameter that is a whole number; nothing and 0 are the default."""
        text = self.asked(name)
        return int(text) if text.isdecimal() and int(text) else default


class GrafanaServer(ABC):
    """A loopback server with Grafana's tokens and a test's faults; a context manager.

    Attributes:
        url: Its address, without a trailing slash.
        token, editor_token, viewer_token: Of service accounts with the roles Admin, Editor, Viewer.
        calls: Every request so far, in the order in which they were answered.
        down: While True each connection is cut before anything is done.
        delay_seconds: How long each answer is held back, as a network would.
        page: While set, each request gets this page with status 200, as from a proxy's login.
    """

    token, editor_token, viewer_token = "glsa_standinAdmin", "glsa_standinEditor", "glsa_standinViewer"

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.down, self.delay_seconds, self.page = False, 0.0, b""
        self.stopping = threading.Event()
        self._roles = {self.token: "Admin", self.editor_token: "Editor", self.viewer_token: "Viewer"}
        self._lock = threading.RLock()
        self._failures: list[tuple[int, tuple[str, ...], object]] = []
        self._death: tuple[int, bool, tuple[str, ...], bool] | None = None
        handler = type("Handler", (_Handler,), {"grafana": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @abstractmethod
    def answer(self, call: Call) -> object:
        """Return the JSON of a 200, or raise `Refused`."""

    # what a test says

    def connection(self, token: str | None = None) -> Connection:
        """Return how to reach it, as Admin unless another token is given."""
        return Connection(url=self.url, bearer_token=self.token if token is None else token)

    def fail_next(
        self, n: int, status: int, *, methods: tuple[str, ...] = (*READS, *WRITES), body: object = None
    ) -> None:
        """Answer the next *n* requests of these methods with a status, and do nothing."""
        with self._lock:
            self._failures += [(status, methods, body)] * n

    def die_at_call(
        self, k: int, applied: bool, *, methods: tuple[str, ...] = (*READS, *WRITES), stays_down: bool = False
    ) -> None:
        """Cut the connection of the *k*-th request from now on (1 is the next).

        Args:
            k: Counts only requests of *methods*.
            applied: Cut it after the change was made, else before.
            methods: Those that count; `WRITES` for the k-th change.
            stays_down: Cut all later ones too, until ``down`` is set to False.
        """
        with self._lock:
            self._death = (k, applied, methods, stays_down)

    def writes(self) -> list[Call]:
        """Return the requests that change something."""
        with self._lock:
            return [call for call in self.calls if call.method in WRITES]

    # what the server does

    def handle(self, call: Call, authorization: str) -> tuple[int, bytes] | None:
        """Return status and body, None when the connection shall be cut."""
        with self._lock:
            dying = self._dies(call)
            if self.down or dying == "before":
                self.down = self.down or self._stays_down(dying)
                self.calls.append(call)
                return None
            call, answer = self._answered(call, authorization)
            if dying == "after":
                self.down = self._stays_down(dying)
                self.calls.append(replace(call, status=0))
                return None
            self.calls.append(replace(call, status=answer[0]))
            return answer

    def _dies(self, call: Call) -> str:
        if self._death is None or call.method not in self._death[2]:
            return ""
        left, applied, methods, stays_down = self._death
        self._death = (left - 1, applied, methods, stays_down)
        return ("after" if applied else "before") if left == 1 else ""

    def _stays_down(self, dying: str) -> bool:
        return bool(dying and self._death and self._death[3])

    def _answered(self, call: Call, authorization: str) -> tuple[Call, tuple[int, bytes]]:
        if self.page:
            return call, (200, self.page)
        for at, (status, methods, body) in enumerate(self._failures):
            if call.method in methods:
                del self._failures[at]
                return call, (status, _json({"message": "the stand-in was told to fail"} if body is None else body))
        try:
            if call.path != "/api/health":
                call = replace(call, role=self._role(authorization))
            return call, (200, _json(self.answer(call)))
        except Refused as refused:
            return call, (refused.code, _json(refused.body))

    def _role(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if not authorization:
            raise Refused(401, "Unauthorized", messageId="auth.unauthorized", statusCode=401, traceID="")
        if scheme != "Bearer" or token not in self._roles:
            raise Refused(401, "Invalid API key", messageId="api-key.invalid", statusCode=401, traceID="")
        return self._roles[token]

    @staticmethod
    def allow(call: Call, *any_of: str) -> None:
        """Refuse who holds none of these permissions, in Grafana's words."""
        if not HOLDS[call.role].intersection(any_of):
            named = any_of[0] if len(any_of) == 1 else f"any of {', '.join(any_of)}"
            words = f"You'll need additional permissions to perform this action. Permissions needed: {named}"
            raise Refused(403, words, accessErrorId="ACE0000000000", title="Access denied")


def _json(content: object) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    grafana: GrafanaServer

    def do_GET(self) -> None:
        """Read a request, have it answered, and send that or cut the connection."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw  # no route takes bytes: "bad request data"
        call = Call(
            method=self.command,
            path=unquote(url.path).rstrip("/"),
            segments=tuple(unquote(part) for part in url.path.strip("/").split("/")),
            query=parse_qs(url.query, keep_blank_values=True),
            body=body,
        )
        answer = self.grafana.handle(call, self.headers.get("Authorization", ""))
        if self.grafana.delay_seconds:
            self.grafana.stopping.wait(self.grafana.delay_seconds)
        if answer is None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, content = answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if content[:1] in (b"{", b"[") else "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Keep the tests' output clean."""
