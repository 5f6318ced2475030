"""A member's own settings of a room: what they are notified of, and whether it is a favourite."""

from datetime import timedelta
from typing import Final

from django.db.models import Max
from django.utils import timezone

from chat import payloads, policies
from chat.models import Involvement, Membership
from chat.queries import rooms
from chat.services.persistence import save_membership, streams_of
from notifications.payloads import inbox
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest

# Positive or negative. A client can insert about 50 times between two neighbours.
MAX_ORDER: Final = 1e9


def set_involvement(*, actor_id: int, room_id: int, involvement: str) -> Membership:
    """Set the actor's notification level for a room."""
    if involvement not in Involvement.values:
        raise BadRequest(
            "involvement: expected one of {values}", values=", ".join(Involvement.values)
        )
    rooms.room(room_id)
    with changing(*streams_of(room_id, actor_id)) as heads:
        room, row = rooms.room_access(room_id, actor_id)
        row = policies.check_member(room, row)
        if row.involvement != involvement:
            row.involvement = involvement
            save_membership(heads, row)
    return row


def set_quiet(*, actor_id: int, room_id: int, seconds: int) -> Membership:
    """Notify the actor of nothing in a room for a time; 0 ends it. Only their inbox shows it.

    The notification level stays as it is, and counts again afterwards.
    """
    policies.check_seconds(seconds, name="quiet_for", limit=policies.MAX_QUIET)
    rooms.room(room_id)
    stream = inbox(actor_id)
    with changing(stream) as heads:
        room, row = rooms.room_access(room_id, actor_id)
        row = policies.check_member(room, row)
        until = timezone.now() + timedelta(seconds=seconds) if seconds else None
        if row.quiet_until == until:
            return row
        row.quiet_until = until
        row.inbox_seq = heads.next(stream)
        row.save(update_fields=["quiet_until", "inbox_seq"])
        heads.record(stream, payloads.inbox_event(row))
    return row


def set_favourite(
    *, actor_id: int, room_id: int, favourite: bool, order: float | None = None
) -> Membership:
    """Add a room to the favourites, or remove it. Only the actor's inbox shows it.

    Without ``order`` a new favourite comes last, and an existing one keeps its place.
    """
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
