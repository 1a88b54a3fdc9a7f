"""What somebody may buy."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from .service import TheShop
from .tables import Cart, CartLine, Product

router = APIRouter(prefix="/carts", tags=["carts"])


class Line(BaseModel):
    """How many of a product."""

    model_config = ConfigDict(from_attributes=True)

    product_id: int
    quantity: Annotated[int, Field(ge=1, le=100)]


class CartOut(BaseModel):
    """A cart as callers see it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    lines: list[Line]


@router.post("", status_code=201)
def new_cart(shop: TheShop) -> CartOut:
    """Make an empty cart."""
    with shop.database.transaction() as session:
        cart = Cart(lines=[])
        session.add(cart)
        session.flush()
        return CartOut.model_validate(cart)


@router.get("/{cart_id}")
def cart_of(shop: TheShop, cart_id: str) -> CartOut:
    """Return a cart."""
    with shop.database.transaction() as session:
        cart = session.get(Cart, cart_id)
        if cart is None:
            raise HTTPException(404, "no such cart")
        return CartOut.model_validate(cart)


@router.post("/{cart_id}/items")
def put_into(shop: TheShop, cart_id: str, line: Line) -> CartOut:
    """Put so many of a product into a cart, instead of those that are in it."""
    with shop.database.transaction() as session:
        # Locked, so that two requests of one cart do not both add the same line.
        cart = session.scalar(select(Cart).where(Cart.id == cart_id).with_for_update())
        if cart is None:
            raise HTTPException(404, "no such cart")
        if session.get(Product, line.product_id) is None:
            raise HTTPException(404, "no such product")
        session.merge(CartLine(cart_id=cart_id, product_id=line.product_id, quantity=line.quantity))
        session.flush()
        session.refresh(cart)
        return CartOut.model_validate(cart)
