"""Whose name it is, and whether a name is free: one query by what names look like."""

from collections.abc import Collection
from typing import Final

from django.db.models import Q

from chat.models import LOOK_MAX_LENGTH, Room, UsernameLook
from chat.policies import is_text
from chat.text.confusables import skeletons
from chat.text.mentions import by_name, find, same
from realtime.core.users import User

NAMES_PER_QUERY: Final = 10_000  # SQLite takes 32,766 parameters
MAX_ALIKE: Final = 200  # names that one beginning compares


def look(name: str) -> str:
    """Return what a room's name looks like, as its row stores it."""
    return skeletons(name)[0][:LOOK_MAX_LENGTH]


def is_username_taken(username: str, *, but: int | None = None) -> bool:
    """Return whether an account other than ``but`` has this username, or one that looks like it."""
    folded, as_written = looks(username)
    same = UsernameLook.objects.filter(Q(folded=folded) | Q(as_written=as_written))
    return (same if but is None else same.exclude(pk=but)).exists()


def users_named(names: Collection[str]) -> dict[str, User]:
    """Return the accounts with these names, active or not, for ``mentions.find``."""
    folded = list({looks(same(name))[0] for name in names})
    found: list[User] = []
    for start in range(0, len(folded), NAMES_PER_QUERY):
        rows = UsernameLook.objects.filter(folded__in=folded[start : start + NAMES_PER_QUERY])
        found += [row.user for row in rows.select_related("user")]
    return by_name((user.username, user) for user in found)


def accounts_named(names: Collection[str]) -> dict[str, User]:
    """Return the accounts that typed names mean, active or not, by the names as typed."""
    written = [name for name in names if is_text(name)]
    people = users_named(written)
    found = {name: find(name, people) for name in written}
    return {name: user for name, user in found.items() if user is not None}


def user_named(name: str) -> User | None:
    """Return the account with this name, active or not."""
    return accounts_named([name]).get(name)


def begins(beginning: str, *, user: str = "") -> Q:
    """Return the condition that a username begins like this. ``user`` is the path to the account.

    A name in other letters, such as ``JaneDoe`` for "jane", is found among the first of those that
    look alike.
    """
    rows = UsernameLook.objects.filter(folded__startswith=looks(same(beginning))[0])
    alike = rows.order_by("folded").values_list("user_id", "user__username")[:MAX_ALIKE]
    ids = [pk for pk, name in alike if same(name).startswith(same(beginning))] if beginning else ()
    return (
        Q((f"{user}username__startswith", beginning))
        | Q((f"{user}username__startswith", beginning.lower()))
        | Q((f"{user}pk__in", ids))
    )


def looks(username: str) -> tuple[str, str]:
    folded, as_written = skeletons(username)
    return folded[:LOOK_MAX_LENGTH], as_written[:LOOK_MAX_LENGTH]


def is_room_name_taken(name: str, *, but: int | None = None) -> bool:
    """Return whether another public room has this name, or one that looks like it.

    Private rooms are left out: the answer would tell that one exists.
    """
    same = Room.objects.filter(look=look(name), kind=Room.Kind.PUBLIC, archived_at=None)
    return (same if but is None else same.exclude(pk=but)).exists()
