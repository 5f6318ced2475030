"""The SQL of plain posts: one statement reads everything, and few write everything.

``batch.py`` decides what a post does, here as with Django's ORM; this module only moves rows.
The tests post the same messages both ways and compare all rows, events and errors
(``tests/chat/test_two_ways_of_posting.py``).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Final, Generic, NamedTuple, TypeVar

from django.db import connection, models

from chat.models import Involvement, Membership, Message, Room, SiteMute, State
from chat.services.messages.post import Post
from realtime.core.heads import Statement
from realtime.core.users import User

M = TypeVar("M", bound=models.Model)


class PostRows(NamedTuple):
    """The rows that one post depends on."""

    room: Room | None
    member: Membership | None
    is_known: bool  # its key was used before
    is_followed: bool  # someone else wants to be notified of every message of the room
    filters: str | None  # the version of the filters that are on


class _Columns(Generic[M]):
    """All columns of a model, in a select and back to an instance."""

    def __init__(self, model: type[M], table: str) -> None:
        self._model = model
        self.fields = model._meta.concrete_fields
        self._names = [field.attname for field in self.fields]
        self.width = len(self._names)
        self.sql = ", ".join(f'{table}."{field.column}"' for field in self.fields)

    def instance(self, values: Sequence[Any]) -> M | None:
        """Return the instance; None where an outer join found no row."""
        if values[0] is None:
            return None
        row = list(values)
        for position, conversion in _to_convert(self._model, connection.vendor):
            row[position] = conversion.applied(row[position])
        return self._model.from_db(connection.alias, self._names, row)


class _Conversion(NamedTuple):
    """Makes Python's values of a column's, as Django's ORM does."""

    expression: Any
    converts: Sequence[Callable[..., Any]]

    @classmethod
    def of(cls, field: "models.Field[Any, Any]") -> "_Conversion":
        expression = field.get_col(field.model._meta.db_table)
        by_database = connection.ops.get_db_converters(expression)
        return cls(expression, [*by_database, *field.get_db_converters(connection)])

    def applied(self, value: Any) -> Any:
        for convert in self.converts:
            value = convert(value, self.expression, connection)
        return value


@cache
def _to_convert(model: type[models.Model], vendor: str) -> list[tuple[int, _Conversion]]:
    """Return the columns whose values are not yet those of Python, by their position."""
    found = [
        (position, _Conversion.of(each))
        for position, each in enumerate(model._meta.concrete_fields)
    ]
    return [(position, conversion) for position, conversion in found if conversion.converts]


def _author(key: object) -> object:
    return _AUTHOR.get_db_prep_value(key, connection)


_AUTHOR: Final = Message._meta.get_field("author")
_MUTED_UNTIL: Final = SiteMute._meta.get_field("until")
_ROOM: Final = _Columns(Room, "room")
_MEMBER: Final = _Columns(Membership, "member")
_USER: Final = _Columns(User, "author")

# Of each wanted post, in order: the room, the membership, its user, the end of their mute on the
# site, whether the key is known, whether others follow every message, and the filters.
_READ: Final = f"""
    SELECT {_ROOM.sql}, {_MEMBER.sql}, {_USER.sql}, mute.until,
        EXISTS (
            SELECT 1 FROM chat_message known
            WHERE known.author_id = wanted.author_id AND known.key = wanted.key
        ),
        EXISTS (
            SELECT 1 FROM chat_membership follower
            WHERE follower.room_id = wanted.room_id AND follower.state = '{State.ACTIVE}'
                AND follower.involvement = '{Involvement.EVERYTHING}'
                AND follower.user_id <> wanted.author_id
        ),
        (SELECT stamp FROM chat_filterversion WHERE id = 1)
    FROM %s
    LEFT JOIN chat_room room ON room.id = wanted.room_id
    LEFT JOIN chat_membership member
        ON member.room_id = wanted.room_id AND member.user_id = wanted.author_id
    LEFT JOIN "{User._meta.db_table}" author ON author."{User._meta.pk.column}" = member.user_id
    LEFT JOIN chat_sitemute mute ON mute.user_id = member.user_id
    ORDER BY wanted.position
"""  # noqa: S608  names of columns and constants only
_READ_POSTGRESQL: Final = _READ % (
    "unnest(%s::bigint[], %s::text[]::{user}[], %s::uuid[]) WITH ORDINALITY "
    "AS wanted (room_id, author_id, key, position)"
)
_READ_SQLITE: Final = _READ % (
    "(SELECT json_extract(value, '$[0]') AS room_id, json_extract(value, '$[1]') AS author_id, "
    "json_extract(value, '$[2]') AS key, json_each.key AS position FROM json_each(?)) AS wanted"
)

_COLUMNS: Final = (
    "room_id, number, seq, author_id, key, body, html, search_text, created_at, "
    "reactions, mentions, notified, is_public"
)
_RETURNED: Final = "RETURNING room_id, number, id"
_INSERT_POSTGRESQL: Final = f"""
    INSERT INTO chat_message ({_COLUMNS})
    SELECT room_id, number, seq, author_id, key, body, html, search_text, %s::timestamptz,
        jsonb_build_object(), jsonb_build_array(), jsonb_build_array(), is_public
    FROM unnest(
        %s::bigint[], %s::bigint[], %s::bigint[], %s::text[]::{{user}}[], %s::uuid[], %s::text[],
        %s::text[], %s::text[], %s::boolean[]
    ) WITH ORDINALITY AS fresh (
        room_id, number, seq, author_id, key, body, html, search_text, is_public, position
    )
    ORDER BY position {_RETURNED}
"""  # noqa: S608  names of columns only
_INSERT_SQLITE: Final = (
    f"INSERT INTO chat_message ({_COLUMNS}) "  # noqa: S608  names of columns only
    f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '{{}}', '[]', '[]', ?) {_RETURNED}"
)
_COUNT_POSTGRESQL: Final = (
    "UPDATE chat_room SET last_number = newest.number "
    "FROM unnest(%s::bigint[], %s::bigint[]) AS newest (room_id, number) "
    "WHERE chat_room.id = newest.room_id"
)
_COUNT_SQLITE: Final = "UPDATE chat_room SET last_number = ? WHERE id = ?"


def can_read_users() -> bool:
    """Return whether a user is a row of one table. Models that inherit from others have several."""
    return all(field.model._meta.db_table == User._meta.db_table for field in _USER.fields)


@cache
def _of_users(sql: str) -> str:
    """Name the type of the users' keys in a statement."""
    return sql.format(user=_AUTHOR.db_type(connection))


def reading(posts: Sequence[Post]) -> Statement:
    """Return the statement whose rows ``read`` takes, one for each post."""
    if connection.vendor == "postgresql":
        rooms = _numbers(post.room_id for post in posts)
        authors, keys = [str(post.author_id) for post in posts], [post.key for post in posts]
        return Statement(_of_users(_READ_POSTGRESQL), [rooms, authors, keys])
    wanted = [(post.room_id, _author(post.author_id), post.key.hex) for post in posts]
    return Statement(_READ_SQLITE, [json.dumps(wanted)])


def read(row: Sequence[Any]) -> PostRows:
    """Return what a post depends on."""
    first, second = _ROOM.width, _ROOM.width + _MEMBER.width
    third = second + _USER.width
    until, is_known, is_followed, filters = row[third:]
    member = _MEMBER.instance(row[first:second])
    if member is not None:
        author = _USER.instance(row[second:third])
        assert author is not None, "a membership has a user"
        member.user = author
        vars(member)["site_muted_until"] = _Conversion.of(_MUTED_UNTIL).applied(until)
    room = _ROOM.instance(row[:first])
    return PostRows(room, member, bool(is_known), bool(is_followed), filters)


def writing(messages: Sequence[Message], rooms: Sequence[Room]) -> list[Statement]:
    """Return the statements that store new messages, and the last numbers of their rooms.

    All messages are of one moment. They return room, number and id of each.
    """
    words = Message._meta.get_field("search_text")
    for message in messages:
        message.search_text = words.pre_save(message, add=True)
    if connection.vendor == "postgresql":
        counts = [_numbers(room.pk for room in rooms), _numbers(room.last_number for room in rooms)]
        return [
            Statement(_COUNT_POSTGRESQL, counts),
            Statement(_of_users(_INSERT_POSTGRESQL), _columns(messages)),
        ]
    return [
        *(Statement(_COUNT_SQLITE, [room.last_number, room.pk]) for room in rooms),
        *(Statement(_INSERT_SQLITE, _values(message)) for message in messages),
    ]


def _columns(messages: Sequence[Message]) -> list[object]:
    return [
        messages[0].created_at,
        _numbers(message.room_id for message in messages),
        _numbers(message.number for message in messages),
        _numbers(message.seq for message in messages),
        [str(message.author_id) for message in messages],
        [message.key for message in messages],
        [message.body for message in messages],
        [message.html for message in messages],
        [message.search_text for message in messages],
        [message.is_public for message in messages],
    ]


def _values(message: Message) -> list[object]:
    return [
        message.room_id,
        message.number,
        message.seq,
        _author(message.author_id),
        message.key.hex,
        message.body,
        message.html,
        message.search_text,
        connection.ops.adapt_datetimefield_value(message.created_at),
        message.is_public,
    ]


def _numbers(values: Iterable[int]) -> str:
    """Return an array as text: lists would be of a type for each magnitude, and so a plan each."""
    return "{" + ",".join(map(str, values)) + "}"
