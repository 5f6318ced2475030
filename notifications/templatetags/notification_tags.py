"""People, times and counts in templates. static/chat/lib/words.js does the same in scripts."""

from datetime import UTC, datetime
from zlib import crc32

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext

from realtime.protocol.user_ids import WireId
from realtime.site import time_zones

register = template.Library()

HUES = 8  # of avatars: css/base/avatar.css names them
MOST_SHOWN = 99  # a badge is a glance, not a ledger


@register.filter
def initials(name: str) -> str:
    """Return one or two letters for an avatar."""
    words = [
        word
        for word in (name or "").replace("_", " ").replace(".", " ").split()
        if word[0].isalnum()
    ]
    if not words:
        return "?" if name else ""
    return words[0][0] + (words[-1][0] if len(words) > 1 else "")


@register.filter
def hue(user_id: WireId) -> int:
    """Return the number of the avatar's hue."""
    number = user_id if isinstance(user_id, int) else crc32(str(user_id or "").encode())
    return number % HUES


@register.filter
def clock(when: str | None) -> str:
    """Return hour and minute, in the reader's zone, of a time as the API writes it."""
    return time_zones.clock(_local(when)) if when else ""


@register.filter
def day_and_clock(when: str | None) -> str:
    """Return day, hour and minute, in the reader's zone, of a time as the API writes it."""
    return date_format(_local(when), pgettext("a date format", "j F Y, H:i")) if when else ""


@register.filter
def day(when: str | None) -> str:
    """Return the day of a time as the API writes it."""
    return date_format(_local(when), pgettext("a date format", "l, j F Y")) if when else ""


@register.filter
def few(count: int | None) -> str:
    """Return a count that fits a badge."""
    if not count:
        return ""
    return str(count) if count <= MOST_SHOWN else f"{MOST_SHOWN}+"


def _local(when: str) -> datetime:
    return timezone.localtime(datetime.fromisoformat(when).astimezone(UTC))
