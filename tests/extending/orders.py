"""Place, change and cancel an order: ordinary Django."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tests.extending.models import Order


def place(buyer_id: int) -> Order:
    """Place an order: the buyer's clients receive it."""
    return Order.objects.create(buyer_id=buyer_id)


def change(order_id: int, status: str) -> None:
    """Change an order, with any other work of the same transaction."""
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order_id)
        order.status = status
        order.save()


def cancel(order_id: int) -> None:
    """Cancel an order: the row is deleted, and clients receive a tombstone."""
    Order.objects.filter(pk=order_id).delete()


def send_all() -> int:
    """Change many orders with one statement, as a nightly command or a worker does."""
    return Order.objects.filter(status="packed").update(status="sent")


def pack(request: HttpRequest, order_id: int) -> HttpResponse:
    """Change an order from a view, with or without ATOMIC_REQUESTS."""
    change(order_id, "packed")
    return HttpResponse(status=204)
