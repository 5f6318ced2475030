"""Storing and deleting traces (``chat.moderation.traces``)."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone

from chat.models import Trace
from chat.moderation import traces
from chat.moderation.traces import NewTrace
from realtime.core import outages
from realtime.core.database import ERRORS, read_together
from realtime.core.heads import changing
from realtime.core.per_process import PerLoop
from realtime.protocol.errors import HoldfastError, Unavailable

_gathered: Final[PerLoop[list[Callable[[], Sequence[NewTrace]]]]] = PerLoop(list)
_writing: set[asyncio.Future[None]] = set()  # the loop itself keeps only weak references
TRACES_PER_TRANSACTION: Final = 1000  # deleted in some milliseconds
# For which traces wait for others: one transaction for each post would cost more than the post. A
# process that dies loses as much.
GATHER_SECONDS: Final = 0.5
DELETE_SECONDS: Final = 60.0  # between two looks for old traces, where new ones come


class Deletions:
    """When this process looks for old traces. Threads may share it."""

    def __init__(self) -> None:
        self._next = 0.0  # monotonic

    def are_due(self) -> bool:
        """Return whether it is time, at most once in ``DELETE_SECONDS``."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + DELETE_SECONDS
        return True


deletions: Final = Deletions()  # of this process


def note(seen: Sequence[NewTrace]) -> None:
    """Store traces, in one statement. Those of before are seen again.

    Old ones are deleted as well now and then, so that their end needs no timer.
    """
    if seen and settings.HOLDFAST_TRACE_DAYS:
        with changing():
            note_within(seen)
        if deletions.are_due():
            delete_batch(timezone.now())


def note_within(seen: Sequence[NewTrace]) -> None:
    """Do the same in the transaction that is open."""
    if not seen or not settings.HOLDFAST_TRACE_DAYS:
        return
    now = timezone.now()
    # In one order everywhere, so that two transactions cannot wait for each other's rows.
    Trace.objects.bulk_create(
        [Trace(**each._asdict(), first_at=now, seen_at=now) for each in sorted(set(seen))],
        update_conflicts=True,
        unique_fields=["user", "kind", "digest"],
        update_fields=["seen_at"],
    )


def note_soon(of: Callable[[], Sequence[NewTrace]]) -> None:
    """Store traces without letting anyone wait: on a reading thread, together with others.

    ``of`` runs there too, as a text takes time to fold. Called in an event loop.
    """
    waiting = _gathered.get()
    waiting.append(of)
    if len(waiting) == 1:
        task = asyncio.ensure_future(_note_gathered(waiting))
        _writing.add(task)
        task.add_done_callback(_writing.discard)


async def _note_gathered(waiting: list[Callable[[], Sequence[NewTrace]]]) -> None:
    await asyncio.sleep(GATHER_SECONDS)
    taken = waiting.copy()
    waiting.clear()
    await asyncio.gather(*map(_note_together, taken))


async def _note_together(of: Callable[[], Sequence[NewTrace]]) -> None:
    with suppress(Unavailable):
        await read_together(note_each, of)


def note_each(
    found: Sequence[Callable[[], Sequence[NewTrace]]],
) -> Sequence[HoldfastError | None]:
    """Store the traces of many requests. Nothing may fail because of it."""
    try:
        note([trace for of in found for trace in of()])
    except ERRORS as error:
        outages.note(error)  # logged once a minute
    return [None] * len(found)


def note_texts(texts: Iterable[tuple[int, str]]) -> None:
    """Store traces of texts by their authors, in the transaction that is open.

    Once in a transaction, and as its last lock: so two of them never wait for each other.
    """
    if settings.HOLDFAST_TRACE_DAYS:
        note_within([seen for author_id, body in texts for seen in traces.of_text(author_id, body)])


def delete_batch(now: datetime) -> tuple[int, int | None]:
    """Delete traces whose time has passed. Returns how many, and None when none is left."""
    old = Trace.objects.filter(seen_at__lte=traces.cutoff(now)).order_by("seen_at")
    ids = list(old.values_list("pk", flat=True)[:TRACES_PER_TRANSACTION])
    if ids:
        with changing():
            # Not those that were seen again meanwhile.
            Trace.objects.filter(pk__in=ids, seen_at__lte=traces.cutoff(now)).delete()
    return len(ids), 0 if len(ids) == TRACES_PER_TRANSACTION else None
