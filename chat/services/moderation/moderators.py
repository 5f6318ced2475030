"""Site moderators: the group, its permissions and its members."""

from typing import Any, Final

from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS

from chat.models import ModerationLog
from chat.queries import names, people
from chat.services.persistence import log, system_user
from realtime.auth import MODERATORS
from realtime.core.heads import changing
from realtime.core.users import User
from realtime.protocol.errors import NotFound

# The models that site moderators may open in the admin. Changes there go through services.
_PERMISSIONS: Final = {
    "view": [
        "room",
        "membership",
        "message",
        "removedtext",
        "report",
        "moderationlog",
        "siteban",
        "filter",
        "bulk",
    ],
    "change": ["room", "membership", "message", "report", "filter"],
    "add": ["siteban", "filter", "bulk"],
    "delete": ["filter"],
}
_ROLE: Final = ModerationLog.Action.ROLE


def ensure_moderators_group() -> Group:
    """Return the group of site moderators. An existing group is not changed.

    A migration creates it; here it is created again if the tables were emptied.
    """
    with changing():
        group, made = Group.objects.get_or_create(name=MODERATORS)
        if made:
            create_permissions(installed.get_app_config("chat"), verbosity=0)
            names = [f"{verb}_{model}" for verb, models in _PERMISSIONS.items() for model in models]
            group.permissions.set(
                Permission.objects.filter(content_type__app_label="chat", codename__in=names)
            )
    return group


def ensure_after_migrate(*, using: str, apps: Apps = installed, **_: Any) -> None:
    """Handle Django's ``post_migrate``.

    A flush sends it as well, and so does a migration of another app, when there may be no groups
    yet.
    """
    if (
        using == DEFAULT_DB_ALIAS
        and "group" in apps.all_models["auth"]
        and "moderationlog" in apps.all_models["chat"]
    ):
        ensure_moderators_group()
        system_user()


def appoint_moderator(*, username: str) -> bool:
    """Make a user a site moderator with access to the admin. Returns whether they were none."""
    user = people.active_user(username)
    group = ensure_moderators_group()
    with changing():
        if user.is_staff and user.groups.filter(pk=group.pk).exists():
            return False
        user.groups.add(group)
        _set_staff(user, True)
        log(
            _ROLE,
            actor_id=system_user().pk,
            reason="",
            subject_id=user.pk,
            details={"to": "moderator of the site"},
        )
    return True


def dismiss_moderator(*, username: str) -> bool:
    """Remove the role, and access to the admin unless the user has other rights there.

    Returns whether they were a moderator.
    """
    user = names.user_named(username)
    if user is None:
        raise NotFound("There is no such person.")
    with changing():
        group = user.groups.filter(name=MODERATORS).first()
        if group is None:
            return False
        user.groups.remove(group)
        has_other_rights = (
            user.is_superuser or user.groups.exists() or user.user_permissions.exists()
        )
        _set_staff(user, has_other_rights and user.is_staff)
        log(
            _ROLE,
            actor_id=system_user().pk,
            reason="",
            subject_id=user.pk,
            details={"from": "moderator of the site"},
        )
    return True


def _set_staff(user: User, is_staff: bool) -> None:
    user.is_staff = is_staff
    user.save(update_fields=["is_staff"])
