"""What moderators do to people. Each act has a reason, an entry in the log, and a notification to the person concerned."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from chat import policies
from chat.models import REASON_MAX_LENGTH, Membership, ModerationLog, Room, SiteBan, SiteMute, State
from chat.moderation import site_bans
from chat.payloads import moment
from chat.queries import selectors
from chat.services.members import ending
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
from realtime.site.time_zones import written

Action = ModerationLog.Action
_WORDS: Final = {
    Action.MUTE: "muted you",
    Action.UNMUTE: "lets you speak again",
    Action.REMOVE: "removed you from the room",
    Action.BAN: "banned you from the room",
    Action.UNBAN: "lifted your ban; you may come back",
}


def mute(
    *, actor_id: int, room_id: int, user_id: int, seconds: int, reason: str = ""
) -> Membership:
    """Silence a member for so many seconds; 0 lets them speak again."""
    reason = _reason(reason)
    policies.check_seconds(seconds, name="muted_for", limit=policies.MAX_MUTE)
    selectors.room(room_id)
    selectors.user(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, row = selectors.standing(room_id, user_id)
        _check_may_act(room, row, user_id, actor_id)
        row = _known_member(row)
        until = timezone.now() + timedelta(seconds=seconds) if seconds else None
        if row.muted_until == until:
            return row
        row.muted_until = until
        save_membership(heads, row)
        _note(
            heads,
            Action.MUTE if until else Action.UNMUTE,
            room,
            user_id,
            actor_id,
            reason,
            {"until": moment(until)} if until else {},
        )
    return row


def remove(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Put a member out of the room. They may come back: into a public room by themselves."""
    reason = _reason(reason)

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        _check_may_act(room, row, user_id, actor_id)
        row = _known_member(row)
        dismiss(heads, room, row, State.REMOVED)
        _note(heads, Action.REMOVE, room, user_id, actor_id, reason)
        return row

    selectors.user(user_id)
    return ending(room_id, user_id, act)


def ban(
    *, actor_id: int, room_id: int, user_id: int, seconds: int | None = None, reason: str = ""
) -> Membership:
    """Put somebody out of the room, member or not, and keep them out: for so many seconds, or until it is lifted.

    Who is banned until it is lifted stays so, unless it is now to end by itself.
    """
    reason = _reason(reason)
    until = _until(seconds)
    user = selectors.user(user_id)

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        _check_may_act(room, row, user_id, actor_id)
        if row is not None and policies.is_banned(row) and row.banned_until == until:
            return row
        row = row or new_membership(room, user, now=timezone.now())
        dismiss(heads, room, row, State.BANNED, until=until)
        details = {"until": moment(until)} if until else None
        _note(heads, Action.BAN, room, user_id, actor_id, reason, details)
        return row

    return ending(room_id, user_id, act)


def unban(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Let somebody come back; their state is then ``left``: they join again, or are invited."""
    reason = _reason(reason)
    selectors.room(room_id)
    selectors.user(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, row = selectors.standing(room_id, user_id)
        _check_may_act(room, row, user_id, actor_id)
        if row is None or row.state != State.BANNED:
            raise NotFound("Nobody of this name is banned from the room.")
        dismiss(heads, room, row, State.LEFT)
        _note(heads, Action.UNBAN, room, user_id, actor_id, reason)
    return row


def site_ban(*, actor_id: int, user_id: int, reason: str, seconds: int | None = None) -> SiteBan:
    """Keep somebody out of the whole site, for so many seconds or until it is lifted. Their sockets close at once.

    Who is banned already stays so, for the first reason, but for as long as is said now.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH, required=True)
    until = _until(seconds)
    user = selectors.user(user_id)
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
                    Action.SITE_BAN,
                    actor_id=actor_id,
                    reason=reason,
                    subject_id=user_id,
                    details=details,
                )
            return standing
        row = SiteBan.objects.create(user=user, reason=reason, created_by_id=actor_id, until=until)
        end_sessions_within(
            heads, user_id, code=CloseCode.BANNED, reason=site_bans.in_words(reason, until)
        )
        log(
            Action.SITE_BAN,
            actor_id=actor_id,
            reason=reason,
            subject_id=user_id,
            details=details,
        )
        title = "You were banned from this site"
        notify(
            heads,
            user_id=user_id,
            kind="moderation",
            title=title,
            body=reason,
            level="critical",
            actor_id=actor_id,
        )
    return row


def site_unban(*, actor_id: int, user_id: int, reason: str = "") -> SiteBan:
    """Let somebody in again."""
    reason = _reason(reason)
    check_above_on_site(actor_id, user_id)
    selectors.user(user_id)
    with changing(inbox(user_id)) as heads:
        _close_ended_bans(user_id)
        row = SiteBan.objects.filter(user_id=user_id, lifted_at=None).first()
        if row is None:
            raise NotFound("Nobody of this name is banned from the site.")
        row.lifted_at, row.lifted_by_id = timezone.now(), actor_id
        row.save()
        log(Action.SITE_UNBAN, actor_id=actor_id, reason=reason, subject_id=user_id)
        title = "Your ban from this site was lifted"
        notify(
            heads,
            user_id=user_id,
            kind="moderation",
            title=title,
            body=reason,
            level="success",
            actor_id=actor_id,
        )
    return row


def site_mute(*, actor_id: int, user_id: int, seconds: int, reason: str = "") -> datetime | None:
    """Let somebody write in no room for so many seconds; 0 lets them speak again. Returns until when."""
    reason = _reason(reason)
    policies.check_seconds(seconds, name="muted_for", limit=policies.MAX_MUTE)
    selectors.user(user_id)
    check_above_on_site(actor_id, user_id)
    with changing(inbox(user_id)) as heads:
        until = timezone.now() + timedelta(seconds=seconds) if seconds else None
        row = SiteMute.objects.filter(pk=user_id).first() or SiteMute(user_id=user_id)
        if until is None and (row.until is None or row.until <= timezone.now()):
            return None
        row.until, row.reason, row.created_by_id = until, reason, actor_id
        save_site_mute(heads, row)
        action = Action.SITE_MUTE if until else Action.SITE_UNMUTE
        log(
            action,
            actor_id=actor_id,
            reason=reason,
            subject_id=user_id,
            details={"until": moment(until)} if until else {},
        )
        title = (
            f"A moderator muted you in all rooms {_until_in_words(until)}"
            if until
            else "A moderator lets you speak again, in all rooms"
        )
        level = "warning" if until else "success"
        notify(
            heads,
            user_id=user_id,
            kind="moderation",
            title=title,
            body=reason,
            level=level,
            actor_id=actor_id,
        )
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


def _until_in_words(until: datetime | None) -> str:
    return f"until {written(until)}" if until else ""


def _close_ended_bans(user_id: int) -> None:
    """Note on a ban whose time has come that it is over, so that another can stand."""
    SiteBan.objects.filter(user_id=user_id, lifted_at=None, until__lte=timezone.now()).update(
        lifted_at=F("until")
    )


def _reason(text: str) -> str:
    return policies.clean(text, name="reason", limit=REASON_MAX_LENGTH)


def _check_may_act(room: Room, subject: Membership | None, subject_id: int, actor_id: int) -> None:
    """Raise where the actor does not moderate the room, or does not stand above the person concerned."""
    acting = check_moderates(room, selectors.membership(room.pk, actor_id), actor_id)
    policies.check_not_direct(room)
    if subject_id == actor_id:
        raise Forbidden("You cannot do that to yourself.")
    check_above(room, acting, subject, subject_id)


def _ends(action: Action, details: dict[str, Any] | None) -> str:
    until = (
        parse_datetime((details or {}).get("until", ""))
        if action in (Action.BAN, Action.MUTE)
        else None
    )
    return f" {_until_in_words(until)}" if until else ""


def _known_member(row: Membership | None) -> Membership:
    if row is None or not policies.is_active(row):
        raise NotFound("There is no such member.")
    return row


def _note(
    heads: Heads,
    action: Action,
    room: Room,
    user_id: int,
    actor_id: int,
    reason: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Log an act, and tell the person concerned."""
    log(
        action,
        actor_id=actor_id,
        reason=reason,
        room=room,
        subject_id=user_id,
        details=details,
    )
    is_mercy = action in (Action.UNMUTE, Action.UNBAN)
    notify(
        heads,
        user_id=user_id,
        kind="moderation",
        title=f"{room}: a moderator {_WORDS[action]}{_ends(action, details)}",
        body=reason,
        url="" if action in (Action.REMOVE, Action.BAN) else room.get_absolute_url(),
        actor_id=actor_id,
        level="success" if is_mercy else "warning",
    )
