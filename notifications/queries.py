"""Reads of inboxes, announcements and broadcasts. Nothing here opens a transaction.

The unread count of an inbox costs one look at an index, however many are unread: every change of a
notification writes the count as of its ``seq`` on the changed row, under the lock of the inbox, so
the row with the highest ``seq`` holds the present count. (A client counts in the same way: it takes
``unread`` from the newest notification it was sent.) Code that deletes old rows must keep the
newest one of each user, and unread ones.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, User
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery

from notifications import payloads
from notifications.models import (
    Announcement,
    AnnouncementReading,
    Broadcast,
    Notification,
    Preferences,
)
from notifications.targets import Place, close_matches, target
from realtime.protocol.page import Event

INBOX_PAGE = 50  # notifications in one answer
MAX_ANNOUNCEMENTS = 100  # active ones in one answer, the newest: more than anyone reads
# Unread rows about one message: more than one only if old ones were marked as unread.
MAX_GATHERING = 10
NAMES_PER_QUERY = 500  # in one IN (…)
# Usernames among which a mistyped one is looked for; comparing 2000 takes some 50 ms.
MAX_CANDIDATES = 2000


def unread(user_id: int) -> int:
    """Return how many notifications of a person are unread."""
    newest = Notification.objects.filter(user_id=user_id).order_by("-seq")
    return newest.values_list("unread", flat=True).first() or 0


def unread_counts(user_ids: Collection[int]) -> dict[int, int]:
    """Return the unread counts of several people, in one query."""
    return {user_id: standing.unread for user_id, standing in standings(user_ids).items()}


class Standing(NamedTuple):
    """The state of an inbox before something is added."""

    unread: int
    off: Collection[str]  # kinds that its owner does not want in it


def standings(user_ids: Collection[int]) -> dict[int, Standing]:
    """Return the state of several inboxes, in one query."""
    newest = (
        Notification.objects.filter(user_id=OuterRef("pk")).order_by("-seq").values("unread")[:1]
    )
    found = User.objects.filter(pk__in=user_ids).annotate(unread=Subquery(newest))
    rows = found.values_list("pk", "unread", "notification_preferences__inbox_off")
    return {user_id: Standing(count or 0, off or ()) for user_id, count, off in rows}


def preferences(user_id: int) -> Preferences:
    """Return a user's preferences; the default is every kind."""
    return Preferences.objects.filter(user_id=user_id).first() or Preferences(
        user_id=user_id, seq=0
    )


def unread_and_preferences(user_id: int) -> tuple[int, Preferences]:
    """Return both, for the start of a page, in one query."""
    newest = Notification.objects.filter(user_id=user_id).order_by("-seq").values("unread")[:1]
    found = (
        User.objects.select_related("notification_preferences")
        .annotate(unread=Subquery(newest))
        .get(pk=user_id)
    )
    chosen = getattr(found, "notification_preferences", None)
    return found.unread or 0, chosen or Preferences(user_id=user_id, seq=0)


def newest_seqs(user_ids: Collection[int]) -> dict[int, int]:
    """Return the highest seq among the notifications of each person."""
    rows = Notification.objects.filter(user_id__in=user_ids).values_list("user_id")
    return dict(rows.annotate(Max("seq")).order_by())


def old(cutoff: datetime, after: int, limit: int) -> tuple[list[int], int | None]:
    """Return notifications that were read, from before ``cutoff``, and where to continue."""
    rows = _old(cutoff).filter(pk__gt=after).order_by("pk")
    found = list(rows.values_list("pk", flat=True)[:limit])
    return found, found[-1] if len(found) == limit else None


def count_old(cutoff: datetime | None) -> int:
    """Return how many ``old`` would return in all."""
    return _old(cutoff).count() if cutoff else 0


def _old(cutoff: datetime) -> "QuerySet[Notification]":
    """Return what may be removed by its age: all but unread ones and the newest of an inbox."""
    newer = Notification.objects.filter(user_id=OuterRef("user_id"), seq__gt=OuterRef("seq"))
    return Notification.objects.filter(Exists(newer), read_at__isnull=False, created_at__lt=cutoff)


def gathering(user_id: int, subject: str) -> list[Notification]:
    """Return the rows that an event about ``subject`` may join or leave, newest first.

    They are unread or taken back.
    """
    waiting = Q(read_at=None) | Q(count=0)
    rows = Notification.objects.filter(
        waiting, user_id=user_id, subject=subject, parts__isnull=False
    )
    return list(rows.order_by("-pk")[:MAX_GATHERING])


def people_in(rows: Iterable[Notification]) -> payloads.People:
    """Return the people that these notifications name, in one query; a row names at most four."""
    named = {user_id for row in rows for user_id in (row.actor_id, *row.params.get("people", ()))}
    return people(named)


def people(user_ids: Iterable[int | None]) -> payloads.People:
    """Return users by id, in one query; without ids there is no query."""
    ids = {user_id for user_id in user_ids if user_id is not None}
    return {**User.objects.in_bulk(ids)} if ids else {}


def notification_events(ident: str, after: int, limit: int) -> Iterator[Event]:
    """Yield the changed notifications of ``inbox.<ident>``: a source of its stream."""
    changed = Notification.objects.filter(user_id=int(ident), seq__gt=after)
    rows = list(changed.order_by("seq")[:limit])
    people = people_in(rows)
    return (payloads.notification_event(row, people) for row in rows)


def reading_events(ident: str, after: int, limit: int) -> Iterator[Event]:
    """Yield the announcements that the owner has read: a source of ``inbox.<ident>``."""
    rows = AnnouncementReading.objects.filter(user_id=int(ident), seq__gt=after).order_by("seq")
    return map(payloads.reading_event, rows[:limit])


def preferences_events(ident: str, after: int, _limit: int) -> Iterator[Event]:
    """Yield the owner's preferences, if they changed: a source of ``inbox.<ident>``."""
    return map(
        payloads.preferences_event, Preferences.objects.filter(user_id=int(ident), seq__gt=after)
    )


def announcement_events(_ident: str, after: int, limit: int) -> Iterator[Event]:
    """Yield the changed announcements: the source of their stream."""
    rows = Announcement.objects.filter(seq__gt=after).order_by("seq")[:limit]
    return map(payloads.announcement_event, rows)


# -- the inbox -------------------------------------------------------------------------------------


class Shelf(StrEnum):
    """A part of an inbox. Each is read along a partial index of its own."""

    INBOX = "inbox"  # not archived
    UNREAD = "unread"
    ARCHIVED = "archived"


_SHELVES = {
    Shelf.INBOX: Q(archived_at=None),
    Shelf.UNREAD: Q(read_at=None),
    Shelf.ARCHIVED: Q(archived_at__isnull=False)
    & ~Q(count=0),  # rows that were taken back are on no shelf
}


class InboxPage(NamedTuple):
    """Notifications as on the wire, newest first, and whether there are older ones."""

    notices: Sequence[dict[str, Any]]
    more: bool


def inbox_page(
    user_id: int, *, before: int | None = None, shelf: Shelf = Shelf.INBOX, limit: int = INBOX_PAGE
) -> InboxPage:
    """Return the newest ``limit`` notifications of a shelf, or those older than ``before``."""
    rows = Notification.objects.filter(_SHELVES[shelf], user_id=user_id).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    shown = found[:limit]
    people = people_in(shown)
    notices = [payloads.notification(row, people) for row in shown]
    return InboxPage(notices, len(found) > limit)


def newest(user_id: int) -> int:
    """Return the id of a person's newest unread notification, or 0."""
    rows = Notification.objects.filter(user_id=user_id, read_at=None).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


class ShownAnnouncement(NamedTuple):
    """An active announcement, and when the user read it."""

    row: Announcement
    read_at: datetime | None


def active_announcements(
    user_id: int, *, now: datetime, joined: datetime
) -> list[ShownAnnouncement]:
    """Return the active announcements, newest first, in one query.

    One from before the user had an account is shown only if it has an expiry date.
    """
    reading = AnnouncementReading.objects.filter(
        user_id=user_id, announcement=OuterRef("pk")
    ).values("read_at")
    rows = Announcement.objects.filter(
        Q(expires_at=None, created_at__gte=joined) | Q(expires_at__gt=now), recalled_at=None
    )
    rows = rows.annotate(reader_read_at=Subquery(reading[:1])).order_by("-pk")
    return [ShownAnnouncement(row, row.reader_read_at) for row in rows[:MAX_ANNOUNCEMENTS]]


# -- broadcasts ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The addressees of a broadcast, by the names that an operator typed."""

    everybody: bool = False
    staff: bool = False
    groups: Sequence[str] = ()
    users: Sequence[str] = ()
    # Kind of target → names: {"room": ["general"]}.
    places: dict[str, Sequence[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what was named, for the record."""
        named: dict[str, Any] = {
            "all": self.everybody,
            "staff": self.staff,
            "groups": list(self.groups),
            "users": list(self.users),
        }
        named |= {kind: list(names) for kind, names in self.places.items()}
        return {name: value for name, value in named.items() if value}


@dataclass(slots=True)
class Reach:
    """The people and places of an audience, and the names that are wrong."""

    everybody: int = 0  # people, when it is announced
    user_ids: list[int] = field(default_factory=list)  # each once, in order
    places: list[tuple[str, Place]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def people(self) -> int:
        """How many will get it; who is in two rooms counts twice."""
        return self.everybody + len(self.user_ids) + sum(place.people for _, place in self.places)


def reach(audience: Audience) -> Reach:
    """Find all people and places that ``audience`` names, without deactivated accounts."""
    found = Reach()
    user_ids: set[int] = set()
    active = User.objects.filter(is_active=True)
    if audience.everybody:
        found.everybody = active.count()
    if audience.staff:
        user_ids.update(active.filter(is_staff=True).values_list("pk", flat=True))
    user_ids.update(_members(audience.groups, found.problems))
    user_ids.update(_named(audience.users, found.problems))
    found.user_ids = sorted(user_ids)
    for kind, names in audience.places.items():
        found.places += [(kind, place) for place in _places(kind, names, found.problems)]
    if audience.everybody and (audience.staff or audience.groups or audience.users):
        found.problems.append(
            "The broadcast already goes to everyone: leave out staff, groups and users, "
            "or they would get it twice."
        )
    elif not (found.problems or audience.everybody or found.user_ids or found.places):
        found.problems.append(
            "This would reach nobody." if audience.as_json() else "Nobody is addressed."
        )
    return found


def _members(names: Sequence[str], problems: list[str]) -> Iterable[int]:
    known = (
        set(Group.objects.filter(name__in=names).values_list("name", flat=True)) if names else set()
    )
    groups = Group.objects.values_list("name", flat=True)[:MAX_CANDIDATES]
    problems += [
        wrong_name("group", name, close_matches(name, groups)) for name in _wrong(names, known)
    ]
    return (
        User.objects.filter(is_active=True, groups__name__in=known)
        .values_list("pk", flat=True)
        .distinct()
        if known
        else ()
    )


def _named(names: Sequence[str], problems: list[str]) -> Iterable[int]:
    active: dict[str, int] = {}
    for start in range(0, len(names), NAMES_PER_QUERY):
        users = User.objects.filter(username__in=names[start : start + NAMES_PER_QUERY])
        for pk, username, is_active in users.values_list("pk", "username", "is_active"):
            active[username] = pk if is_active else 0
    problems += [
        wrong_name("user", name, close_matches(name, _similar_usernames(name)))
        for name in _wrong(names, active)
    ]
    problems += [
        f'The account of "{name}" is deactivated.' for name in names if active.get(name) == 0
    ]
    return [pk for pk in active.values() if pk]


def _similar_usernames(name: str) -> QuerySet[User, str]:
    """Return usernames that share the beginning or the end of ``name``."""
    alike = Q(username__istartswith=name[:2]) | Q(username__iendswith=name[-2:]) if name else Q()
    return User.objects.filter(alike, is_active=True).values_list("username", flat=True)[
        :MAX_CANDIDATES
    ]


def _places(kind: str, names: Sequence[str], problems: list[str]) -> Sequence[Place]:
    if not names:
        return ()
    found = target(kind)
    if found is None:
        problems.append(f"{kind.capitalize()}s are not installed here.")
        return ()
    resolved = found.resolve(list(dict.fromkeys(names)))
    problems += [wrong_name(kind, name, matches) for name, matches in resolved.missing.items()]
    return resolved.places


def _wrong(names: Sequence[str], known: Collection[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in known]


def wrong_name(kind: str, name: str, matches: Sequence[str]) -> str:
    """Say that there is no such thing, and what may have been meant."""
    guess = f" Did you mean {' or '.join(matches)}?" if matches else ""
    return f'There is no {kind} "{name}".{guess}'


class SentBroadcast(NamedTuple):
    """A broadcast, and what became of it."""

    row: Broadcast
    # Notifications that were made; where it was no notification, people as counted when it was
    # sent.
    delivered: int
    read: int  # people who have read it, as announcement or as notification


def sent_broadcasts(*, before: int | None = None, limit: int = INBOX_PAGE) -> list[SentBroadcast]:
    """Return the newest broadcasts, or those older than ``before``, in three queries."""
    rows = Broadcast.objects.order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return counted(rows[:limit])


def counted(rows: Iterable[Broadcast]) -> list[SentBroadcast]:
    """Return broadcasts with what became of them: two queries for all."""
    found = {row.pk: row for row in rows}
    was_read = Q(read_at__isnull=False) & (
        Q(broadcast__recalled_at=None) | Q(read_at__lt=F("broadcast__recalled_at"))
    )
    notified = Notification.objects.filter(broadcast__in=found).order_by().values_list("broadcast")
    counts = {
        pk: (made, read)
        for pk, made, read in notified.annotate(made=Count("pk"), read=Count("pk", filter=was_read))
    }
    readings = (
        AnnouncementReading.objects.filter(announcement__broadcast__in=found)
        .order_by()
        .values_list("announcement__broadcast")
    )
    announced: dict[int, int] = dict(readings.annotate(Count("pk")))
    nobody = (0, 0)
    return [
        SentBroadcast(
            row,
            counts.get(pk, nobody)[0] or row.recipients,
            counts.get(pk, nobody)[1] + announced.get(pk, 0),
        )
        for pk, row in found.items()
    ]
