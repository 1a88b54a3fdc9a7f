"""The demo application as the processes of a container: several workers, signals, metrics of all of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from obskit.catalogue import all_signals
from obskit.catalogue._speak import ask_about_services, index
from tests.support.servers import free_port
from tests.support.shop import SOURCE, ShopProcess, series, total, until

_REQUESTS = "http_server_request_duration_seconds_count"

#: What has to be seen of a service, and by which words this one says it.
_SPOKEN = {
    "http_requests": "OpenTelemetry",
    "http_error_ratio": "OpenTelemetry",
    "http_latency_p95": "OpenTelemetry",
    "http_latency_mean": "OpenTelemetry",
    "http_in_flight": "OpenTelemetry",
    "http_in_progress_seconds": "OpenTelemetry",
    "http_traffic_ratio": "OpenTelemetry",
    "client_requests": "OpenTelemetry",
    "client_latency_mean": "OpenTelemetry",
    "client_error_ratio": "OpenTelemetry",
    "db_pool_used_ratio": "OpenTelemetry",
    "db_pool_waiting": "OpenTelemetry",
    "db_pool_timeouts": "OpenTelemetry",
    "db_pool_acquire_seconds": "OpenTelemetry",
    "db_pool_max": "OpenTelemetry",
    "db_pool_open": "OpenTelemetry",
    "db_pool_idle": "OpenTelemetry",
    "db_query_seconds": "OpenTelemetry",
    "db_errors": "error counter by type",
    "container_cpu_cores": "process",
    "container_memory_bytes": "process",
    "process_fds": "process",
    "process_fds_ratio": "process",
    "task_start_time": "process",
    "runtime_gc_runs": "Python client",
    "slo_requests": "OpenTelemetry",
    "slo_slow_requests": "OpenTelemetry",
}


@pytest.fixture(scope="module")
def payment() -> Iterator[ShopProcess]:
    """Yield a payment service."""
    with ShopProcess({"ROLE": "payment", "WORKERS": "1"}) as payment:
        yield payment


@pytest.fixture(scope="module")
def shop(payment: ShopProcess) -> Iterator[ShopProcess]:
    """Yield a shop of three workers that calls it."""
    calls = {"PAYMENT_URL": payment.url, "PAYMENT_NAME": "payment", "WORKERS": "3"}
    with ShopProcess(calls) as shop:
        yield shop


def _buy(shop: ShopProcess, key: str, request: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key, "X-Request-ID": request or key}
    return shop.post("/orders", json={"cart_id": shop.cart()}, headers=headers)


def _fresh_get(shop: ShopProcess, path: str) -> httpx.Response:
    """Ask by a connection of its own, so that any worker may take it."""
    return httpx.get(shop.url + path, timeout=10)


def test_an_order_is_paid_by_the_second_service(shop: ShopProcess, payment: ShopProcess) -> None:
    """Both log the order under the request's id that the caller gave."""
    answer = _buy(shop, "k-1", "from-outside")
    order = answer.raise_for_status().json()
    charged = until(lambda: [line for line in payment.lines() if line["message"] == "charged"])

    assert order["payment_reference"].startswith("pay-")
    assert charged[0]["order"] == order["id"]
    assert charged[0]["request_id"] == "from-outside"


def test_every_important_signal_is_spoken(shop: ShopProcess) -> None:
    """Obskit's catalogue finds this service's words for each, as `obskit doctor --service` does with a server."""
    _buy(shop, "k-spoken")
    scraped = {"job": "demo-app", "service": "demo-app", "task_id": "0a1b", "cluster": "shop"}
    spoken = index({**labels, **scraped} for labels, _ in series(shop.metrics()))
    signals = [all_signals()[name] for name in _SPOKEN]

    questions = ask_about_services(signals, spoken, ["demo-app"], cluster="shop", rate="1m")

    assert {q.signal.id: q.variant.name for q in questions} == _SPOKEN
    assert {q.task_label for q in questions if "$task" in q.variant.query} == {"task_id"}


def test_requests_are_counted_over_all_workers(shop: ShopProcess) -> None:
    """Whichever worker is scraped tells of all, and never less than before."""

    def count(text: str) -> float:
        return total(text, _REQUESTS, http_route="/products/{product_id}")

    before = count(shop.metrics())
    for _ in range(30):
        _fresh_get(shop, "/products/1")
    counts = {count(_fresh_get(shop, "/metrics").text) for _ in range(10)}
    wrote = {line["process"] for line in shop.lines() if line.get("route") == "/products/{product_id}"}

    assert counts == {before + 30}
    assert len(wrote) > 1, "one worker took all: the test shows nothing"


def test_a_worker_that_is_just_starting_spoils_no_scrape(shop: ShopProcess) -> None:
    """Its files are empty for a moment: prometheus_client itself would fail over them."""
    empty = shop.folder / "run" / "metrics" / "counter_1.db"
    empty.touch()
    answer = shop.get("/metrics")
    empty.unlink()

    assert answer.status_code == 200


def test_each_process_is_measured(shop: ShopProcess) -> None:
    """CPU, memory, descriptors and start by process: sums would fall when a worker ends."""
    text = shop.metrics()
    names = ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds")
    processes = ["supervisor", "worker-0", "worker-1", "worker-2"]

    for name in (*names, "process_start_time_seconds"):
        found = {labels["process"]: value for labels, value in series(text) if labels["__name__"] == name}
        assert sorted(found) == processes
        assert all(value > 0 for value in found.values())
    starts = [value for labels, value in series(text) if labels["__name__"] == "process_start_time_seconds"]
    assert all(abs(time.time() - start) < 600 for start in starts)


def test_a_worker_that_is_killed_is_replaced_and_counted_no_more(shop: ShopProcess) -> None:
    """Gauges are of living workers, what was counted stays counted, and gunicorn says what happened."""
    before = shop.metrics()
    victim = shop.workers()[0]
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in shop.workers() and len(shop.workers()) == 3)
    until(lambda: total(_fresh_get(shop, "/metrics").text, "worker_threads_max") == total(before, "worker_threads_max"))
    after = _fresh_get(shop, "/metrics").text
    said = [line["message"] for line in shop.lines() if line["logger"] == "gunicorn.error"]

    assert total(after, "db_client_connection_max") == total(before, "db_client_connection_max")
    assert total(after, _REQUESTS) >= total(before, _REQUESTS)
    assert f"Worker (pid:{victim}) was sent SIGKILL! Perhaps out of memory?" in said


def test_workers_that_ended_leave_no_files_behind(shop: ShopProcess) -> None:
    """Each scrape reads them all: a task whose workers crash for days would be scraped ever more slowly."""
    folder = shop.folder / "run" / "metrics"
    until(lambda: len(shop.workers()) == 3 and _threads(shop) == 48)
    before, counted = len(list(folder.glob("*.db"))), total(shop.metrics(), _REQUESTS)
    for _ in range(2):
        victim = shop.workers()[0]
        os.kill(victim, signal.SIGKILL)
        until(partial(_is_replaced, shop, victim))
        until(lambda: _threads(shop) == 48)

    assert len(list(folder.glob("*.db"))) <= before
    assert total(_fresh_get(shop, "/metrics").text, _REQUESTS) >= counted


def _is_replaced(shop: ShopProcess, victim: int) -> bool:
    return victim not in shop.workers() and len(shop.workers()) == 3


def _threads(shop: ShopProcess) -> float:
    return total(_fresh_get(shop, "/metrics").text, "worker_threads_max")


def test_requests_that_hang_do_not_keep_a_worker_from_ending() -> None:
    """What frees the threads, and what closes the pool, needs none of them."""
    quick = {"SHOP_FAULTS": "allowed", "STOP_SECONDS": "60", "WORKERS": "1", "THREADS": "2"}
    with ShopProcess(quick) as shop:
        shop.post("/faults/block_workers", json={"seconds": 60}).raise_for_status()
        until(lambda: total(shop.metrics(), "worker_threads_busy") == 2)
        worker = shop.workers()[0]
        shop.process.send_signal(signal.SIGTERM)
        code = shop.process.wait(30)
        said = [line["message"] for line in shop.lines()]

    assert code == 0
    assert f"Worker exiting (pid: {worker})" in said, "it was killed"


def test_a_database_that_is_away_is_waited_for_and_no_secret_told() -> None:
    """It lives, unready, and every line is JSON, what libraries say too; none holds the password."""
    lost = {
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": str(free_port()),
        "DATABASE_NAME": "shop",
        "DATABASE_USER": "shop",
        "DATABASE_PASSWORD": "correct-horse",
    }
    with ShopProcess(lost, good="/live") as shop:
        lines = until(lambda: [line for line in shop.lines() if "the database is not ready" in line["message"]])
        answer = shop.get("/health")
        output = shop.output() + shop.errors()

    assert (answer.status_code, answer.json()["status"]) == (503, "starting")
    assert "onnection refused" in lines[0]["exception"]
    assert "correct-horse" not in output


def test_told_to_stop_it_drains_finishes_and_ends_with_0() -> None:
    """Unready at once, still serving; what was begun is answered; pools are closed; all in time."""
    slow = {"SHOP_FAULTS": "allowed", "DRAIN_SECONDS": "1", "STOP_SECONDS": "10", "WORKERS": "1"}
    with ShopProcess(slow) as shop:
        shop.post("/faults/slow_answers", json={"strength": 2})
        until(lambda: shop.get("/products").elapsed.total_seconds() > 1)
        answers: list[httpx.Response] = []
        late = threading.Thread(target=lambda: answers.append(_fresh_get(shop, "/products")))
        late.start()
        until(lambda: total(shop.metrics(), "http_server_active_requests") == 2)
        started = time.monotonic()
        shop.process.send_signal(signal.SIGTERM)
        draining = until(lambda: (a := _fresh_get(shop, "/health")).status_code == 503 and a)
        alive = _fresh_get(shop, "/live")
        code = shop.process.wait(15)
        took = time.monotonic() - started
        late.join()
        said = [line["message"] for line in shop.lines()]
        errors = shop.errors()

    assert draining.json()["status"] == "draining"
    assert alive.status_code == 200
    assert [a.status_code for a in answers] == [200]
    assert (code, errors) == (0, "")
    assert 1 <= took < 10
    assert "worker 0 ends" in said


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORT": "http"}, "environment variable PORT must be a whole number"),
        ({"DATABASE_HOST": "db"}, "environment variable DATABASE_PASSWORD is missing"),
        ({"RUN_DIR": "/proc/nothing"}, "RUN_DIR cannot be used"),
    ],
)
def test_what_is_configured_wrongly_ends_at_once_and_says_why(environment: dict[str, str], words: str) -> None:
    """A code of its own, and lines that the engine's signatures and people can read."""
    with ShopProcess(environment, good="") as shop:
        code = shop.process.wait(20)
        lines = shop.lines()

    assert code == 78
    assert {line["level"] for line in lines} == {"critical"}
    assert any(words in line["message"] for line in lines)


def test_a_revision_that_cannot_start_ends_instead_of_trying_for_ever(tmp_path: Path) -> None:
    """ECS can only roll back what stops."""
    shutil.copytree(SOURCE, tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "shop" / "goods.py").write_text("import a_package_that_nobody_installed\n")
    environment = {"PATH": os.defpath, "RUN_DIR": str(tmp_path / "run"), "PORT": str(free_port())}
    command = [sys.executable, "-m", "shop"]
    done = subprocess.run(
        command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30
    )

    assert done.returncode not in (0, 78)
    assert "ModuleNotFoundError: No module named 'a_package_that_nobody_installed'" in done.stderr + done.stdout


def test_the_probe_tells_whether_it_lives(shop: ShopProcess) -> None:
    """What the image's HEALTHCHECK runs: without curl, which the image does not have."""

    def probe(port: int) -> int:
        with ShopProcess({"PORT": str(port)}, arguments=("probe",), good="") as asking:
            return asking.process.wait(20)

    assert probe(shop.port) == 0
    assert probe(free_port()) == 1


def test_it_runs_read_only_and_as_nobody() -> None:
    """As ECS starts it: user 10001, root file system read-only, /tmp alone to write to."""
    # Where Python or the sources lie in /tmp themselves, another folder stands in for it.
    room = "/mnt" if {Path("/tmp")} & {*Path(sys.executable).parents, *Path(SOURCE).parents} else "/tmp"
    prepare = (
        f"mount --make-rprivate / && mount -o remount,bind,ro / && mount -t tmpfs tmpfs {room}"
        f" && mkdir {room}/lib && ln -s {SOURCE} {room}/lib/shop && cd {room}/lib"
        # It may read what it likes: here Python itself may lie where only root can look.
        " && exec setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs"
        " --inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    )
    before = ("unshare", "--mount", "sh", "-c", f'{prepare} "$@"', "sh")
    if os.getuid() != 0 or subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a read-only root needs root and mount namespaces")
    environment = {"PYTHONPATH": f"{room}/lib", "RUN_DIR": f"{room}/shop", "TMPDIR": room, "WORKERS": "2"}
    with ShopProcess(environment, before=(*before,), good="") as shop:
        until(lambda: "serves" in shop.output() or shop.process.poll() is not None)
        code = shop.process.poll()
        output = shop.output() + shop.errors()
        order = _buy(shop, "k-1") if code is None else None
        assert code is None, output
        user = Path(f"/proc/{shop.process.pid}").stat().st_uid

    assert order is not None
    assert order.status_code == 201
    assert user == 10001


def test_the_program_is_alone(shop: ShopProcess) -> None:
    """The process has neither obskit nor anything of its own that the image will not hold."""
    loaded = "import sys, shop.server; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", loaded],
        cwd=shop.folder,
        env={"PYTHONPATH": str(shop.folder)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "obskit" not in done.stdout.split()
    assert {"shop", "fastapi", "gunicorn"} <= set(done.stdout.split())
