"""Values of moderation actions, checked."""

from datetime import datetime, timedelta

from django.utils import timezone

from chat import policies
from chat.models import REASON_MAX_LENGTH
from realtime.protocol.errors import BadRequest


def ban_end(seconds: int | None) -> datetime | None:
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


def clean_reason(text: str) -> str:
    return policies.clean(text, name="reason", limit=REASON_MAX_LENGTH)
