"""Reads of chat. Every list is bounded and walks along an index (keyset); nothing counts rows, nothing opens a transaction."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from chat import payloads, policies
from chat.models import SYSTEM_USERNAME, Membership, Message, Report, Role, Room, SiteMute, State
from chat.queries.mentions import unread_mentions
from notifications.targets import Place, Resolved, close_matches
from realtime.auth import MODERATORS
from realtime.core import reads as streams
from realtime.core.streams import Claim, Refusals
from realtime.protocol.errors import HoldfastError, NotFound
from realtime.protocol.page import Event

LATEST: Final = 50  # messages of a snapshot
MAX_MESSAGES: Final = 100  # of one answer
MAX_MEMBERS: Final = 200
MAX_PUBLIC_ROOMS: Final = 200  # of one answer; the rest comes with `after`
MAX_USERS: Final = 20  # suggestions
MAX_CANDIDATES: Final = 2000  # slugs among which a mistyped one is looked for
MAX_OPEN_REPORTS: Final = 100  # of one person, so that nobody fills the moderators' list

# -- sources of the streams ------------------------------------------------------------------------


def message_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the changed messages of ``room.<ident>``: a source of its stream."""
    rows = (
        Message.objects.filter(room_id=int(ident), seq__gt=after)
        .select_related("author")
        .order_by("seq")
    )
    return map(payloads.message_event, rows[:limit])


def membership_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the changed memberships of ``room.<ident>``: a source of its stream."""
    rows = (
        Membership.objects.filter(room_id=int(ident), seq__gt=after)
        .select_related("user")
        .order_by("seq")
    )
    return map(payloads.membership_event, rows[:limit])


def room_events(ident: str, after: int, _limit: int) -> Iterable[Event]:
    """Return the room itself, if it changed: a source of its stream."""
    return map(payloads.room_event, Room.objects.filter(pk=int(ident), seq__gt=after))


def inbox_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the changed memberships of the owner of ``inbox.<ident>``: a source of that stream."""
    rows = (
        Membership.objects.filter(user_id=int(ident), inbox_seq__gt=after)
        .select_related("user")
        .order_by("inbox_seq")
    )
    return map(payloads.inbox_event, rows[:limit])


def authorise(claims: Sequence[Claim]) -> Refusals:
    """Return the claims to rooms that are refused, with the reason; two queries for all."""
    room_ids = {int(claim.ident) for claim in claims}
    kinds = dict(Room.objects.filter(pk__in=room_ids).values_list("pk", "kind"))
    places = Membership.objects.filter(
        room_id__in=room_ids, user_id__in={claim.reader.user_id for claim in claims}
    )
    values = places.values_list("room_id", "user_id", "state", "banned_until")
    states = {
        (room_id, user_id): policies.effective_state(state, until)
        for room_id, user_id, state, until in values
    }
    problems = {
        claim: _problem(
            kinds.get(int(claim.ident)), states.get((int(claim.ident), claim.reader.user_id))
        )
        for claim in claims
    }
    return {claim: problem for claim, problem in problems.items() if problem is not None}


def _problem(kind: str | None, state: str | None) -> HoldfastError | None:
    return policies.no_such_room() if kind is None else policies.reading_problem(kind, state)


# -- single rows -----------------------------------------------------------------------------------


class Standing(NamedTuple):
    """A room, and somebody's place in it."""

    room: Room
    membership: Membership | None


def room(room_id: int) -> Room:
    """Return a room. Raises ``NotFound``, also for numbers that cannot be one's id."""
    found = Room.objects.filter(pk=room_id).first() if 0 < room_id <= policies.MAX_ID else None
    if found is None:
        raise policies.no_such_room()
    return found


def room_by_slug(slug: str) -> Room | None:
    """Return the room of an address, or None."""
    return Room.objects.filter(slug=slug).first()


def membership(room_id: int, user_id: int) -> Membership | None:
    """Return somebody's place in a room, with the user, or None where they never had one."""
    rows = Membership.objects.filter(room_id=room_id, user_id=user_id).select_related("user")
    return with_site_mute(rows).first()


def with_site_mute(rows: "QuerySet[Membership]") -> "QuerySet[Membership]":
    """Load until when each member is muted on the whole site, for ``site_muted_until``."""
    until = SiteMute.objects.filter(pk=OuterRef("user_id")).values("until")
    annotated: QuerySet[Membership] = rows.annotate(site_muted_until=Subquery(until))
    return annotated


def site_muted_until(row: Membership | None) -> datetime | None:
    """Return until when a member is muted on the whole site.

    Raises ``KeyError`` for a row that was read without ``with_site_mute``: a permission must not
    take "not loaded" for "not muted".
    """
    until: datetime | None = vars(row)["site_muted_until"] if row is not None else None
    return until


def standing(room_id: int, user_id: int) -> Standing:
    """Return a room with somebody's place in it. Raises ``NotFound`` where there is no such room; whether they may read it is not asked."""
    return Standing(room(room_id), membership(room_id, user_id))


def readable(room_id: int, user_id: int) -> Standing:
    """Return a room that somebody may read, with their place in it. Raises ``NotFound`` or ``Forbidden``."""
    found = standing(room_id, user_id)
    policies.check_may_read(*found)
    return found


def writable(room_id: int, user_id: int) -> Standing:
    """Return a room that somebody may write in now. Raises why they may not."""
    found = standing(room_id, user_id)
    policies.check_may_write(
        *found, site_muted_until=site_muted_until(found.membership), now=timezone.now()
    )
    return found


def message(message_id: int) -> Message:
    """Return a message with its author. Raises ``NotFound``."""
    found = (
        Message.objects.filter(pk=message_id).select_related("author").first()
        if 0 < message_id <= policies.MAX_ID
        else None
    )
    if found is None:
        raise policies.no_such_message()
    return found


def readable_message(message_id: int, user_id: int) -> Message:
    """Return a message that somebody may read. Raises ``NotFound`` for all others."""
    found = message(message_id)
    try:
        readable(found.room_id, user_id)
    except HoldfastError as error:
        raise policies.no_such_message() from error
    return found


def active_user(username: str) -> User:
    """Return an account that can take part. Raises ``NotFound``."""
    found = (
        User.objects.filter(username=username, is_active=True).first()
        if "\0" not in username
        else None
    )
    if found is None:
        raise NotFound("There is no such person.")
    return found


def active_user_by_id(user_id: int) -> User:
    """Return an account that can take part. Raises ``NotFound``."""
    found = (
        User.objects.filter(pk=user_id, is_active=True).first()
        if 0 < user_id <= policies.MAX_ID
        else None
    )
    if found is None:
        raise NotFound("There is no such person.")
    return found


def user(user_id: int) -> User:
    """Return an account, deactivated or not. Raises ``NotFound``."""
    found = User.objects.filter(pk=user_id).first() if 0 < user_id <= policies.MAX_ID else None
    if found is None:
        raise NotFound("There is no such person.")
    return found


def is_site_moderator(user_id: int) -> bool:
    """Tell whether somebody moderates the whole site: the group ``moderators``, or a superuser."""
    rights = Q(is_superuser=True) | Q(groups__name=MODERATORS)
    return User.objects.filter(rights, pk=user_id, is_active=True).exists()


def open_reports(user_id: int) -> int:
    """Return how many of somebody's reports nobody has looked at, counted no further than a person may have."""
    return len(
        Report.objects.filter(reporter_id=user_id, status=Report.Status.OPEN).values_list("pk")[
            :MAX_OPEN_REPORTS
        ]
    )


def assigned(message_id: int) -> int | None:
    """Return who looks at the open case about a message, or None."""
    rows = Report.objects.filter(message_id=message_id, status=Report.Status.OPEN).order_by("pk")
    return rows.values_list("assigned_to_id", flat=True).first()


def kept_out() -> Q:
    """Return what is true of the memberships of those whom a ban keeps out of a room now (``policies.is_banned``)."""
    return Q(state=State.BANNED) & (Q(banned_until=None) | Q(banned_until__gt=timezone.now()))


# -- messages of a room ----------------------------------------------------------------------------


class History(NamedTuple):
    """Messages, and whether there are more of them in the direction that was asked for."""

    messages: list[Message]
    more: bool


def latest(room_id: int, *, limit: int = LATEST) -> list[Message]:
    """Return the newest messages of a room, oldest of them first."""
    return before(room_id, policies.MAX_ID, limit=limit).messages[::-1]


def before(room_id: int, number: int, *, limit: int = LATEST) -> History:
    """Return the messages before ``number``, newest first."""
    return _walk(
        Message.objects.filter(room_id=room_id, number__lt=number).order_by("-number"), limit
    )


def after(room_id: int, number: int, *, limit: int = LATEST) -> History:
    """Return the messages after ``number``, oldest first."""
    return _walk(
        Message.objects.filter(room_id=room_id, number__gt=number).order_by("number"), limit
    )


def around(room_id: int, number: int, *, limit: int = LATEST) -> History:
    """Return ``number`` in the middle of what stands around it, oldest first: what a permalink shows."""
    older = before(room_id, number, limit=limit // 2)
    newer = after(room_id, number - 1, limit=limit - limit // 2)
    return History(older.messages[::-1] + newer.messages, newer.more)


def quoted(room_id: int, messages: Collection[Message]) -> list[Message]:
    """Return the messages that these answer and that are not among them."""
    wanted = {row.reply_to_id for row in messages if row.reply_to_id is not None} - {
        row.pk for row in messages
    }
    return (
        list(Message.objects.filter(room_id=room_id, pk__in=wanted).select_related("author"))
        if wanted
        else []
    )


def _walk(rows: "QuerySet[Message]", limit: int) -> History:
    found = list(rows.select_related("author")[: limit + 1])
    return History(found[:limit], len(found) > limit)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a client shows of a room, and the position from which it goes on."""

    room: Room
    membership: Membership | None
    partner: User | None  # the other one of a direct room
    seq: int
    messages: list[Message]
    mentions: Sequence[int]  # numbers of the unread messages that mention the person


def snapshot(room_id: int, user_id: int) -> Snapshot:
    """Return a room that somebody may read. ``seq`` is read before everything else: what changes meanwhile comes again as an event."""
    seq = head(room_id)
    found = readable(room_id, user_id)
    partner = partners([found.room], user_id).get(room_id)
    return Snapshot(found.room, found.membership, partner, seq, latest(room_id), mentions_of(found))


def mentions_of(found: Standing) -> Sequence[int]:
    """Return the numbers of the unread messages of a room that mention the member."""
    room, row = found
    if row is None or not policies.is_active(row) or row.read_number >= room.last_number:
        return ()
    return unread_mentions(row.user_id, {room.pk: row.read_number}).get(room.pk, ())


def head(room_id: int) -> int:
    """Return the head of a room's stream."""
    if not 0 < room_id <= policies.MAX_ID:
        raise policies.no_such_room()
    return streams.head_and_floor(payloads.stream(room_id))[0]


# -- people of a room ------------------------------------------------------------------------------


def partners(rooms: Iterable[Room], user_id: int) -> dict[int, User]:
    """Return the other person of each direct room."""
    direct = [room.pk for room in rooms if room.is_direct]
    if not direct:
        return {}
    rows = (
        Membership.objects.filter(room_id__in=direct)
        .exclude(user_id=user_id)
        .select_related("user")
    )
    return {row.room_id: row.user for row in rows}


def number_of_rooms(user_id: int) -> int:
    """Return how many rooms somebody is in, counted no further than the limit."""
    mine = Membership.objects.filter(user_id=user_id, state=State.ACTIVE)
    return len(mine.values_list("pk")[: policies.MAX_ROOMS_PER_USER])


def is_last_owner(room_id: int, user_id: int) -> bool:
    """Tell whether a room would have no owner without this person."""
    owners = Membership.objects.filter(
        room_id=room_id, state=State.ACTIVE, role=Role.OWNER
    ).order_by("pk")
    return list(owners.values_list("user_id", flat=True)[:2]) == [user_id]


def heir(room_id: int, user_id: int) -> int | None:
    """Return who gets the room when this person leaves it: the longest-standing moderator, else member; None: nobody has to, or can."""
    if not is_last_owner(room_id, user_id):
        return None
    others = Membership.objects.filter(
        room_id=room_id, state=State.ACTIVE, user__is_active=True
    ).exclude(user_id=user_id)
    moderators = others.filter(role=Role.MODERATOR).order_by("joined_at", "pk")
    members_by_age = others.order_by("joined_at", "pk")
    return (
        moderators.values_list("user_id", flat=True).first()
        or members_by_age.values_list("user_id", flat=True).first()
    )


def users(beginning: str) -> list[User]:
    """Return people whose username begins so, in the order of the alphabet. A prefix of it can use the index; their names have none."""
    begins = Q(username__startswith=beginning) | Q(username__startswith=beginning.lower())
    return list(
        User.objects.filter(begins, is_active=True)
        .exclude(username=SYSTEM_USERNAME)
        .order_by("username")[:MAX_USERS]
    )


# -- rooms of a person -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """A room in somebody's list."""

    room: Room
    membership: Membership | None
    partner: User | None
    seq: int
    mentions: Sequence[int] = ()  # numbers of the unread messages that mention them

    @property
    def unread(self) -> int:
        """How many messages are unread, by arithmetic."""
        return max(0, self.room.last_number - self.membership.read_number) if self.membership else 0

    @property
    def is_favourite(self) -> bool:
        """Whether they want it at hand."""
        return self.membership is not None and self.membership.favourite

    @property
    def order(self) -> float:
        """Its place among their favourites."""
        return self.membership.favourite_order if self.membership else 0


def my_rooms(user_id: int) -> list[Listed]:
    """Return the rooms that somebody is in, by name. Their heads are read before the rows."""
    mine = Membership.objects.filter(user_id=user_id, state=State.ACTIVE, room__archived_at=None)
    ids = list(
        mine.order_by("room__name", "room_id").values_list("room_id", flat=True)[
            : policies.MAX_ROOMS_PER_USER
        ]
    )
    heads = _heads(ids)
    rows = {row.room_id: row for row in mine.filter(room_id__in=ids).select_related("room", "user")}
    found = [rows[room_id] for room_id in ids if room_id in rows]
    others = partners([row.room for row in found], user_id)
    mentions = unread_mentions(
        user_id,
        {row.room_id: row.read_number for row in found if row.read_number < row.room.last_number},
    )
    return [
        Listed(
            row.room,
            row,
            others.get(row.room_id),
            heads.get(row.room_id, 0),
            mentions.get(row.room_id, ()),
        )
        for row in found
    ]


def public_rooms(
    user_id: int, *, after: Room | None = None, limit: int = MAX_PUBLIC_ROOMS
) -> tuple[list[Listed], bool]:
    """Return public rooms that somebody is not in and may join, by name, and whether there are more after them."""
    mine = Membership.objects.filter(room=OuterRef("pk"), user_id=user_id)
    mine = mine.filter(Q(state=State.ACTIVE) | kept_out())
    rooms = Room.objects.filter(~Exists(mine), kind=Room.Kind.PUBLIC, archived_at=None).order_by(
        "name", "pk"
    )
    if after is not None:
        rooms = rooms.filter(Q(name__gt=after.name) | Q(name=after.name, pk__gt=after.pk))
    ids = list(rooms.values_list("pk", flat=True)[: limit + 1])
    heads = _heads(ids[:limit])
    found = Room.objects.in_bulk(ids[:limit])
    return [
        Listed(found[pk], None, None, heads.get(pk, 0)) for pk in ids[:limit] if pk in found
    ], len(ids) > limit


def rooms_named(slugs: Sequence[str]) -> Resolved:
    """Return the rooms that a broadcast can be posted to, by slug; for a wrong one, those that may have been meant."""
    open_rooms = Room.objects.exclude(kind=Room.Kind.DIRECT).filter(archived_at=None)
    found = {row.slug: row for row in open_rooms.filter(slug__in=slugs)}
    missing = [slug for slug in slugs if slug not in found]
    candidates = (
        list(open_rooms.order_by("slug").values_list("slug", flat=True)[:MAX_CANDIDATES])
        if missing
        else []
    )
    return Resolved(
        [Place(row.pk, slug, row.member_count) for slug, row in found.items()],
        {slug: close_matches(slug, candidates) for slug in missing},
    )


def _heads(room_ids: Sequence[int]) -> dict[int, int]:
    names: dict[str, int] = {payloads.stream(room_id): room_id for room_id in room_ids}
    return {names[name]: found for name, found in streams.heads(list(names)).items()}
