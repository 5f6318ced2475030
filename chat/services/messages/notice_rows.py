"""Notifications follow the message that they are about.

One about a message that is deleted, under review or no longer mentions its reader is taken back,
and comes back with the message. Reading a room reads what notified of its messages.
"""

from collections.abc import Collection, Sequence
from typing import Final

from django.utils import timezone

from chat import payloads
from chat.models import Membership, Message, State
from chat.notification_kinds import DIRECT, MENTION, MESSAGE, REACTION, REPLY
from chat.queries.blocks import blocked_pairs
from chat.queries.notified_messages import number_in, subject
from chat.services.messages.mention_rows import EVERYBODY
from notifications.models import Notification
from notifications.payloads import inbox
from notifications.services import bring_back, change, take_back
from realtime.core.heads import Heads, changing

MESSAGES: Final = (MENTION, REPLY, DIRECT, MESSAGE)  # kinds about one message
INBOXES_PER_TRANSACTION: Final = 50
READ_AT_ONCE: Final = 500  # notifications that reading rooms reads: no more than a tail holds


def follow(room_id: int, numbers: Collection[int]) -> None:
    """Take back and bring back notifications, as the messages are now.

    It runs after the transaction that changed the messages, because their inboxes are known only
    then. The last change is followed last, so it may run twice, and in any order.
    """
    about = [subject(room_id, number) for number in numbers]
    rows = Notification.objects.filter(subject__in=about, kind__in=(*MESSAGES, REACTION))
    people = sorted(set(rows.values_list("user_id", flat=True)))
    for start in range(0, len(people), INBOXES_PER_TRANSACTION):
        user_ids = people[start : start + INBOXES_PER_TRANSACTION]
        with changing(*map(inbox, user_ids)) as heads:
            _follow(heads, room_id, numbers, list(rows.filter(user_id__in=user_ids).order_by("pk")))


def notified(message: Message, people: Collection[tuple[int, int]]) -> set[int]:
    """Return which users of ``people`` (room, user) have a notification about a message.

    For any reason, read or not. No query without people.
    """
    user_ids = {user_id for _room_id, user_id in people}
    if not user_ids:
        return set()
    rows = Notification.objects.filter(
        subject=subject(message.room_id, message.number), kind__in=MESSAGES, user_id__in=user_ids
    )
    return set(rows.values_list("user_id", flat=True))


def read_with_rooms(heads: Heads, members: Sequence[Membership]) -> None:
    """Mark the notifications of messages as read that these members have now read in the room.

    The caller has locked the inboxes of the members.
    """
    read: dict[tuple[int, str], int] = {
        (row.user_id, payloads.stream(row.room_id)): row.read_number for row in members
    }
    rows = Notification.objects.filter(
        read_at=None,
        kind__in=MESSAGES,
        user_id__in={user_id for user_id, _ in read},
        place__in={place for _, place in read},
    ).order_by("pk")[:READ_AT_ONCE]
    found = [
        row
        for row in rows
        if (number_in(row.subject) or 0) <= read.get((row.user_id, row.place), -1)
    ]
    if found:
        change(heads, {row.user_id for row in found}, found, now=timezone.now())


def _follow(
    heads: Heads, room_id: int, numbers: Collection[int], rows: Sequence[Notification]
) -> None:
    messages = {
        subject(room_id, message.number): message
        for message in Message.objects.filter(room_id=room_id, number__in=numbers).select_related(
            "room"
        )
    }
    known = [(row, messages[row.subject]) for row in rows if row.subject in messages]
    take_back(heads, [row for row, message in known if row.count and not _is_due(row, message)])
    returning = [
        (row, message)
        for row, message in known
        if not row.count and row.parts != [] and _is_due(row, message)
    ]
    if returning:
        _bring_back(heads, room_id, returning)


def _is_due(row: Notification, message: Message) -> bool:
    if message.is_deleted or message.is_hidden:
        return False
    return (
        row.kind != MENTION
        or row.user_id in message.mentions
        or EVERYBODY in message.html
        or message.room.is_direct  # where every message notifies
    )


def _bring_back(heads: Heads, room_id: int, rows: Sequence[tuple[Notification, Message]]) -> None:
    """Bring back those of members who have not blocked the author, as unread as the message is."""
    user_ids = {row.user_id for row, _ in rows}
    members = Membership.objects.filter(room_id=room_id, user_id__in=user_ids, state=State.ACTIVE)
    read = dict(members.values_list("user_id", "read_number"))
    blocked = blocked_pairs(user_ids, {message.author_id for _, message in rows})
    found = [
        (row, message)
        for row, message in rows
        if row.user_id in read
        and (row.kind == REACTION or (row.user_id, message.author_id) not in blocked)
    ]
    bring_back(
        heads,
        [row for row, _ in found],
        unread=[
            row
            for row, message in found
            if row.kind != REACTION and read[row.user_id] < message.number
        ],
    )
