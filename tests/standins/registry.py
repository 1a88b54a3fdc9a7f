"""A container registry of one file: manifests and configurations by the OCI distribution specification.

What it imitates: ``GET /v2/REPOSITORY/manifests/REFERENCE`` and ``…/blobs/DIGEST``; where `private`, 401 with a
``WWW-Authenticate: Bearer`` challenge, and anonymous tokens from the realm named there. What it does not: pushing,
HEAD, listing, accounts, ranges.
"""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_TOKEN = "an-anonymous-token"


class RegistryStandIn:
    """A registry on loopback; a context manager.

    Attributes:
        host: ``127.0.0.1:PORT``, as it stands in an image's name.
        private: Whether it wants a token.
        realm: Where the challenge sends whoever has none; its own by default.
        answers: Path -> status and body that are given instead.
        asked: Paths of requests so far, with their queries.
        accepted: ``Accept`` of each request for a manifest.
    """

    def __init__(self, *, private: bool = False) -> None:
        handler = type("Handler", (_Handler,), {"registry": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.private, self.realm = private, f"http://{self.host}/token"
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self.accepted: list[str] = []
        self._things: dict[str, tuple[str, bytes]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _put(self, path: str, kind: str, content: Any) -> str:
        body = json.dumps(content).encode()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self._things[f"{path}/{digest}"] = (kind, body)
        return digest

    def push(self, repository: str, tag: str, architecture: str = "amd64") -> str:
        """Push an image for one platform; return its whole reference."""
        configuration = {"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
        blob = self._put(f"/v2/{repository}/blobs", "application/octet-stream", configuration)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": blob, "size": 1}, "layers": []}
        digest = self._put(f"/v2/{repository}/manifests", MANIFEST, manifest)
        self._things[f"/v2/{repository}/manifests/{tag}"] = self._things[f"/v2/{repository}/manifests/{digest}"]
        return f"{self.host}/{repository}:{tag}"

    def push_index(self, repository: str, tag: str, *architectures: str) -> str:
        """Push an index, with an attestation beside its images, as BuildKit makes them; return its reference."""
        rows = [{"digest": "sha256:0", "platform": {"architecture": one, "os": "linux"}} for one in architectures]
        rows += [{"digest": "sha256:1", "platform": {"architecture": "unknown", "os": "unknown"}}]
        digest = self._put(f"/v2/{repository}/manifests", INDEX, {"schemaVersion": 2, "manifests": rows})
        self._things[f"/v2/{repository}/manifests/{tag}"] = self._things[f"/v2/{repository}/manifests/{digest}"]
        return f"{self.host}/{repository}@{digest}"

    def answer(self, path: str, query: str, authorization: str) -> tuple[int, str, bytes, str]:
        """Return status, content type, body and challenge."""
        if path in self.answers:
            status, body = self.answers[path]
            return status, "application/json", body, ""
        if path == "/token":
            wanted = parse_qs(query).get("scope") == ["repository:a/b:pull"]
            return 200, "application/json", json.dumps({"token": _TOKEN} if wanted else {}).encode(), ""
        if self.private and authorization != f"Bearer {_TOKEN}":
            challenge = f'Bearer realm="{self.realm}",service="stand-in",scope="repository:a/b:pull"'
            return 401, "application/json", b'{"errors": [{"code": "UNAUTHORIZED"}]}', challenge
        kind, body = self._things.get(path, ("", b""))
        return (200, kind, body, "") if kind else (404, "application/json", b'{"errors": []}', "")


class _Handler(BaseHTTPRequestHandler):
    registry: RegistryStandIn

    def do_GET(self) -> None:
        """Answer."""
        url = urlsplit(self.path)
        self.registry.asked.append(self.path)
        if "/manifests/" in url.path:
            self.registry.accepted.append(self.headers.get("Accept", ""))
        status, kind, body, challenge = self.registry.answer(url.path, url.query, self.headers.get("Authorization", ""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # whoever asked has had enough

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Keep the tests' output clean."""
