"""The directory: all public rooms by name, searched by words, page by page."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q

from chat.models import Membership, Room, State
from chat.queries import selectors

PAGE: Final = 50  # rooms of one answer; the rest comes with `after`
MAX_QUERY: Final = 100  # characters
MAX_WORDS: Final = 5  # of a query; each is one more condition for each room


@dataclass(frozen=True, slots=True)
class Shown:
    """A public room, and whether the reader is in it."""

    room: Room
    joined: bool


def directory(
    user_id: int, *, query: str = "", after: Room | None = None, limit: int = PAGE
) -> tuple[list[Shown], bool]:
    """Return public rooms whose name or topic has all words of ``query``, by name, and whether there are more.

    Rooms that the reader is banned from are not among them. One query; without words it walks along an index.
    """
    mine = Membership.objects.filter(room=OuterRef("pk"), user_id=user_id)
    rooms = Room.objects.filter(
        ~Exists(mine.filter(selectors.kept_out())), kind=Room.Kind.PUBLIC, archived_at=None
    )
    for word in query[:MAX_QUERY].split()[:MAX_WORDS]:
        rooms = rooms.filter(Q(name__icontains=word) | Q(topic__icontains=word))
    if after is not None:
        rooms = rooms.filter(Q(name__gt=after.name) | Q(name=after.name, pk__gt=after.pk))
    joined = Exists(mine.filter(state=State.ACTIVE))
    found = list(rooms.annotate(joined=joined).order_by("name", "pk")[: limit + 1])
    return [Shown(room, room.joined) for room in found[:limit]], len(found) > limit
