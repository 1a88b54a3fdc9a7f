"""Where Debian's programs are, and how long a program may take to come up."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import socket
from pathlib import Path
from typing import Final

from obskit.errors import SourceError, UsageError
from obskit.extras import to_install

#: Program -> the package that brings it.
PACKAGES: Final = {
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "initdb": "postgresql",
    "postgres": "postgresql",
}
#: Debian keeps PostgreSQL's programs out of the PATH, by version.
_POSTGRES: Final = Path("/usr/lib/postgresql")
#: Below are the ports of well-known services.
_FIRST_PORT: Final = 10_000
_LAST_PORT: Final = 65_535
#: Where Linux says which ports it gives to those who connect, and RFC 6335's range for them.
_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_IANA: Final = (49_152, _LAST_PORT)
#: PostgreSQL refuses to run as root; the first of these that exists takes its place.
_USERS: Final = ("postgres", "nobody")


def find(root: Path = _POSTGRES) -> dict[str, str]:
    """Return where each program of `PACKAGES` is.

    Args:
        root: Where PostgreSQL's versions are.

    Raises:
        UsageError: Some are missing; it names the packages.
    """
    versions = sorted(root.glob("*/bin"), key=lambda path: _number(path.parent.name), reverse=True)
    found = {}
    for name in PACKAGES:
        # Not whatever the PATH has first: both of PostgreSQL's programs must be of one version.
        own = next((str(path / name) for path in versions if (path / name).exists()), "")
        found[name] = own or shutil.which(name) or ""
    missing = [name for name, path in found.items() if not path]
    if missing:
        packages = " ".join(dict.fromkeys(PACKAGES[name] for name in missing))
        raise UsageError(
            "the lab runs Debian's programs, and some are not installed",
            where={"missing": ", ".join(missing)},
            hint=f"apt-get install --no-install-recommends {packages}",
        )
    return found


def check_packages() -> None:
    """Refuse where the Python packages of the demo application are missing.

    Raises:
        UsageError: The extra is not installed.
    """
    import importlib.util

    wanted = (
        "cryptography",
        "fastapi",
        "gunicorn",
        "httpx",
        "prometheus_client",
        "psycopg",
        "sqlalchemy",
        "uvicorn_worker",
    )
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            "the lab's application needs packages that are not installed",
            where={"missing": ", ".join(missing)},
            hint=to_install("lab"),
        )


def postgres_user() -> int | None:
    """Return whom PostgreSQL runs as; None for ourselves.

    Raises:
        UsageError: We are root, and there is nobody else.
    """
    if os.getuid() != 0:
        return None
    for name in _USERS:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise UsageError("PostgreSQL does not run as root", hint="run the lab as another user, or add a user postgres")


class Ports:
    """Free loopback ports, none given twice.

    They are outside of the range from which the kernel gives ports to those who connect: a program binds its port
    some time after it was chosen, and amid a lab's traffic a connection may have got it by then.

    Args:
        ephemeral: The kernel's range, both ends included; asked of the kernel where it is None.
    """

    def __init__(self, ephemeral: tuple[int, int] | None = None) -> None:
        low, high = ephemeral or _ephemeral()
        self._free = [*range(_FIRST_PORT, low), *range(max(high + 1, _FIRST_PORT), _LAST_PORT + 1)]
        # Not from one end: another lab, or another test, chooses as well. No secret is made of it.
        random.shuffle(self._free)

    def new(self) -> int:
        """Return a port that nobody listens on right now.

        Raises:
            SourceError: There is none.
        """
        while self._free:
            port: int = self._free.pop()
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
        raise SourceError(
            "no loopback port is free outside of the kernel's own range",
            hint="look at the range, and make it smaller: sysctl net.ipv4.ip_local_port_range",
        )


def _ephemeral(path: Path = _RANGE) -> tuple[int, int]:
    """Return the range of ports for those who connect: the kernel's, or IANA's where it does not say."""
    try:
        low, high = (int(word) for word in path.read_text().split())
    except (OSError, ValueError):
        return _IANA
    return low, high


def _number(version: str) -> float:
    try:
        return float(version)
    except ValueError:
        return 0.0
