"""Messages of a room, and unread mentions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from chat import policies
from chat.models import HeldPost, Message, Room
from chat.queries.rooms import RoomAccess, readable_room
from realtime.protocol.errors import HoldfastError

LATEST: Final = 50  # messages of a snapshot
MAX_MESSAGES: Final = 100  # of one answer
MAX_MENTIONS: Final = 1000  # numbers in one answer; a badge shows at most "99+"


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


def unread_mentions_in(access: RoomAccess) -> Sequence[int]:
    """Return the numbers of unread messages of one room that mention the member."""
    room, row = access
    if row is None or not policies.is_active(row) or row.read_number >= room.last_number:
        return ()
    return unread_mentions(row.user_id, {room.pk: row.read_number}).get(room.pk, ())
