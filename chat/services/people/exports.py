"""Exports in the moderation log: each is logged once the archive is complete."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from chat.models import ModerationLog
from chat.queries import messages, rooms
from chat.services.persistence import log
from realtime.core.heads import changing
from realtime.protocol.errors import TooMany

_DAY: Final = timedelta(days=1)


def log_export(
    *,
    actor_id: int,
    reason: str,
    manifest: str,
    subject_id: int | None = None,
    room_id: int | None = None,
    message_id: int | None = None,
) -> None:
    """Add an archive to the moderation log, with the SHA-256 of its manifest."""
    room = rooms.room(room_id) if room_id is not None else None
    message = messages.message(message_id) if message_id is not None else None
    with changing():
        log(
            ModerationLog.Action.EXPORT,
            actor_id=actor_id,
            reason=reason,
            subject_id=subject_id,
            room=room,
            message=message,
            details={"manifest": manifest},
        )


def check_own_export(user_id: int) -> None:
    """Raise ``TooMany`` if a user has downloaded the most archives of their data in a day."""
    most: int = settings.HOLDFAST_OWN_DATA_PER_DAY
    recent = ModerationLog.objects.filter(
        subject_id=user_id,
        actor_id=user_id,
        action=ModerationLog.Action.EXPORT,
        created_at__gt=timezone.now() - _DAY,
    )
    if recent[:most].count() >= most:
        raise TooMany(
            "You've downloaded your data {limit} times in 24 hours, the most allowed."
            " Try again tomorrow.",
            limit=most,
        )
