"""A Loki of two files: what is pushed can be queried, with the real one's limits and words.

Held against recordings of a real Loki by ``tests/sources/test_loki_standin.py``. It keeps
lines in memory, one store a tenant. By hand: ``python -m tests.standins.loki``.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import re
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import compress
from operator import itemgetter
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import orjson

from obskit.model import stamp, utc
from tests.standins.loki_logql import SECOND, Parser, Query, Refused, level_of, moment_of, nanoseconds_of, number_text

_TOO_MANY_SERIES = (
    "maximum number of series (500) reached for a single query; consider reducing query cardinality by adding more "
    "specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or "
    "topk()"
)
Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Stream:
    """One label set and its entries, ``(nanoseconds, line, metadata)`` without duplicates."""

    labels: Labels
    entries: dict[tuple[int, str, Labels], None] = field(default_factory=dict)
    newest: int = 0
    ordered: list[tuple[int, str, Labels]] = field(default_factory=list)

    def between(self, start: int, end: int) -> list[tuple[int, str, Labels]]:
        """Return the entries of ``[start, end)`` by time."""
        if len(self.ordered) != len(self.entries):
            self.ordered = sorted(self.entries, key=itemgetter(0))
        first, last = (bisect_left(self.ordered, at, key=itemgetter(0)) for at in (start, end))
        return self.ordered[first:last]


@lru_cache(maxsize=4096)
def _folded(labels: Labels, metadata: Labels) -> Mapping[str, str]:
    return dict(sorted({**dict(labels), **dict(metadata)}.items()))


def _words(labels: Labels) -> str:
    return "{" + ", ".join(f'{k}="{v}"' for k, v in labels) + "}"


class Store:
    """What one tenant pushed, and the answers to its queries."""

    def __init__(self, now: Callable[[], float], max_entries: int, *, names_services: bool = True) -> None:
        self._now, self._max_entries, self._names_services = now, max_entries, names_services
        self._streams: dict[Labels, Stream] = {}
        self._lock = threading.Lock()

    def push(self, body: bytes) -> None:
        """Take streams of ``[nanoseconds as text, line, metadata?]``."""
        try:
            streams = orjson.loads(body)["streams"]
        except orjson.JSONDecodeError as error:
            raise Refused(f"loghttp.PushRequest.Streams: {error}\n") from error
        if not streams:
            raise Refused("error at least one valid stream is required for ingestion\n", 422)
        with self._lock:
            for stream in streams:
                self._take(stream["stream"], stream["values"])

    def _take(self, given: dict[str, str], values: list[list[Any]]) -> None:
        for name in given:
            if bad := re.search(r"[^a-zA-Z0-9_]", name):
                where = f"1:{bad.start() + 2}: parse error"
                raise Refused(f"couldn't parse labels: {where}: unexpected character inside braces: '{bad[0]}'\n")
        named = next((given[n] for n in ("service", "app", "container", "job") if n in given), "unknown_service")
        added = {"service_name": named} if self._names_services else {}
        labels = tuple(sorted({**added, **given}.items()))
        if len(given) > 15:
            raise Refused(f"entry for stream '{_words(labels)}' has {len(given)} label names; limit 15\n")
        stream = self._streams.setdefault(labels, Stream(labels))
        for ts, line, *metadata in values:
            if not isinstance(ts, str):
                raise Refused("loghttp.PushRequest.Streams: Value looks like Number/Boolean/None\n")
            self._check_age(stream, int(ts))
            extra = {"detected_level": given.get("level", level_of(line)), **(metadata[0] if metadata else {})}
            stream.entries[int(ts), line, tuple(sorted(extra.items()))] = None
            stream.newest = max(stream.newest, int(ts))

    def _check_age(self, stream: Stream, ts: int) -> None:
        oldest = stream.newest - 3600 * SECOND
        if ts > (self._now() + 600) * SECOND:
            raise Refused(f"entry for stream '{_words(stream.labels)}' has timestamp too new: {stamp(utc(ts))}\n")
        if stream.newest and ts < oldest:
            when = datetime.fromtimestamp(ts // SECOND, UTC).strftime(
                "%Y-%m-%d %H:%M:%S"
            ) + f".{ts % SECOND:09d}".rstrip("0")
            raise Refused(
                f"entry with timestamp {when} +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: "
                f"{stamp(utc(ts))}, oldest acceptable timestamp is: {stamp(utc(oldest))}',\n"
                f"user 'fake', total ignored: 1 out of 1 for stream: {_words(stream.labels)}\n"
            )

    def label_sets(self, params: Mapping[str, str]) -> list[dict[str, str]]:
        """Return the labels of the streams that have a line in the range and match."""
        start, end = self._range(params)
        text = params.get("query") or params.get("match[]")
        query = Parser(text).query() if text else None
        with self._lock:
            return [
                dict(s.labels)
                for s in self._streams.values()
                if (query is None or query.selects(dict(s.labels))) and s.between(start, end)
            ]

    def query_range(self, params: Mapping[str, str]) -> dict[str, Any]:
        """Return streams for a log query and a matrix for a metric query."""
        query = Parser(params.get("query", "")).query()
        start, end = self._range(params)
        if end < start:
            raise Refused("end timestamp must not be before or equal to start time")
        if end - start > 721 * 3600 * SECOND:
            minutes, seconds = divmod((end - start) // SECOND, 60)
            length = f"{minutes // 60}h{minutes % 60}m{seconds}s"
            raise Refused(f"the query time range exceeds the limit (query length: {length}, limit: 30d1h)")
        return self._matrix(query, params, start, end) if query.span else self._lines(query, params, start, end)

    def query(self, params: Mapping[str, str]) -> dict[str, Any]:
        """Return a vector for a metric query."""
        query = Parser(params.get("query", "")).query()
        if not query.span:
            raise Refused(
                "log queries are not supported as an instant query type, please change your query to a range query type"
            )
        at = moment_of("time", params["time"]) if "time" in params else round(self._now() * SECOND)
        rows = self._counted(query, np.array([at]))
        when = round(at / 1e6) / 1000
        result = [{"metric": m, "value": [when, number_text(v[0] * query.factor)]} for m, v in rows if v[0]]
        return {"resultType": "vector", "result": result}

    def _range(self, params: Mapping[str, str]) -> tuple[int, int]:
        end = moment_of("end", params["end"]) if "end" in params else round(self._now() * SECOND)
        since = nanoseconds_of(params.get("since", "1h"))
        return moment_of("start", params["start"]) if "start" in params else end - since, end

    def _selected(self, query: Query, start: int, end: int) -> list[tuple[int, str, Mapping[str, str]]]:
        """Return the lines of ``[start, end)`` with their labels, metadata folded in."""
        with self._lock:
            streams = [
                (s.labels, s.between(start, end)) for s in self._streams.values() if query.selects(dict(s.labels))
            ]
        found = [(ts, line, _folded(labels, metadata)) for labels, entries in streams for ts, line, metadata in entries]
        for keeps in query.filters:
            found = list(compress(found, keeps([line for _, line, _ in found])))
        return found

    def _lines(self, query: Query, params: Mapping[str, str], start: int, end: int) -> dict[str, Any]:
        limit, direction = int(params.get("limit", "100")), params.get("direction", "backward").lower()
        if limit <= 0:
            raise Refused("limit must be a positive value")
        if direction not in ("forward", "backward"):
            raise Refused(f"invalid direction '{direction}'")
        if limit > self._max_entries:
            words = "max entries limit per query exceeded, limit > max_entries_limit_per_query"
            raise Refused(f"{words} ({limit} > {self._max_entries})")
        found = sorted(self._selected(query, start, end), key=itemgetter(0))
        if direction == "backward":
            found.reverse()
        streams: dict[Labels, list[list[str]]] = defaultdict(list)
        for ts, line, labels in found[:limit]:
            streams[tuple(labels.items())].append([str(ts), line])
        result = [{"stream": dict(labels), "values": values} for labels, values in sorted(streams.items())]
        return {"resultType": "streams", "result": result}

    def _matrix(self, query: Query, params: Mapping[str, str], start: int, end: int) -> dict[str, Any]:
        default = str(max((end - start) // SECOND // 250, 1))
        step = nanoseconds_of(params.get("step", default))
        if (end - start) // step > 11_000:
            raise Refused(
                "exceeded maximum resolution of 11,000 points per time series. "
                "Try increasing the value of the step parameter"
            )
        grid = np.arange(start // step * step, -(-end // step) * step + 1, step)
        result = [
            {
                "metric": m,
                "values": [
                    [t / SECOND, number_text(v * query.factor)] for t, v in zip(grid.tolist(), counts, strict=True) if v
                ],
            }
            for m, counts in self._counted(query, grid)
        ]
        return {"resultType": "matrix", "result": [row for row in result if row["values"]]}

    def _counted(self, query: Query, grid: Any) -> list[tuple[dict[str, str], list[int]]]:
        """Return each group's number of lines in ``(t - span, t]`` for each t of the grid."""
        groups: dict[Labels, list[int]] = defaultdict(list)
        for ts, _, labels in self._selected(query, int(grid[0]) - query.span + 1, int(grid[-1]) + 1):
            names = labels if query.by is None else [n for n in query.by if n in labels]
            groups[tuple((n, labels[n]) for n in names)].append(ts)
        if len(groups) > 500:
            raise Refused(_TOO_MANY_SERIES)
        rows = []
        for key, stamps in sorted(groups.items()):
            times = np.sort(np.array(stamps))
            counts = np.searchsorted(times, grid, "right") - np.searchsorted(times, grid - query.span, "right")
            rows.append((dict(key), counts.tolist()))
        return rows


#: What an answer can be replaced with: status, content type, body.
FAULTS: dict[str, tuple[int, str, bytes]] = {
    "500": (500, "text/plain; charset=utf-8", b"rpc error: code = Unavailable desc = ingester is gone\n"),
    "429": (429, "text/plain; charset=utf-8", b"too many outstanding requests\n"),
    "401": (401, "text/plain; charset=utf-8", b"no org id\n"),
    "404": (404, "text/plain; charset=utf-8", b"404 page not found\n"),
    "login": (302, "text/html", b'<a href="/login">Found</a>'),
    "html": (200, "text/html", b"<!doctype html><html><title>Sign in</title></html>"),
    "wrong_json": (
        200,
        "application/json",
        b'{"status":"success","data":{"resultType":"streams","result":[{"stream":7}]}}',
    ),
}


class LokiStandIn:
    """A stateful server on loopback; a context manager.

    Attributes:
        url: Its address, without a trailing slash.
        fault: "" or ``down`` (drops connections), ``slow`` (drips its answer), ``hanging``, ``truncated``,
            or a key of `FAULTS`. May be set while it runs.
        fault_if: Which requests suffer the fault, by path and parameters; all unless set.
        asked: Path and parameters of every request so far.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        auth: bool = False,
        max_entries: int = 5000,
        names_services: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.auth, self.fault = auth, ""
        self.fault_if: Callable[[str, Mapping[str, str]], bool] = lambda _path, _params: True
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()
        self._stores: dict[str, Store] = defaultdict(lambda: Store(now, max_entries, names_services=names_services))
        handler = type("Handler", (_Handler,), {"loki": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> LokiStandIn:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def store(self, tenant: str) -> Store:
        """Return what a tenant pushed."""
        if self.auth and not tenant:
            raise Refused("no org id\n", 401)
        if bad := re.search(r"[^\w!.*'()|-]", tenant):
            raise Refused(f"tenant ID '{tenant}' contains unsupported character '{bad[0]}'")
        return self._stores[tenant if self.auth else "fake"]

    def answer(self, path: str, params: dict[str, str], tenant: str, body: bytes) -> bytes:
        """Return the body of a 200, or b"" for a 204."""
        if path == "/ready":
            return b"ready\n"
        if not path.startswith("/loki/api/v1/"):
            raise Refused("404 page not found\n", 404)
        store, what = self.store(tenant), path.removeprefix("/loki/api/v1/")
        if what == "push":
            store.push(body)
            return b""
        return orjson.dumps({"status": "success", **_data(store, what, params)})


def _data(store: Store, what: str, params: dict[str, str]) -> dict[str, Any]:
    """Return ``{"data": ...}``, or nothing where a real one leaves an empty list out."""
    if what == "query_range":
        return {"data": store.query_range(params)}
    if what == "query":
        return {"data": store.query(params)}
    if what == "series":
        return {"data": store.label_sets(params)}
    label = re.fullmatch(r"label/(\w+)/values", what)
    if what != "labels" and label is None:
        raise Refused("404 page not found\n", 404)
    sets = store.label_sets(params)
    names = {s[label[1]] for s in sets if label[1] in s} if label else {name for s in sets for name in s}
    return {"data": sorted(names)} if names else {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    loki: LokiStandIn

    def do_GET(self) -> None:
        """Answer a query."""
        self._serve(urlsplit(self.path).query, b"")

    def do_POST(self) -> None:
        """Answer a push, or a query as a form."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        form = "form-urlencoded" in self.headers.get("Content-Type", "")
        self._serve(body.decode() if form else urlsplit(self.path).query, body)

    def _serve(self, query: str, body: bytes) -> None:
        path = urlsplit(self.path).path
        params = {k: v[0] for k, v in parse_qs(query, keep_blank_values=True).items()}
        self.loki.asked.append((path, params))
        fault = self.loki.fault if self.loki.fault and self.loki.fault_if(path, params) else ""
        if fault in FAULTS:
            self._send(*FAULTS[fault])
            return
        if fault in ("down", "hanging"):
            if fault == "hanging":
                self.loki.released.wait()
            self.close_connection = True
            return
        try:
            if path.endswith("/push") and "json" not in self.headers.get("Content-Type", ""):
                raise Refused("snappy: corrupt input\n")
            answer = self.loki.answer(path, params, self.headers.get("X-Scope-OrgID", ""), body)
        except Refused as refused:
            self._send(refused.status, "text/plain; charset=utf-8", refused.text.encode())
            return
        kind = "text/plain; charset=utf-8" if path == "/ready" else "application/json; charset=UTF-8"
        self._send(200 if answer else 204, kind, answer, fault=fault)

    def _send(self, status: int, kind: str, body: bytes, *, fault: str = "") -> None:
        cut = body[: len(body) * 2 // 3] if fault == "truncated" else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(cut)))
        self.end_headers()
        if fault == "slow":
            for byte in cut:
                self.wfile.write(bytes((byte,)))
                if self.loki.released.wait(0.2):
                    return
        self.wfile.write(cut)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class' name)
        """Say nothing."""


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3100)
    parser.add_argument("--auth", action="store_true", help="ask for X-Scope-OrgID")
    args = parser.parse_args()
    with LokiStandIn(port=args.port, auth=args.auth) as loki, contextlib.suppress(KeyboardInterrupt):
        print(loki.url, flush=True)  # noqa: T201 (its one line of output)
        threading.Event().wait()


if __name__ == "__main__":
    main()
