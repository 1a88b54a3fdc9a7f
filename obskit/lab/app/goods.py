"""What is sold: read often, changed seldom, hence kept for some seconds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from .service import TheShop
from .tables import Product

router = APIRouter(prefix="/products", tags=["products"])


class ProductOut(BaseModel):
    """A product as callers see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    price_cents: int
    stock: int


@router.get("")
def products(
    shop: TheShop, limit: Annotated[int, Query(ge=1, le=100)] = 20, after: Annotated[int, Query(ge=0)] = 0
) -> list[ProductOut]:
    """Return products in the order of their ids, those after one that was seen already."""

    def load() -> list[ProductOut]:
        with shop.database.transaction() as session:
            query = select(Product).where(Product.id > after).order_by(Product.id).limit(limit)
            return [ProductOut.model_validate(row) for row in session.scalars(query)]

    return shop.cache.get(("products", limit, after), load)


@router.get("/{product_id}")
def product(shop: TheShop, product_id: int) -> ProductOut:
    """Return one product."""

    def load() -> ProductOut:
        with shop.database.transaction() as session:
            row = session.get(Product, product_id)
            if row is None:
                raise HTTPException(404, "no such product")
            return ProductOut.model_validate(row)

    return shop.cache.get(("product", product_id), load)
