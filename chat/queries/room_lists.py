"""Lists of rooms: a user's own, the public ones, the directory, and the targets of a broadcast."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import BooleanField, Case, Exists, ExpressionWrapper, F, OuterRef, Q, When

from chat import payloads, policies
from chat.models import Membership, Room, State
from chat.queries.members import banned_now, companions, opened_by_others
from chat.queries.messages import NOTHING_UNREAD, Unread, unread, unread_after
from notifications.targets import Place, Resolved, close_matches
from realtime.core import reads as streams
from realtime.core.users import User

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Of one answer; the client asks for the rest with `after`.
MAX_PUBLIC_ROOMS: Final = 200
MAX_DIRECTORY_ROOMS: Final = 50
MAX_MY_ROOMS: Final = 250

FIRST_ROOMS: Final = 50  # of a section of the sidebar: more than a screen of them

MAX_QUERY: Final = 100  # characters of a query of the directory
MAX_WORDS: Final = 5  # of a query; each is one more condition on each room
MAX_CANDIDATES: Final = 2000  # slugs that a mistyped one is compared with

# Its messages may all be deleted: then the room is shown early, without a count.
_IS_BEHIND: Final = ExpressionWrapper(
    Q(read_number__lt=F("room__last_number")), output_field=BooleanField()
)


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A room in a user's list."""

    room: Room
    membership: Membership | None
    companions: Sequence[User]  # the other people of a direct room
    seq: int
    after: Unread = NOTHING_UNREAD  # the read number

    @property
    def unread(self) -> int:
        """The number of unread messages: a difference, because no page may count rows."""
        if self.membership is None:
            return 0
        behind = max(0, self.room.last_number - unread_after(self.room, self.membership))
        return behind - len(self.after.uncounted)

    @property
    def is_favourite(self) -> bool:
        return self.membership is not None and self.membership.favourite

    @property
    def order(self) -> float:
        """The position among the user's favourites."""
        return self.membership.favourite_order if self.membership else 0


@dataclass(frozen=True, slots=True)
class DirectoryRoom:
    """A public room, and whether the reader is a member."""

    room: Room
    joined: bool


def my_rooms(user_id: int) -> list[ListedRoom]:
    """Return the rooms that the user is a member of, by name."""
    return _listed(user_id, _my_room_ids(user_id))


def first_rooms(user_id: int, *, current: Room | None = None) -> tuple[list[ListedRoom], bool]:
    """Return the rooms that a sidebar shows first, by name, and whether there are more.

    These are the first ``FIRST_ROOMS`` of each section, as many others with unread messages, and
    the room that is open. Only these are read as a whole, so that a thousand rooms cost little.
    """
    ids = _my_room_ids(user_id)
    if len(ids) <= FIRST_ROOMS:
        return _listed(user_id, ids), False
    rows = (
        _mine(user_id)
        .filter(room_id__in=ids)
        .order_by("-favourite", "favourite_order", "room__name", "room_id")
        .values_list("room_id", "room__kind", "favourite", _IS_BEHIND)
    )
    chosen: list[int] = []
    in_section: Counter[str] = Counter()
    for room_id, kind, is_favourite, is_behind in rows.iterator():
        names = [_section(kind, is_favourite=is_favourite), *(["unread"] if is_behind else [])]
        name = next((each for each in names if in_section[each] < FIRST_ROOMS), None)
        if name is not None:
            in_section[name] += 1
            chosen.append(room_id)
        elif current is not None and room_id == current.pk:
            chosen.append(room_id)
    return _listed(user_id, chosen), len(chosen) < len(ids)


def page_of_my_rooms(user_id: int, *, after: int = 0) -> tuple[list[ListedRoom], bool]:
    """Return some rooms of the user, with ids above ``after``, and whether more follow."""
    ids = sorted(room_id for room_id in _my_room_ids(user_id) if room_id > after)
    found = _listed(user_id, ids[:MAX_MY_ROOMS])
    return sorted(found, key=lambda item: item.room.pk), len(ids) > MAX_MY_ROOMS


def _section(kind: str, *, is_favourite: bool) -> str:
    if is_favourite:
        return "favourites"
    return "directs" if kind == Room.Kind.DIRECT else "rooms"


def _mine(user_id: int) -> "QuerySet[Membership]":
    return Membership.objects.filter(user_id=user_id, state=State.ACTIVE, room__archived_at=None)


def _my_room_ids(user_id: int) -> list[int]:
    """Return the ids of the user's rooms.

    Where the list is cut, it keeps what the user chose: favourites, then rooms that they joined or
    conversations that they began, then conversations that they have read.
    """
    by_choice = _mine(user_id).order_by(
        "-favourite",
        Case(When(opened_by_others(user_id), then=1), default=0),
        Case(When(read_number__gt=0, then=0), default=1),
        "-joined_at",
        "room_id",
    )
    return list(by_choice.values_list("room_id", flat=True)[: policies.MAX_ROOMS_PER_USER])


def _listed(user_id: int, ids: Sequence[int]) -> list[ListedRoom]:
    """Return rooms of the user by name. Heads are read before the rows."""
    heads = _heads(ids)
    rows = _mine(user_id).filter(room_id__in=ids).select_related("room", "user")
    found = sorted(rows, key=lambda row: (row.room.name, row.room_id))
    others = companions([row.room for row in found], user_id)
    behind = unread(found)
    return [
        ListedRoom(
            row.room,
            row,
            others.get(row.room_id, []),
            heads.get(row.room_id, 0),
            behind.get(row.room_id, NOTHING_UNREAD),
        )
        for row in found
    ]


def public_rooms(
    user_id: int, *, after: Room | None = None, limit: int = MAX_PUBLIC_ROOMS
) -> tuple[list[ListedRoom], bool]:
    """Return public rooms that the user can join, by name, and whether there are more."""
    mine = Membership.objects.filter(room=OuterRef("pk"), user_id=user_id)
    mine = mine.filter(Q(state=State.ACTIVE) | banned_now())
    rooms = Room.objects.filter(~Exists(mine), kind=Room.Kind.PUBLIC, archived_at=None).order_by(
        "name", "pk"
    )
    if after is not None:
        rooms = rooms.filter(_comes_after(after))
    ids = list(rooms.values_list("pk", flat=True)[: limit + 1])
    heads = _heads(ids[:limit])
    found = Room.objects.in_bulk(ids[:limit])
    return [
        ListedRoom(found[pk], None, [], heads.get(pk, 0)) for pk in ids[:limit] if pk in found
    ], len(ids) > limit


def directory(
    user_id: int, *, query: str = "", after: Room | None = None, limit: int = MAX_DIRECTORY_ROOMS
) -> tuple[list[DirectoryRoom], bool]:
    """Return public rooms whose name or topic has all words of ``query``, and whether more follow.

    They are sorted by name, without those that the reader is banned from. One query; without words
    it walks along an index.
    """
    mine = Membership.objects.filter(room=OuterRef("pk"), user_id=user_id)
    rooms = Room.objects.filter(
        ~Exists(mine.filter(banned_now())), kind=Room.Kind.PUBLIC, archived_at=None
    )
    for word in query[:MAX_QUERY].split()[:MAX_WORDS]:
        rooms = rooms.filter(Q(name__icontains=word) | Q(topic__icontains=word))
    if after is not None:
        rooms = rooms.filter(_comes_after(after))
    joined = Exists(mine.filter(state=State.ACTIVE))
    found = list(rooms.annotate(joined=joined).order_by("name", "pk")[: limit + 1])
    return [DirectoryRoom(room, room.joined) for room in found[:limit]], len(found) > limit


def _comes_after(room: Room) -> Q:
    return Q(name__gt=room.name) | Q(name=room.name, pk__gt=room.pk)


def rooms_named(slugs: Sequence[str]) -> Resolved:
    """Return the rooms that a broadcast can be posted to, and suggestions for mistyped slugs."""
    open_rooms = Room.objects.exclude(kind=Room.Kind.DIRECT).filter(archived_at=None)
    # Slugs have small letters only.
    rows = {row.slug: row for row in open_rooms.filter(slug__in={slug.lower() for slug in slugs})}
    missing = [slug for slug in slugs if slug.lower() not in rows]
    candidates = (
        list(open_rooms.order_by("slug").values_list("slug", flat=True)[:MAX_CANDIDATES])
        if missing
        else []
    )
    return Resolved(
        [Place(row.pk, slug, row.member_count) for slug, row in rows.items()],
        {slug: close_matches(slug, candidates) for slug in missing},
    )


def _heads(room_ids: Sequence[int]) -> dict[int, int]:
    names: dict[str, int] = {payloads.stream(room_id): room_id for room_id in room_ids}
    return {names[name]: found for name, found in streams.heads(list(names)).items()}
