"""Where the words stand: the index of the search (made and kept by a migration), and who may see what was found.

Newest first, by the id of the message. Nothing is ranked: that would read every match, and a common word has a million. What has to be
fast in a database of a million messages, whatever is asked:

- **A common word** stands in the newest messages: PostgreSQL looks at some thousand of them, one by one, and stops at a full page.
- **A rare one** is found by the index, in windows that grow: what is frequent below stays outside until it is needed.
- **Frequent, but not where I look** (another room, another author, private rooms of others): the index knows room, author, link and window
  as *marks* beside the words, and finds what has all of them.

FTS5 walks through its lists from the newest match on and stops when the page is full: one query. What decides who sees a message is the
condition on its room, in the same statement (``_READABLE``); marks only save work.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from chat import policies
from chat.models import Membership, Message, Room, State
from chat.queries.search.query import FROM, HAS, IN, Query, Term
from realtime.protocol.errors import BadRequest

LIMIT: Final = 20  # messages of a page
MAX_LIMIT: Final = 50

ME: Final = "me"  # from:me
WALKED: Final = 4096  # ids below the cursor that PostgreSQL looks at one by one: some 10 ms
SPAN: Final = 1 << 14  # ids that share a mark (chat_search_marks in the migration)
WINDOWS: Final = (4, 16, 64)  # spans of the windows that follow; the last window is the rest
# The clocks of two nodes, so that ids and times may disagree by as much.
CLOCKS_APART: Final = timedelta(hours=2)

# policies.reading_problem, as a condition of who asks and when: a ban whose time has come has ended
# (policies.effective_state).
_READABLE = """(
    SELECT r.id FROM chat_room r LEFT JOIN chat_membership m ON m.room_id = r.id AND m.user_id = %s
    WHERE m.state = 'active'
        OR (r.kind = 'public' AND (m.state IS NULL OR m.state <> 'banned' OR (m.banned_until IS NOT NULL AND m.banned_until <= %s)))
)"""


@dataclass(frozen=True, slots=True)
class Found:
    """Messages with their rooms and authors, newest first, and whether there are older ones."""

    messages: list[Message]
    more: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked of the index."""

    user_id: int
    terms: tuple[Term, ...]
    authors: Collection[int]
    rooms: Collection[int]
    private: Collection[int]  # my private rooms
    link: bool
    since: datetime | None
    until: datetime | None


def find(user_id: int, query: Query, *, before_id: int | None = None, limit: int = LIMIT) -> Found:
    """Return the messages that somebody may read and that match. Raises ``BadRequest`` for people and rooms that are not there."""
    wanted = _wanted(user_id, query)
    low, high = _bounds(wanted, before_id)
    search = _in_postgresql if connection.vendor == "postgresql" else _in_sqlite
    ids = search(wanted, low, high, limit + 1)
    rows = (
        Message.objects.filter(pk__in=ids[:limit])
        .exclude(body="")
        .select_related("author", "room")
        .order_by("-pk")
    )
    return Found(list(rows), len(ids) > limit)


# -- names -----------------------------------------------------------------------------------------


def people(user_id: int, query: Query) -> dict[str, User]:
    """Return the people whom ``from:`` names, by the name as it was typed. Raises ``BadRequest`` for nobody."""
    names = query.values(FROM)
    spelt = {spelling for name in names for spelling in (_username(name), _username(name).lower())}
    users = (
        {user.username: user for user in User.objects.filter(Q(username__in=spelt) | Q(pk=user_id))}
        if names
        else {}
    )
    me = {user.pk: user for user in users.values()}.get(user_id)
    found = {}
    for name in names:
        user = (
            me
            if name.lower() == ME
            else users.get(_username(name)) or users.get(_username(name).lower())
        )
        if user is None:
            raise BadRequest("from: there is nobody called “{name}”", name=name)
        found[name] = user
    return found


def rooms(user_id: int, query: Query) -> dict[str, Room]:
    """Return the rooms that ``in:`` names, by the name as it was typed: ``general``, ``#general``, ``@bob`` for the conversation with him.

    Raises ``BadRequest`` alike for rooms that are not there and for those that the asker may not read.
    """
    names = query.values(IN)
    slugs = {name.removeprefix("#").lower() for name in names}
    partners = {_username(name) for name in names if name.startswith("@")}
    rows = list(Room.objects.filter(slug__in=slugs)) if names else []
    mine = (
        Membership.objects.filter(user_id=user_id, room__in=rows).values_list(
            "room_id", "state", "banned_until"
        )
        if rows
        else ()
    )
    states = {room_id: policies.effective_state(state, until) for room_id, state, until in mine}
    known = {
        room.slug: room
        for room in rows
        if policies.reading_problem(room.kind, states.get(room.pk)) is None
    }
    if partners:
        directs = Room.objects.filter(
            kind=Room.Kind.DIRECT, memberships__user_id=user_id, memberships__state=State.ACTIVE
        ).filter(memberships__user__username__in=partners)
        known |= {f"@{name}": room for room, name in _with_partners(directs, user_id)}
    found = {}
    for name in names:
        room = known.get(name) or known.get(name.removeprefix("#").lower())
        if room is None:
            raise BadRequest("in: there is no room called “{name}” that you can read", name=name)
        found[name] = room
    return found


def _username(name: str) -> str:
    return name.removeprefix("@")


def _with_partners(directs: QuerySet[Room], user_id: int) -> Iterator[tuple[Room, str]]:
    by_id = {room.pk: room for room in directs}
    others = Membership.objects.filter(room__in=by_id).exclude(user_id=user_id)
    for room_id, name in others.values_list("room_id", "user__username"):
        yield by_id[room_id], name


# -- the question ----------------------------------------------------------------------------------


def _wanted(user_id: int, query: Query) -> _Wanted:
    private = Membership.objects.filter(user_id=user_id, state=State.ACTIVE).exclude(
        room__kind=Room.Kind.PUBLIC
    )
    ids = list(private.values_list("room_id", flat=True)[: policies.MAX_ROOMS_PER_USER])
    return _Wanted(
        user_id=user_id,
        terms=query.terms,
        authors={user.pk for user in people(user_id, query).values()},
        rooms={room.pk for room in rooms(user_id, query).values()},
        private=ids,
        link=bool(query.values(HAS)),
        since=_beginning(query.after),
        until=_beginning(query.before),
    )


def _beginning(day: date | None) -> datetime | None:
    """Return the first moment of a day, where the reader is."""
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def _bounds(wanted: _Wanted, before_id: int | None) -> tuple[int, int]:
    """Return the ids among which to look: from the first to below the second."""
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    high = min(newest + 1, before_id or policies.MAX_ID)
    if wanted.until is not None:
        high = min(high, _first_since(wanted.until + CLOCKS_APART))
    low = _first_since(wanted.since - CLOCKS_APART) if wanted.since is not None else 0
    return low, high


def _first_since(moment: datetime) -> int:
    """Return about the first id of a time, by halving: ids follow the clock, and no index on the time is needed.

    The first and the last id are asked for one by one: for both in one ``SELECT``, SQLite reads the whole table.
    """
    with connection.cursor() as cursor:
        middle = "(SELECT created_at FROM chat_message WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1) < %s"
        cursor.execute(
            f"""
            WITH RECURSIVE halves(low, high) AS (
                SELECT (SELECT min(id) FROM chat_message), (SELECT max(id) + 1 FROM chat_message)
                UNION ALL
                SELECT CASE WHEN {middle} THEN (low + high) / 2 + 1 ELSE low END, CASE WHEN {middle} THEN high ELSE (low + high) / 2 END
                FROM halves WHERE low < high
            )
            SELECT low FROM halves WHERE low = high""",  # noqa: S608  placeholders only
            [_moment(moment)] * 2,
        )
        row = cursor.fetchone()
    return row[0] if row else 0


def _conditions(wanted: _Wanted, room: str, created_at: str) -> tuple[str, list[Any]]:
    """Return what a message has to be beside matching: in a room that may be read, and of the time that is asked for."""
    conditions, values = (
        [f"({room} IN {_READABLE}) IS TRUE"],
        [wanted.user_id, _moment(timezone.now())],
    )
    for moment, comparison in ((wanted.since, ">="), (wanted.until, "<")):
        if moment is not None:
            conditions.append(f"{created_at} {comparison} %s")
            values.append(_moment(moment))
    return " AND ".join(conditions), values


def _moment(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _ids(sql: str, values: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


# -- PostgreSQL ------------------------------------------------------------------------------------


def _in_postgresql(wanted: _Wanted, low: int, high: int, limit: int) -> list[int]:
    """Walk, then ask the index window by window. At most five statements, however many messages there are."""
    words, typed = _tsquery(wanted.terms)
    marks = _marks(wanted)
    conditions, values = _conditions(wanted, "room_id", "created_at")
    end = max(low, high - WALKED)
    found = _ids(
        f"""
        SELECT message_id FROM (
            SELECT * FROM chat_search WHERE message_id >= %s AND message_id < %s ORDER BY message_id DESC LIMIT {WALKED}
        ) s WHERE {words} AND marks @@ %s::tsquery AND {conditions} ORDER BY message_id DESC LIMIT %s""",  # noqa: S608
        [end, high, *typed, _all(marks), *values, limit],
    )
    for bottom, spans in _windows(low, end):
        if len(found) >= limit:
            break
        # message_id + 0: the planner is to use the index of the words and no other, whatever it
        # believes of how frequent they are.
        found += _ids(
            f"""
            SELECT message_id FROM chat_search
            WHERE {words} AND marks @@ %s::tsquery AND message_id + 0 >= %s AND message_id + 0 < %s AND {conditions}
            ORDER BY message_id + 0 DESC LIMIT %s""",  # noqa: S608
            [*typed, _all([*marks, spans]), bottom, end, *values, limit - len(found)],
        )
        end = bottom
    return found


def _windows(low: int, high: int) -> Iterator[tuple[int, str]]:
    """Yield the bottom of each window below ``high`` and the marks of its spans; the last one has none."""
    for size in WINDOWS:
        if high <= low:
            return
        newest = (high - 1) // SPAN
        oldest = max(newest - size + 1, low // SPAN)
        yield max(low, oldest * SPAN), _any(f"~{span}" for span in range(oldest, newest + 1))
        high = oldest * SPAN
    if high > low:
        yield low, ""


def _tsquery(terms: Sequence[Term]) -> tuple[str, list[str]]:
    """Return the condition on the words, and what goes into its places. PostgreSQL cuts what was typed as it cuts messages."""
    plain = "phraseto_tsquery('simple', chat_search_text(%s))"
    beginning = f"(nullif({plain}::text, '') || ':*')::tsquery"
    query = " && ".join(beginning if term.is_prefix else plain for term in terms)
    return (f"words @@ ({query})", [term.text for term in terms]) if terms else ("true", [])


def _marks(wanted: _Wanted) -> list[str]:
    """Return what the marks have to be, each as the text of a tsquery."""
    rooms = [f"#{room}" for room in wanted.rooms] or [
        "+public",
        *(f"#{room}" for room in wanted.private),
    ]
    return [
        _any(rooms),
        _any(f"@{author}" for author in wanted.authors),
        _any(["+link"] if wanted.link else []),
    ]


def _any(marks: Iterable[str]) -> str:
    return " | ".join(f"'{mark}'" for mark in marks)


def _all(alternatives: Iterable[str]) -> str:
    return " & ".join(f"({marks})" for marks in alternatives if marks)


# -- SQLite ----------------------------------------------------------------------------------------


def _in_sqlite(wanted: _Wanted, low: int, high: int, limit: int) -> list[int]:
    conditions, values = _conditions(wanted, "m.room_id", "m.created_at")
    return _ids(
        f"""
        SELECT s.rowid FROM chat_search s JOIN chat_message m ON m.id = s.rowid
        WHERE chat_search MATCH %s AND s.rowid >= %s AND s.rowid < %s AND {conditions} ORDER BY s.rowid DESC LIMIT %s""",  # noqa: S608
        [_match(wanted), low, high, *values, limit],
    )


def _match(wanted: _Wanted) -> str:
    """Return the question in the language of FTS5."""
    parts = [
        f"body : {_quoted(term.text)}{' *' if term.is_prefix else ''}" for term in wanted.terms
    ]
    rooms = [f"r{room}" for room in wanted.rooms] or [
        "public",
        *(f"r{room}" for room in wanted.private),
    ]
    alternatives = (
        rooms,
        [f"a{author}" for author in wanted.authors],
        ["link"] if wanted.link else [],
    )
    return " AND ".join(
        [*parts, *(f"marks : ({' OR '.join(marks)})" for marks in alternatives if marks)]
    )


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
