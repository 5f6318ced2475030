"""Messages of a room, and what is unread of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from chat import policies
from chat.models import HeldPost, Membership, Message, Room
from chat.queries.rooms import RoomAccess, readable_room
from realtime.protocol.errors import HoldfastError

LATEST: Final = 50  # messages of a snapshot
MAX_MESSAGES: Final = 100  # of one answer
MAX_MENTIONS: Final = 1000  # numbers in one answer; a badge shows at most "99+"
# Numbers that do not count as unread, in all rooms of one answer: more than a bulk removal of a
# raid leaves behind. Beyond it, a badge shows more than there is.
MAX_UNCOUNTED: Final = 10_000


class RoomReader(NamedTuple):
    """A reader in a room."""

    room_id: int
    user_id: int


class History(NamedTuple):
    """Messages, and whether there are more in the requested direction."""

    messages: list[Message]
    more: bool


def message(message_id: int) -> Message:
    """Raises ``NotFound``, also for numbers that cannot be an id."""
    found = (
        Message.objects.filter(pk=message_id).select_related("author").first()
        if 0 < message_id <= policies.MAX_ID
        else None
    )
    if found is None:
        raise policies.no_such_message()
    return found


def readable_message(message_id: int, user_id: int) -> Message:
    """Raises ``NotFound``, also if the message exists but the user may not read it."""
    found = message(message_id)
    try:
        room = readable_room(found.room_id, user_id).room
    except HoldfastError as error:
        raise policies.no_such_message() from error
    policies.check_kept(room, found.number)
    return found


def latest(room_id: int, *, limit: int = LATEST) -> list[Message]:
    """Return the newest messages of a room, oldest first."""
    return before(room_id, policies.MAX_ID, limit=limit).messages[::-1]


def before(room_id: int, number: int, *, limit: int = LATEST) -> History:
    """Return the messages before ``number``, newest first."""
    rows = _kept(room_id).filter(number__lt=number)
    return _history(rows.order_by("-number"), limit)


def after(room_id: int, number: int, *, limit: int = LATEST) -> History:
    """Return the messages after ``number``, oldest first."""
    rows = _kept(room_id).filter(number__gt=number)
    return _history(rows.order_by("number"), limit)


def around(room_id: int, number: int, *, limit: int = LATEST) -> History:
    """Return the messages on both sides of ``number``, oldest first, as a permalink shows them."""
    older = before(room_id, number, limit=limit // 2)
    newer = after(room_id, number - 1, limit=limit - limit // 2)
    return History(older.messages[::-1] + newer.messages, newer.more)


def held_posts(user_id: int) -> list[HeldPost]:
    """Return the posts of a user that wait for a moderator; their number is limited."""
    rows = HeldPost.objects.filter(author=user_id, state=HeldPost.State.WAITING)
    return list(rows.select_related("case").order_by("pk"))


def _kept(room_id: int) -> "QuerySet[Message]":
    """Return the messages of a room that readers are shown: those from its line on."""
    line = Room.objects.filter(pk=room_id).values("first_number")
    return Message.objects.filter(room_id=room_id, number__gte=line)


def _history(rows: "QuerySet[Message]", limit: int) -> History:
    found = list(rows.select_related("author")[: limit + 1])
    return History(found[:limit], len(found) > limit)


def quoted(room_id: int, messages: Collection[Message]) -> list[Message]:
    """Return the messages that these reply to, except those among them."""
    wanted = {row.reply_to_id for row in messages if row.reply_to_id is not None} - {
        row.pk for row in messages
    }
    return list(_kept(room_id).filter(pk__in=wanted).select_related("author")) if wanted else []


def unread_mentions(user_id: int, read: Mapping[int, int]) -> Mapping[int, list[int]]:
    """Return the numbers of unread messages that mention the user, by room.

    ``read`` has the number up to which the user has read each room. The rooms are joined as a list
    of rows, so that each is one walk along the index, however many mentions are already read.
    """
    if not read:
        return {}
    rows = ", ".join(["(%s, %s)"] * len(read))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH position (room_id, number) AS (VALUES {rows}) "  # noqa: S608  placeholders only
            "SELECT chat_mention.room_id, chat_mention.number "
            "FROM position JOIN chat_mention ON chat_mention.user_id = %s "
            "AND chat_mention.room_id = position.room_id "
            "AND chat_mention.number > position.number LIMIT %s",
            [*(value for pair in read.items() for value in pair), user_id, MAX_MENTIONS],
        )
        found: dict[int, list[int]] = {}
        for room_id, number in cursor.fetchall():
            found.setdefault(room_id, []).append(number)
    return {room_id: sorted(numbers) for room_id, numbers in found.items()}


def uncounted(read: Mapping[RoomReader, int]) -> Mapping[RoomReader, list[int]]:
    """Return the numbers after read numbers that do not count as unread, by room and reader.

    These are the reader's own messages, those of people that the reader has blocked, and messages
    that are deleted or under review. Each room is one walk along an index for each of these
    authors and one for the rest, however many messages are unread
    (docs/decisions/0027-unread-is-a-difference-with-exceptions.md).
    """
    if not read:
        return {}
    rows = ", ".join(["(%s, %s, %s)"] * len(read))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH position (room_id, user_id, number) AS (VALUES {rows}) "  # noqa: S608  placeholders only
            "SELECT position.room_id, position.user_id, chat_message.number "
            "FROM position JOIN chat_message ON chat_message.room_id = position.room_id "
            "AND chat_message.number > position.number "
            "AND (chat_message.deleted_at IS NOT NULL OR chat_message.hidden_at IS NOT NULL) "
            "UNION "
            "SELECT position.room_id, position.user_id, chat_message.number "
            "FROM position JOIN chat_message ON chat_message.author_id = position.user_id "
            "AND chat_message.room_id = position.room_id "
            "AND chat_message.number > position.number "
            "UNION "
            "SELECT position.room_id, position.user_id, chat_message.number "
            "FROM position JOIN chat_block ON chat_block.user_id = position.user_id "
            "AND chat_block.lifted_at IS NULL "
            "JOIN chat_message ON chat_message.author_id = chat_block.blocked_id "
            "AND chat_message.room_id = position.room_id "
            "AND chat_message.number > position.number LIMIT %s",
            [*(value for pair in read.items() for value in (*pair[0], pair[1])), MAX_UNCOUNTED],
        )
        found: dict[RoomReader, list[int]] = {}
        for room_id, user_id, number in cursor.fetchall():
            found.setdefault(RoomReader(room_id, user_id), []).append(number)
    return {position: sorted(numbers) for position, numbers in found.items()}


def unread_after(room: Room, row: Membership) -> int:
    """Return the number after which a member's unread messages begin."""
    return max(row.read_number, room.first_number - 1)


def unread_counts(rows: Collection[Membership]) -> dict[int, int]:
    """Return how many messages each member has not read, by membership; one query at most.

    ``room`` must be loaded.
    """
    behind = {
        RoomReader(row.room_id, row.user_id): unread_after(row.room, row)
        for row in rows
        if row.read_number < row.room.last_number
    }
    gaps = uncounted(behind)
    return {
        row.pk: max(0, row.room.last_number - unread_after(row.room, row))
        - len(gaps.get(RoomReader(row.room_id, row.user_id), ()))
        for row in rows
    }


class Unread(NamedTuple):
    """Numbers after a member's read number."""

    mentions: Sequence[int]  # of messages that mention them
    uncounted: Sequence[int]  # of messages that do not count as unread


NOTHING_UNREAD: Final = Unread((), ())


def unread(rows: Collection[Membership]) -> dict[int, Unread]:
    """Return what is unread in rooms of one user, by room; two queries, or none.

    ``room`` must be loaded.
    """
    behind = [row for row in rows if row.read_number < row.room.last_number]
    if not behind:
        return {}
    user_id = behind[0].user_id
    after = {row.room_id: unread_after(row.room, row) for row in behind}
    mentions = unread_mentions(user_id, after)
    gaps = uncounted({RoomReader(room_id, user_id): number for room_id, number in after.items()})
    found = {}
    for room_id in after:
        uncounted_here = gaps.get(RoomReader(room_id, user_id), ())
        left_out = frozenset(uncounted_here)
        named = [number for number in mentions.get(room_id, ()) if number not in left_out]
        found[room_id] = Unread(named, uncounted_here)
    return found


def unread_in(access: RoomAccess) -> Unread:
    """Return what a member has not read in one room."""
    room, row = access
    if row is None or not policies.is_active(row):
        return NOTHING_UNREAD
    row.room = room
    return unread([row]).get(room.pk, NOTHING_UNREAD)
