"""Accounts."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery

from chat import policies
from chat.models import SYSTEM_USERNAME, Display, DisplaySettings, SiteMute
from chat.queries import names
from realtime.auth import MODERATORS
from realtime.core.users import User
from realtime.models import ReaderLanguage
from realtime.protocol.errors import NotFound

MAX_USERS: Final = 20  # suggestions


def user(user_id: int) -> User:
    """Return an account, active or deactivated. Raises ``NotFound``."""
    found = User.objects.filter(pk=user_id).first() if 0 < user_id <= policies.MAX_ID else None
    if found is None:
        raise NotFound("There is no such person.")
    return found


def active_user(username: str) -> User:
    """Return the account that a name means (``chat.text.mentions``).

    Raises ``NotFound``, also for a deactivated account.
    """
    found = names.user_named(username)
    if found is None or not found.is_active:
        raise NotFound("There is no such person.")
    return found


def active_user_by_id(user_id: int) -> User:
    """Raises ``NotFound``, also for a deactivated account."""
    found = (
        User.objects.filter(pk=user_id, is_active=True).first()
        if 0 < user_id <= policies.MAX_ID
        else None
    )
    if found is None:
        raise NotFound("There is no such person.")
    return found


def active_users_by_id(user_ids: Collection[int]) -> list[User]:
    """Return these accounts by id, in one query. Raises ``NotFound`` like ``active_user_by_id``."""
    found = User.objects.filter(pk__in=user_ids, is_active=True).order_by("pk")
    users = list(found) if all(0 < pk <= policies.MAX_ID for pk in user_ids) else []
    if len(users) < len(set(user_ids)):
        raise NotFound("There is no such person.")
    return users


def users_starting_with(beginning: str) -> list[User]:
    """Return suggestions by username, in alphabetical order.

    Only the username is searched: a prefix of it can use the index, and names have none.
    """
    return list(
        User.objects.filter(names.begins(beginning), is_active=True)
        .exclude(username=SYSTEM_USERNAME)
        .order_by("username")[:MAX_USERS]
    )


def is_site_moderator(user_id: int) -> bool:
    """Tell whether the user is in the group ``moderators`` or a superuser."""
    rights = Q(is_superuser=True) | Q(groups__name=MODERATORS)
    return User.objects.filter(rights, pk=user_id, is_active=True).exists()


def site_muted_until(user_id: int) -> datetime | None:
    """Return until when the user is, or was last, muted on the whole site."""
    return SiteMute.objects.filter(pk=user_id).values_list("until", flat=True).first()


def site_mute(user_id: int) -> SiteMute | None:
    """Return the user's most recent site mute, which may have ended."""
    return SiteMute.objects.filter(pk=user_id).first()


def display(user_id: int) -> Display:
    """Return how a user wants to see the site, in one query."""
    language = ReaderLanguage.objects.filter(
        user_id=OuterRef("pk"), language__in=dict(settings.LANGUAGES)
    ).values("language")
    found = (
        User.objects.filter(pk=user_id)
        .select_related("display_settings")
        .annotate(chosen_language=Subquery(language))
        .first()
    )
    row = getattr(found, "display_settings", None) or DisplaySettings(seq=0)
    return Display.of(row, getattr(found, "chosen_language", None) or "")
