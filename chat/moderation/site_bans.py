"""Bans from the site that are in effect, and the reasons shown to banned users."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import override

from chat.models import SiteBan
from realtime.protocol.errors import Forbidden
from realtime.site.time_zones import Moment


def in_effect() -> Q:
    """Return the condition on bans that are in effect now."""
    return Q(lifted_at=None) & (Q(until=None) | Q(until__gt=timezone.now()))


def refusals(user_ids: Collection[int]) -> Mapping[int, Forbidden]:
    """Return the refusals of the banned users among these: a check of ``realtime.auth``."""
    rows = SiteBan.objects.filter(in_effect(), user_id__in=user_ids)
    found = rows.values_list("user_id", "reason", "until")
    return {user_id: refusal(reason, until) for user_id, reason, until in found}


def banned_users() -> QuerySet[SiteBan, int]:
    """Return the ids of the users who are banned now."""
    return SiteBan.objects.filter(in_effect()).values_list("user_id", flat=True)


def current_ban(user_id: int) -> SiteBan | None:
    return SiteBan.objects.filter(in_effect(), user_id=user_id).first()


def refusal(reason: str, until: datetime | None = None) -> Forbidden:
    """Return the error for a banned user.

    As a string it is the reason for closing a socket, in English and UTC.
    """
    with override("en"), timezone.override(None):
        if until is None:
            return Forbidden("You've been banned. Reason: {reason}", reason=reason)
        return Forbidden(
            "You've been banned until {time}. Reason: {reason}", time=Moment(until), reason=reason
        )
