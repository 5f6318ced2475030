"""Moderation of users on the whole site: ban and mute.

Every action has a reason and an entry in the log, and notifies the user.
"""

from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from chat import policies
from chat.models import REASON_MAX_LENGTH, ModerationLog, SiteBan, SiteMute
from chat.moderation import site_bans
from chat.payloads import moment
from chat.queries import people
from chat.services import notices
from chat.services.messages.muting import set_mute
from chat.services.moderation.values import ban_end, clean_reason
from chat.services.persistence import log
from chat.services.rights import check_above_on_site
from notifications.payloads import inbox
from notifications.services import notify
from realtime.auth.revocation import end_sessions_within
from realtime.core.heads import changing
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import NotFound


def site_ban(*, actor_id: int, user_id: int, reason: str, seconds: int | None = None) -> SiteBan:
    """Ban a user from the whole site, for this many seconds or until it is lifted.

    Their sockets close at once. A user who is banned already stays banned, with the first reason
    but until the new time.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH, required=True)
    until = ban_end(seconds)
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
        notice = notices.moderation_notice(
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
    reason = clean_reason(reason)
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
        notice = notices.moderation_notice(
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
    reason = clean_reason(reason)
    policies.check_seconds(seconds, name="muted_for", limit=policies.MAX_MUTE)
    people.user(user_id)
    check_above_on_site(actor_id, user_id)
    with changing(inbox(user_id)) as heads:
        until = timezone.now() + timedelta(seconds=seconds) if seconds else None
        row = SiteMute.objects.filter(pk=user_id).first() or SiteMute(user_id=user_id)
        if until is None and (row.until is None or row.until <= timezone.now()):
            return None
        set_mute(heads, row, until, actor_id=actor_id, reason=reason)
    return until


def _close_ended_bans(user_id: int) -> None:
    """Mark expired bans as lifted, because a user has at most one ban that is not."""
    SiteBan.objects.filter(user_id=user_id, lifted_at=None, until__lte=timezone.now()).update(
        lifted_at=F("until")
    )
