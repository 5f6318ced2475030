"""Moderation of users: in a room, and on the whole site.

Every action has a reason and an entry in the log, and notifies the user.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from chat import policies
from chat.models import REASON_MAX_LENGTH, Membership, ModerationLog, Room, SiteBan, SiteMute, State
from chat.moderation import site_bans
from chat.payloads import moment
from chat.queries import members, people, rooms
from chat.services import recipients
from chat.services.members import end_membership
from chat.services.persistence import (
    dismiss,
    log,
    new_membership,
    save_membership,
    save_site_mute,
    streams_of,
)
from chat.services.rights import check_above, check_above_on_site, check_moderates
from notifications.payloads import inbox
from notifications.services import notify
from realtime.auth.revocation import end_sessions_within
from realtime.core.heads import Heads, changing
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import BadRequest, Forbidden, NotFound


def mute(
    *, actor_id: int, room_id: int, user_id: int, seconds: int, reason: str = ""
) -> Membership:
    """Mute a member for this many seconds; 0 unmutes."""
    reason = _reason(reason)
    policies.check_seconds(seconds, name="muted_for", limit=policies.MAX_MUTE)
    rooms.room(room_id)
    people.user(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, row = rooms.room_access(room_id, user_id)
        _check_may_act(room, row, user_id, actor_id)
        row = _known_member(row)
        until = timezone.now() + timedelta(seconds=seconds) if seconds else None
        if row.muted_until == until:
            return row
        row.muted_until = until
        save_membership(heads, row)
        _note(
            heads,
            ModerationLog.Action.MUTE if until else ModerationLog.Action.UNMUTE,
            room,
            user_id,
            actor_id,
            reason,
            {"until": moment(until)} if until else {},
        )
    return row


def remove(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Remove a member from the room. They may join a public room again."""
    reason = _reason(reason)

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        _check_may_act(room, row, user_id, actor_id)
        row = _known_member(row)
        dismiss(heads, room, row, State.REMOVED)
        _note(heads, ModerationLog.Action.REMOVE, room, user_id, actor_id, reason)
        return row

    people.user(user_id)
    return end_membership(room_id, user_id, act)


def ban(
    *, actor_id: int, room_id: int, user_id: int, seconds: int | None = None, reason: str = ""
) -> Membership:
    """Ban a user from the room, member or not, for this many seconds or until it is lifted.

    A user who is banned already stays banned until the new time.
    """
    reason = _reason(reason)
    until = _until(seconds)
    user = people.user(user_id)

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        _check_may_act(room, row, user_id, actor_id)
        if row is not None and policies.is_banned(row) and row.banned_until == until:
            return row
        row = row or new_membership(room, user, now=timezone.now())
        dismiss(heads, room, row, State.BANNED, until=until)
        details = {"until": moment(until)} if until else None
        _note(heads, ModerationLog.Action.BAN, room, user_id, actor_id, reason, details)
        return row

    return end_membership(room_id, user_id, act)


def unban(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Lift a ban. The user's state is then ``left``, so they can join or be invited again."""
    reason = _reason(reason)
    rooms.room(room_id)
    people.user(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, row = rooms.room_access(room_id, user_id)
        _check_may_act(room, row, user_id, actor_id)
        if row is None or row.state != State.BANNED:
            raise NotFound("This person isn't banned from the room.")
        dismiss(heads, room, row, State.LEFT)
        _note(heads, ModerationLog.Action.UNBAN, room, user_id, actor_id, reason)
    return row


def site_ban(*, actor_id: int, user_id: int, reason: str, seconds: int | None = None) -> SiteBan:
    """Ban a user from the whole site, for this many seconds or until it is lifted.

    Their sockets close at once. A user who is banned already stays banned, with the first reason
    but until the new time.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH, required=True)
    until = _until(seconds)
    user = people.user(user_id)
    check_above_on_site(actor_id, user_id)
    details = {"until": moment(until)} if until else {}
    with changing(inbox(user_id)) as heads:
        _close_ended_bans(user_id)
        standing = SiteBan.objects.filter(user=user, lifted_at=None).first()
        if standing is not None:
            if standing.until != until:
                standing.until = until
                standing.save(update_fields=["until"])
                log(
                    ModerationLog.Action.SITE_BAN,
                    actor_id=actor_id,
                    reason=reason,
                    subject_id=user_id,
                    details=details,
                )
            return standing
        row = SiteBan.objects.create(user=user, reason=reason, created_by_id=actor_id, until=until)
        end_sessions_within(
            heads, user_id, code=CloseCode.BANNED, reason=str(site_bans.refusal(reason, until))
        )
        log(
            ModerationLog.Action.SITE_BAN,
            actor_id=actor_id,
            reason=reason,
            subject_id=user_id,
            details=details,
        )
        notice = recipients.moderation_notice(
            user_id,
            ModerationLog.Action.SITE_BAN,
            actor_id=actor_id,
            reason=reason,
            level="critical",
            details=details,
        )
        notify(heads, notice)
    return row


def site_unban(*, actor_id: int, user_id: int, reason: str = "") -> SiteBan:
    reason = _reason(reason)
    check_above_on_site(actor_id, user_id)
    people.user(user_id)
    with changing(inbox(user_id)) as heads:
        _close_ended_bans(user_id)
        row = SiteBan.objects.filter(user_id=user_id, lifted_at=None).first()
        if row is None:
            raise NotFound("This person isn't banned from the site.")
        row.lifted_at, row.lifted_by_id = timezone.now(), actor_id
        row.save()
        log(ModerationLog.Action.SITE_UNBAN, actor_id=actor_id, reason=reason, subject_id=user_id)
        notice = recipients.moderation_notice(
            user_id,
            ModerationLog.Action.SITE_UNBAN,
            actor_id=actor_id,
            reason=reason,
            level="success",
        )
        notify(heads, notice)
    return row


def site_mute(*, actor_id: int, user_id: int, seconds: int, reason: str = "") -> datetime | None:
    """Mute a user in all rooms for this many seconds; 0 unmutes. Returns until when."""
    reason = _reason(reason)
    policies.check_seconds(seconds, name="muted_for", limit=policies.MAX_MUTE)
    people.user(user_id)
    check_above_on_site(actor_id, user_id)
    with changing(inbox(user_id)) as heads:
        until = timezone.now() + timedelta(seconds=seconds) if seconds else None
        row = SiteMute.objects.filter(pk=user_id).first() or SiteMute(user_id=user_id)
        if until is None and (row.until is None or row.until <= timezone.now()):
            return None
        row.until, row.reason, row.created_by_id = until, reason, actor_id
        save_site_mute(heads, row)
        action = ModerationLog.Action.SITE_MUTE if until else ModerationLog.Action.SITE_UNMUTE
        details = {"until": moment(until)} if until else {}
        log(action, actor_id=actor_id, reason=reason, subject_id=user_id, details=details)
        level = "warning" if until else "success"
        notice = recipients.moderation_notice(
            user_id, action, actor_id=actor_id, reason=reason, level=level, details=details
        )
        notify(heads, notice)
    return until


def _until(seconds: int | None) -> datetime | None:
    if seconds is None:
        return None
    if seconds < 1:
        raise BadRequest(
            "banned_for: expected 1 to {most} seconds, got {seconds}",
            most=policies.MAX_BAN,
            seconds=seconds,
        )
    policies.check_seconds(seconds, name="banned_for", limit=policies.MAX_BAN)
    return timezone.now() + timedelta(seconds=seconds)


def _close_ended_bans(user_id: int) -> None:
    """Mark expired bans as lifted, because a user has at most one ban that is not."""
    SiteBan.objects.filter(user_id=user_id, lifted_at=None, until__lte=timezone.now()).update(
        lifted_at=F("until")
    )


def _reason(text: str) -> str:
    return policies.clean(text, name="reason", limit=REASON_MAX_LENGTH)


def _check_may_act(room: Room, subject: Membership | None, subject_id: int, actor_id: int) -> None:
    """Raise unless the actor moderates the room and outranks the subject."""
    acting = check_moderates(room, members.membership(room.pk, actor_id), actor_id)
    policies.check_not_direct(room)
    if subject_id == actor_id:
        raise Forbidden("You can't do that to yourself.")
    check_above(room, acting, subject, subject_id)


def _known_member(row: Membership | None) -> Membership:
    if row is None or not policies.is_active(row):
        raise NotFound("There is no such member.")
    return row


def _note(
    heads: Heads,
    action: ModerationLog.Action,
    room: Room,
    user_id: int,
    actor_id: int,
    reason: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Log an action and notify the user."""
    log(
        action,
        actor_id=actor_id,
        reason=reason,
        room=room,
        subject_id=user_id,
        details=details,
    )
    is_lifted = action in (ModerationLog.Action.UNMUTE, ModerationLog.Action.UNBAN)
    notice = recipients.moderation_notice(
        user_id,
        action,
        room=room,
        actor_id=actor_id,
        reason=reason,
        level="success" if is_lifted else "warning",
        details=details,
    )
    notify(heads, notice)
