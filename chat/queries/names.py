"""Whether a name is free: one query by what names look like."""

from django.db.models import Q

from chat.models import LOOK_MAX_LENGTH, Room, UsernameLook
from chat.text.confusables import skeletons


def look(name: str) -> str:
    """Return what a room's name looks like, as its row stores it."""
    return skeletons(name)[0][:LOOK_MAX_LENGTH]


def is_username_taken(username: str, *, but: int | None = None) -> bool:
    """Return whether an account other than ``but`` has this username, or one that looks like it."""
    folded, as_written = looks(username)
    same = UsernameLook.objects.filter(Q(folded=folded) | Q(as_written=as_written))
    return (same if but is None else same.exclude(pk=but)).exists()


def looks(username: str) -> tuple[str, str]:
    folded, as_written = skeletons(username)
    return folded[:LOOK_MAX_LENGTH], as_written[:LOOK_MAX_LENGTH]


def is_room_name_taken(name: str, *, but: int | None = None) -> bool:
    """Return whether another public room has this name, or one that looks like it.

    Private rooms are left out: the answer would tell that one exists.
    """
    same = Room.objects.filter(look=look(name), kind=Room.Kind.PUBLIC, archived_at=None)
    return (same if but is None else same.exclude(pk=but)).exists()
