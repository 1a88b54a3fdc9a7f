"""The parts of one worker, as the endpoints find them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from .cache import TtlCache
from .database import Database
from .gateway import PaymentGateway
from .health import Readiness
from .journal import Journal
from .settings import Settings


@dataclass(slots=True, kw_only=True)
class Shop:
    """What the shop's endpoints work with.

    Attributes:
        settings: What was configured.
        readiness: Whether this worker may take requests.
        database: Its pool of connections.
        gateway: To the payment service.
        cache: Of products.
        journal: A spool of charges.
    """

    settings: Settings
    readiness: Readiness
    database: Database
    gateway: PaymentGateway
    cache: TtlCache
    journal: Journal


def _shop(request: Request) -> Shop:
    return cast("Shop", request.app.state.shop)


TheShop = Annotated[Shop, Depends(_shop)]
