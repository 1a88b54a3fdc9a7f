"""The demo application's faults: real, ended, and not there unless they were allowed."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from obskit.lab.app.fault import Wish
from obskit.lab.app.faults import Board
from tests.support.shop import InProcess, ShopProcess, in_process, total, until

_ALLOWED = {"SHOP_FAULTS": "allowed", "THREADS": "4", "CACHE_SECONDS": "0", "LOCK_TIMEOUT_SECONDS": "0.1"}
_MEBIBYTE = 2**20
#: Of the mebibytes that a leak is asked for, what the system must show of them.
_SEEN = 0.8


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[InProcess]:
    """Yield a shop that may be broken."""
    payment = httpx.MockTransport(lambda request: httpx.Response(201, json={"reference": request.url.host}))
    calls = {**_ALLOWED, "PAYMENT_URL": "http://payment.internal"}
    with in_process(tmp_path, calls, transport=payment) as shop:
        yield shop


def _break(shop: InProcess, name: str, **wish: object) -> None:
    shop.post(f"/faults/{name}", json=wish).raise_for_status()


def _mend(shop: InProcess, name: str) -> None:
    shop.ask("DELETE", f"/faults/{name}").raise_for_status()


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("environment", [{}, {"SHOP_FAULTS": "forbidden"}])
@pytest.mark.parametrize("role", ["shop", "payment"])
def test_without_the_switch_there_is_nothing_to_break(tmp_path: Path, role: str, environment: dict[str, str]) -> None:
    """In production the addresses do not exist, whatever is asked of them."""
    with in_process(tmp_path, {**environment, "ROLE": role, "API_DOCS": "shown"}) as shop:
        (tmp_path / "faults").mkdir()
        Board(tmp_path / "faults").put(Wish(name="crash", strength=1, until=time.time() + 60))
        answers = [shop.get("/faults"), shop.post("/faults/crash", json={}), shop.ask("DELETE", "/faults/crash")]
        listed = shop.get("/openapi.json").json()["paths"]

        assert [a.status_code for a in answers] == [404, 404, 404]
        assert "/products" in listed or role == "payment"
        assert "/faults" not in listed
        assert not hasattr(shop.app.state, "switch")


def test_what_can_be_broken_is_listed_with_its_units(shop: InProcess) -> None:
    """Whoever breaks something knows what a strength of 2 means."""
    listed = shop.get("/faults").json()

    assert {"leak_connections", "slow_queries", "hold_locks", "cpu_loop", "memory_leak", "disk_fill"} <= set(listed)
    assert {"fd_leak", "block_workers", "crash", "bad_dependency", "wrong_credentials", "log_burst"} <= set(listed)
    assert all(fault["unit"] and 0 < fault["usual"] <= fault["most"] for fault in listed.values())


@pytest.mark.parametrize(
    ("name", "wish", "status"),
    [
        ("toothache", {}, 404),
        ("cpu_loop", {"strength": 0}, 422),
        ("cpu_loop", {"strength": 1000}, 422),
        ("cpu_loop", {"seconds": -1}, 422),
        ("bad_dependency", {}, 422),
        ("wrong_credentials", {}, 409),
        ("many_connections", {}, 409),
    ],
)
def test_what_cannot_be_is_refused(shop: InProcess, name: str, wish: dict[str, object], status: int) -> None:
    """A lab that asked for nonsense hears so instead of recording a calm window."""
    assert shop.post(f"/faults/{name}", json=wish).status_code == status


def test_a_fault_ends_by_itself(tmp_path: Path) -> None:
    """A lab that died leaves nothing broken for ever."""
    now = [1000.0]
    board = Board(tmp_path, clock=lambda: now[0])
    wish = Wish(name="cpu_loop", strength=1, until=board.until(30))
    board.put(wish)
    found = [board.wishes()]
    now[0] = 1031.0
    found.append(board.wishes())

    assert found == [{"cpu_loop": wish}, {}]


def test_cpu_is_burnt(shop: InProcess) -> None:
    """The process takes CPU time that nobody asked work for."""
    _break(shop, "cpu_loop", strength=1)
    start = time.process_time()
    until(lambda: time.process_time() - start > 0.5)
    _mend(shop, "cpu_loop")

    until(lambda: not [t for t in threading.enumerate() if t.name == "fault-cpu"])


def test_memory_is_held_and_given_back(shop: InProcess) -> None:
    """Resident memory grows by what was asked for."""
    before = _resident()
    _break(shop, "memory_leak", strength=64)
    until(lambda: _resident() - before > _SEEN * 64 * _MEBIBYTE)
    _mend(shop, "memory_leak")

    until(lambda: _resident() - before < _SEEN * 64 * _MEBIBYTE)


def test_a_disk_is_filled_with_so_much_and_emptied(shop: InProcess, tmp_path: Path) -> None:
    """Blocks are taken, not only a length; afterwards they are free again."""
    target = tmp_path / "data"
    _break(shop, "disk_fill", strength=3, target=str(target))
    until(lambda: target.exists() and sum(f.stat().st_blocks for f in target.iterdir()) * 512 >= 3 * _MEBIBYTE)
    _mend(shop, "disk_fill")

    until(lambda: not list(target.iterdir()))


def test_descriptors_are_leaked_and_closed(shop: InProcess) -> None:
    """They are open, and counted where the operating system counts."""
    before = _descriptors()
    _break(shop, "fd_leak", strength=50)
    until(lambda: _descriptors() >= before + 50)
    assert total(shop.get("/metrics").text, "process_open_fds") >= before + 50
    _mend(shop, "fd_leak")

    until(lambda: _descriptors() < before + 50)


def test_blocked_threads_leave_requests_waiting_and_health_answering(shop: InProcess) -> None:
    """What needs a thread waits; what tells of it does not."""
    _break(shop, "block_workers", strength=1)
    until(lambda: shop.app.state.scene.threads.borrowed_tokens == 4)
    waiting = shop.later("GET", "/products")
    found = {path: shop.get(path).status_code for path in ("/live", "/health", "/metrics")}
    done_before = waiting.done()
    _mend(shop, "block_workers")

    assert found == {"/live": 200, "/health": 200, "/metrics": 200}
    assert not done_before
    assert waiting.result(20).status_code == 200


def test_a_blocked_loop_answers_nothing_meanwhile(shop: InProcess) -> None:
    """Even what needs no thread waits for the loop to turn."""
    _break(shop, "block_loop", strength=0.3)

    def slow() -> bool:
        started = time.monotonic()
        shop.get("/live")
        return time.monotonic() - started > 0.2

    until(slow)
    _mend(shop, "block_loop")


def test_a_burst_of_harmless_errors_is_only_words(shop: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    """A decoy: many error lines, and every request is answered."""
    with caplog.at_level(logging.ERROR):
        _break(shop, "log_burst", strength=100)
        until(lambda: len(caplog.records) > 20)
        answer = shop.get("/products")
        _mend(shop, "log_burst")

    assert answer.status_code == 200
    assert {r.levelname for r in caplog.records} == {"ERROR"}


def test_connections_leak_until_the_pool_is_empty(shop: InProcess) -> None:
    """Then requests wait, time out and are answered 503; mended, they come back."""
    shop.app.state.shop.database.engine.pool._timeout = 0.1
    _break(shop, "leak_connections", strength=100)
    until(lambda: shop.get("/products").status_code == 503)
    _mend(shop, "leak_connections")

    until(lambda: shop.get("/products").status_code == 200)


def test_held_locks_keep_writers_out(shop: InProcess) -> None:
    """Orders fail on the lock; readers of SQLite's log go on."""
    cart = shop.cart()
    numbers = iter(range(10**6))

    def buy() -> httpx.Response:
        key = {"Idempotency-Key": f"k-{next(numbers)}"}
        return shop.post("/orders", json={"cart_id": cart}, headers=key)

    _break(shop, "hold_locks", strength=0.5)
    until(lambda: buy().status_code == 503)
    reading = shop.get("/products").status_code
    _mend(shop, "hold_locks")

    assert reading == 200
    until(lambda: buy().status_code == 201)


def test_nothing_that_is_recorded_tells_of_a_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither that one begins, nor that it cannot yet: a label in the lines would be what is found."""
    with caplog.at_level(logging.DEBUG), in_process(tmp_path, _ALLOWED) as shop:
        with shop.app.state.shop.database.engine.connect() as writer:
            writer.exec_driver_sql("BEGIN IMMEDIATE")
            _break(shop, "hold_locks", strength=0.5)
            until(lambda: any("hold_locks cannot begin" in record.getMessage() for record in caplog.records))
        _mend(shop, "hold_locks")
        count = "http_server_request_duration_seconds_count"
        measured = total(shop.get("/metrics").text, count, http_route="/faults/{name}")
        own = [record for record in caplog.records if record.name.startswith("obskit.")]
        said = [record.getMessage() for record in own if record.levelno > logging.DEBUG]

    assert measured == 0
    assert not [line for line in said if "fault" in line.lower()]


def test_a_dependency_is_called_elsewhere(shop: InProcess) -> None:
    """Calls go to the given address, and back to the right one afterwards."""
    numbers = iter(range(1000))

    def paid_by() -> str:
        key = {"Idempotency-Key": f"k-{next(numbers)}"}
        order = shop.post("/orders", json={"cart_id": shop.cart()}, headers=key).json()
        return str(order["payment_reference"])

    assert paid_by() == "payment.internal"
    _break(shop, "bad_dependency", target="http://gone.invalid:8080")
    until(lambda: paid_by() == "gone.invalid")
    _mend(shop, "bad_dependency")

    until(lambda: paid_by() == "payment.internal")


@pytest.mark.parametrize(("name", "status"), [("failing_answers", 500), ("throttled_answers", 429)])
def test_the_payment_service_fails_the_share_that_was_asked_for(tmp_path: Path, name: str, status: int) -> None:
    """A half is every second one, the same in every run; health is spared."""
    with in_process(tmp_path, {**_ALLOWED, "ROLE": "payment"}) as payment:

        def charge() -> int:
            return payment.post("/payments", json={"order_id": "o", "amount_cents": 1}).status_code

        _break(payment, name, strength=0.5)
        until(lambda: charge() == status)
        answers = [charge() for _ in range(6)]

        assert sorted(answers) == sorted([201, status] * 3)
        assert payment.get("/health").status_code == 200


def test_the_payment_service_answers_late(tmp_path: Path) -> None:
    """So late as was asked for."""
    with in_process(tmp_path, {**_ALLOWED, "ROLE": "payment"}) as payment:
        _break(payment, "slow_answers", strength=0.3)

        def late() -> bool:
            started = time.monotonic()
            payment.post("/payments", json={"order_id": "o", "amount_cents": 1})
            return time.monotonic() - started >= 0.3

        until(late)


def test_all_workers_break_whichever_was_asked() -> None:
    """A fault of one worker out of three would be another incident than the one that was asked for."""
    with ShopProcess({"SHOP_FAULTS": "allowed", "WORKERS": "3"}) as shop:
        before = total(shop.metrics(), "process_open_fds")
        shop.post("/faults/fd_leak", json={"strength": 100}).raise_for_status()
        until(lambda: total(shop.metrics(), "process_open_fds") >= before + 300)


def test_a_crash_ends_the_task() -> None:
    """All of it, with a code and a last word: ECS sees an essential container exit."""
    with ShopProcess({"SHOP_FAULTS": "allowed"}) as shop:
        shop.post("/faults/crash", json={}).raise_for_status()
        code = shop.process.wait(20)
        lines = shop.lines()

    assert code == 3
    assert any(line["level"] == "critical" and "KeyError" in line["exception"] for line in lines)


def test_crashing_workers_are_started_again_and_again() -> None:
    """The task lives on, worker after worker, until the fault is over."""
    with ShopProcess({"SHOP_FAULTS": "allowed", "WORKERS": "1"}) as shop:
        first = shop.workers()
        shop.post("/faults/crash_worker", json={"seconds": 3}).raise_for_status()
        until(lambda: sum("exited with code 1" in line["message"] for line in shop.lines()) >= 2)
        until(lambda: _healthy(shop))

        assert shop.process.poll() is None
        assert not set(first) & set(shop.workers())
        shop.process.send_signal(signal.SIGTERM)
        assert shop.process.wait(20) == 0


def _healthy(shop: ShopProcess) -> bool:
    try:
        return shop.get("/health").status_code == 200 and "active" in shop.get("/faults").text
    except httpx.TransportError:
        return False
