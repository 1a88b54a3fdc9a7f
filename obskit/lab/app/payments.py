"""The payment service, ``ROLE=payment``: a stand-in for a bank that keeps nothing."""

from __future__ import annotations

import hashlib
import logging
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from .logs import fields

_LOG: Final = logging.getLogger(__name__)
#: One that nobody pays: 100,000.00.
_TOO_MUCH_CENTS: Final = 10_000_000

router = APIRouter(prefix="/payments", tags=["payments"])


class PaymentIn(BaseModel):
    """What shall be charged."""

    order_id: Annotated[str, Field(min_length=1, max_length=100)]
    amount_cents: Annotated[int, Field(ge=0)]


class PaymentOut(BaseModel):
    """What was charged."""

    order_id: str
    reference: str


@router.post("", status_code=201)
def charge(payment: PaymentIn) -> PaymentOut:
    """Charge an order; the reference follows from the order, so that charging it again changes nothing."""
    if payment.amount_cents >= _TOO_MUCH_CENTS:
        raise HTTPException(402, "declined")
    reference = "pay-" + hashlib.sha256(payment.order_id.encode()).hexdigest()[:20]
    _LOG.info("charged", extra=fields(order=payment.order_id, amount_cents=payment.amount_cents))
    return PaymentOut(order_id=payment.order_id, reference=reference)
