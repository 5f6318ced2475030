"""Bans from the site: who is kept out now, and how they are refused."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import override

from chat.models import SiteBan
from realtime.protocol.errors import Forbidden
from realtime.site.time_zones import Moment


def standing() -> Q:
    """Return what is true of the bans that hold now."""
    return Q(lifted_at=None) & (Q(until=None) | Q(until__gt=timezone.now()))


def refusals(user_ids: Collection[int]) -> Mapping[int, Forbidden]:
    """Return the refusals of those of these users who are banned: a gate of ``realtime.auth``."""
    rows = SiteBan.objects.filter(standing(), user_id__in=user_ids)
    found = rows.values_list("user_id", "reason", "until")
    return {user_id: refusal(reason, until) for user_id, reason, until in found}


def standing_of(user_id: int) -> SiteBan | None:
    """Return the ban that keeps somebody out now."""
    return SiteBan.objects.filter(standing(), user_id=user_id).first()


def refusal(reason: str, until: datetime | None = None) -> Forbidden:
    """Return what a banned user is told; as a string, in English and UTC, why a socket is closed."""
    with override("en"), timezone.override(None):
        if until is None:
            return Forbidden("You've been banned. Reason: {reason}", reason=reason)
        return Forbidden(
            "You've been banned until {time}. Reason: {reason}", time=Moment(until), reason=reason
        )
