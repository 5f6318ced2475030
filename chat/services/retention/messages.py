"""Removing old messages of a room (docs/decisions/0015-old-messages-leave-in-batches.md).

1. **The line moves** (``Room.first_number``): one short transaction, from which on no reader is
   shown an older message. The stream's floor rises with it, so a client that has not seen the last
   state of an old message loads a snapshot, and one that is level goes on.
2. **The rows below the line are deleted** in batches. Each locks the room for some 20 ms.
3. **Readers catch up**: members who have not read what is gone are moved to the line, and
   notifications about it are taken back or deleted.

Every step finds its work from the rows themselves, so a run can stop anywhere, and two at once do
no harm.
"""

from datetime import datetime
from typing import Final

from django.db.models import Max

from chat import payloads
from chat.models import Mention, Message, RemovedText, Report, Room
from chat.queries import retention, rooms
from chat.services.messages.reading import ReadMark, mark_read
from chat.services.persistence import save_room
from notifications.services import remove_notifications
from realtime.core import reads as streams
from realtime.core.heads import changing

MESSAGES_PER_TRANSACTION: Final = 500
READERS_PER_TRANSACTION: Final = 100  # each with the lock of an inbox
NOTICES_PER_TRANSACTION: Final = 100


def move_line(room: Room, cutoff: datetime) -> bool:
    """Move the line of a room towards ``cutoff``. Returns whether there is more to move."""
    wanted = retention.first_kept(room, cutoff)
    step = min(wanted, room.first_number + retention.LINE_STEP)
    if step <= room.first_number:
        return False
    stream = payloads.stream(room.pk)
    with changing(stream) as heads:
        fresh = rooms.room(room.pk)
        if fresh.first_number < step and retention.days_of(fresh):
            old = Message.objects.filter(
                room_id=room.pk, number__gte=fresh.first_number, number__lt=step
            )
            floor = old.aggregate(highest=Max("seq"))["highest"] or 0
            fresh.first_number, fresh.kept_since = step, cutoff
            save_room(heads, fresh)
            heads.raise_floor(stream, floor)
    room.refresh_from_db()
    return step < wanted


def remove_batch(room: Room, after: int) -> tuple[int, int | None]:
    """Delete messages below the line, from the number after ``after`` on.

    Returns how many, and the number to continue after, or None at the line.
    """
    stream = payloads.stream(room.pk)
    with changing(stream) as heads:
        found = (
            retention.removable(room)
            .filter(number__gt=after)
            .order_by("number")
            .values_list("pk", "number", "seq")[:MESSAGES_PER_TRANSACTION]
        )
        rows = list(found)
        if not rows:
            return 0, None
        ids = [pk for pk, _, _ in rows]
        numbers = [number for _, number, _ in rows]
        Mention.objects.filter(room_id=room.pk, number__in=numbers).delete()
        RemovedText.objects.filter(message_id__in=ids).delete()
        Report.objects.filter(message_id__in=ids).delete()
        Message.objects.filter(pk__in=ids).delete()
        # Rows that changed after the line had passed them: of a case that was closed since.
        highest = max(seq for _, _, seq in rows)
        if highest > streams.head_and_floor(stream)[1]:
            heads.raise_floor(stream, highest)
    return len(rows), numbers[-1] if len(rows) == MESSAGES_PER_TRANSACTION else None


def move_readers(room: Room, after: int) -> tuple[int, int | None]:
    """Mark what is removed as read for members who have not read it; see ``remove_batch``."""
    readers = retention.lagging_readers(room, after, READERS_PER_TRANSACTION)
    mark_read(
        [
            ReadMark(user_id=user_id, room_id=room.pk, number=room.first_number - 1)
            for user_id in readers
        ]
    )
    return len(readers), readers[-1] if len(readers) == READERS_PER_TRANSACTION else None


def remove_notices(room: Room, after: int) -> tuple[int, int | None]:
    """Remove notifications about removed messages; see ``remove_batch``."""
    ids, after_next = retention.notices_about_removed(room, after, NOTICES_PER_TRANSACTION)
    return remove_notifications(ids), after_next
