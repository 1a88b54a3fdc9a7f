"""The demo application and its database faults, on a real PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import exc, text

from obskit.lab.app.database import Database
from obskit.lab.app.settings import read
from tests.support.postgres import PostgresServer
from tests.support.servers import free_port
from tests.support.shop import InProcess, ShopProcess, in_process, total, until


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """Yield a server that accepts forty connections."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def environment(postgres: PostgresServer) -> dict[str, str]:
    """Return the variables of a shop that has little patience."""
    return {
        **postgres.environment,
        "DATABASE_SSLMODE": "disable",
        "SHOP_FAULTS": "allowed",
        "CACHE_SECONDS": "0",
        "POOL_SIZE": "2",
        "POOL_OVERFLOW": "1",
        "POOL_TIMEOUT_SECONDS": "0.3",
        "STATEMENT_TIMEOUT_SECONDS": "0.5",
        "LOCK_TIMEOUT_SECONDS": "0.2",
        "DATABASE_CONNECT_SECONDS": "2",
    }


@pytest.fixture
def shop(tmp_path: Path, environment: dict[str, str]) -> Iterator[InProcess]:
    """Yield a shop on it, in this process."""
    with in_process(tmp_path, environment) as shop:
        yield shop


def _words(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(str(r.exc_info[1]) if r.exc_info else r.getMessage() for r in caplog.records)


def _buy(shop: InProcess | ShopProcess, cart: str, key: str) -> httpx.Response:
    return shop.post("/orders", json={"cart_id": cart}, headers={"Idempotency-Key": key})


def _broken(shop: InProcess, name: str, **wish: object) -> None:
    shop.post(f"/faults/{name}", json=wish).raise_for_status()


def _mended(shop: InProcess, name: str) -> None:
    shop.ask("DELETE", f"/faults/{name}").raise_for_status()
    until(lambda: shop.get("/products").status_code == 200)


def _errors(shop: InProcess, kind: str) -> float:
    return total(shop.get("/metrics").text, "db_errors_total", type=kind)


def test_workers_and_threads_sell_no_more_than_there_is(environment: dict[str, str]) -> None:
    """Forty orders at once, two workers, four in stock: four are paid, and the stock is nought."""
    roomy = {**environment, "POOL_TIMEOUT_SECONDS": "10", "LOCK_TIMEOUT_SECONDS": "5", "STATEMENT_TIMEOUT_SECONDS": "9"}
    with ShopProcess(roomy) as shop, ThreadPoolExecutor(8) as pool:
        carts = list(pool.map(lambda _: shop.cart(product=24), range(40)))
        with in_process(shop.folder / "other", roomy) as other:
            with other.app.state.shop.database.transaction() as session:
                session.execute(text("UPDATE products SET stock = 4 WHERE id = 24"))
            answers = list(pool.map(lambda cart: _buy(shop, cart, f"stock-{cart}"), carts))
            left = other.get("/products/24").json()["stock"]

    assert sorted(a.status_code for a in answers) == [201] * 4 + [409] * 36
    assert left == 0


def test_the_same_key_at_once_makes_one_order(shop: InProcess) -> None:
    """Whoever comes second gets the same order, or is asked to come again."""
    cart = shop.cart()
    waiting = [
        shop.later("POST", "/orders", json={"cart_id": cart}, headers={"Idempotency-Key": f"one-{cart}"})
        for _ in range(3)
    ]
    answers = [w.result(20) for w in waiting]
    orders = {a.json()["id"] for a in answers if a.status_code == 201}

    assert len(orders) == 1
    assert {a.status_code for a in answers} <= {201, 409, 503}


def test_a_rollout_waits_for_nobody_and_brings_nothing_back(shop: InProcess) -> None:
    """Tables that are there are only looked at: an index made anew would queue all orders behind one transaction."""
    database = shop.app.state.shop.database
    with database.transaction() as session:
        session.execute(text("DELETE FROM products WHERE id = 23"))
    with database.engine.begin() as writer:
        writer.execute(text("LOCK TABLE orders IN ROW EXCLUSIVE MODE"))
        database.prepare()

    assert shop.get("/products/23").status_code == 404


def test_a_server_without_encryption_is_refused_unless_that_is_said(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """A password is not sent over a line that anybody in between may have made plain."""
    del environment["DATABASE_SSLMODE"]
    database = Database(read({"RUN_DIR": str(tmp_path), **environment}))
    with pytest.raises(exc.OperationalError, match="does not support SSL, but SSL was required"):
        database.ping()


def test_an_empty_pool_is_what_the_engine_knows(shop: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    """SQLAlchemy's own words, 503, and the gauges of a pool that is used up."""
    with caplog.at_level(logging.ERROR):
        _broken(shop, "leak_connections", strength=50)
        until(lambda: shop.get("/products").status_code == 503)
        shop.app.state.shop.database.sample()
        used = total(shop.get("/metrics").text, "db_client_connection_count", db_client_connection_state="used")
        _mended(shop, "leak_connections")

    assert "QueuePool limit of size 2 overflow 1 reached, connection timed out" in _words(caplog)
    assert used == 3
    assert _errors(shop, "pool_timeout") > 0


def test_a_slow_query_is_slow_in_the_server(shop: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    """Below the limit it is late and right; beyond, the server ends it."""
    fast = shop.get("/products?limit=3").json()
    _broken(shop, "slow_queries", strength=0.3)
    late = until(lambda: (a := shop.get("/products?limit=3")).elapsed.total_seconds() > 0.3 and a)
    with caplog.at_level(logging.ERROR):
        _broken(shop, "slow_queries", strength=2)
        until(lambda: shop.get("/products").status_code == 503)
    _mended(shop, "slow_queries")

    assert late.json() == fast
    assert "canceling statement due to statement timeout" in _words(caplog)
    assert _errors(shop, "statement_timeout") > 0


@pytest.mark.parametrize(("strength", "reading"), [(0.5, 200), (1, 503)])
def test_locks_are_held(shop: InProcess, caplog: pytest.LogCaptureFixture, strength: float, reading: int) -> None:
    """Rows keep writers out, the whole table readers too, as a migration does."""
    cart = shop.cart()
    keys = (f"{cart}-{number}" for number in range(10**6))
    with caplog.at_level(logging.ERROR):
        _broken(shop, "hold_locks", strength=strength)
        until(lambda: _buy(shop, cart, next(keys)).status_code == 503)
        found = shop.get("/products").status_code
        _mended(shop, "hold_locks")

    assert found == reading
    assert "canceling statement due to lock timeout" in _words(caplog)
    until(lambda: _buy(shop, cart, next(keys)).status_code == 201)


def test_a_password_that_was_changed_is_refused(shop: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    """The server says so; the application says it again, without either password."""
    with caplog.at_level(logging.ERROR):
        _broken(shop, "wrong_credentials")
        until(lambda: shop.get("/products").status_code == 503)
        _mended(shop, "wrong_credentials")

    assert 'password authentication failed for user "shop"' in _words(caplog)
    assert PostgresServer.password not in caplog.text
    assert _errors(shop, "connection") + _errors(shop, "credentials") > 0


def test_a_server_may_have_too_many_clients(shop: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    """Connections beside the pool take all that the server grants; only whoever asks for debug hears it from them."""
    with caplog.at_level(logging.DEBUG, logger="obskit.lab.app.faults_database"):
        _broken(shop, "many_connections", strength=100)
        until(lambda: "too many clients already" in _words(caplog) or "remaining connection slots" in _words(caplog))
        _mended(shop, "many_connections")


@pytest.mark.parametrize(
    ("host", "words"), [("127.0.0.1", "onnection refused"), ("database.gone.invalid", "failed to resolve host")]
)
def test_a_database_may_be_away(shop: InProcess, caplog: pytest.LogCaptureFixture, host: str, words: str) -> None:
    """Refused, or without a name: what libpq says is in the log."""
    with caplog.at_level(logging.ERROR):
        _broken(shop, "bad_database", target=f"{host}:{free_port()}")
        until(lambda: shop.get("/products").status_code == 503)
        _mended(shop, "bad_database")

    assert words in _words(caplog)
    assert _errors(shop, "connection") > 0


def test_a_database_that_comes_back_is_used_again(tmp_path: Path, environment: dict[str, str]) -> None:
    """Connections that died are noticed and made anew; nobody has to restart anything."""
    with PostgresServer() as own, in_process(tmp_path, {**environment, **own.environment}) as shop:
        first = shop.get("/products").status_code
        with shop.app.state.shop.database.engine.connect() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.execute(text(f"{others} AND application_name = 'shop'"))
        again = [shop.get("/products").status_code for _ in range(5)]

    assert (first, again) == (200, [200] * 5)
