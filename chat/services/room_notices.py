"""Notifications of what someone did to a member of a room.

A moderator of the site speaks with the site's authority. Owners and moderators of a room are
ordinary users, and so is what they write: their notifications have a kind of their own, which a
reader can switch off. They reach members only, cross no block, and come at most once an hour for
a member and room.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.utils import timezone

from chat.models import Membership, Message, Room
from chat.policies import Rank
from chat.queries.blocks import blocked_pairs
from chat.queries.people import site_muted_until
from chat.services import notices
from notifications.models import Level
from notifications.services import notify
from realtime.core.heads import Heads

NOTICE_EVERY: Final = timedelta(hours=1)  # for a member and room, by all actors together


class Actor(NamedTuple):
    """The user who acts, and the rank with which they do."""

    user_id: int
    rank: Rank


def notify_of_act(
    heads: Heads,
    room: Room,
    row: Membership,
    act: str,
    *,
    actor: Actor,
    message: Message | None = None,
    reason: str = "",
    level: str = Level.INFO,
    details: Mapping[str, Any] | None = None,
    was_member: bool = True,
) -> None:
    """Notify the user of ``row``, whose inbox is locked. ``was_member``: until this act, or still.

    A reason that a user writes who is muted on the whole site is left out.
    """
    if row.user_id == actor.user_id:
        return
    if actor.rank == Rank.SITE:
        notice = notices.moderation_notice(
            row.user_id,
            act,
            room=room,
            message=message,
            actor_id=actor.user_id,
            reason=reason,
            level=level,
            details=details,
        )
        notify(heads, notice)
        return
    now = timezone.now()
    if not was_member or (row.noticed_at is not None and row.noticed_at > now - NOTICE_EVERY):
        return
    both = (row.user_id, actor.user_id)
    if blocked_pairs(both, both):
        return
    muted_until = site_muted_until(actor.user_id)
    notice = notices.room_notice(
        row.user_id,
        act,
        room=room,
        message=message,
        actor_id=actor.user_id,
        reason="" if muted_until is not None and muted_until > now else reason,
        details=details,
    )
    if notify(heads, notice) is not None:
        row.noticed_at = now
        Membership.objects.filter(pk=row.pk).update(noticed_at=now)
