"""One worker's application: its parts, their beginning and their end."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import anyio
import anyio.to_thread
import httpx
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from . import carts, faults, goods, health, metrics, orders, payments, watch
from .cache import TtlCache
from .database import Database
from .gateway import PaymentGateway
from .journal import Journal
from .runtime import Place, Processes, Sampler
from .service import Shop
from .settings import Settings

_LOG: Final = logging.getLogger(__name__)
#: Between two tries to make the tables.
_AGAIN_SECONDS: Final = 1.0


def create_app(settings: Settings, *, transport: httpx.BaseTransport | None = None) -> FastAPI:
    """Return the application; it opens no connection and starts no thread before it is served.

    Args:
        settings: What is configured.
        transport: Instead of the network, for calls to the payment service.
    """
    app = FastAPI(
        title=settings.service,
        version=settings.version,
        # Without it there are no /docs either.
        openapi_url="/openapi.json" if settings.docs == "shown" else None,
        lifespan=_lifespan,
    )
    readiness = health.Readiness()
    app.state.settings, app.state.readiness, app.state.shop = settings, readiness, None
    database = None
    if settings.role == "shop":
        database = Database(settings)
        app.state.shop = Shop(
            settings=settings,
            readiness=readiness,
            database=database,
            gateway=PaymentGateway(settings, transport),
            cache=TtlCache(settings.cache_seconds),
            journal=Journal(settings.journal_folder),
        )
        for part in (goods, carts, orders):
            app.include_router(part.router)
        orders.add_answers(app)
    else:
        app.include_router(payments.router)
    health.add(app, settings, readiness, health.DatabaseHealth(database) if database else None)
    _add_metrics(app, settings)
    watch.add_answers(app)
    if settings.faults == "allowed":
        faults.add(app, settings)
    # The last one added is the outermost.
    app.add_middleware(watch.Watch, readiness=readiness)
    return app


def _add_metrics(app: FastAPI, settings: Settings) -> None:
    processes = Processes(settings.folder / "workers")
    app.state.limiter = None

    @app.get("/metrics", include_in_schema=False)
    async def scrape() -> Response:
        # A thread of its own: requests that hang must not take the view of themselves away.
        app.state.limiter = app.state.limiter or anyio.CapacityLimiter(1)
        text = await anyio.to_thread.run_sync(metrics.render, processes, limiter=app.state.limiter)
        return Response(text, media_type=CONTENT_TYPE_LATEST)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    shop: Shop | None = app.state.shop
    async with AsyncExitStack() as at_end:
        threads = anyio.to_thread.current_default_thread_limiter()
        threads.total_tokens = settings.threads
        # A thread of its own again: what ends a worker must not wait for requests that hang.
        closing = partial(anyio.to_thread.run_sync, limiter=anyio.CapacityLimiter(1))
        place = Place(settings.folder / "workers")
        at_end.callback(place.leave)

        def look() -> None:
            metrics.THREADS_BUSY.set(threads.borrowed_tokens)
            metrics.THREADS_MAX.set(threads.total_tokens)
            if shop:
                shop.database.sample()

        metrics.BUILD.labels(settings.role, settings.version).set(1)
        if shop:
            at_end.callback(shop.database.close)
            at_end.callback(shop.gateway.close)
        sampler = Sampler(look, asyncio.get_running_loop().call_soon_threadsafe)
        sampler.start()
        at_end.push_async_callback(closing, sampler.stop)
        at_end.callback(_prepare(shop.database if shop else None, app.state.readiness))
        if settings.faults == "allowed":
            at_end.push_async_callback(closing, faults.start(app, place.number))
        _LOG.info("worker %d serves", place.number)
        yield
        app.state.readiness.draining = True
        _LOG.info("worker %d ends", place.number)


def _prepare(database: Database | None, readiness: health.Readiness) -> Callable[[], None]:
    """Make the tables, again and again until that succeeds, and return what gives up.

    A database that is away for a while is no reason to end: the process waits, unready, and says why.
    """
    over = threading.Event()

    def prepare() -> None:
        while database and not over.is_set():
            try:
                database.prepare()
                break
            except SQLAlchemyError:
                _LOG.exception("the database is not ready; trying again in %g s", _AGAIN_SECONDS)
                over.wait(_AGAIN_SECONDS)
        readiness.started = not over.is_set()

    threading.Thread(target=prepare, name="prepare", daemon=True).start()
    return over.set
