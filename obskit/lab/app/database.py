"""SQLAlchemy's engine with its pool, watched: who waits, for how long, what queries take and how they fail."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event, exc, text
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from . import metrics, tables
from .settings import Settings

# SQLAlchemy lets a pool's class speak under its own name, and would tell of every connection.
logging.getLogger(f"{__name__}.WatchedPool").setLevel(logging.WARNING)

POOL: Final = "main"
#: Beyond, connections are made anew, so that a database behind a name that moved is found again.
_RECYCLE_SECONDS: Final = 1800
#: Where a statement's start stands while it runs.
_STARTED: Final = "shop.started"

#: SQLSTATE of PostgreSQL -> what `db_errors_total` calls it. Classes stand for themselves with two letters.
_KINDS: Final = {
    "57014": "statement_timeout",
    "55P03": "lock_timeout",
    "40P01": "deadlock",
    "53300": "too_many_connections",
    "28P01": "credentials",
    "28000": "credentials",
    "08": "connection",
    "57": "connection",
    "23": "constraint",
}


class WatchedPool(QueuePool):
    """A `QueuePool` that says who waits for a connection and how that ended."""

    def connect(self) -> PoolProxiedConnection:
        """Return a connection.

        Raises:
            sqlalchemy.exc.TimeoutError: None came free in time.
        """
        waiting = metrics.POOL_WAITING.labels(POOL)
        waiting.inc()
        started = time.perf_counter()
        try:
            return super().connect()
        except exc.TimeoutError:
            metrics.POOL_TIMEOUTS.labels(POOL).inc()
            metrics.DATABASE_ERRORS.labels("pool_timeout").inc()
            raise
        finally:
            waiting.dec()
            metrics.POOL_WAIT.labels(POOL).observe(time.perf_counter() - started)


class Database:
    """The one database of a worker; made after the worker was forked, closed before it ends.

    Args:
        settings: Where it is, and all its limits.

    Attributes:
        engine: SQLAlchemy's.
        is_postgres: False where SQLite stands in.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.is_postgres = bool(settings.database_host)
        self.engine = self._engine()
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        # Series that exist from the start: a rate of what has just appeared is nothing.
        metrics.POOL_TIMEOUTS.labels(POOL)
        for kind in ("pool_timeout", "connection", "statement_timeout"):
            metrics.DATABASE_ERRORS.labels(kind)

    def url(self, password: str | None = None) -> URL:
        """Return the address; its own text hides the password."""
        s = self._settings
        if not self.is_postgres:
            return URL.create("sqlite", database=str(s.folder / "shop.sqlite"))
        return URL.create(
            "postgresql+psycopg",
            username=s.database_user,
            password=s.database_password if password is None else password,
            host=s.database_host,
            port=s.database_port,
            database=s.database_name,
        )

    def arguments(self, *, limited: bool = True) -> dict[str, Any]:
        """Return what a new connection is asked for.

        Args:
            limited: Whether statements, locks and idle transactions end by themselves.
        """
        s = self._settings
        if not self.is_postgres:
            return {"timeout": s.lock_seconds, "check_same_thread": False}
        limits = {
            "statement_timeout": s.statement_seconds,
            "lock_timeout": s.lock_seconds,
            "idle_in_transaction_session_timeout": 4 * s.statement_seconds,
        }
        return {
            "connect_timeout": s.connect_seconds,
            "sslmode": s.database_sslmode,
            "application_name": s.service,
            "options": " ".join(f"-c {name}={round(seconds * 1000)}" for name, seconds in limits.items() if limited),
            # A network that swallows packets is noticed after some seconds instead of a quarter of an hour.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": round((s.statement_seconds + 5) * 1000),
        }

    def _engine(self) -> Engine:
        s = self._settings
        engine = create_engine(
            self.url(),
            poolclass=WatchedPool,
            pool_size=s.pool_size,
            max_overflow=s.pool_overflow,
            pool_timeout=s.pool_seconds,
            pool_recycle=_RECYCLE_SECONDS,
            pool_pre_ping=True,
            # The last one used is used again: those that a burst opened can be closed after it.
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args=self.arguments(),
        )
        event.listen(engine, "before_cursor_execute", _begin)
        event.listen(engine, "after_cursor_execute", _end)
        event.listen(engine, "handle_error", _failed)
        if not self.is_postgres:
            event.listen(engine, "connect", _as_a_server_would)
        return engine

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session whose work is committed at the end, or rolled back where anything is raised."""
        with self._sessions() as session, session.begin():
            yield session

    def prepare(self) -> None:
        """Make the tables and the goods where they are not there yet; several tasks may do so at once.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database cannot be reached or refuses.
        """
        with self.engine.begin() as connection:
            tables.create(connection)

    def ping(self) -> None:
        """Ask for nothing.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database cannot be reached, or no connection is free.
        """
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def sample(self) -> None:
        """Measure the pool as it is now."""
        pool = self.engine.pool
        if isinstance(pool, WatchedPool):  # always; for the types
            metrics.POOL_CONNECTIONS.labels(POOL, "used").set(pool.checkedout())
            metrics.POOL_CONNECTIONS.labels(POOL, "idle").set(pool.checkedin())
            metrics.POOL_MAX.labels(POOL).set(self._settings.pool_size + self._settings.pool_overflow)

    def close(self) -> None:
        """Close all connections that are not in use, and those in use when they come back."""
        self.engine.dispose()


def _as_a_server_would(connection: Any, _record: object) -> None:
    # Readers go on while one writes.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Any, *_: object) -> None:
    connection.info[_STARTED] = time.perf_counter()


def _end(connection: Any, _cursor: object, statement: str, *_: object) -> None:
    _measure(connection, statement)


def _measure(connection: Any, statement: str) -> None:
    started = connection.info.pop(_STARTED, None)
    if started is not None:
        words = statement.split(None, 1)
        operation = words[0].upper() if words else ""
        metrics.QUERIES.labels(connection.dialect.name, operation).observe(time.perf_counter() - started)


def _failed(context: ExceptionContext) -> None:
    metrics.DATABASE_ERRORS.labels(kind_of(context.original_exception)).inc()
    if context.connection is not None and context.statement is not None:
        _measure(context.connection, context.statement)


def kind_of(error: BaseException) -> str:
    """Return what a driver's error is called in ``db_errors_total``."""
    state = getattr(error, "sqlstate", None) or ""
    known = _KINDS.get(state) or _KINDS.get(state[:2])
    if known:
        return known
    if "database is locked" in str(error):
        return "lock_timeout"
    # Without a state there was nobody to give one; SQLite gives none either, and is not called that.
    return "connection" if not state and type(error).__module__.startswith("psycopg") else "other"
