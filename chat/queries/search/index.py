"""Finds messages in the search index (created by a migration), among those that the user may read.

Results are ordered by id, newest first. They are not ranked: ranking would read every match, and a
common word has a million. Queries stay fast in a database of a million messages:

- **A common word** occurs in the newest messages. PostgreSQL checks a thousand of them one by
  one, and stops when the page is full.
- **A rare word** is found by the index, in windows that grow: frequent matches in older messages
  are not read until they are needed.
- **A frequent word in the wrong places** (other rooms, other authors, private rooms of others): the
  index knows room, author, link and window as *marks* beside the words, and finds the messages that
  have all of them.

FTS5 reads its lists from the newest match and stops when the page is full, in one query. Whether a
user may see a message is decided by the condition on its room in the same statement
(``_READABLE``); marks are an optimisation.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import F
from django.utils import timezone

from chat import policies
from chat.models import Membership, Message, Room, State
from chat.queries.search import places
from chat.queries.search.query import HAS, Query, Term, parse

LIMIT: Final = 20  # messages of a page
MAX_LIMIT: Final = 50


WALKED: Final = 1024  # ids below the cursor that PostgreSQL checks one by one: some 5 ms
SPAN: Final = 1 << 14  # ids that share a mark (chat_search_marks in the migration)
WINDOWS: Final = (4, 16, 64)  # spans of the next windows; the last window is the rest
# The clocks of two nodes may differ by this much, and with them the order of ids and times.
FIRST, LAST = date(1970, 1, 2), date(9000, 1, 1)  # no message is older or younger
CLOCKS_APART: Final = timedelta(hours=2)

# policies.reading_problem as a condition on user and time. A ban whose time is over has ended
# (policies.effective_state).
_READABLE = """(
    SELECT r.id FROM chat_room r LEFT JOIN chat_membership m ON m.room_id = r.id AND m.user_id = %s
    WHERE m.state = 'active'
        OR (r.kind = 'public' AND (m.state IS NULL OR m.state <> 'banned'
            OR (m.banned_until IS NOT NULL AND m.banned_until <= %s)))
)"""


_NOT_DIRECT = "(SELECT id FROM chat_room WHERE kind <> 'direct')"


@dataclass(frozen=True, slots=True)
class FoundMessages:
    """Messages with their rooms and authors, newest first, and whether there are older ones."""

    messages: list[Message]
    more: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A query with its names resolved."""

    user_id: int | None  # None: a moderator in the admin, who reads all but direct conversations
    terms: tuple[Term, ...]
    authors: Collection[int]
    rooms: Collection[int]
    private: Collection[int]  # the user's private rooms
    link: bool
    since: datetime | None
    until: datetime | None


def find(
    user_id: int, query: Query, *, before_id: int | None = None, limit: int = LIMIT
) -> FoundMessages:
    """Return matching messages that the user may read. Raises ``BadRequest`` for unknown names."""
    wanted = _wanted(user_id, query)
    low, high = _bounds(wanted, before_id)
    search = _in_postgresql if connection.vendor == "postgresql" else _in_sqlite
    ids = search(wanted, low, high, limit + 1)
    rows = (
        Message.objects.filter(pk__in=ids[:limit], number__gte=F("room__first_number"))
        .exclude(body="")
        .select_related("author", "room")
        .order_by("-pk")
    )
    return FoundMessages(list(rows), len(ids) > limit)


def find_at_desk(
    text: str, *, authors: Collection[int] = (), rooms: Collection[int] = (), limit: int
) -> list[int]:
    """Return the ids of messages with these words, newest first, for moderators of the site.

    Direct conversations are left out: a search would reveal what two people wrote.
    """
    wanted = _Wanted(
        user_id=None,
        terms=parse(text).terms,
        authors=authors,
        rooms=rooms,
        private=(),
        link=False,
        since=None,
        until=None,
    )
    if not wanted.terms:
        return []
    search = _in_postgresql if connection.vendor == "postgresql" else _in_sqlite
    return search(wanted, *_bounds(wanted, None), limit)


# -- the query -------------------------------------------------------------------------------------


def _wanted(user_id: int, query: Query) -> _Wanted:
    private = Membership.objects.filter(user_id=user_id, state=State.ACTIVE).exclude(
        room__kind=Room.Kind.PUBLIC
    )
    ids = list(private.values_list("room_id", flat=True)[: policies.MAX_ROOMS_PER_USER])
    return _Wanted(
        user_id=user_id,
        terms=query.terms,
        authors={user.pk for user in places.people(user_id, query).values()},
        rooms={room.pk for room in places.rooms(user_id, query).values()},
        private=ids,
        link=bool(query.values(HAS)),
        since=_beginning(query.after),
        until=_beginning(query.before),
    )


def _beginning(day: date | None) -> datetime | None:
    """Return the first moment of a day in the reader's time zone."""
    if day is None:
        return None
    return timezone.make_aware(datetime.combine(min(max(day, FIRST), LAST), time.min))


def _bounds(wanted: _Wanted, before_id: int | None) -> tuple[int, int]:
    """Return the range of ids to search: from the first up to, but not including, the second."""
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    high = min(newest + 1, before_id or policies.MAX_ID)
    if wanted.until is not None:
        high = min(high, _first_since(wanted.until + CLOCKS_APART))
    low = _first_since(wanted.since - CLOCKS_APART) if wanted.since is not None else 0
    return low, high


def _first_since(moment: datetime) -> int:
    """Return approximately the first id since a time, by binary search.

    Ids follow the clock, so no index on the time is needed. The first and the last id are two
    subqueries: for both in one ``SELECT``, SQLite reads the whole table.
    """
    with connection.cursor() as cursor:
        middle = (
            "(SELECT created_at FROM chat_message"
            " WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1) < %s"
        )
        cursor.execute(
            f"""
            WITH RECURSIVE halves(low, high) AS (
                SELECT (SELECT min(id) FROM chat_message), (SELECT max(id) + 1 FROM chat_message)
                UNION ALL
                SELECT CASE WHEN {middle} THEN (low + high) / 2 + 1 ELSE low END,
                    CASE WHEN {middle} THEN high ELSE (low + high) / 2 END
                FROM halves WHERE low < high
            )
            SELECT low FROM halves WHERE low = high""",  # noqa: S608  placeholders only
            [_moment(moment)] * 2,
        )
        row = cursor.fetchone()
    return row[0] if row else 0


def _conditions(wanted: _Wanted, room: str, created_at: str) -> tuple[str, list[Any]]:
    """Return the conditions beside the match: a readable room, and the requested time."""
    conditions, values = (
        ([f"({room} IN {_READABLE}) IS TRUE"], [wanted.user_id, _moment(timezone.now())])
        if wanted.user_id is not None
        else ([f"({room} IN {_NOT_DIRECT}) IS TRUE"], [])
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
    """Check the newest messages, then search the index window by window: at most 5 statements."""
    words, typed = _tsquery(wanted.terms)
    texts, patterns = _contained(wanted.terms)
    columns, wanted_ids = _columns(wanted)
    conditions, values = _conditions(wanted, "room_id", "created_at")
    end = max(low, high - WALKED)
    # The text is compared first, because making a list of its words takes 20 times as long.
    found = _ids(
        f"""
        SELECT id FROM (
            SELECT * FROM chat_message WHERE id >= %s AND id < %s ORDER BY id DESC LIMIT {WALKED}
        ) s WHERE body <> '' AND {texts} AND {columns} AND ({words}) IS TRUE AND {conditions}
        ORDER BY id DESC LIMIT %s""",  # noqa: S608
        [end, high, *patterns, *wanted_ids, *typed, *values, limit],
    )
    marks = _marks(wanted)
    indexed, lexemes = _all_words(wanted.terms)
    is_exact = not any(len(term.tokens) > 1 for term in wanted.terms)
    # The index knows the words, but not their order: phrases are checked in the text of what has
    # all their words.
    phrases = "true" if is_exact else f"{texts} AND ({words}) IS TRUE"
    for bottom, spans in _windows(low, end):
        if len(found) >= limit:
            break
        # id + 0 makes the planner use the index of the words and no other, however frequent it
        # estimates them to be.
        found += _ids(
            f"""
            SELECT id FROM chat_message
            WHERE body <> '' AND {indexed}
            AND chat_search_marks(id, room_id, author_id, is_public, body) @@ %s::tsquery
            AND id + 0 >= %s AND id + 0 < %s AND {phrases} AND {conditions}
            ORDER BY id + 0 DESC LIMIT %s""",  # noqa: S608
            [
                *lexemes,
                _all([*marks, spans]),
                bottom,
                end,
                *([] if is_exact else [*patterns, *typed]),
                *values,
                limit - len(found),
            ],
        )
        end = bottom
    return found


def _windows(low: int, high: int) -> Iterator[tuple[int, str]]:
    """Yield the bottom of each window below ``high``, and the marks of its spans.

    The last window has no marks.
    """
    for size in WINDOWS:
        if high <= low:
            return
        newest = (high - 1) // SPAN
        oldest = max(newest - size + 1, low // SPAN)
        yield max(low, oldest * SPAN), _any(f"~{span}" for span in range(oldest, newest + 1))
        high = oldest * SPAN
    if high > low:
        yield low, ""


# As the index has it (chat.text.search_words).
_WORDS: Final = "coalesce(search_text, body)"
_PLAIN: Final = "chat_search_phrase(%s)"
_BEGINNING: Final = f"(nullif({_PLAIN}::text, '') || ':*')::tsquery"


def _tsquery(terms: Sequence[Term]) -> tuple[str, list[str]]:
    """Return the condition on the words, and its parameters.

    PostgreSQL splits the typed text in the same way as messages.
    """
    query = " && ".join(_BEGINNING if term.is_prefix else _PLAIN for term in terms)
    return (
        (f"chat_search_words({_WORDS}) @@ ({query})", [" ".join(term.tokens) for term in terms])
        if terms
        else ("true", [])
    )


def _all_words(terms: Sequence[Term]) -> tuple[str, list[str]]:
    """Return a condition that the index answers alone: all words of all terms, in any order."""
    query = " && ".join(
        f"regexp_replace({_BEGINNING if term.is_prefix else _PLAIN}::text, "
        r"'<(-|\d+)>', '&', 'g')::tsquery"
        for term in terms
    )
    return (
        (f"chat_search_words({_WORDS}) @@ ({query})", [" ".join(term.tokens) for term in terms])
        if terms
        else ("true", [])
    )


def _contained(terms: Sequence[Term]) -> tuple[str, list[str]]:
    """Return a condition that every match fulfils: the text contains the typed letters in order."""
    patterns = [f"%{'%'.join(term.tokens)}%" for term in terms]
    return " AND ".join([f"{_WORDS} ILIKE %s"] * len(patterns)) or "true", patterns


def _columns(wanted: _Wanted) -> tuple[str, list[Any]]:
    """Return the conditions of the marks, on the columns themselves."""
    conditions, values = ["true"], []
    for column, ids in (("room_id", wanted.rooms), ("author_id", wanted.authors)):
        if ids:
            conditions.append(f"{column} = ANY(%s)")
            values.append(list(ids))
    if wanted.link:
        conditions.append("body ~* 'https?://'")
    return " AND ".join(conditions), values


def _marks(wanted: _Wanted) -> list[str]:
    """Return the required marks, each as the text of a tsquery."""
    everywhere = ["+public", *(f"#{room}" for room in wanted.private)]
    rooms = [f"#{room}" for room in wanted.rooms] or (everywhere if wanted.user_id else [])
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
        WHERE chat_search MATCH %s AND s.rowid >= %s AND s.rowid < %s AND {conditions}
        ORDER BY s.rowid DESC LIMIT %s""",  # noqa: S608
        [_match(wanted), low, high, *values, limit],
    )


def _match(wanted: _Wanted) -> str:
    """Return the query in the syntax of FTS5."""
    parts = [
        f"body : {_quoted(' '.join(term.tokens))}{' *' if term.is_prefix else ''}"
        for term in wanted.terms
    ]
    everywhere = ["public", *(f"r{room}" for room in wanted.private)]
    rooms = [f"r{room}" for room in wanted.rooms] or (everywhere if wanted.user_id else [])
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
