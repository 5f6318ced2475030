"""The texts of the messages that notifications are about, read when someone looks at them.

A text is left out where the reader may not read the room any more, where the message is deleted or
hidden, and where the reader has blocked its author.
"""

from collections.abc import Collection
from typing import Final

from django.db.models import F, Q

from chat import payloads, policies
from chat.models import Membership, Message
from chat.queries.blocks import blocked_pairs
from chat.text.plain_text import plain
from realtime.core.streams import StreamName

EXCERPT_LENGTH: Final = 200  # characters, as in a quote
MAX_DIGITS: Final = 18  # of a number that fits into the columns


def subject(room_id: int, number: int) -> str:
    """Return the name under which notifications about a message are filed.

    It has the number because a new message gets its id after its notifications are made.
    """
    return f"{payloads.stream(room_id)}.{number}"


def texts(user_id: int, subjects: Collection[str]) -> dict[str, str]:
    """Return the beginning of each message that the user may read, by subject; three queries."""
    wanted = Q()
    for room_id, numbers in _by_room(subjects).items():
        wanted |= Q(room_id=room_id, number__in=numbers)
    if not wanted:
        return {}
    shown = Message.objects.filter(
        wanted, deleted_at=None, hidden_at=None, number__gte=F("room__first_number")
    )
    rows = list(shown.select_related("room"))
    states = _states(user_id, {row.room_id for row in rows})
    blocked = blocked_pairs([user_id], {row.author_id for row in rows})
    return {
        subject(row.room_id, row.number): excerpt(row)
        for row in rows
        if policies.reading_problem(row.room.kind, states.get(row.room_id)) is None
        and (user_id, row.author_id) not in blocked
    }


def excerpt(message: Message) -> str:
    """Return the beginning of a message in one paragraph, without markup."""
    text = plain(message.body, message.html)
    return text if len(text) <= EXCERPT_LENGTH else f"{text[: EXCERPT_LENGTH - 1]}…"


def number_in(subject: str) -> int | None:
    """Return the number of the message that a subject names."""
    number = subject.rpartition(".")[2]
    return int(number) if _is_id(number) else None


def _by_room(subjects: Collection[str]) -> dict[int, set[int]]:
    """Return the numbers of the messages by room; names of other subjects are left out."""
    found: dict[int, set[int]] = {}
    for name in subjects:
        place, _, number = name.rpartition(".")
        room_id = place.removeprefix(f"{payloads.ROOM}.")
        if place == StreamName(f"{payloads.ROOM}.{room_id}") and _is_id(room_id) and _is_id(number):
            found.setdefault(int(room_id), set()).add(int(number))
    return found


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS


def _states(user_id: int, room_ids: Collection[int]) -> dict[int, str]:
    rows = Membership.objects.filter(user_id=user_id, room_id__in=room_ids)
    return {
        room_id: policies.effective_state(state, banned_until)
        for room_id, state, banned_until in rows.values_list("room_id", "state", "banned_until")
    }
