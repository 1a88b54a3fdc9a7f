"""The ruler API of Mimir and Loki as both document it, over HTTP: namespaces of rule groups by tenant, in YAML.

It checks what they check of a group (a name, rules, durations), answers with their statuses and
words, writes durations as Go does, and fails or breaks off where a test says so. Our simulator, not theirs.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

import yaml

from obskit.settings import Connection

Namespaces = dict[str, list[dict[str, Any]]]
PREFIXES = {"mimir": "/prometheus/config/v1/rules", "loki": "/loki/api/v1/rules"}
WRITES = ("POST", "DELETE")
#: What a fault answers with: a status and a body, or None to break the connection off.
Answer = tuple[int, str]
_DURATION = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class RulerStandIn:
    """A ruler.

    Args:
        kind: Whose routes it has.
        tenants: It asks for the tenant header, as with authentication on.
        token: It asks for this bearer token; "" for none.
        most_rules: In a group; Mimir's default is 20, Loki has none (0).

    Attributes:
        rules: Tenant -> namespace -> groups.
        calls: ``METHOD path`` so far, in order.
        bodies: Of each POST, as it came.
        fault: Asked before each call with ``METHOD path`` and its number among the writes (from 1; 0 for
            reads): an answer to give instead, ``"lost"`` to do it and break off, ``"reset"`` to break
            off at once, or None to go on.
    """

    def __init__(
        self, kind: Literal["mimir", "loki"], *, tenants: bool = False, token: str = "", most_rules: int = 0
    ) -> None:
        self.kind, self.tenants, self.token, self.most_rules = kind, tenants, token, most_rules
        self.rules: dict[str, Namespaces] = {}
        self.calls: list[str] = []
        self.bodies: list[bytes] = []
        self.fault: Callable[[str, int], Answer | Literal["lost", "reset"] | None] = lambda _call, _number: None
        self.lock = threading.Lock()
        self._http = _Listener(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def connection(self, *, tenant: str = "") -> Connection:
        """Return how to reach it, with its token."""
        return Connection(url=self.url, tenant=tenant, bearer_token=self.token, timeout_seconds=5.0)

    def held(self, tenant: str = "anonymous") -> Namespaces:
        """Return a tenant's namespaces."""
        return self.rules.setdefault(tenant, {})

    def writes(self) -> list[str]:
        """Return the calls that change something."""
        return [call for call in self.calls if call.startswith(WRITES)]

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """Do what a call asks for."""
        if self.token and headers.get("Authorization") != f"Bearer {self.token}":
            return 401, "unauthorized\n"
        tenant = headers.get("X-Scope-OrgID") or ("" if self.tenants else "anonymous")
        if not tenant:
            return 401, "no org id\n"
        prefix = PREFIXES[self.kind]
        if path != prefix and not path.startswith(f"{prefix}/"):
            return 404, "404 page not found\n"
        names = [unquote(part) for part in path.removeprefix(prefix).split("/") if part]
        with self.lock:
            known = {"GET": self._get, "POST": self._post, "DELETE": self._delete}
            return known[method](self.held(tenant), names, body)

    def _get(self, held: Namespaces, names: list[str], body: bytes) -> Answer:
        if len(names) == 2:
            found = [group for group in held.get(names[0], []) if group["name"] == names[1]]
            return (200, _yaml(found[0])) if found else (404, "group does not exist\n")
        chosen = {name: groups for name, groups in held.items() if not names or name == names[0]}
        return (200, _yaml(chosen)) if chosen else (404, "no rule groups found\n")

    def _post(self, held: Namespaces, names: list[str], body: bytes) -> Answer:
        self.bodies.append(body)
        if len(names) != 1:
            return 405, "method not allowed\n"
        try:
            group = yaml.safe_load(body)
            found = {**group, "interval": _go(group["interval"]), "rules": [_stored(rule) for rule in group["rules"]]}
            name = str(found["name"])
        except (yaml.YAMLError, LookupError, TypeError, ValueError) as error:
            return 400, f"unable to decode rule group: {error!r}\n"
        if 0 < self.most_rules < len(found["rules"]):
            limit = f"limit: {self.most_rules} actual: {len(found['rules'])}"
            return 400, f"per-user rules per rule group limit ({limit}) exceeded\n"
        groups = held.setdefault(names[0], [])
        groups[:] = [*(g for g in groups if g["name"] != name), found]
        return 202, '{"status":"success","data":null,"errorType":"","error":""}'

    def _delete(self, held: Namespaces, names: list[str], body: bytes) -> Answer:
        groups = held.get(names[0], []) if names else []
        left = [group for group in groups if len(names) == 2 and group["name"] != names[1]]
        if len(left) == len(groups):
            return 404, "group does not exist\n"
        held[names[0]] = left
        if not left:
            del held[names[0]]
        return 202, '{"status":"success","data":null,"errorType":"","error":""}'


def _stored(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a rule as it is given back: keys in the order of Go's struct, durations as Go writes them."""
    keys = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
    if ("record" in rule) == ("alert" in rule) or not str(rule["expr"]).strip() or set(rule) - set(keys):
        raise ValueError(rule)
    found = {key: rule[key] for key in keys if rule.get(key)}
    durations: dict[str, str] = {key: _go(found[key]) for key in ("for", "keep_firing_for") if key in found}
    return {key: durations.get(key, value) for key, value in found.items() if durations.get(key) != "0s"}


def _go(text: str) -> str:
    """Return a duration as Prometheus' own type writes it: ``90s`` is ``1m30s``, ``60m`` is ``1h``."""
    parts = _DURATION.findall(text)
    if "".join(number + unit for number, unit in parts) != text or not text:
        raise ValueError(f"not a valid duration string: {text!r}")
    left = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    written = ""
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, _SECONDS[unit])
        written += f"{number}{unit}" if number else ""
    return written or "0s"


def _yaml(found: object) -> str:
    return yaml.safe_dump(found, sort_keys=False, indent=4)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:
        """Note the call, and answer it or fail as told."""
        ruler = self.server.ruler
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        call = f"{self.command} {path}"
        with ruler.lock:
            ruler.calls.append(call)
            number = len(ruler.writes()) if self.command in WRITES else 0
        fault = ruler.fault(call, number)
        if fault == "reset":
            self._break_off()
            return
        status, text = fault if isinstance(fault, tuple) else ruler.answer(self.command, path, self.headers, body)
        if fault == "lost":
            self._break_off()
            return
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_DELETE = do_GET  # noqa: N815 (http.server's names)

    def _break_off(self) -> None:
        # Lingering for zero seconds makes close() send RST rather than FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Say nothing."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ruler: RulerStandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ruler = ruler

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: broken connections are the purpose."""
