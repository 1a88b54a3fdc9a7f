"""obskit.toml and OBSKIT_* variables, read once into one frozen `Settings`.

The only module that reads ``os.environ``. A variable wins over the file; the file is
``obskit.toml`` in the current folder, or the one that ``OBSKIT_CONFIG`` names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach one HTTP source.

    Attributes:
        url: ``http://`` or ``https://`` base address, without a trailing slash; "" when unset.
        username, password: Basic auth.
        bearer_token: The token itself (from the environment) or read from ``bearer_token_file``
            at each request, so that a rotated one is picked up.
        ca_file, cert_file, key_file: TLS: whom to trust, and whom to be.
        tenant: Sent as ``X-Scope-OrgID``.
        sigv4_region: Sign requests for this AWS region (Amazon Managed Prometheus).
        headers: Further headers.
        timeout_seconds: The longest that one request may take.
        compress: Ask for gzip; worth it on slow links only.
    """

    url: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)
    bearer_token_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    tenant: str = ""
    sigv4_region: str = ""
    sigv4_service: str = "aps"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout_seconds: float = 10.0
    compress: bool = False
