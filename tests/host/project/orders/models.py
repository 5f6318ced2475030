"""Orders with UUID keys, which their buyers follow live."""

import uuid
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import models

from holdfast import Claim, Event, HoldfastError, NotFound, StreamKind, changing


class Order(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    status = models.CharField(max_length=20, default="placed")
    seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"order {self.pk}"


def as_event(order: Order) -> Event:
    return Event.of("order", order.pk, order.seq, {"id": order.pk, "status": order.status})


def changed_rows(ident: str, after: int, limit: int) -> Iterable[Event]:
    return map(as_event, Order.objects.filter(pk=ident, seq__gt=after).order_by("seq")[:limit])


def authorise(claims: Sequence[Claim]) -> dict[Claim, HoldfastError]:
    rows = Order.objects.filter(pk__in={claim.ident for claim in claims})
    buyers = {str(pk): buyer for pk, buyer in rows.values_list("pk", "buyer_id")}
    return {
        claim: NotFound("There is no such order.")
        for claim in claims
        if buyers.get(claim.ident) != claim.reader.user_id
    }


ORDERS = StreamKind("order", authorise, [changed_rows], ident="uuid")


def set_status(order_id: uuid.UUID, status: str) -> Order:
    name = ORDERS.name(order_id)
    with changing(name) as heads:
        order, _ = Order.objects.get_or_create(pk=order_id)
        order.status, order.seq = status, heads.next(name)
        order.save()
        heads.record(name, as_event(order))
    return order
