"""Change an order with the number at hand: the row goes to the clients without being read again."""

from holdfast import changing
from tests.extending.models import ORDERS, Order


def change_at_once(order_id: int, status: str) -> Order:
    """Lock the head of the stream, and publish the row itself after the commit."""
    order = Order.objects.get(pk=order_id)
    name = ORDERS.name(order.buyer_id)
    with changing(name) as heads:
        order.status, order.seq = status, heads.next(name)
        order.save()
        heads.record(name, order.as_event())
    return order
