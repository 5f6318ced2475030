"""Bans from the site that are in effect, and the reasons shown to banned users."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from chat.models import SiteBan
from realtime.site.time_zones import spoken_again, written

_WORDS: Final = re.compile(
    r"banned: (?P<reason>.*?)(?: \(until (?P<until>[^()]+ UTC)\))?", re.DOTALL
)


def in_effect() -> Q:
    """Return the condition on bans that are in effect now."""
    return Q(lifted_at=None) & (Q(until=None) | Q(until__gt=timezone.now()))


def reasons(user_ids: Collection[int]) -> Mapping[int, str]:
    """Return the reasons of the banned users among these: the check for ``realtime.auth``."""
    rows = SiteBan.objects.filter(in_effect(), user_id__in=user_ids).values_list(
        "user_id", "reason", "until"
    )
    return {user_id: in_words(reason, until) for user_id, reason, until in rows}


def current_ban(user_id: int) -> SiteBan | None:
    return SiteBan.objects.filter(in_effect(), user_id=user_id).first()


def in_words(reason: str, until: datetime | None = None) -> str:
    """Return the reason with which sockets are closed, in English as on the wire."""
    return f"banned: {reason} (until {written(until)})" if until else f"banned: {reason}"


def translated(reason: str) -> str | None:
    """Translate such a reason into the active language and time zone; None for other texts."""
    found = _WORDS.fullmatch(reason)
    if found is None:
        return None
    banned = gettext("banned: %(reason)s") % {"reason": found["reason"]}
    return (
        gettext("%(banned)s (until %(time)s)")
        % {"banned": banned, "time": spoken_again(found["until"])}
        if found["until"]
        else banned
    )
