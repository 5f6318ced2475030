"""The messages of a bulk action: which ones it chooses, and a preview of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import Count, QuerySet

from chat import policies
from chat.models import Bulk, Message, Room
from chat.queries import people, rooms
from chat.text.filters import MAX_LENGTH
from realtime.protocol.errors import BadRequest, TooMany

MAX_BULK: Final = 100_000  # messages of one bulk
MAX_SHOWN: Final = 50  # messages of a preview, newest first
# The newest messages, in which words are looked for if neither an author nor a room is chosen;
# takes about 0.1 s.
MAX_SEARCHED: Final = 100_000
MIN_WORDS: Final = 3  # characters of words that choose alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The messages of an author, of a room, of both, or with these words in all rooms.

    Each is narrowed by the others and by time.
    """

    author_id: int | None = None
    room_id: int | None = None
    words: str = ""
    since: datetime | None = None
    until: datetime | None = None


def count(choice: Choice) -> int:
    """Return how many messages match. Raises ``TooMany`` above ``MAX_BULK``."""
    _check(choice)
    found = len(chosen(unsaved(choice)).values_list("pk")[: MAX_BULK + 1])
    if found > MAX_BULK:
        raise TooMany("More than {most} messages match. Choose a shorter period.", most=MAX_BULK)
    return found


class InRoom(NamedTuple):
    """How many messages of a selection are in one room; None: in direct conversations."""

    room: Room | None
    number: int


@dataclass(frozen=True, slots=True)
class RemovalPreview:
    """The messages that a removal would remove: their number, their rooms, and the newest."""

    number: int
    rooms: list[InRoom]
    newest: list[Message]


def preview(choice: Choice) -> RemovalPreview:
    """Return what matches. The text of a direct message is not shown."""
    number = count(choice)
    rows = chosen(unsaved(choice))
    numbers = dict(rows.order_by().values_list("room").annotate(number=Count("pk")))
    found = Room.objects.exclude(kind=Room.Kind.DIRECT).in_bulk(numbers)
    in_rooms = [InRoom(room, numbers[pk]) for pk, room in found.items()]
    direct = sum(many for pk, many in numbers.items() if pk not in found)
    in_rooms.sort(key=lambda each: each.number, reverse=True)
    newest = rows.exclude(room__kind=Room.Kind.DIRECT).select_related("room", "author")
    return RemovalPreview(
        number=number,
        rooms=in_rooms + ([InRoom(None, direct)] if direct else []),
        newest=list(newest.order_by("-pk")[:MAX_SHOWN]),
    )


def chosen(bulk: Bulk) -> "QuerySet[Message]":
    rows = Message.objects.filter(pk__lte=bulk.last_id or policies.MAX_ID)
    if bulk.act != Bulk.Act.ERASE:
        rows = rows.filter(deleted_at=None)
    if bulk.author_id is not None:
        rows = rows.filter(author_id=bulk.author_id)
    if bulk.room_id is not None:
        rows = rows.filter(room_id=bulk.room_id)
    if bulk.author_id is None and bulk.room_id is None:
        rows = rows.filter(pk__gt=(bulk.last_id or newest_id()) - MAX_SEARCHED)
    if bulk.words:
        # A search by words would reveal texts of direct rooms to the moderator.
        rows = rows.filter(body__icontains=bulk.words).exclude(room__kind=Room.Kind.DIRECT)
    if bulk.since is not None:
        rows = rows.filter(created_at__gte=bulk.since)
    return rows.filter(created_at__lte=bulk.until) if bulk.until is not None else rows


def newest_id() -> int:
    return Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def unsaved(choice: Choice) -> Bulk:
    return Bulk(act=Bulk.Act.DELETE, **columns(choice))


def columns(choice: Choice) -> dict[str, object]:
    names = ("author_id", "room_id", "words", "since", "until")
    return {name: getattr(choice, name) for name in names}


def _check(choice: Choice) -> None:
    if choice.author_id is None and choice.room_id is None and len(choice.words) < MIN_WORDS:
        raise BadRequest(
            "author, room, words: expected an author, a room, or at least {least} characters",
            least=MIN_WORDS,
        )
    if choice.author_id is not None:
        people.user(choice.author_id)
    if choice.room_id is not None:
        policies.check_not_direct(rooms.room(choice.room_id))
    policies.clean(choice.words, name="words", limit=MAX_LENGTH)
