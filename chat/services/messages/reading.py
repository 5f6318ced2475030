"""Read numbers: how far each member has read a room.

They concern only the reader, so they change the reader's inbox, but not the room. Where a room has
read receipts, its members learn of them by signals (``chat.api.receipts``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db.models import F, Q

from chat import payloads, policies
from chat.models import Membership, Room, State
from chat.queries import messages, rooms
from chat.services.messages import notice_rows
from notifications.payloads import inbox
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import BadRequest, HoldfastError

READ_BATCH: Final = 500  # rooms marked in one transaction, which takes about 20 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMark:
    """A user's request to mark a room as read up to a number."""

    user_id: int
    room_id: int
    number: int


class Marked(NamedTuple):
    """A member's read number after ``mark_read``, with all marks of the same transaction."""

    unread: int  # messages after it
    number: int
    moved: bool
    has_receipts: bool  # other members see it


class MarkedUnread(NamedTuple):
    """A member's read number after ``mark_unread``."""

    unread: int  # messages after it
    number: int
    seq: int  # of the event in their inbox
    has_receipts: bool  # other members see it


def mark_read(marks: Sequence[ReadMark]) -> list[Marked | HoldfastError]:
    """Store how far members have read, for many in one transaction.

    A read number never decreases here, and never passes the last message. Three queries and the
    locks, however many marks there are.
    """
    with changing(*{inbox(mark.user_id) for mark in marks}) as heads:
        rows = _memberships(marks)
        before = {row.pk: row.read_number for row in rows.values()}
        others = _rooms_without_membership(marks, rows)
        answers = [_advance(rows.get((mark.user_id, mark.room_id)), mark, others) for mark in marks]
        moved = [row for row in rows.values() if row.read_number > before[row.pk]]
        _save(heads, moved)
        notice_rows.read_with_rooms(heads, moved)
        unread = messages.unread_counts(rows.values())
    return [
        Marked(
            unread[answer.pk],
            answer.read_number,
            answer.read_number > before[answer.pk],
            policies.shows_receipts(answer.room),
        )
        if isinstance(answer, Membership)
        else answer
        for answer in answers
    ]


def mark_unread(*, actor_id: int, room_id: int, number: int) -> MarkedUnread:
    """Mark a room as unread from message ``number`` on.

    Earlier messages that were unread stay unread.
    """
    rooms.room(room_id)
    with changing(inbox(actor_id)) as heads:
        room, row = rooms.room_access(room_id, actor_id)
        row = policies.check_member(room, row)
        if not room.first_number <= number <= room.last_number:
            raise BadRequest(
                "number: expected {first_number} to {last_number}, got {number}",
                first_number=room.first_number,
                last_number=room.last_number,
                number=number,
            )
        if row.read_number >= number:
            row.read_number = number - 1
            _save(heads, [row])
        row.room = room
        unread = messages.unread_counts([row])[row.pk]
    return MarkedUnread(unread, row.read_number, row.inbox_seq, policies.shows_receipts(room))


def mark_all_read(*, user_id: int) -> int:
    """Mark all rooms of a user as read, in batches. Returns how many had unread messages."""
    behind = Membership.objects.filter(
        user_id=user_id, state=State.ACTIVE, read_number__lt=F("room__last_number")
    )
    total = 0
    # Bounded, even if other members keep posting.
    for _ in range(policies.MAX_ROOMS_PER_USER // READ_BATCH + 1):
        with changing(inbox(user_id)) as heads:
            rows = list(
                behind.select_for_update(of=("self",))
                .select_related("room", "user")
                .order_by("pk")[:READ_BATCH]
            )
            for row in rows:
                row.read_number = row.room.last_number
            _save(heads, rows)
            notice_rows.read_with_rooms(heads, rows)
        total += len(rows)
        if len(rows) < READ_BATCH:
            break
    return total


def _save(heads: Heads, moved: Sequence[Membership]) -> None:
    for row in moved:
        row.inbox_seq = heads.next(inbox(row.user_id))
    if moved:
        Membership.objects.bulk_update(moved, ["read_number", "inbox_seq"])
    for row in moved:
        heads.record(inbox(row.user_id), payloads.inbox_event(row))


def _memberships(marks: Sequence[ReadMark]) -> dict[tuple[int, int], Membership]:
    wanted: dict[int, set[int]] = {}
    for mark in marks:
        if 0 < mark.room_id <= policies.MAX_ID:
            wanted.setdefault(mark.user_id, set()).add(mark.room_id)
    pairs = Q()
    for user_id, room_ids in wanted.items():
        pairs |= Q(user_id=user_id, room_id__in=room_ids)
    if not pairs:
        return {}
    # Locked in the order of their keys, to rule out deadlocks: posting in slow mode changes the
    # same rows under the locks of rooms, not of inboxes.
    rows = (
        Membership.objects.select_for_update(of=("self",))
        .filter(pairs)
        .select_related("room", "user")
        .order_by("pk")
    )
    return {(row.user_id, row.room_id): row for row in rows}


def _rooms_without_membership(
    marks: Sequence[ReadMark], rows: Mapping[tuple[int, int], Membership]
) -> dict[int, Room]:
    """Return the rooms in which a user of a mark has no membership. No query if none."""
    wanted = {
        mark.room_id
        for mark in marks
        if (mark.user_id, mark.room_id) not in rows and 0 < mark.room_id <= policies.MAX_ID
    }
    return Room.objects.in_bulk(wanted) if wanted else {}


def _advance(
    row: Membership | None, mark: ReadMark, others: Mapping[int, Room]
) -> Membership | HoldfastError:
    """Move a membership to the number of a mark."""
    room = row.room if row is not None else others.get(mark.room_id)
    if room is None:
        return policies.no_such_room()
    try:
        row = policies.check_member(room, row)
    except HoldfastError as error:
        return error
    row.read_number = max(row.read_number, min(mark.number, row.room.last_number))
    return row
