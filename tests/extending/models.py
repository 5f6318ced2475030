"""A kind of stream in one file: the buyer of an order follows it live."""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import models

from holdfast import Claim, Event, HoldfastError, NotFound, StreamKind, changing


class Order(models.Model):
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    status = models.CharField(max_length=20, default="placed")
    seq = models.BigIntegerField(default=0)  # the head of the order's stream at its last change


def as_event(order: Order) -> Event:
    """Return the row as it looks on the wire. This changes only together with ``seq``."""
    return Event.of("order", order.pk, order.seq, {"id": order.pk, "status": order.status})


def changed_rows(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the rows with ``seq > after``, in ``seq`` order: a replay reads them."""
    return [
        as_event(order)
        for order in Order.objects.filter(pk=int(ident), seq__gt=after).order_by("seq")[:limit]
    ]


def authorise(claims: Sequence[Claim]) -> dict[Claim, HoldfastError]:
    """Return the refused claims, each with its reason. One query serves all claims."""
    wanted = Order.objects.filter(pk__in={int(claim.ident) for claim in claims})
    buyers = {str(pk): buyer_id for pk, buyer_id in wanted.values_list("pk", "buyer_id")}
    return {
        claim: NotFound("There is no such order.")
        for claim in claims
        if buyers.get(claim.ident) != claim.reader.user_id
    }


ORDERS = StreamKind("order", authorise, [changed_rows])  # registered in AppConfig.ready()


def set_status(order_id: int, status: str) -> Order:
    """Lock the head, change the row with the next number, and record it.

    The recorded event is published after the commit.
    """
    name = ORDERS.name(order_id)
    with changing(name) as heads:
        order = Order.objects.get(pk=order_id)
        order.status, order.seq = status, heads.next(name)
        order.save()
        heads.record(name, as_event(order))
    return order
