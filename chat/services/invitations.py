"""Links that let people into a room: made and revoked by those who moderate it, used by whoever holds one.

A use is counted in the transaction of the join, under the lock of the room, so no link lets in more people than it may. A link is as good
as an invitation by name: it lets in who has left or was removed, and nobody who is banned.
"""

import secrets
from datetime import timedelta
from typing import Final, NamedTuple

from django.utils import timezone

from chat import payloads, policies
from chat.errors import LinkOver
from chat.models import InviteLink, Membership, ModerationLog
from chat.queries import invite_links, members, people, rooms
from chat.services.persistence import admit, log, new_membership, streams_of
from chat.services.rights import check_moderates
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, Forbidden, TooMany

TOKEN_BYTES: Final = 24  # 192 bits: nobody finds one by guessing
Action = ModerationLog.Action


class MadeLink(NamedTuple):
    """A new link, and its token, which is nowhere else."""

    row: InviteLink
    token: str


def make_invite_link(*, actor_id: int, room_id: int, seconds: int, max_uses: int) -> MadeLink:
    """Make a link into a room, for so many seconds and people. For owners and moderators."""
    if not invite_links.MIN_SECONDS <= seconds <= invite_links.MAX_SECONDS:
        least, most = invite_links.MIN_SECONDS, invite_links.MAX_SECONDS
        raise BadRequest(
            "seconds: expected {least} (an hour) to {most} (30 days), got {got}",
            least=least,
            most=most,
            got=seconds,
        )
    if not 1 <= max_uses <= invite_links.MAX_USES:
        raise BadRequest(
            "max_uses: expected 1 to {most}, got {got}", most=invite_links.MAX_USES, got=max_uses
        )
    rooms.room(room_id)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with changing(payloads.stream(room_id)):
        room, member = rooms.room_access(room_id, actor_id)
        check_moderates(room, member, actor_id)
        policies.check_not_direct(room)
        policies.check_not_archived(room)
        now = timezone.now()
        if len(invite_links.usable(room_id, now=now)) >= invite_links.MAX_USABLE:
            raise TooMany(
                "A room has at most {limit} links at a time; revoke one first.",
                limit=invite_links.MAX_USABLE,
            )
        row = InviteLink.objects.create(
            room=room,
            digest=invite_links.digest(token),
            created_by_id=actor_id,
            created_at=now,
            expires_at=now + timedelta(seconds=seconds),
            max_uses=max_uses,
        )
        details = {"link": row.pk, "seconds": seconds, "uses": max_uses}
        log(Action.LINK, actor_id=actor_id, reason="", room=room, details=details)
    return MadeLink(invite_links.by_id(row.pk), token)


def check_may_see_links(*, actor_id: int, room_id: int) -> None:
    """Raise what others than those who moderate the room are told."""
    room, member = rooms.room_access(room_id, actor_id)
    check_moderates(room, member, actor_id)


def revoke_invite_link(*, actor_id: int, room_id: int, link_id: int) -> InviteLink:
    """End a link; a repeat changes nothing. Who came in by it stays."""
    rooms.room(room_id)
    with changing(payloads.stream(room_id)):
        room, member = rooms.room_access(room_id, actor_id)
        check_moderates(room, member, actor_id)
        row = invite_links.by_id(link_id, room_id=room_id)
        if row.revoked_at is None:
            row.revoked_at, row.revoked_by_id = timezone.now(), actor_id
            row.save(update_fields=["revoked_at", "revoked_by"])
            log(
                Action.REVOKE_LINK,
                actor_id=actor_id,
                reason="",
                room=room,
                details={"link": row.pk},
            )
    return row


def join_by_link(*, actor_id: int, token: str) -> Membership:
    """Become a member by a link. Who is one already stays one, and no use is counted."""
    user = people.active_user_by_id(actor_id)
    found = invite_links.by_token(token)
    with changing(*streams_of(found.room_id, actor_id)) as heads:
        room, row = rooms.room_access(found.room_id, actor_id)
        if row is not None and policies.is_active(row):
            return row
        if policies.is_banned(row):
            raise Forbidden("You are banned from this room.")
        link = invite_links.by_id(found.pk)  # as of the lock, which all who come in by it wait for
        problem = invite_links.problem(link, room, now=timezone.now())
        if problem is not None:
            raise LinkOver(str(invite_links.WORDS[problem]))
        policies.check_number_of_rooms(members.count_rooms(actor_id))
        row = row or new_membership(room, user, now=timezone.now())
        admit(heads, room, row)
        link.uses += 1
        link.save(update_fields=["uses"])
    return row
