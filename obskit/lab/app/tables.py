"""The tables, and the goods that a new shop sells."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, DateTime, ForeignKey, Index, String, Table, insert, inspect, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

#: Any number; all tasks take the lock of the same one while they make the tables.
_MAKING_TABLES: Final = 7_046_001

_ADJECTIVES: Final = ("oak", "steel", "linen", "glass")
_NOUNS: Final = ("chair", "table", "lamp", "shelf", "bowl", "clock")
_STOCK: Final = 10_000_000


def new_id() -> str:
    """Return an id that nobody can guess."""
    return str(uuid.uuid4())


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """All tables."""


class Product(Base):
    """Something that is sold; prices in cents."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    price_cents: Mapped[int]
    stock: Mapped[int]


class Cart(Base):
    """What somebody may buy."""

    __tablename__ = "carts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    lines: Mapped[list[CartLine]] = relationship(lazy="selectin", order_by="CartLine.product_id")


class CartLine(Base):
    """How many of a product are in a cart."""

    __tablename__ = "cart_lines"

    cart_id: Mapped[str] = mapped_column(ForeignKey(Cart.id, ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id), primary_key=True)
    quantity: Mapped[int]


class Order(Base):
    """What was bought, and what became of it: see `orders`."""

    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    idempotency_key: Mapped[str] = mapped_column(String(100), unique=True)
    cart_id: Mapped[str] = mapped_column(ForeignKey(Cart.id))
    status: Mapped[str] = mapped_column(String(10), default="pending")
    total_cents: Mapped[int]
    payment_reference: Mapped[str] = mapped_column(String(100), default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    lines: Mapped[list[OrderLine]] = relationship(lazy="selectin", order_by="OrderLine.product_id")


class OrderLine(Base):
    """How many of a product were ordered, at what price."""

    __tablename__ = "order_lines"

    order_id: Mapped[str] = mapped_column(ForeignKey(Order.id, ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id), primary_key=True)
    quantity: Mapped[int]
    price_cents: Mapped[int]


Index("orders_created_at", Order.created_at)


def create(connection: Connection) -> None:
    """Make the tables that are missing, within the connection's transaction, and the goods of a new shop.

    Where all are there, it only looks: no lock is taken that others could queue behind, and the role needs no right
    to make tables. A service that has lived for a while changes its tables by migrations (Alembic) instead.
    """
    if not _missing(connection):
        return
    # Others may be about to do the same: one after the other, and whoever waited looks again.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MAKING_TABLES})
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    missing = _missing(connection)
    Base.metadata.create_all(connection, tables=missing, checkfirst=False)
    if Product.__table__ in missing:
        connection.execute(insert(Product), _goods())


def _missing(connection: Connection) -> list[Table]:
    there = set(inspect(connection).get_table_names())
    return [table for table in Base.metadata.sorted_tables if table.name not in there]


def _goods() -> list[dict[str, object]]:
    names = [f"{adjective} {noun}" for adjective in _ADJECTIVES for noun in _NOUNS]
    return [
        {"id": number, "name": name, "price_cents": 900 + 350 * number, "stock": _STOCK}
        for number, name in enumerate(names, start=1)
    ]
