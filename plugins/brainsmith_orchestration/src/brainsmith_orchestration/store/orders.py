"""What one process asks of the controllers of others: cancel a build, pause, go on, change a priority."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs
from sqlalchemy import delete, insert, select, update

from .database import Store
from .tables import orders

__all__ = ["Order", "give_order", "obey_orders", "open_orders"]

#: An order that nobody obeyed for so long is void: its build has ended.
_LONGEST_SECONDS = 600.0


@attrs.frozen
class Order:
    """What is asked.

    Args:
        kind: `cancel`, `pause`, `resume`, `priority` or `retry`.
        subject: the build's or job's id in the store, or "" for all.
        value: what else belongs to it.
    """

    kind: str
    subject: str
    value: str = ""


def give_order(store: Store, order: Order) -> None:
    """Ask for something; a controller that is at work obeys within seconds."""
    values = {"kind": order.kind, "subject": order.subject, "value": order.value, "done": False}
    with store.writing() as connection:
        connection.execute(insert(orders).values(time=time.time(), **values))


def obey_orders(store: Store, obey: Callable[[Order], bool]) -> None:
    """Have orders obeyed, in the order in which they were given.

    Args:
        store: where they are.
        obey: returns whether the order was its business; others are left for other controllers.
    """
    with store.reading() as connection:
        found = connection.execute(select(orders).where(orders.c.done.is_(False)).order_by(orders.c.id)).all()
    done = [row.id for row in found if obey(Order(row.kind, row.subject, row.value))]
    old = time.time() - _LONGEST_SECONDS
    if done or any(row.time < old for row in found):
        with store.writing() as connection:
            connection.execute(update(orders).where(orders.c.id.in_(done)).values(done=True))
            connection.execute(delete(orders).where(orders.c.time < old))


def open_orders(store: Store) -> list[Order]:
    """Return what was asked and not obeyed yet."""
    with store.reading() as connection:
        rows = connection.execute(select(orders).where(orders.c.done.is_(False)).order_by(orders.c.id))
        return [Order(row.kind, row.subject, row.value) for row in rows]
