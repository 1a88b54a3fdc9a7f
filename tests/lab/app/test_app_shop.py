"""The demo application's business, in this process, on SQLite."""

from __future__ import annotations

import errno
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event, exc

from obskit.lab.app import cache, journal, metrics
from tests.support.shop import InProcess, in_process, total

_PAYMENT = {"PAYMENT_URL": "http://payment.internal:8080", "CACHE_SECONDS": "0"}


class Bank:
    """A payment service that answers as it is told.

    Attributes:
        requests: What it was asked.
        answer: Makes the answer.
    """

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer: Callable[[httpx.Request], httpx.Response] = self.accept

    def accept(self, request: httpx.Request) -> httpx.Response:
        """Charge."""
        return httpx.Response(201, json={"reference": "pay-1"})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        return self.answer(request)


@pytest.fixture
def bank() -> Bank:
    """Return a payment service that charges."""
    return Bank()


@pytest.fixture
def shop(tmp_path: Path, bank: Bank) -> Iterator[InProcess]:
    """Yield a shop that calls the bank."""
    with in_process(tmp_path, _PAYMENT, transport=httpx.MockTransport(bank)) as shop:
        yield shop


def _buy(shop: InProcess, cart: str, key: str = "k-1") -> httpx.Response:
    return shop.post("/orders", json={"cart_id": cart}, headers={"Idempotency-Key": key})


def _stock(shop: InProcess, product: int = 1) -> int:
    stock: int = shop.get(f"/products/{product}").json()["stock"]
    return stock


def _raise(error: type[httpx.TransportError], _: httpx.Request) -> httpx.Response:
    raise error("no answer")


def _orders(shop: InProcess, outcome: str) -> float:
    return total(_metrics(shop), "shop_orders_total", outcome=outcome)


def _metrics(shop: InProcess) -> str:
    return shop.get("/metrics").text


def test_products_come_in_pages(shop: InProcess) -> None:
    """The last id of a page is where the next one begins."""
    first = shop.get("/products?limit=2").json()
    second = shop.get(f"/products?limit=2&after={first[-1]['id']}").json()

    assert [row["id"] for row in first + second] == [1, 2, 3, 4]
    assert shop.get("/products/1").json() == first[0]
    assert shop.get("/products/999").status_code == 404
    assert shop.get("/products?limit=1000").status_code == 422


def test_buying_takes_stock_and_charges_once(shop: InProcess, bank: Bank) -> None:
    """The same key gives the same order, and neither stock nor money is taken a second time."""
    before = _stock(shop)
    cart = shop.cart(product=1, quantity=3)
    orders = [_buy(shop, cart), _buy(shop, cart)]

    assert [o.status_code for o in orders] == [201, 201]
    assert orders[0].json() == orders[1].json() == shop.get(f"/orders/{orders[0].json()['id']}").json()
    assert orders[0].json()["status"] == "paid"
    assert orders[0].json()["total_cents"] == 3 * shop.get("/products/1").json()["price_cents"]
    assert len(bank.requests) == 1
    assert before - _stock(shop) == 3


def test_the_request_id_travels(shop: InProcess, bank: Bank) -> None:
    """It is accepted, passed on to the payment service and returned; what could forge a line is replaced."""
    cart = shop.cart()
    headers = {"Idempotency-Key": "k-1", "X-Request-ID": "from-outside"}
    answer = shop.post("/orders", json={"cart_id": cart}, headers=headers)
    forged = shop.get("/live", headers={"X-Request-ID": 'x", "level": "info'})

    assert answer.headers["X-Request-ID"] == bank.requests[0].headers["X-Request-ID"] == "from-outside"
    assert forged.headers["X-Request-ID"].isalnum()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda _: httpx.Response(402), 402),
        (lambda _: httpx.Response(429), 503),
        (lambda _: httpx.Response(422), 503),
        (partial(_raise, httpx.ConnectError), 503),
        (partial(_raise, httpx.ConnectTimeout), 503),
    ],
)
def test_what_is_not_paid_gives_its_stock_back(
    shop: InProcess, bank: Bank, answer: Callable[[httpx.Request], httpx.Response], status: int
) -> None:
    """Where nothing was sent or the payment service refused, the shop is as it was."""
    bank.answer = answer
    before = _stock(shop)
    cart = shop.cart(quantity=5)

    assert _buy(shop, cart).status_code == status
    assert _stock(shop) == before


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(409),
        lambda _: httpx.Response(200, text="<html>"),
        partial(_raise, httpx.ReadTimeout),
        partial(_raise, httpx.RemoteProtocolError),
    ],
)
def test_what_may_have_been_paid_keeps_its_stock_until_that_is_known(
    shop: InProcess, bank: Bank, answer: Callable[[httpx.Request], httpx.Response]
) -> None:
    """A try that sent nothing, later, does not make the first one undone; the payment service's word does."""
    before = _stock(shop)
    cart = shop.cart(quantity=5)
    counted = {outcome: _orders(shop, outcome) for outcome in ("unknown", "failed", "paid")}
    answers: list[httpx.Response] = []
    for given in (answer, partial(_raise, httpx.ConnectError), bank.accept):
        bank.answer = given
        answers.append(_buy(shop, cart))
        assert before - _stock(shop) == 5

    assert [a.status_code for a in answers] == [503, 503, 201]
    assert answers[-1].json()["status"] == "paid"
    assert {outcome: _orders(shop, outcome) - before for outcome, before in counted.items()} == {
        "unknown": 1,
        "failed": 0,
        "paid": 1,
    }


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout])
@pytest.mark.parametrize("status", [201, 402])
def test_of_two_requests_with_one_key_the_answer_of_the_payment_service_counts(
    shop: InProcess, bank: Bank, error: type[httpx.TransportError], status: int
) -> None:
    """The other one got none; whichever is over first, stock and counts are those of the order as it is."""
    begun, other_is_over = threading.Event(), threading.Event()

    def slow(request: httpx.Request) -> httpx.Response:
        begun.set()
        other_is_over.wait(20)
        return httpx.Response(status, json={"reference": "pay-1"})

    before, counted = _stock(shop), {outcome: _orders(shop, outcome) for outcome in ("failed", "paid", "declined")}
    cart = shop.cart(quantity=5)
    bank.answer = slow
    first = shop.later("POST", "/orders", json={"cart_id": cart}, headers={"Idempotency-Key": "k-1"})
    begun.wait(20)
    bank.answer = partial(_raise, error)
    second = _buy(shop, cart)
    other_is_over.set()
    outcome = "paid" if status == 201 else "declined"
    counted[outcome] += 1

    assert second.status_code == 503
    assert first.result(20).status_code == status
    assert before - _stock(shop) == (5 if status == 201 else 0)
    assert {outcome: _orders(shop, outcome) for outcome in counted} == counted
    if status == 201:
        assert first.result().json()["status"] == _buy(shop, cart).json()["status"] == "paid"


def test_whoever_got_no_answer_hears_what_another_one_got(shop: InProcess, bank: Bank) -> None:
    """The first of two requests with one key sent nothing, while the second was charged."""
    begun, other_is_over = threading.Event(), threading.Event()

    def slow(_: httpx.Request) -> httpx.Response:
        begun.set()
        other_is_over.wait(20)
        raise httpx.ReadTimeout("too late")

    before = _stock(shop)
    cart = shop.cart(quantity=5)
    bank.answer = slow
    first = shop.later("POST", "/orders", json={"cart_id": cart}, headers={"Idempotency-Key": "k-1"})
    begun.wait(20)
    bank.answer = bank.accept
    second = _buy(shop, cart)
    other_is_over.set()

    assert first.result(20).json() == second.json()
    assert second.json()["status"] == "paid"
    assert before - _stock(shop) == 5


def test_a_failed_order_is_tried_again_under_its_key(shop: InProcess, bank: Bank) -> None:
    """The payment bears the order's id, so that a charge whose answer was lost is not made twice."""

    def too_late(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too late")

    bank.answer = too_late
    cart = shop.cart()
    failed = _buy(shop, cart)
    bank.answer = bank.accept
    paid = _buy(shop, cart)

    assert (failed.status_code, failed.headers["Retry-After"], paid.status_code) == (503, "1", 201)
    assert len({r.headers["Idempotency-Key"] for r in bank.requests}) == 1
    assert len(bank.requests) == 2, "what may have been charged is not sent again by itself"


def test_a_payment_service_that_is_not_reached_is_tried_twice(shop: InProcess, bank: Bank) -> None:
    """Nothing was sent, so a second try cannot charge twice; the error's name is in the log for who looks."""

    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused")

    bank.answer = refused

    assert _buy(shop, shop.cart()).status_code == 503
    assert len(bank.requests) == 2


def test_calls_are_measured_by_peer_and_outcome(shop: InProcess, bank: Bank) -> None:
    """A call without an answer has no status, which is how the catalogue knows it failed."""

    def calls(**labels: str) -> float:
        name = "http_client_request_duration_seconds_count"
        return total(_metrics(shop), name, server_address="payment.internal", **labels)

    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    good, bad = calls(http_response_status_code="201"), calls(http_response_status_code="", error_type="ConnectError")
    cart = shop.cart()
    _buy(shop, cart)
    bank.answer = refused
    _buy(shop, cart, "k-2")

    assert calls(http_response_status_code="201") == good + 1
    assert calls(http_response_status_code="", error_type="ConnectError") == bad + 2


@pytest.mark.parametrize(
    ("cart", "key", "status"),
    [("nobody's", "k", 404), ("empty", "k", 409), ("full", "", 422), ("greedy", "k", 409)],
)
def test_an_order_that_cannot_be_is_refused(shop: InProcess, bank: Bank, cart: str, key: str, status: int) -> None:
    """Nothing is charged for it."""
    ids = {"nobody's": "x", "empty": shop.post("/carts").json()["id"], "full": shop.cart(), "greedy": shop.cart()}
    if cart == "greedy":
        database = shop.app.state.shop.database
        with database.transaction() as session:
            session.connection().exec_driver_sql("UPDATE products SET stock = 0")

    assert _buy(shop, ids[cart], key).status_code == status
    assert bank.requests == []


def test_a_key_belongs_to_one_cart(shop: InProcess) -> None:
    """A key that is used for something else is a mistake of the caller's, and said to be one."""
    _buy(shop, shop.cart(), "k")

    assert _buy(shop, shop.cart(), "k").status_code == 422


def test_paths_are_measured_as_templates(shop: InProcess) -> None:
    """A label that held ids would have as many values as there are orders."""
    shop.get("/orders/one")
    shop.get("/orders/two")
    shop.get("/nothing/here")
    shop.ask("BREW", "/orders/one")
    text = _metrics(shop)
    count = "http_server_request_duration_seconds_count"

    assert total(text, count, http_route="/orders/{order_id}", http_response_status_code="404") >= 2
    assert total(text, count, http_route="unmatched") >= 1
    assert "/orders/one" not in text
    assert "BREW" not in text


def test_probes_are_no_requests_of_users(shop: InProcess) -> None:
    """Their millisecond, every few seconds, would make a slow service look fast."""
    for path in ("/health", "/live", "/metrics"):
        shop.get(path)

    for path in ("/health", "/live", "/metrics"):
        assert total(_metrics(shop), "http_server_request_duration_seconds_count", http_route=path) == 0


def test_what_can_be_asked_is_told_only_where_that_is_wanted(tmp_path: Path) -> None:
    """A list of all addresses is for engineers, not for everybody."""
    found = {}
    for word in ("hidden", "shown"):
        with in_process(tmp_path / word, {"API_DOCS": word}) as shop:
            found[word] = [shop.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")]
    with in_process(tmp_path / "unset") as shop:
        found["unset"] = [shop.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")]

    assert found == {"hidden": [404] * 3, "shown": [200] * 3, "unset": [404] * 3}


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "storage"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/data/picture"), "storage"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "network"),
        (TimeoutError("timed out"), "network"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "network"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "network"),
        (OSError(errno.EMFILE, "Too many open files", "/data/picture"), "system"),
    ],
)
def test_an_error_of_the_system_says_of_which_part(shop: InProcess, error: OSError, part: str) -> None:
    """Whoever looks for a full disk when the network is down looks in vain."""

    async def broken() -> None:
        raise error

    shop.app.add_api_route("/broken", broken)

    assert shop.get("/broken").json()["error"] == f"{part} unavailable"


def test_tables_are_made_once_and_then_only_looked_at(shop: InProcess) -> None:
    """A start needs no right to make tables, and brings back nothing that was deleted."""
    database = shop.app.state.shop.database
    with database.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM products WHERE id > 3")
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _r, statement, *_: said.append(statement))
    database.prepare()

    assert said
    assert {statement.split()[0] for statement in said} <= {"SELECT", "PRAGMA"}
    assert [row["id"] for row in shop.get("/products").json()] == [1, 2, 3]


def test_an_error_nobody_thought_of_is_answered_and_logged(shop: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    """500 with the request's id, a stack trace in the log, and nothing of the inside in the answer."""
    shop.app.state.shop.cache = None
    with caplog.at_level(logging.ERROR):
        answer = shop.get("/products", headers={"X-Request-ID": "r-1"})

    assert (answer.status_code, answer.json()) == (500, {"error": "internal error", "request_id": "r-1"})
    assert caplog.records[0].exc_info
    assert total(_metrics(shop), "http_server_active_requests") == 1, "the scrape itself"


def test_a_full_disk_fails_the_order_and_takes_nothing(
    shop: InProcess, bank: Bank, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be written down before it is charged is not charged."""
    (tmp_path / "journal").mkdir()
    for number in range(1000):
        (tmp_path / "journal" / f"{number:03d}.json").symlink_to("/dev/full")
    before = _stock(shop)
    with caplog.at_level(logging.ERROR):
        answer = _buy(shop, shop.cart())

    assert answer.status_code == 503
    assert bank.requests == []
    assert _stock(shop) == before
    assert "No space left on device" in str(caplog.records[0].exc_info)


def test_the_journal_stays_small(tmp_path: Path) -> None:
    """Old entries give way: a disk is not filled by years of orders."""
    kept = journal.Journal(tmp_path, files=3)
    for number in range(30):
        kept.write(f"order-{number}", number)
    entries = [json.loads(path.read_text()) for path in tmp_path.iterdir()]

    assert len(entries) <= 3
    assert {"order": "order-29", "amount_cents": 29} in entries


def test_the_cache_forgets_in_time_and_stays_small() -> None:
    """What is older than allowed is loaded anew; what does not fit pushes the oldest out."""
    now = [0.0]
    loads: list[int] = []
    kept = cache.TtlCache(2.0, most=2, clock=lambda: now[0])

    def load(key: int) -> int:
        loads.append(key)
        return key

    for key in (1, 1, 2, 3, 1):
        kept.get(key, partial(load, key))
    now[0] = 2.5
    kept.get(1, partial(load, 1))

    assert loads == [1, 2, 3, 1, 1]


def test_a_cache_of_no_seconds_keeps_nothing() -> None:
    """CACHE_SECONDS=0 shows the database as it is."""
    kept = cache.TtlCache(0)

    assert [kept.get("k", partial(int, n)) for n in (1, 2)] == [1, 2]


def test_ready_and_alive_are_different_questions(shop: InProcess) -> None:
    """A task that starts or drains is alive and takes no requests."""
    readiness = shop.app.state.readiness
    found = {"ready": shop.get("/health").status_code}
    readiness.draining = True
    draining = shop.get("/health")
    found["draining"] = draining.status_code
    readiness.draining, readiness.started = False, False
    found["starting"] = shop.get("/health").status_code

    assert found == {"ready": 200, "draining": 503, "starting": 503}
    assert draining.headers["Connection"] == "close"
    assert shop.get("/live").status_code == 200


@pytest.mark.parametrize(("policy", "status"), [("report", 200), ("require", 503)])
def test_a_failing_database_makes_a_task_unready_only_where_that_is_wanted(
    tmp_path: Path, policy: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With one database behind all tasks, all of them would be replaced at once, for nothing."""
    with (
        caplog.at_level(logging.WARNING),
        in_process(
            tmp_path,
            {"HEALTH_DATABASE": policy, "POOL_SIZE": "1", "POOL_OVERFLOW": "0", "POOL_TIMEOUT_SECONDS": "0.05"},
        ) as shop,
    ):
        taken = shop.app.state.shop.database.engine.raw_connection()
        answer = shop.get("/health")
        refused = shop.get("/products")
        taken.close()

        assert (answer.status_code, answer.json()["database"]) == (status, "failing")
        assert refused.status_code == 503
        assert any(
            "QueuePool limit of size 1 overflow 0 reached" in str(r.exc_info[1]) for r in caplog.records if r.exc_info
        )


def test_a_pool_tells_who_waits_and_who_gave_up(tmp_path: Path) -> None:
    """In use, idle, the most there can be, waiting, time-outs and their error: what a full pool looks like."""
    tight = {"POOL_SIZE": "1", "POOL_OVERFLOW": "1", "POOL_TIMEOUT_SECONDS": "0.05"}
    with in_process(tmp_path, tight) as shop:
        database = shop.app.state.shop.database
        before = total(_metrics(shop), "db_client_connection_timeouts_total")
        taken = [database.engine.raw_connection() for _ in range(2)]
        with pytest.raises(exc.TimeoutError):
            database.ping()
        database.sample()
        text = _metrics(shop)
        for connection in taken:
            connection.close()

        assert total(text, "db_client_connection_count", db_client_connection_state="used") == 2
        assert total(text, "db_client_connection_count", db_client_connection_state="idle") == 0
        assert total(text, "db_client_connection_max") == 2
        assert total(text, "db_client_connection_timeouts_total") == before + 1
        assert total(text, "db_client_connection_pending_requests") == 0
        assert total(text, "db_errors_total", type="pool_timeout") >= 1


def test_the_payment_service_is_the_same_program(tmp_path: Path) -> None:
    """ROLE=payment charges, keeps nothing, and charging again changes nothing."""
    order = {"order_id": "o-1", "amount_cents": 100}
    with in_process(tmp_path, {"ROLE": "payment"}) as payment:
        answers = [payment.post("/payments", json=order) for _ in range(2)]
        refused = payment.post("/payments", json={**order, "amount_cents": 10**9})

        assert [a.status_code for a in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert refused.status_code == 402
        assert payment.get("/products").status_code == 404
        assert payment.get("/health").json()["status"] == "ready"


def test_the_program_is_named_as_such_metrics_are(shop: InProcess) -> None:
    """A metric whose labels are its message ends on ``_info``."""
    assert total(_metrics(shop), "app_build_info", role="shop") == 1


def test_metrics_have_help_and_units_in_their_names() -> None:
    """Promtool's own rules: base units, totals, and a word for each."""
    for family in metrics.REGISTRY.collect():
        assert family.documentation.endswith(".")
        assert "milliseconds" not in family.name
