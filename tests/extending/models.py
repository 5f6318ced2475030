"""A kind of stream in one file: buyers follow all their orders live."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import models

from holdfast import Claim, HoldfastError, NotFound, StreamRow


class Order(StreamRow):
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    status = models.CharField(max_length=20, default="placed")

    stream_prefix = "orders"  # the stream of buyer 7 is `orders.7`
    stream_field = "buyer"
    row_kind = "order"

    class Meta:
        indexes = [models.Index(fields=["buyer", "seq"], name="order_buyer_seq")]

    def payload(self) -> dict[str, Any]:
        """Return the row as clients see it."""
        return {"id": self.pk, "status": self.status}


def authorise(claims: Sequence[Claim]) -> dict[Claim, HoldfastError]:
    """Return the refused claims, each with its reason: buyers read their own orders."""
    return {
        claim: NotFound("There is no such stream.")
        for claim in claims
        if claim.ident != str(claim.reader.user_id)
    }


ORDERS = Order.kind_of_stream(authorise)  # registered in AppConfig.ready()
