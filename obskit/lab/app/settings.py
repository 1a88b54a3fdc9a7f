"""What the environment says: read once, checked as a whole, never read again.

The names are those that obskit's ECS stacks give to their containers.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

#: Of a process that cannot start as it is configured: EX_CONFIG of sysexits.h.
EXIT_CONFIGURATION: Final = 78
#: ECS kills 30 seconds after SIGTERM where nothing else is set; the last ones are for what goes wrong.
_STOP_SECONDS: Final = 27.0

Read = Callable[[str], Any]


class ConfigurationError(Exception):
    """The environment holds something that the application cannot start with.

    Args:
        problems: One sentence each; no values of secrets.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("configuration: " + "; ".join(problems))


def _number(low: float, high: float) -> Read:
    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError
        return value

    read.__doc__ = f"a number from {low:g} to {high:g}"
    return read


def _whole(low: int, high: int) -> Read:
    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError
        return value

    read.__doc__ = f"a whole number from {low} to {high}"
    return read


def _one_of(*allowed: str) -> Read:
    def read(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError
        return text.lower()

    read.__doc__ = "one of " + ", ".join(allowed)
    return read


def _address() -> Read:
    def read(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise ValueError
        return text.rstrip("/")

    read.__doc__ = "http://HOST:PORT or https://HOST"
    return read


def _listening() -> Read:
    def read(text: str) -> str:
        address = ipaddress.ip_address(text.strip("[]"))
        return f"[{address}]" if address.version == 6 else str(address)

    read.__doc__ = "an IP address"
    return read


def _path() -> Read:
    def read(text: str) -> Path:
        if not text.startswith("/"):
            raise ValueError
        return Path(text)

    read.__doc__ = "an absolute path"
    return read


def _set(variable: str, default: Any, read: Read, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"variable": variable, "read": read, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set, with what holds where it is not.

    Attributes:
        role: ``ROLE``: ``shop``, or ``payment``, the service that it calls.
        name: ``SERVICE_NAME``: as log lines and metrics call it; "" for the role.
        version: ``VERSION`` of the program.
        host: ``HOST``: the address that it listens on; all of IPv4 unless set.
        port: ``PORT`` where it listens.
        workers: ``WORKERS``, processes.
        threads: ``THREADS`` of each worker; as many requests are worked on at once.
        log_level: ``LOG_LEVEL``.
        folder: ``RUN_DIR``: may be written to, and is this task's alone.
        journal: ``JOURNAL_DIR``: the spool of what is about to be charged; None for a folder in `folder`.
        database_host, database_port, database_name, database_user, database_password: ``DATABASE_*`` of PostgreSQL;
            without a host SQLite in `folder` serves.
        database_sslmode: ``DATABASE_SSLMODE``, as libpq has it. Encrypted unless it says otherwise: ``prefer`` would
            speak plainly, without a word, to whoever answers in the server's place.
        pool_size, pool_overflow: ``POOL_SIZE`` connections that each worker keeps, and ``POOL_OVERFLOW`` more at most.
        pool_seconds: ``POOL_TIMEOUT_SECONDS``: so long a request waits for a connection.
        connect_seconds: ``DATABASE_CONNECT_SECONDS``.
        statement_seconds, lock_seconds: ``STATEMENT_TIMEOUT_SECONDS``, ``LOCK_TIMEOUT_SECONDS``.
        payment_url: ``PAYMENT_URL``; without it nothing is charged.
        payment_name: ``PAYMENT_NAME``: what metrics call the payment service; "" for its host.
        payment_ca: ``PAYMENT_CA``: file of the authorities that vouch for the payment service;
            None for the public ones.
        payment_seconds: ``PAYMENT_TIMEOUT_SECONDS`` of each wait within a call: to connect (a second at most, tried
            twice), to send, and for each piece of the answer. A whole call may take longer.
        cache_seconds: ``CACHE_SECONDS`` that products are kept; 0 asks the database each time.
        health_database: ``HEALTH_DATABASE``: ``require`` makes a task unready while it does not reach its database;
            ``report`` only says so. Where all tasks share one database, `require` takes all of them away at once.
        drain_seconds: ``DRAIN_SECONDS``: after SIGTERM it is unready, and still serves, for so long.
        stop_seconds: ``STOP_SECONDS``: after SIGTERM everything has ended by then.
        docs: ``API_DOCS``: ``shown`` adds ``/docs`` and ``/openapi.json``, which tell everybody what can be asked.
        faults: ``SHOP_FAULTS``: ``allowed`` adds ``/faults``. Never in production.
    """

    role: Literal["shop", "payment"] = _set("ROLE", "shop", _one_of("shop", "payment"))
    name: str = _set("SERVICE_NAME", "", str)
    version: str = _set("VERSION", "unknown", str)
    host: str = _set("HOST", "0.0.0.0", _listening())  # noqa: S104 - a container's network is its own
    port: int = _set("PORT", 8080, _whole(1, 65535))
    workers: int = _set("WORKERS", 2, _whole(1, 64))
    threads: int = _set("THREADS", 16, _whole(1, 1000))
    log_level: str = _set("LOG_LEVEL", "info", _one_of("debug", "info", "warning", "error"))
    folder: Path = _set("RUN_DIR", Path("/tmp/shop"), _path())  # noqa: S108 - the one writable place of a container
    journal: Path | None = _set("JOURNAL_DIR", None, _path())
    database_host: str = _set("DATABASE_HOST", "", str)
    database_port: int = _set("DATABASE_PORT", 5432, _whole(1, 65535))
    database_name: str = _set("DATABASE_NAME", "", str)
    database_user: str = _set("DATABASE_USER", "", str)
    database_password: str = _set("DATABASE_PASSWORD", "", str, secret=True)
    database_sslmode: str = _set(
        "DATABASE_SSLMODE", "require", _one_of("disable", "prefer", "require", "verify-ca", "verify-full")
    )
    pool_size: int = _set("POOL_SIZE", 5, _whole(1, 500))
    pool_overflow: int = _set("POOL_OVERFLOW", 5, _whole(0, 500))
    pool_seconds: float = _set("POOL_TIMEOUT_SECONDS", 3.0, _number(0.01, 60))
    connect_seconds: int = _set("DATABASE_CONNECT_SECONDS", 3, _whole(2, 60))  # libpq takes 1 for 2
    statement_seconds: float = _set("STATEMENT_TIMEOUT_SECONDS", 5.0, _number(0.01, 600))
    lock_seconds: float = _set("LOCK_TIMEOUT_SECONDS", 3.0, _number(0.01, 600))
    payment_url: str = _set("PAYMENT_URL", "", _address())
    payment_name: str = _set("PAYMENT_NAME", "", str)
    payment_ca: Path | None = _set("PAYMENT_CA", None, _path())
    payment_seconds: float = _set("PAYMENT_TIMEOUT_SECONDS", 2.0, _number(0.01, 60))
    cache_seconds: float = _set("CACHE_SECONDS", 2.0, _number(0, 3600))
    health_database: Literal["report", "require"] = _set("HEALTH_DATABASE", "report", _one_of("report", "require"))
    drain_seconds: float = _set("DRAIN_SECONDS", 5.0, _number(0, 60))
    stop_seconds: float = _set("STOP_SECONDS", _STOP_SECONDS, _number(1, 120))
    docs: Literal["hidden", "shown"] = _set("API_DOCS", "hidden", _one_of("hidden", "shown"))
    faults: Literal["forbidden", "allowed"] = _set("SHOP_FAULTS", "forbidden", _one_of("forbidden", "allowed"))

    @property
    def service(self) -> str:
        """The service's name."""
        return self.name or self.role

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must be seen nowhere."""
        values = (str(getattr(self, f.name)) for f in fields(self) if f.metadata["secret"])
        return tuple(value for value in values if value)

    @property
    def metrics_folder(self) -> Path:
        """Where the workers' metrics meet."""
        return self.folder / "metrics"

    @property
    def journal_folder(self) -> Path:
        """Where the spool is of what is about to be charged."""
        return self.journal or self.folder / "journal"


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings.

    Args:
        environment: Variables; those of the process where it is None. An empty one is as good as none.

    Raises:
        ConfigurationError: With everything that is wrong, at once.
    """
    environment = os.environ if environment is None else environment
    found: dict[str, Any] = {}
    problems: list[str] = []
    for entry in fields(Settings):
        variable, reader = entry.metadata["variable"], cast("Read", entry.metadata["read"])
        text = environment.get(variable, "")
        if not text:
            continue
        try:
            found[entry.name] = reader(text)
        except ValueError:
            shown = "something else" if entry.metadata["secret"] else repr(text)
            problems.append(f"environment variable {variable} must be {reader.__doc__}, and is {shown}")
    if not problems:
        settings = Settings(**found)
        problems = list(_contradictions(settings))
        if not problems:
            return settings
    raise ConfigurationError(problems)


def _contradictions(settings: Settings) -> list[str]:
    found: list[str] = []
    needed = {
        "DATABASE_NAME": settings.database_name,
        "DATABASE_USER": settings.database_user,
        "DATABASE_PASSWORD": settings.database_password,
    }
    if settings.database_host:
        found += [
            f"environment variable {variable} is missing: DATABASE_HOST is set"
            for variable in needed
            if not needed[variable]
        ]
    elif any(needed.values()):
        found.append("environment variable DATABASE_HOST is missing: other DATABASE_ variables are set")
    if settings.drain_seconds + 1 > settings.stop_seconds:
        found.append("STOP_SECONDS must be at least a second more than DRAIN_SECONDS")
    return found


def share_metrics(folder: Path) -> None:
    """Tell prometheus_client, which reads it when it is first imported, where workers leave their metrics."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def shared_metrics() -> str:
    """Return where workers leave their metrics; "" where a process is alone."""
    return os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
