"""Inviting users to rooms. Nobody is added: an invited user accepts (joins) or declines (leaves).

Each invitation is decided under the locks of three streams: the room, the invited user's inbox and
the sender's, so that the limits hold on all nodes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from chat import policies
from chat.models import Membership, Role, Room, State
from chat.moderation import strangers
from chat.policies import Rank
from chat.queries import invitations, members, people, rooms
from chat.queries.blocks import blocked_pairs
from chat.services import notices
from chat.services.persistence import new_membership, save_membership, streams_of
from chat.services.room_notices import NOTICE_EVERY
from notifications.services import notify
from realtime.core.heads import Heads, changing
from realtime.core.users import User
from realtime.protocol.errors import Forbidden, RateLimited, TooMany

HOUR: Final = timedelta(hours=1)


def invite(*, actor_id: int, room_id: int, username: str) -> Membership:
    """Invite a user to a room. For a member, or one who is invited already, nothing changes.

    Members invite to public rooms, owners and moderators to private ones. A user who left the room
    or declined is not invited again until they have come back by themselves.
    """
    rooms.readable_room(room_id, actor_id)
    user = people.active_user(username)
    with changing(*streams_of(room_id, actor_id, user.pk)) as heads:
        room, member = rooms.room_access(room_id, actor_id)
        _check_may_invite(room, member)
        row = members.membership(room_id, user.pk)
        if row is not None and (policies.is_active(row) or policies.is_invited(row)):
            return row
        strangers.check_may_begin(actor_id)
        _check_may_be_invited(row, user, actor_id)
        check_sent(actor_id)
        return _invite(heads, room, row or new_membership(room, user, now=timezone.now()), actor_id)


def check_sent(actor_id: int, *, to: int = 1) -> None:
    """Raise ``RateLimited`` where a user invites, or writes to, too many people in an hour.

    ``to``: how many people this would reach.
    """
    most: int = settings.HOLDFAST_INVITATIONS
    now = timezone.now()
    sent = invitations.sent_since(actor_id, now - HOUR, most) if most else []
    if most and len(sent) + to > most:
        raise RateLimited(
            "You've invited or written to {count} new people in an hour, the most allowed."
            " Try again later.",
            count=most,
            retry_after=(_room_again(sent, most - to) + HOUR - now).total_seconds(),
        )


def _room_again(sent: Sequence[datetime], left: int) -> datetime:
    """Return when the one was sent that has to be older than an hour. ``sent``: newest first."""
    return sent[max(0, left)] if sent else timezone.now()


def _check_may_invite(room: Room, member: Membership | None) -> None:
    member = policies.check_member(room, member)
    policies.check_not_direct(room)
    policies.check_not_archived(room)
    if room.kind == Room.Kind.PRIVATE:
        policies.check_rank(policies.rank(member), Rank.MODERATOR)
    policies.check_not_muted(
        member, site_muted_until=members.site_muted_until(member), now=timezone.now()
    )


def _check_may_be_invited(row: Membership | None, user: User, actor_id: int) -> None:
    if policies.is_banned(row):
        raise Forbidden(
            "{name} is banned from this room. A moderator has to lift the ban first.",
            name=user.username,
        )
    if blocked_pairs([user.pk], [actor_id]):
        raise Forbidden("You can't invite this person.")
    if row is not None and row.refused_at is not None:
        raise Forbidden(
            "{name} left this room or declined an invitation. They can come back by themselves,"
            " or with an invitation link.",
            name=user.username,
        )
    in_all, of_actor = invitations.count_open(user.pk, invited_by=actor_id)
    if in_all >= invitations.MAX_OPEN or of_actor >= invitations.MAX_OPEN_OF_ONE_SENDER:
        raise TooMany(
            "{name} has not answered earlier invitations yet. Send an invitation link instead.",
            name=user.username,
        )


def _invite(heads: Heads, room: Room, row: Membership, actor_id: int) -> Membership:
    """Store the invitation. One that is withdrawn and sent again notifies once an hour."""
    now, before = timezone.now(), row.invited_at
    row.state, row.role, row.banned_until = State.INVITED, Role.MEMBER, None
    row.invited_by_id, row.invited_at = actor_id, now
    save_membership(heads, row)
    if before is None or before <= now - NOTICE_EVERY:
        notify(heads, notices.invitation_notice(room, row.user_id, actor_id=actor_id))
    return row
