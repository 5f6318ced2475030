"""How long it takes until nobody has an access any more that was taken away, on all nodes.

Who ends an access starts a stopwatch with the row that says so (``start``). Each node answers once,
in the database: one that follows the stream when it has closed or ended what it had, another one
when it hears that there is something to answer. Without the broker the head check finds that. A
node that was there and does not answer is named, and nothing waits for it.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from realtime.core import database, publishing
from realtime.core.heads import Heads
from realtime.core.node_reports import SILENT_AFTER_SECONDS
from realtime.core.writer import writer
from realtime.models import Confirmation, Ending, Node, Revocation
from realtime.protocol.errors import HoldfastError

log = logging.getLogger("holdfast.stopwatch")

MAX_NODES: Final = 500  # that are expected to answer
# Answers of this node that are not written yet; what does not fit is found by the head check.
MAX_WAITING: Final = 1000
PER_QUERY: Final = 100  # endings found by stream and seq in one query
LATE_SECONDS: Final = 10.0  # after which a node that has not answered is said not to have
# What the head check looks for: older endings keep their gaps.
FOUND_WITHIN: Final = timedelta(minutes=2)
KEEP_ENDINGS: Final = timedelta(days=365)
PRUNED_TOGETHER: Final = 500  # rows of each table at a full head check: some 10 ms


def start(heads: Heads, stream: str, seq: int, *, user_id: int, reason: str) -> Ending:
    """Start the stopwatch of an event that ends an access, in the transaction that writes its row."""
    assert stream in heads.advanced
    alive = Node.objects.filter(
        seen_at__gt=Now() - timedelta(seconds=SILENT_AFTER_SECONDS)
    ).order_by("key")
    expected = dict(alive.values_list("key", "name")[:MAX_NODES])
    row = Ending.objects.create(
        stream=stream, seq=seq, user_id=user_id, reason=reason[:100], expected=expected
    )
    transaction.on_commit(partial(publishing.publish_ending, stream, seq))
    return row


class Stopwatch:
    """What this node answers."""

    def __init__(self, key: str) -> None:
        self._key = key
        # (stream, seq) → what was closed here, and when (monotonic).
        self._waiting: dict[tuple[str, int], tuple[int, float]] = {}
        self._task: asyncio.Task[None] | None = None

    def ended(self, stream: str, seq: int, closed: int) -> None:
        """Note that everything here that had the access has lost it: so many sockets and feeds."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.setdefault((stream, seq), (closed, time.monotonic()))
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._write())

    def heard(self, stream: str, seq: int, position: int | None) -> None:
        """Answer for a stream that nobody here follows (None), or whose event came before; else ``ended`` follows."""
        if position is None or position >= seq:
            self.ended(stream, seq, 0)

    async def find(self, positions: Mapping[str, int]) -> None:
        """Look for endings that were not heard of. Raises ``Unavailable``."""
        for stream, seq in await database.read(_unanswered, self._key):
            self.heard(stream, seq, positions.get(stream))

    async def stop(self) -> None:
        """Write what is noted, and end."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                await writer().run(_confirm, self._key, batch)
            except HoldfastError:  # the database is away, and the head check finds them again
                return
            except Exception:
                log.exception("an ended access could not be confirmed")


@dataclass(frozen=True, slots=True)
class Measured:
    """How an access ended.

    ``milliseconds`` is None where no socket was open; ``missing`` names nodes that have not
    answered.
    """

    ending: Ending
    milliseconds: int | None
    closed: int
    missing: tuple[str, ...]
    is_late: bool


def measured(ids: Collection[int]) -> dict[int, Measured]:
    """Return what is known of these endings, by id: two queries."""
    rows = (
        list(Ending.objects.filter(pk__in=ids).annotate(age=Now() - F("started_at"))) if ids else []
    )
    answers: dict[int, list[Confirmation]] = {row.pk: [] for row in rows}
    for answer in Confirmation.objects.filter(ending__in=answers) if rows else ():
        answers[answer.ending_id].append(answer)
    return {row.pk: _measured(row, answers[row.pk]) for row in rows}


def endings_of(user_id: int, limit: int) -> list[Measured]:
    """Return how somebody's accesses ended, newest first."""
    ids = list(
        Ending.objects.filter(user_id=user_id).order_by("-pk").values_list("pk", flat=True)[:limit]
    )
    found = measured(ids)
    return [found[pk] for pk in ids if pk in found]


def _measured(row: Ending, answers: Iterable[Confirmation]) -> Measured:
    known = list(answers)
    times = [answer.milliseconds for answer in known if answer.closed]
    heard = {answer.node for answer in known}
    missing = tuple(sorted(name for key, name in row.expected.items() if key not in heard))
    age = row.age.total_seconds()  # type: ignore[attr-defined]
    return Measured(
        row,
        max(times, default=None),
        sum(answer.closed for answer in known),
        missing,
        age > LATE_SECONDS,
    )


class Stale(NamedTuple):
    """Ids of rows that are too old to matter."""

    revocations: list[int]
    endings: list[int]


def stale(keep_revocations: timedelta) -> Stale:
    """Return the oldest rows that can go.

    A revocation matters as long as a session of its time could still exist.
    """
    old = Revocation.objects.order_by("pk").values_list("pk", "created_at")[:PRUNED_TOGETHER]
    endings = Ending.objects.order_by("pk").values_list("pk", "started_at")[:PRUNED_TOGETHER]
    now = timezone.now()
    return Stale(
        [pk for pk, at in old if at < now - keep_revocations],
        [pk for pk, at in endings if at < now - KEEP_ENDINGS],
    )


def prune(found: Stale) -> None:
    """Delete them."""
    Revocation.objects.filter(pk__in=found.revocations).delete()
    Ending.objects.filter(pk__in=found.endings).delete()


def _unanswered(key: str) -> list[tuple[str, int]]:
    rows = (
        Ending.objects.filter(started_at__gt=Now() - FOUND_WITHIN)
        .exclude(confirmations__node=key)
        .order_by("-pk")
    )
    return list(rows.values_list("stream", "seq")[:MAX_WAITING])


def _confirm(key: str, batch: Mapping[tuple[str, int], tuple[int, float]]) -> None:
    pairs = list(batch)
    for start_at in range(0, len(pairs), PER_QUERY):
        chosen = pairs[start_at : start_at + PER_QUERY]
        these = Q(*(Q(stream=stream, seq=seq) for stream, seq in chosen), _connector=Q.OR)
        asked = time.monotonic()  # the age is by the database's clock at about this moment
        rows = list(Ending.objects.filter(these).annotate(age=Now() - F("started_at")))
        made = []
        for row in rows:
            closed, at = batch[row.stream, row.seq]
            seconds = row.age.total_seconds() - (asked - at)
            made.append(
                Confirmation(
                    ending=row, node=key, closed=closed, milliseconds=max(0, round(1000 * seconds))
                )
            )
        Confirmation.objects.bulk_create(made, ignore_conflicts=True)
