"""The demo application for tests: within this process, and as the processes that a container runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio.from_thread
import httpx

from obskit.lab.app.application import create_app
from obskit.lab.app.settings import read
from tests.support.servers import POLL_SECONDS, START_SECONDS, Labels, free_port, labels_of

SOURCE = Path(__file__).resolve().parents[2] / "obskit" / "lab" / "app"
_PAUSE = threading.Event()


def until(is_so: Callable[[], Any], *, seconds: float = START_SECONDS) -> Any:
    """Look again and again until something is so, and return it.

    Raises:
        AssertionError: It was not in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := is_so():
            return found
        _PAUSE.wait(POLL_SECONDS)
    raise AssertionError("it did not come to be")


def series(text: str) -> list[tuple[Labels, float]]:
    """Return the samples of Prometheus' text format; the name is ``__name__``."""
    found = [re.fullmatch(r"(.+) (\S+)", line) for line in text.splitlines() if not line.startswith("#")]
    return [(labels_of(match[1]), float(match[2])) for match in found if match]


def total(text: str, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that bear these labels."""
    wanted = {"__name__": name, **labels}.items()
    return sum(value for found, value in series(text) if wanted <= found.items())


@contextlib.contextmanager
def in_process(
    folder: Path, environment: Mapping[str, str] | None = None, *, transport: httpx.BaseTransport | None = None
) -> Iterator[InProcess]:
    """Yield the application, begun, in this process.

    Args:
        folder: ``RUN_DIR``.
        environment: Further variables.
        transport: Instead of the network to the payment service.
    """
    settings = read({"RUN_DIR": str(folder), **(environment or {})})
    app = create_app(settings, transport=transport)
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
    ):
        shop = InProcess(app, portal)
        until(lambda: app.state.readiness.started)
        yield shop


class InProcess:
    """Asks an application without a network.

    Attributes:
        app: The application.
    """

    def __init__(self, app: Any, portal: anyio.from_thread.BlockingPortal) -> None:
        self.app = app
        self._portal = portal

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return the answer to one request."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop", timeout=START_SECONDS) as client:
                return await client.request(method, path, **more)

        return self._portal.call(ask)

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Return the answer to a GET."""
        return self.ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        """Return the answer to a POST."""
        return self.ask("POST", path, **more)

    def later(self, method: str, path: str, **more: Any) -> Any:
        """Begin a request, and return what will hold its answer."""
        return self._portal.start_task_soon(lambda: self._async(method, path, **more))

    async def _async(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop", timeout=START_SECONDS) as client:
            return await client.request(method, path, **more)

    def cart(self, product: int = 1, quantity: int = 1) -> str:
        """Return the id of a cart with one line."""
        return cart_of(self, product, quantity)


class ShopProcess:
    """The application's processes, alone as in its image: the package copied, named ``shop``, obskit not at hand.

    Args:
        environment: Its variables, besides its port and folder.
        arguments: Of the command line.
        before: A command that starts what follows it: ``("setpriv", …)``.
        good: The address that answers 200 when the context begins; "" to wait for nothing.

    Attributes:
        url: ``http://127.0.0.1:PORT``.
        folder: ``RUN_DIR`` is in it; removed afterwards.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        arguments: tuple[str, ...] = (),
        before: tuple[str, ...] = (),
        good: str = "/health",
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path()
        self._environment = dict(environment or {})
        self._arguments = arguments
        self._before = before
        self._good = good
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(base_url=self.url, timeout=START_SECONDS)

    def start(self) -> subprocess.Popen[bytes]:
        """Start it and do not wait."""
        self.folder = Path(tempfile.mkdtemp(prefix="obskit-shop-"))
        shutil.copytree(SOURCE, self.folder / "shop", ignore=shutil.ignore_patterns("__pycache__"))
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": str(self.folder),
            "PYTHONSAFEPATH": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "error",
            "PORT": str(self.port),
            "RUN_DIR": str(self.folder / "run"),
            "DRAIN_SECONDS": "0",
            **self._environment,
        }
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self._process = subprocess.Popen(
                [*self._before, sys.executable, "-m", "shop", *self._arguments],
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=environment,
            )
        return self._process

    def __enter__(self) -> Self:
        try:
            self.start()
            until(self._ready)
        except BaseException:
            words = self.output() + self.errors()
            self.__exit__(None, None, None)
            raise RuntimeError(f"the shop did not start:\n{words[-3000:]}") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()
        if self._process is not None and self._process.poll() is None:
            for pid in self.workers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ready(self) -> bool:
        if not self._good:
            return True
        if self.process.poll() is not None:
            raise AssertionError("it ended")
        try:
            return self.get(self._good).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The supervisor."""
        assert self._process is not None
        return self._process

    def workers(self) -> list[int]:
        """Return the ids of the workers."""
        number = self.process.pid
        return [int(word) for word in Path(f"/proc/{number}/task/{number}/children").read_text().split()]

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Return the answer to a GET."""
        return self._client.get(path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        """Return the answer to a POST."""
        return self._client.post(path, **more)

    def cart(self, product: int = 1, quantity: int = 1) -> str:
        """Return the id of a cart with one line."""
        return cart_of(self, product, quantity)

    def metrics(self) -> str:
        """Return the answer to a scrape."""
        return self.get("/metrics").raise_for_status().text

    def output(self) -> str:
        """Return what it wrote on standard output."""
        return (self.folder / "out").read_text(errors="replace")

    def errors(self) -> str:
        """Return what it wrote on standard error."""
        return (self.folder / "err").read_text(errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        """Return its log lines."""
        return [json.loads(line) for line in self.output().splitlines()]


def cart_of(shop: InProcess | ShopProcess, product: int, quantity: int) -> str:
    """Return the id of a new cart with one line."""
    cart: str = shop.post("/carts").raise_for_status().json()["id"]
    shop.post(f"/carts/{cart}/items", json={"product_id": product, "quantity": quantity}).raise_for_status()
    return cart
