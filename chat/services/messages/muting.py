"""Mutes in all rooms: by moderators, and by filters for a word that an author has used."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from chat.models import ModerationLog, SiteMute
from chat.payloads import moment
from chat.services import notices
from chat.services.persistence import log, save_site_mute, system_user
from chat.services.rights import is_staff
from notifications.payloads import inbox
from notifications.services import notify
from realtime.core.heads import Heads, changing

FILTER_MUTE: Final = "filter_mute"  # the act of the notification
# Messages that were on their way together make one mute, one entry and one notification.
SAME_MUTE: Final = timedelta(minutes=1)


def mute_by_filter(*, user_id: int, filter_text: str) -> None:
    """Mute an author for HOLDFAST_FILTER_MUTE_MINUTES, unless they are muted for longer.

    The filter is in the log, but not in the notification. It mutes no moderator of the site.
    """
    if is_staff(user_id):
        return
    until = timezone.now() + timedelta(minutes=settings.HOLDFAST_FILTER_MUTE_MINUTES)
    with changing(inbox(user_id)) as heads:
        row = SiteMute.objects.filter(pk=user_id).first() or SiteMute(user_id=user_id)
        if row.until is None or row.until < until - SAME_MUTE:
            set_mute(heads, row, until, actor_id=system_user().pk, filter_text=filter_text)


def set_mute(
    heads: Heads,
    row: SiteMute,
    until: datetime | None,
    *,
    actor_id: int,
    reason: str = "",
    filter_text: str = "",
) -> None:
    """Store the mute of a user or its end, log it and notify them."""
    row.until, row.reason, row.created_by_id = until, reason, actor_id
    save_site_mute(heads, row)
    action = ModerationLog.Action.SITE_MUTE if until else ModerationLog.Action.SITE_UNMUTE
    details = {"until": moment(until)} if until else {}
    log(
        action,
        actor_id=actor_id,
        reason=reason,
        subject_id=row.user_id,
        details={**details, "filter": filter_text} if filter_text else details,
    )
    notice = notices.moderation_notice(
        row.user_id,
        FILTER_MUTE if filter_text else action,
        actor_id=None if filter_text else actor_id,
        reason=reason,
        level="warning" if until else "success",
        details=details,
    )
    notify(heads, notice)
