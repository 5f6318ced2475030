"""Bans from the site: who is kept out now, and in which words they are told."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from chat.models import SiteBan
from realtime.zones import spoken

_UNTIL: Final = "%d %B %Y, %H:%M UTC"  # on the wire
_WORDS: Final = re.compile(r"banned: (?P<reason>.*?)(?: \(until (?P<until>[^()]+ UTC)\))?", re.DOTALL)


def standing() -> Q:
    """Return what is true of the bans that hold now."""
    return Q(lifted_at=None) & (Q(until=None) | Q(until__gt=timezone.now()))


def reasons(user_ids: Collection[int]) -> Mapping[int, str]:
    """Return those of these people who are banned, each with the reason: the gate of ``realtime.auth``."""
    rows = SiteBan.objects.filter(standing(), user_id__in=user_ids).values_list("user_id", "reason", "until")
    return {user_id: in_words(reason, until) for user_id, reason, until in rows}


def in_words(reason: str, until: datetime | None = None) -> str:
    """Return what somebody is told when their sockets are closed: in English, as the wire carries it."""
    return f"banned: {reason} (until {until.astimezone(UTC):{_UNTIL}})" if until else f"banned: {reason}"


def said_again(words: str) -> str | None:
    """Return the same in the active language and zone; None where these are no words of a ban."""
    found = _WORDS.fullmatch(words)
    if found is None:
        return None
    said = gettext("banned: %(reason)s") % {"reason": found["reason"]}
    at = _moment(found["until"])
    return gettext("%(banned)s (until %(time)s)") % {"banned": said, "time": spoken(at)} if at else said


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text, _UNTIL).replace(tzinfo=UTC) if text else None
    except ValueError:  # cut off: the end of an access keeps no more than a hundred characters
        return None
