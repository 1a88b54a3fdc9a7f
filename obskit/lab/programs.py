"""Where Debian's programs are, and how long a program may take to come up."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
from pathlib import Path
from typing import Final

from obskit.errors import SourceError, UsageError

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
            hint="pip install 'obskit[lab]'",
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
    """Free loopback ports, none given twice."""

    def __init__(self) -> None:
        self._given: set[int] = set()

    def new(self) -> int:
        """Return a port that nobody listens on right now.

        Raises:
            SourceError: There is none.
        """
        for _ in range(1000):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port: int = probe.getsockname()[1]
            if port not in self._given:
                self._given.add(port)
                return port
        raise SourceError("no loopback port is free")


def _number(version: str) -> float:
    try:
        return float(version)
    except ValueError:
        return 0.0
