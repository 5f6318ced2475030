"""Read numbers: how far each member has read. They concern nobody but the reader, so they change the reader's inbox and not the room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db.models import F, Q

from chat import payloads, policies
from chat.models import Membership, Room, State
from chat.queries import rooms
from notifications.payloads import inbox
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import BadRequest, HoldfastError

READ_BATCH: Final = 500  # rooms read in one transaction: some 20 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """That somebody has read a room up to a number."""

    user_id: int
    room_id: int
    number: int


class Marked(NamedTuple):
    """How far somebody has read."""

    unread: int  # messages after it
    number: int
    moved: bool
    member_count: int  # of the room


class WentBack(NamedTuple):
    """How far somebody has read who went back."""

    unread: int  # messages after it
    number: int
    seq: int  # where their inbox tells of it


def mark_read(marks: Sequence[Mark]) -> list[Marked | HoldfastError]:
    """Note how far people have read, many in one transaction.

    A number never goes back, and never beyond the last message. Three queries and the lock, however many.
    """
    with changing(*{inbox(mark.user_id) for mark in marks}) as heads:
        rows = _memberships(marks)
        before = {row.pk: row.read_number for row in rows.values()}
        strange = _rooms_of_strangers(marks, rows)
        answers = [
            _advance(rows.get((mark.user_id, mark.room_id)), mark, strange) for mark in marks
        ]
        _save(heads, [row for row in rows.values() if row.read_number > before[row.pk]])
    return answers


def mark_unread(*, actor_id: int, room_id: int, number: int) -> WentBack:
    """Go back to just before the message ``number``. What was unread before it stays unread: nothing is read by this."""
    rooms.room(room_id)
    with changing(inbox(actor_id)) as heads:
        room, row = rooms.room_access(room_id, actor_id)
        row = policies.check_member(room, row)
        if not 1 <= number <= room.last_number:
            raise BadRequest(
                "number: expected 1 to {last_number}, got {number}",
                last_number=room.last_number,
                number=number,
            )
        if row.read_number >= number:
            row.read_number = number - 1
            _save(heads, [row])
    return WentBack(room.last_number - row.read_number, row.read_number, row.inbox_seq)


def read_everywhere(*, user_id: int) -> int:
    """Note that somebody has read all that there is in their rooms now, in batches. Returns in how many rooms something was unread."""
    behind = Membership.objects.filter(
        user_id=user_id, state=State.ACTIVE, read_number__lt=F("room__last_number")
    )
    total = 0
    # No further, however fast others write.
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


def _memberships(marks: Sequence[Mark]) -> dict[tuple[int, int], Membership]:
    wanted: dict[int, set[int]] = {}
    for mark in marks:
        if 0 < mark.room_id <= policies.MAX_ID:
            wanted.setdefault(mark.user_id, set()).add(mark.room_id)
    pairs = Q()
    for user_id, room_ids in wanted.items():
        pairs |= Q(user_id=user_id, room_id__in=room_ids)
    if not pairs:
        return {}
    # Locked in the order of their keys: posting in slow mode changes the same rows under the locks
    # of rooms, not of inboxes.
    rows = (
        Membership.objects.select_for_update(of=("self",))
        .filter(pairs)
        .select_related("room", "user")
        .order_by("pk")
    )
    return {(row.user_id, row.room_id): row for row in rows}


def _rooms_of_strangers(
    marks: Sequence[Mark], rows: Mapping[tuple[int, int], Membership]
) -> dict[int, Room]:
    """Return the rooms that somebody names who has never been in them; no query where there is none such."""
    wanted = {
        mark.room_id
        for mark in marks
        if (mark.user_id, mark.room_id) not in rows and 0 < mark.room_id <= policies.MAX_ID
    }
    return Room.objects.in_bulk(wanted) if wanted else {}


def _advance(
    row: Membership | None, mark: Mark, strange: Mapping[int, Room]
) -> Marked | HoldfastError:
    """Move the read number on."""
    room = row.room if row is not None else strange.get(mark.room_id)
    if room is None:
        return policies.no_such_room()
    try:
        row = policies.check_member(room, row)
    except HoldfastError as error:
        return error
    before, last = row.read_number, row.room.last_number
    row.read_number = max(before, min(mark.number, last))
    return Marked(
        last - row.read_number, row.read_number, row.read_number > before, row.room.member_count
    )
