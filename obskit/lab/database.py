"""PostgreSQL in the lab's folder, and what postgres_exporter would tell of it.

Debian has no postgres_exporter everywhere that it has PostgreSQL, so the supervisor asks the server itself and
answers under the exporter's names.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from obskit.lab.wire import HOST

if TYPE_CHECKING:
    import psycopg

#: Two that log in: the one who may all, and the application, whom no connection is reserved for.
ADMIN: Final = "lab"
USER: Final = "shop"
NAME: Final = "shop"
_ASK_SECONDS: Final = 2

#: Query -> its metrics: columns up to the first ``*`` are labels, the others values.
_QUERIES: Final[Sequence[tuple[str, tuple[str, ...], tuple[str, ...]]]] = (
    (
        "SELECT coalesce(datname, ''), coalesce(state, 'none'), count(*), "
        "coalesce(max(extract(epoch FROM now() - xact_start)), 0) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1, 2",
        ("datname", "state"),
        ("pg_stat_activity_count", "pg_stat_activity_max_tx_duration"),
    ),
    (
        "SELECT coalesce(d.datname, ''), lower(l.mode), count(*) FROM pg_locks l "
        "LEFT JOIN pg_database d ON d.oid = l.database WHERE l.pid <> pg_backend_pid() GROUP BY 1, 2",
        ("datname", "mode"),
        ("pg_locks_count",),
    ),
    (
        "SELECT datname, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_inserted, tup_updated, "
        "tup_deleted, temp_bytes, deadlocks, pg_database_size(datid) FROM pg_stat_database WHERE datname IS NOT NULL "
        "AND datname NOT LIKE 'template%'",
        ("datname",),
        (
            "pg_stat_database_xact_commit",
            "pg_stat_database_xact_rollback",
            "pg_stat_database_blks_read",
            "pg_stat_database_blks_hit",
            "pg_stat_database_tup_returned",
            "pg_stat_database_tup_inserted",
            "pg_stat_database_tup_updated",
            "pg_stat_database_tup_deleted",
            "pg_stat_database_temp_bytes",
            "pg_stat_database_deadlocks",
            "pg_database_size_bytes",
        ),
    ),
    (
        "SELECT setting::int FROM pg_settings WHERE name = 'max_connections'",
        (),
        ("pg_settings_max_connections",),
    ),
)
#: Series that exist from the start: what appears only in an incident has no calm level.
_MODES: Final = (
    "accessexclusivelock",
    "accesssharelock",
    "exclusivelock",
    "rowexclusivelock",
    "rowsharelock",
    "sharelock",
    "sharerowexclusivelock",
    "shareupdateexclusivelock",
)
_STATES: Final = ("active", "idle", "idle in transaction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to reach the database.

    Attributes:
        port: On loopback.
        admin_password, password: Of `ADMIN` and `USER`.
    """

    port: int
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that tell the application of it."""
        return {
            "DATABASE_HOST": HOST,
            "DATABASE_PORT": str(self.port),
            "DATABASE_NAME": NAME,
            "DATABASE_USER": USER,
            "DATABASE_PASSWORD": self.password,
            "DATABASE_SSLMODE": "disable",
        }

    def connect(self, database: str = NAME) -> psycopg.Connection[Any]:
        """Return a connection of `ADMIN` that commits each statement.

        Raises:
            psycopg.OperationalError: It cannot be reached, or refuses.
        """
        import psycopg

        return psycopg.connect(
            host=HOST,
            port=self.port,
            user=ADMIN,
            password=self.admin_password,
            dbname=database,
            autocommit=True,
            connect_timeout=_ASK_SECONDS,
            application_name="lab",
            options=f"-c statement_timeout={_ASK_SECONDS * 1000}",
        )


def prepare(folder: Path, login: Login, user: int | None) -> list[str]:
    """Make the folders that initdb and the server need, theirs, and return initdb's arguments."""
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(login.admin_password)
    if user is not None:
        for path in (folder, secret):
            os.chown(path, user, -1)
    folder.chmod(0o700)
    return ["-D", str(folder / "data"), "-U", ADMIN, f"--pwfile={secret}", "--auth=scram-sha-256", "-N", "-E", "UTF8"]


def arguments(folder: Path, login: Login, connections: int) -> list[str]:
    """Return the server's arguments: small, and nothing has to survive a power cut."""
    chosen = {
        "listen_addresses": HOST,
        "port": str(login.port),
        "unix_socket_directories": "",
        "max_connections": str(connections),
        "shared_buffers": "32MB",
        "fsync": "off",
        "full_page_writes": "off",
        "log_lock_waits": "on",
        # As on the solid-state disks of RDS. With the default, what autovacuum learns after a minute of such small
        # tables makes the planner read them whole, and every recording would show a jump of rows read.
        "random_page_cost": "1.1",
    }
    return ["-D", str(folder / "data"), *(w for name, value in chosen.items() for w in ("-c", f"{name}={value}"))]


def set_up(login: Login) -> None:
    """Make the application's role and database.

    Raises:
        psycopg.Error: The server is not ready.
    """
    from psycopg import sql

    with login.connect("postgres") as connection:
        role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(USER), sql.Literal(login.password))
        connection.execute(role)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(NAME), sql.Identifier(USER)))


def sessions(login: Login) -> list[int]:
    """Return the server's process ids of the connections of the application's role.

    Raises:
        psycopg.Error: The server is not there.
    """
    with login.connect() as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE usename = %s", (USER,)).fetchall()
    return [int(row[0]) for row in found]


def end_sessions(login: Login, processes: Sequence[int]) -> None:
    """End connections, as an idle time-out or a failover does.

    Raises:
        psycopg.Error: The server is not there.
    """
    with login.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", (list(processes),))


def remove(folder: Path) -> None:
    """Remove a server's folder."""
    shutil.rmtree(folder, ignore_errors=True)


class Exporter:
    """Asks the server, over a connection that is kept; not from two threads at once."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._connection: psycopg.Connection[Any] | None = None

    def text(self) -> list[str]:
        """Return lines in Prometheus' text format; ``pg_up 0`` alone where the server cannot be asked."""
        import psycopg

        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._login.connect()
            rows = [self._connection.execute(query).fetchall() for query, _, _ in _QUERIES]
        except psycopg.Error:
            self.close()
            return ["pg_up 0"]
        samples = {sample for lines in (lines_of(*q[1:], found) for q, found in zip(_QUERIES, rows, strict=True))
                   for sample in lines}  # fmt: skip
        return ["pg_up 1", *_with_zeros(sorted(samples))]

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        self._connection = None


def lines_of(labels: Sequence[str], names: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return rows of a query as samples: the labels first, then a value for each name."""
    found = []
    for row in rows:
        pairs = ",".join(f'{label}="{value}"' for label, value in zip(labels, row, strict=False))
        values = row[len(labels) :]
        for name, value in zip(names, values, strict=True):
            number = float(value) if isinstance(value, int | float) else float(str(value))
            found.append(f"{name}{{{pairs}}} {number:.12g}" if pairs else f"{name} {number:.12g}")
    return found


def _with_zeros(samples: list[str]) -> list[str]:
    wanted = [f'pg_locks_count{{datname="{NAME}",mode="{mode}"}}' for mode in _MODES]
    for name in ("pg_stat_activity_count", "pg_stat_activity_max_tx_duration"):
        wanted += [f'{name}{{datname="{NAME}",state="{state}"}}' for state in _STATES]
    known = {sample.rpartition(" ")[0] for sample in samples}
    return [*samples, *(f"{head} 0" for head in wanted if head not in known)]
