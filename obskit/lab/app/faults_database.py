"""Faults between the shop and its database."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from sqlalchemy import Connection, create_engine, event, exc, text
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, PoolProxiedConnection

from .database import Database
from .fault import End, Fault, Scene, Wish, again

#: Nothing above debug: what a fault itself says is no evidence of it.
_LOG: Final = logging.getLogger(__name__)
#: Sooner than most requests come: what comes free is taken again.
_RETRY_SECONDS: Final = 0.1
_WRONG: Final = "rotated-away"


def faults(scene: Scene) -> tuple[Fault, ...]:
    """Return them; none where there is no database."""
    if scene.shop is None:
        return ()
    database = scene.shop.database
    server = "" if database.is_postgres else "SQLite has no server: it needs PostgreSQL"
    renewal = _Renewal(database)
    return (
        Fault(
            name="leak_connections",
            unit="connections a second that never come back, each worker",
            usual=1,
            most=1000,
            begin=lambda wish: _leak(wish, database),
        ),
        Fault(
            name="slow_queries",
            unit="seconds more for each query of products",
            usual=2,
            most=600,
            begin=lambda wish: _slow(wish, database),
        ),
        Fault(
            name="hold_locks",
            unit="share of the products whose rows are locked; 1 locks the table against readers too",
            usual=1,
            most=1,
            begin=lambda wish: _hold_locks(wish, database),
            once=True,
        ),
        Fault(
            name="many_connections",
            unit="connections opened beside the pool",
            usual=100,
            most=10000,
            begin=lambda wish: _crowd(wish, database),
            once=True,
            refusal=server,
        ),
        Fault(
            name="wrong_credentials",
            unit="1: new connections use a password that was changed",
            usual=1,
            most=1,
            begin=lambda _: _connect_otherwise(database, renewal, {"password": _WRONG}),
            refusal=server,
        ),
        Fault(
            name="bad_database",
            unit="1: new connections go to the target",
            usual=1,
            most=1,
            begin=lambda wish: _connect_otherwise(database, renewal, _place(wish.target)),
            target="HOST:PORT",
            refusal=server,
        ),
    )


def _leak(wish: Wish, database: Database) -> End:
    leaked: list[PoolProxiedConnection] = []

    def leak() -> None:
        try:
            leaked.append(database.engine.raw_connection())
        except exc.SQLAlchemyError as error:
            _LOG.debug("nothing left to leak: %s", error)

    stop = again(1 / wish.strength, leak, name=wish.name)

    def end() -> None:
        stop()
        for connection in leaked:
            connection.close()

    return end


def _slow(wish: Wish, database: Database) -> End:
    """Let the server itself take longer, so that connection, backend and limits are those of a slow query."""
    sleep = f"(SELECT pg_sleep({wish.strength:.3f})) IS NOT NULL"

    def slower(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> tuple[str, Any]:
        if "FROM products" not in statement or not statement.startswith("SELECT"):
            return statement, parameters
        if database.is_postgres:
            return f"SELECT slow.* FROM ({statement}) AS slow WHERE {sleep}", parameters  # noqa: S608 - our own
        time.sleep(wish.strength)
        return statement, parameters

    event.listen(database.engine, "before_cursor_execute", slower, retval=True)
    return lambda: event.remove(database.engine, "before_cursor_execute", slower)


def _hold_locks(wish: Wish, database: Database) -> End:
    """Lock and do nothing, as a session does that somebody left open, or a migration that waits."""
    engine = create_engine(database.url(), poolclass=NullPool, connect_args=database.arguments(limited=False))
    connection = engine.connect()
    try:
        if not database.is_postgres:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
        elif wish.strength >= 1:
            connection.execute(text("LOCK TABLE products IN ACCESS EXCLUSIVE MODE"))
        else:
            # By an expression and not by LIMIT: the same rows again each time.
            query = "SELECT id FROM products WHERE id % 100 < :percent ORDER BY id FOR UPDATE"
            connection.execute(text(query), {"percent": round(wish.strength * 100)})
    except exc.SQLAlchemyError:
        connection.close()
        raise

    def end() -> None:
        connection.close()
        engine.dispose()

    return end


def _crowd(wish: Wish, database: Database) -> End:
    engine = create_engine(database.url(), poolclass=NullPool, connect_args=database.arguments(limited=False))
    held: list[Connection] = []

    def more() -> None:
        try:
            while len(held) < round(wish.strength):
                held.append(engine.connect())
        except exc.SQLAlchemyError as error:
            _LOG.debug("no further connection: %s", error)

    stop = again(_RETRY_SECONDS, more, name=wish.name)

    def end() -> None:
        stop()
        for connection in held:
            connection.close()
        engine.dispose()

    return end


def _place(target: str) -> dict[str, object]:
    host, _, port = target.rpartition(":")
    return {"host": host, "port": int(port)}


class _Renewal:
    """Lets the pool part with all connections that it has, each when it is next asked for."""

    def __init__(self, database: Database) -> None:
        self._era = 0
        event.listen(database.engine, "connect", self._born)
        event.listen(database.engine, "checkout", self._taken)

    def begin(self) -> None:
        """From now on older connections are good no more."""
        self._era += 1

    def _born(self, _connection: object, record: ConnectionPoolEntry) -> None:
        record.info["era"] = self._era

    def _taken(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info.get("era") != self._era:
            raise exc.DisconnectionError("of another era")


def _connect_otherwise(database: Database, renewal: _Renewal, changed: dict[str, object]) -> End:
    """Change what new connections are made with, and let go of the old ones."""

    def change(_dialect: object, _record: object, _arguments: object, named: dict[str, object]) -> None:
        named.update(changed)

    event.listen(database.engine, "do_connect", change)
    renewal.begin()

    def end() -> None:
        event.remove(database.engine, "do_connect", change)
        renewal.begin()

    return end
