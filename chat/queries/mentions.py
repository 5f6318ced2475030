"""Which unread messages mention somebody: one query for all their rooms, and none where nothing is unread."""

from collections.abc import Mapping
from typing import Final

from django.db import connection

MAX_MENTIONS: Final = 1000  # numbers in one answer; a badge says "99+" long before

Numbers = Mapping[int, list[int]]  # room → numbers of messages


def unread_mentions(user_id: int, read: Mapping[int, int]) -> Numbers:
    """Return the numbers of the messages that mention ``user_id`` above what they have read of each room (``read``: room → number).

    The rooms are a list of rows, so that each is one walk along the index, however many mentions lie below what was read.
    """
    if not read:
        return {}
    rows = ", ".join(["(%s, %s)"] * len(read))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH place (room_id, number) AS (VALUES {rows}) SELECT chat_mention.room_id, chat_mention.number "  # noqa: S608  placeholders only
            "FROM place JOIN chat_mention ON chat_mention.user_id = %s "
            "AND chat_mention.room_id = place.room_id AND chat_mention.number > place.number LIMIT %s",
            [*(value for pair in read.items() for value in pair), user_id, MAX_MENTIONS],
        )
        found: dict[int, list[int]] = {}
        for room_id, number in cursor.fetchall():
            found.setdefault(room_id, []).append(number)
    return {room_id: sorted(numbers) for room_id, numbers in found.items()}
