"""One run of retention over all rooms and inboxes: resumable, bounded in time, and countable."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from chat.models import Message, Room
from chat.queries import retention
from chat.services import traces
from chat.services.messages.review import closing
from chat.services.messages.search_terms import forget_deleted_words
from chat.services.people.erasure import finish_erasures
from chat.services.retention import holds, messages
from notifications import queries as notification_queries
from notifications.services import remove_notifications

# A run rests as long as it works, so that it takes at most half of what the database can do.
PAUSE_SHARE: Final = 1.0

Batch = Callable[[int], tuple[int, int | None]]


@dataclass(slots=True)
class Removed:
    """The rows that a run has removed, or would remove."""

    messages: int = 0
    kept_for_cases: int = 0
    rooms: int = 0
    notifications: int = 0
    holds: int = 0
    finished: bool = True


def count(now: datetime | None = None) -> Removed:
    """Return what a run would remove now, without changing anything."""
    now = now or timezone.now()
    found = Removed()
    for room, cutoff in retention.due(now):
        first = retention.first_kept(room, cutoff)
        rows = Message.objects.filter(room_id=room.pk, number__lt=first)
        kept = rows.filter(retention.in_case()).count()
        total = rows.count() - kept
        found.messages += total
        found.kept_for_cases += kept
        found.rooms += bool(total)
    found.notifications = notification_queries.count_old(_notification_cutoff(now))
    found.holds = holds.count_ended(now)
    return found


def run(*, seconds: float | None = None, now: datetime | None = None) -> Removed:
    """Remove what is too old, for at most about ``seconds``. Call it again to continue."""
    now = now or timezone.now()
    return _Run(now, None if seconds is None else time.monotonic() + seconds).run()


class _Run:
    def __init__(self, now: datetime, deadline: float | None) -> None:
        self._now = now
        self._deadline = deadline
        self._found = Removed()

    def run(self) -> Removed:
        self._found.holds = self._close_cases()
        for room, cutoff in retention.due(self._now):
            if self._is_over():
                break
            self._clean(room, cutoff)
        self._batches(lambda _after: traces.delete_batch(self._now))
        oldest = _notification_cutoff(self._now)
        if oldest is not None:
            self._found.notifications += self._batches(lambda after: _old_notices(oldest, after))
        if self._found.messages or self._found.holds:
            forget_deleted_words()
        self._found.finished = not self._is_over()
        return self._found

    def _close_cases(self) -> int:
        """Finish what nodes left, then end holds, so that the messages can go in the same run."""
        closing.close_rest()
        finish_erasures()
        self._batches(lambda _after: holds.adopt_batch(self._now))
        holds.close_abandoned(self._now)
        return self._batches(lambda _after: holds.end_batch(self._now))

    def _clean(self, room: Room, cutoff: datetime) -> None:
        while not self._is_over() and messages.move_line(room, cutoff):
            pass
        if room.first_number == 1:
            return
        removed = self._batches(lambda after: messages.remove_batch(room, after))
        self._found.messages += removed
        self._found.rooms += bool(removed)
        self._found.kept_for_cases += retention.below_line(room).filter(retention.in_case()).count()
        self._batches(lambda after: messages.move_readers(room, after))
        self._found.notifications += self._batches(
            lambda after: messages.remove_notices(room, after)
        )

    def _batches(self, batch: Batch) -> int:
        total, after = 0, 0
        while not self._is_over():
            started = time.monotonic()
            done, following = batch(after)
            total += done
            if following is None:
                break
            after = following
            self._rest(time.monotonic() - started)
        return total

    def _rest(self, worked: float) -> None:
        time.sleep(worked * PAUSE_SHARE)

    def _is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline


def _notification_cutoff(now: datetime) -> datetime | None:
    days: int = settings.HOLDFAST_NOTIFICATION_DAYS
    return now - timedelta(days=days) if days else None


def _old_notices(cutoff: datetime, after: int) -> tuple[int, int | None]:
    ids, following = notification_queries.old(cutoff, after, messages.NOTICES_PER_TRANSACTION)
    return remove_notifications(ids), following
