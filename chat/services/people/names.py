"""Usernames and what they look like: the rules of new names, and the index of all names.

Everything that creates or renames an account goes through ``check_names``. The index follows every
save of an account, so that those made by Django's own commands and by other apps are found too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q
from django.db.models.signals import post_save

from chat.models import UsernameLook
from chat.queries import names as taken
from chat.text import names
from realtime.core.users import User
from realtime.protocol.errors import BadRequest

PERSONAL = ("first_name", "last_name")


def check_names(user: User, changes: Mapping[str, str]) -> dict[str, str]:
    """Return the changed names of an account in their normal form.

    Raises ``BadRequest`` for the first one that is against the rules or looks like a taken one.
    """
    cleaned = {
        field: names.clean_username(name)
        if field == "username"
        else names.clean_personal(name, field=field)
        for field, name in changes.items()
    }
    if "username" in cleaned and taken.is_username_taken(cleaned["username"], but=user.pk):
        raise taken_error()
    if not cleaned.keys().isdisjoint(PERSONAL):
        names.check_full_name(*(cleaned.get(field, getattr(user, field)) for field in PERSONAL))
    return cleaned


def taken_error() -> BadRequest:
    return BadRequest("{field}: this name, or one that looks like it, is taken", field="username")


def index_names(users: Iterable[User]) -> None:
    """Index new accounts that were inserted without ``save``."""
    rows = [UsernameLook(user=user, **_columns(user.username)) for user in users]
    UsernameLook.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def reindex(user: User, *, new: bool = False) -> UsernameLook:
    """Store what the username looks like now; a ``new`` account has no row yet.

    Two sign-ups at the same moment whose names look alike meet in the unique constraint: the second
    one fails. A name that an operator gives although it is taken is marked as shared.
    """
    columns = _columns(user.username)
    row = None if new else UsernameLook.objects.filter(pk=user.pk).first()
    if (
        row is not None
        and row.folded == columns["folded"]
        and row.as_written == columns["as_written"]
    ):
        return row
    columns["is_shared"] = (
        UsernameLook.objects.filter(
            Q(folded=columns["folded"]) | Q(as_written=columns["as_written"]), is_shared=False
        )
        .exclude(pk=user.pk)
        .exists()
    )
    if new:
        return UsernameLook.objects.create(user=user, **columns)
    row, _created = UsernameLook.objects.update_or_create(pk=user.pk, defaults=columns)
    return row


def connect_signals() -> None:
    """Follow every save of an account; called from ``AppConfig.ready``."""
    post_save.connect(_saved, sender=User, dispatch_uid="chat.names")


def _saved(
    sender: Any,
    instance: User,
    created: bool,
    raw: bool,
    update_fields: Iterable[str] | None,
    **_: Any,
) -> None:
    if not raw and (update_fields is None or "username" in update_fields):
        reindex(instance, new=created)


def _columns(username: str) -> dict[str, Any]:
    folded, as_written = taken.looks(username)
    return {"folded": folded, "as_written": as_written}
