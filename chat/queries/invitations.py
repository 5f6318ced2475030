"""Invitations of users to rooms: the open ones, and how many someone has sent recently."""

from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from chat.models import Block, Membership, Room, State

# Open at once, of one user. Those of one sender are fewer, so that one cannot use them all up.
MAX_OPEN: Final = 100
MAX_OPEN_OF_ONE_SENDER: Final = 3


def open_invitations(user_id: int) -> list[Membership]:
    """Return the rooms that a user is invited to, newest first, without those of blocked users."""
    rows = _open(user_id).select_related("room", "invited_by").order_by("-invited_at", "-pk")
    return list(rows[:MAX_OPEN])


def count_open(user_id: int, *, invited_by: int) -> tuple[int, int]:
    """Return how many invitations of a user are open, in all and of one sender."""
    senders = list(_open(user_id).values_list("invited_by", flat=True)[:MAX_OPEN])
    return len(senders), senders.count(invited_by)


def sent_since(user_id: int, since: datetime, limit: int) -> list[datetime]:
    """Return when a user sent the newest invitations, and began conversations, newest first.

    A group counts once for each of the people.
    """
    invited = Membership.objects.filter(invited_by=user_id, invited_at__gt=since)
    begun = Room.objects.filter(
        created_by=user_id, kind=Room.Kind.DIRECT, created_at__gt=since
    ).order_by("-created_at")
    newest = [
        *invited.order_by("-invited_at").values_list("invited_at", flat=True)[:limit],
        *(
            at
            for at, key in begun.values_list("created_at", "direct_key")[:limit]
            for _ in range((key or "").count(":"))
        ),
    ]
    return sorted((at for at in newest if at is not None), reverse=True)[:limit]


def _open(user_id: int) -> "QuerySet[Membership]":
    blocked = Block.objects.filter(
        user_id=user_id, blocked=OuterRef("invited_by"), lifted_at__isnull=True
    )
    rows = Membership.objects.filter(user_id=user_id, state=State.INVITED)
    return rows.filter(~Exists(blocked), room__archived_at=None)
