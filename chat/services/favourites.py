"""Which rooms somebody wants at hand, and in which order. That concerns nobody else, so it changes the inbox and not the room."""

from typing import Final

from django.db.models import Max

from chat import payloads, policies
from chat.models import Membership
from chat.queries import rooms
from notifications.payloads import inbox
from realtime.core.heads import changing

# Either way; between two neighbours there is room for 50 more before a client has to spread them.
MAX_ORDER: Final = 1e9


def set_favourite(
    *, actor_id: int, room_id: int, favourite: bool, order: float | None = None
) -> Membership:
    """Make a room a favourite, or an ordinary one again. Without ``order`` a new one is the last, and an old one stays where it is."""
    policies.check_order(order, limit=MAX_ORDER)
    rooms.room(room_id)
    stream = inbox(actor_id)
    with changing(stream) as heads:
        room, row = rooms.room_access(room_id, actor_id)
        row = policies.check_member(room, row)
        if not favourite:
            order = 0
        elif order is None:
            order = row.favourite_order if row.favourite else _after_all(actor_id)
        if (row.favourite, row.favourite_order) == (favourite, order):
            return row
        row.favourite, row.favourite_order = favourite, order
        row.inbox_seq = heads.next(stream)
        row.save(update_fields=["favourite", "favourite_order", "inbox_seq"])
        heads.record(stream, payloads.inbox_event(row))
    return row


def _after_all(user_id: int) -> float:
    last: float | None = Membership.objects.filter(user_id=user_id, favourite=True).aggregate(
        last=Max("favourite_order")
    )["last"]
    return 0 if last is None else min(last + 1, MAX_ORDER)
