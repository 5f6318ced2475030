"""Invitation links: created and revoked by moderators of the room, used by anyone who has one.

A use is counted in the transaction that adds the member, under the lock of the room, so a link
never admits more people than it allows. A link admits users who left or were removed, but not
banned ones.
"""

import secrets
from datetime import timedelta
from typing import Final, NamedTuple

from django.utils import timezone

from chat import payloads, policies
from chat.errors import LinkOver
from chat.models import InviteLink, Membership, ModerationLog, Room
from chat.policies import Rank
from chat.queries import invite_links, members, people, rooms
from chat.queries.moderation.reports import is_reported
from chat.services.persistence import admit, log, new_membership, streams_of
from chat.services.rights import check_moderates
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, Forbidden, TooMany

TOKEN_BYTES: Final = 24  # 192 bits cannot be guessed


class MadeLink(NamedTuple):
    """A new link with its token, which is stored nowhere."""

    row: InviteLink
    token: str


def make_invite_link(*, actor_id: int, room_id: int, seconds: int, max_uses: int) -> MadeLink:
    """Create a link that works for this long and this many people. For owners and moderators."""
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
        acting = check_moderates(room, member, actor_id)
        policies.check_not_direct(room)
        policies.check_not_archived(room)
        if acting == Rank.SITE and room.kind == Room.Kind.PRIVATE and not is_reported(room_id):
            raise Forbidden(
                "Only its owners and moderators invite to a private room. Site moderators can when"
                " someone has reported a message in it."
            )
        now = timezone.now()
        if len(invite_links.usable(room_id, now=now)) >= invite_links.MAX_USABLE:
            raise TooMany(
                "This room has {limit} invitation links, the most allowed. Revoke one first.",
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
        log(ModerationLog.Action.LINK, actor_id=actor_id, reason="", room=room, details=details)
    return MadeLink(invite_links.by_id(row.pk), token)


def check_may_see_links(*, actor_id: int, room_id: int) -> None:
    room, member = rooms.room_access(room_id, actor_id)
    check_moderates(room, member, actor_id)


def revoke_invite_link(*, actor_id: int, room_id: int, link_id: int) -> InviteLink:
    """Revoke a link. Repeating it changes nothing, and members who used it stay."""
    rooms.room(room_id)
    with changing(payloads.stream(room_id)):
        room, member = rooms.room_access(room_id, actor_id)
        check_moderates(room, member, actor_id)
        row = invite_links.by_id(link_id, room_id=room_id)
        if row.revoked_at is None:
            row.revoked_at, row.revoked_by_id = timezone.now(), actor_id
            row.save(update_fields=["revoked_at", "revoked_by"])
            log(
                ModerationLog.Action.REVOKE_LINK,
                actor_id=actor_id,
                reason="",
                room=room,
                details={"link": row.pk},
            )
    return row


def join_by_link(*, actor_id: int, token: str) -> Membership:
    """Join a room by a link. For a member nothing changes, and no use is counted."""
    user = people.active_user_by_id(actor_id)
    found = invite_links.by_token(token)
    with changing(*streams_of(found.room_id, actor_id)) as heads:
        room, row = rooms.room_access(found.room_id, actor_id)
        if row is not None and policies.is_active(row):
            return row
        if policies.is_banned(row):
            raise Forbidden("You are banned from this room.")
        # Read again under the lock, which everyone who uses the link waits for.
        link = invite_links.by_id(found.pk)
        problem = invite_links.problem(link, room, now=timezone.now())
        if problem is not None:
            raise LinkOver(str(invite_links.WORDS[problem]))
        policies.check_number_of_rooms(members.count_rooms(actor_id))
        row = row or new_membership(room, user, now=timezone.now())
        admit(heads, room, row)
        link.uses += 1
        link.save(update_fields=["uses"])
    return row
