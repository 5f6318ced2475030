"""Bans from the site: who is kept out now, and in which words they are told."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from chat.models import SiteBan
from realtime.site.time_zones import written


def standing() -> Q:
    """Return what is true of the bans that hold now."""
    return Q(lifted_at=None) & (Q(until=None) | Q(until__gt=timezone.now()))


def reasons(user_ids: Collection[int]) -> Mapping[int, str]:
    """Return those of these people who are banned, each with the reason: the gate of ``realtime.auth``."""
    rows = SiteBan.objects.filter(standing(), user_id__in=user_ids).values_list(
        "user_id", "reason", "until"
    )
    return {user_id: in_words(reason, until) for user_id, reason, until in rows}


def standing_of(user_id: int) -> SiteBan | None:
    """Return the ban that keeps somebody out now."""
    return SiteBan.objects.filter(standing(), user_id=user_id).first()


def in_words(reason: str, until: datetime | None = None) -> str:
    """Return what somebody is told when their sockets are closed: in English, as the wire carries it."""
    return f"banned: {reason} (until {written(until)})" if until else f"banned: {reason}"
