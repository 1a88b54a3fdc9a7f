"""Buying: the stock is taken, the order charged, and either kept or given back.

No connection is held while the payment service is waited for: a slow dependency must not empty the pool.
The caller's ``Idempotency-Key`` names the order, whatever is sent again under it; the order's id is the
payment's, so that a charge whose answer was lost is not made twice. An order whose charge may have happened keeps
its stock and waits: whoever sends its key again has the payment service asked again. A shop whose callers may never
come back needs a job besides that does the same for orders which are pending or unknown for long.

=========== ========================================== ==========================================
from        what happens                               to
=========== ========================================== ==========================================
new, failed stock is taken                             pending: one request charges it
pending     another request joins, or the answer is    unknown: it may have been charged
            lost
pending     nothing was sent, or it was refused        failed: not charged, stock given back
pending,    the payment service says yes or no         paid; or declined, stock given back
unknown
=========== ========================================== ==========================================
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from . import metrics
from .gateway import PaymentDeclined, PaymentUnavailable, PaymentUnknown
from .logs import fields, request_id
from .service import Shop, TheShop
from .tables import Cart, Order, OrderLine, Product

_LOG: Final = logging.getLogger(__name__)
#: What may follow on what. ``failed`` does not follow on ``unknown``: one try that sent nothing says nothing of others.
_FOLLOWS: Final = {
    "pending": frozenset({"unknown", "failed", "declined", "paid"}),
    "unknown": frozenset({"declined", "paid"}),
}

router = APIRouter(prefix="/orders", tags=["orders"])
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=100)]


class OrderIn(BaseModel):
    """What shall be bought."""

    cart_id: str


class OrderLineOut(BaseModel):
    """How many of a product, at what price each."""

    model_config = ConfigDict(from_attributes=True)

    product_id: int
    quantity: int
    price_cents: int


class OrderOut(BaseModel):
    """An order as callers see it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    status: str
    total_cents: int
    payment_reference: str
    created_at: datetime
    lines: list[OrderLineOut]


@router.post("", status_code=201)
def buy(shop: TheShop, order: OrderIn, key: Key) -> OrderOut:
    """Buy what is in a cart; sent again with the same key, return the same order."""
    try:
        opened = _open(shop, order.cart_id, key)
    except IntegrityError as error:
        raise HTTPException(409, "this key is being worked on", {"Retry-After": "1"}) from error
    if opened.status in _FOLLOWS:
        opened = _charge(shop, opened)
    if opened.status == "declined":
        raise HTTPException(402, "payment declined")
    return opened


@router.get("/{order_id}")
def order_of(shop: TheShop, order_id: str) -> OrderOut:
    """Return an order."""
    with shop.database.transaction() as session:
        found = session.get(Order, order_id)
        if found is None:
            raise HTTPException(404, "no such order")
        return OrderOut.model_validate(found)


def _open(shop: Shop, cart_id: str, key: str) -> OrderOut:
    """Return the order of this key; a new one, or one that failed before, has its stock taken and is pending.

    One that is pending already becomes unknown: somebody charges it just now, or ended without saying how that went.
    """
    with shop.database.transaction() as session:
        found = session.scalar(select(Order).where(Order.idempotency_key == key).with_for_update())
        if found is None:
            found = _new(session, cart_id, key)
        elif found.cart_id != cart_id:
            raise HTTPException(422, "this key was used for another cart")
        elif found.status == "failed":
            _take(session, found)
            found.status = "pending"
        elif found.status == "pending":
            found.status = "unknown"
        session.flush()
        return OrderOut.model_validate(found)


def _new(session: Session, cart_id: str, key: str) -> Order:
    cart = session.get(Cart, cart_id)
    if cart is None:
        raise HTTPException(404, "no such cart")
    if not cart.lines:
        raise HTTPException(409, "the cart is empty")
    wanted = {line.product_id: line.quantity for line in cart.lines}
    prices = {row.id: row.price_cents for row in session.scalars(select(Product).where(Product.id.in_(wanted)))}
    lines = [OrderLine(product_id=p, quantity=n, price_cents=prices[p]) for p, n in sorted(wanted.items())]
    total = sum(line.quantity * line.price_cents for line in lines)
    order = Order(idempotency_key=key, cart_id=cart_id, status="pending", total_cents=total, lines=lines)
    session.add(order)
    # Before the stock: whoever comes second with this key then fails before it takes anything.
    session.flush()
    _take(session, order)
    return order


def _take(session: Session, order: Order) -> None:
    # In the order of ids, so that two orders never wait for each other.
    for line in sorted(order.lines, key=lambda line: line.product_id):
        enough = (Product.id == line.product_id) & (Product.stock >= line.quantity)
        change = update(Product).where(enough).values(stock=Product.stock - line.quantity).returning(Product.id)
        if session.scalar(change) is None:
            raise HTTPException(409, f"not enough of product {line.product_id}")


def _charge(shop: Shop, order: OrderOut) -> OrderOut:
    try:
        shop.journal.write(order.id, order.total_cents)
        reference = shop.gateway.charge(order.id, order.total_cents)
    except PaymentDeclined:
        return _settle(shop, order.id, "declined")
    except (PaymentUnavailable, OSError) as error:
        settled = _settle(shop, order.id, "unknown" if isinstance(error, PaymentUnknown) else "failed")
        if settled.status in ("paid", "declined"):  # another request with the same key knew more
            return settled
        raise
    return _settle(shop, order.id, "paid", reference)


def _settle(shop: Shop, order_id: str, status: str, reference: str = "") -> OrderOut:
    """Write down what became of an order, and return it as it is now; what is not charged gives its stock back."""
    with shop.database.transaction() as session:
        order = session.scalars(select(Order).where(Order.id == order_id).with_for_update()).one()
        changed = status in _FOLLOWS.get(order.status, ())
        if changed:
            order.status, order.payment_reference = status, reference
            if status in ("failed", "declined"):
                for line in order.lines:
                    back = update(Product).where(Product.id == line.product_id)
                    session.execute(back.values(stock=Product.stock + line.quantity))
        session.flush()
        settled = OrderOut.model_validate(order)
    if changed:
        metrics.ORDERS.labels(status).inc()
        _LOG.info("order %s", status, extra=fields(order=order_id, total_cents=settled.total_cents))
    return settled


def add_answers(app: FastAPI) -> None:
    """Let a payment service that fails be answered 503."""

    def unavailable(_: Request, error: Exception) -> JSONResponse:
        _LOG.error("payment failed: %s", error, exc_info=error)
        content = {"error": "payment unavailable", "request_id": request_id.get()}
        return JSONResponse(content, status_code=503, headers={"Retry-After": "1"})

    app.add_exception_handler(PaymentUnavailable, unavailable)
