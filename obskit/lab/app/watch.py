"""Around every request: its id, its time, its line in the log, and an answer where it failed."""

from __future__ import annotations

import errno
import json
import logging
import re
import socket
import ssl
import time
import uuid
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import exc
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import metrics
from .health import Readiness
from .logs import fields, request_id

_LOG: Final = logging.getLogger(__name__)
_HEADER: Final = "X-Request-ID"
#: What we take over from a caller: nothing that could forge a log line.
_GOOD_ID: Final = re.compile(r"[A-Za-z0-9._:=-]{1,128}")
#: Asked by machines and not by users: their lines would bury the others, and their times flatter the service.
_QUIET: Final = frozenset({"/health", "/live", "/metrics", "/faults", "/faults/{name}"})
#: `OSError.errno` of disks, of networks and of a process that may open no more.
_STORAGE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_NETWORK: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})
#: What a label may say; anybody can send any other word.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Watch:
    """ASGI middleware: measures and logs each request of a user, and answers 500 where nothing else did.

    Args:
        app: What it surrounds.
        readiness: A worker that stops asks its callers to connect elsewhere.
    """

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self._app = app
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(_HEADER, "")
        identity = given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(identity)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[_HEADER] = identity
                if self._readiness.draining:
                    headers["Connection"] = "close"
            await send(message)

        metrics.IN_FLIGHT.inc()
        started = time.perf_counter()
        try:
            await self._app(scope, receive, answer)
        # The outermost place: whatever comes here would end the connection without a word.
        except Exception:
            _LOG.exception("unhandled error in %s %s", scope["method"], _route(scope))
            if status:
                raise
            await _internal_error(answer)
        finally:
            metrics.IN_FLIGHT.dec()
            _measure(scope, status, time.perf_counter() - started)
            request_id.reset(token)


async def _internal_error(send: Send) -> None:
    body = json.dumps({"error": "internal error", "request_id": request_id.get()}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _route(scope: Scope) -> str:
    """Return the path's template: a label that held ids would have no end."""
    return str(getattr(scope.get("route"), "path", "unmatched"))


def _measure(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
    route = _route(scope)
    # The caller went away before there was a status; nginx calls that 499.
    code = status or 499
    if route not in _QUIET:
        metrics.REQUESTS.labels(method, route, str(code)).observe(seconds)
    level = logging.DEBUG if route in _QUIET and code < 500 else logging.INFO
    _LOG.log(
        level,
        "%s %s %d in %.1f ms",
        method,
        route,
        code,
        seconds * 1000,
        extra=fields(method=method, route=route, status=code, duration_seconds=round(seconds, 6)),
    )


def add_answers(app: FastAPI) -> None:
    """Let errors of the database and the operating system be answered 503: it may be well in a moment."""

    def database(request: Request, error: Exception) -> JSONResponse:
        _LOG.error("database error in %s %s", request.method, _route(request.scope), exc_info=error)
        return _later("database unavailable")

    def system(request: Request, error: Exception) -> JSONResponse:
        _LOG.error("operating system error in %s %s", request.method, _route(request.scope), exc_info=error)
        return _later(f"{_what_failed(error)} unavailable")

    app.add_exception_handler(exc.SQLAlchemyError, database)
    app.add_exception_handler(OSError, system)


def _what_failed(error: Exception) -> str:
    """Return which part of the system an `OSError` is about; only files' errors bear a name."""
    number = getattr(error, "errno", None)
    if number in _DESCRIPTORS:
        return "system"
    if number in _STORAGE or getattr(error, "filename", None):
        return "storage"
    network = isinstance(error, (ConnectionError, TimeoutError, socket.gaierror, ssl.SSLError)) or number in _NETWORK
    return "network" if network else "system"


def _later(what: str) -> JSONResponse:
    content = {"error": what, "request_id": request_id.get()}
    return JSONResponse(content, status_code=503, headers={"Retry-After": "1"})
