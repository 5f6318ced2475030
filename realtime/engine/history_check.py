"""The part of the head check that asks whether the database is still the one remembered here.

If it has gone back in time, this node changes the epoch, or adopts the one that another node has
made, and drops everything that it remembers of the database.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

from realtime.core import database, history, metrics, reads
from realtime.core.monitoring.node_reports import Reporter
from realtime.engine.stream_tail import StreamTail
from realtime.protocol.errors import Unavailable
from realtime.protocol.history import Finding, Judgement, KnownHistory, ObservedHistory, Reported

log = logging.getLogger("holdfast.history")

PARALLEL_COMPARISONS: Final = 4  # of tails with the database: as many as there are reading threads
MAX_LOGGED_STREAMS: Final = 20  # of those that are ahead of the database


class RememberingHub(Protocol):
    """The hub as this check needs it."""

    reporter: Reporter

    @property
    def tails(self) -> Mapping[str, StreamTail]: ...
    @property
    def doubts(self) -> int: ...
    def distrust(self) -> None: ...
    def trust(self, doubts: int) -> None: ...
    def adopt(self, observed: ObservedHistory) -> None: ...
    def drop_history(self, observed: ObservedHistory) -> None: ...


class HistoryCheck:
    """Compares what a hub remembers with the database."""

    def __init__(self, hub: RememberingHub) -> None:
        self._hub = hub
        self._known = KnownHistory()

    async def begin(self) -> None:
        """Read the history that this process follows from now on. Raises ``Unavailable``."""
        observed, is_new = await database.read(history.begin, self._hub.reporter.key)
        if is_new:
            log.warning(
                "the database is another server or a promoted one: a new epoch begins",
                extra={"epoch": observed.epoch},
            )
        self._known.adopt(observed)
        self._hub.adopt(observed)

    async def heads(self, *, full: bool) -> Mapping[str, int]:
        """Return the heads of the followed streams: all of them, or those that changed recently.

        They are read after the history has been found to be the one known. Otherwise everything is
        dropped, and nothing is returned. Raises ``Unavailable``.
        """
        doubts, reported = self._hub.doubts, self._hub.reporter.reported
        observed, judgement = await self._judge(reported)
        if judgement.finding not in (Finding.SAME, Finding.DOUBTFUL):
            await self._rewound(observed, judgement)
            return {}
        doubtful = judgement.finding is Finding.DOUBTFUL or doubts > 0
        if doubtful:
            self._hub.distrust()
        # The reports in the database vouch for everything older than the last one.
        since = reported.sent_at if observed.reports is not None else 0.0
        moved = [tail for tail in self._hub.tails.values() if tail.moved_at >= since]
        heads = await self._read_heads(moved, full=full or doubtful)
        ahead = await self._ahead(self._hub.tails if full or doubtful else heads, moved, heads)
        if doubtful and not ahead:
            ahead = await self._different(moved)
        if ahead:
            lost = Judgement(Finding.REWOUND, "streams are behind memory")
            await self._rewound(observed, lost, ahead)
            return {}
        self._known.adopt(observed)
        if observed.reports is None:
            self._hub.reporter.begin_again()
        self._hub.trust(doubts)
        return heads

    async def _judge(self, reported: Reported) -> tuple[ObservedHistory, Judgement]:
        reporter = self._hub.reporter
        observed = await database.read(history.observe, reporter.key)
        if self._known.is_other_instance(observed):
            self._hub.distrust()
            observed = await database.read(history.observe_anew, reporter.key)
        return observed, self._known.judge(
            observed, reported, may_be_forgotten=reporter.may_be_forgotten
        )

    async def _read_heads(self, moved: Sequence[StreamTail], *, full: bool) -> dict[str, int]:
        return await database.read(
            reads.heads,
            list(self._hub.tails),
            recent=not full,
            moved=[tail.name for tail in moved],
        )

    async def _ahead(
        self, names: Collection[str], moved: Sequence[StreamTail], heads: Mapping[str, int]
    ) -> list[str]:
        """Return the streams whose tail is ahead of the database.

        A tail may have moved since its head was read, so the heads of those are read once more.
        """
        tails = self._hub.tails
        positions = {
            name: tails[name].known
            for name in {*names, *(tail.name for tail in moved)}
            if name in tails and heads.get(name, 0) < tails[name].known
        }
        if not positions:
            return []
        again = await database.read(reads.heads, list(positions))
        return [name for name, position in positions.items() if again.get(name, 0) < position]

    async def _different(self, moved: Sequence[StreamTail]) -> list[str]:
        """Return the streams whose tail holds other rows than the database."""
        found: list[str] = []
        holding = [tail for tail in moved if tail.holds_rows]
        for first in range(0, len(holding), PARALLEL_COMPARISONS):
            some = holding[first : first + PARALLEL_COMPARISONS]
            differ = await asyncio.gather(*(tail.differs() for tail in some))
            found += [tail.name for tail, differs in zip(some, differ, strict=True) if differs]
        return found

    async def _rewound(
        self, observed: ObservedHistory, judgement: Judgement, ahead: Collection[str] = ()
    ) -> None:
        """Drop everything, under the epoch that another node has made or under a new one."""
        self._hub.distrust()
        started = time.monotonic()
        if judgement.finding is not Finding.NEW_EPOCH:
            observed = await database.read(
                history.renew, observed, self._known.number, self._hub.reporter.key
            )
        positions = {name: tail.known for name, tail in self._hub.tails.items()}
        self._known.adopt(observed)
        self._hub.drop_history(observed)
        self._hub.trust(self._hub.doubts)
        await self._report(observed, judgement, positions, ahead, started)

    async def _report(
        self,
        observed: ObservedHistory,
        judgement: Judgement,
        positions: Mapping[str, int],
        ahead: Collection[str],
        started: float,
    ) -> None:
        """Log and count what was lost."""
        try:
            heads = await database.read(reads.heads, list(positions))
        except Unavailable:
            heads = dict(positions)
        behind = {
            name: f"{heads.get(name, 0)} instead of {position}"
            for name, position in positions.items()
            if name in ahead or heads.get(name, 0) < position
        }
        fields = {
            "reason": judgement.reason,
            "epoch": observed.epoch,
            "streams": len(behind),
            "heads": dict(list(behind.items())[:MAX_LOGGED_STREAMS]),
            "seconds": round(time.monotonic() - started, 3),
        }
        if behind or judgement.finding is Finding.REWOUND:
            metrics.history_rewinds.inc(max(1, len(behind)))
            log.error("the database has gone back in time: all clients start again", extra=fields)
        else:
            log.warning("the epoch changed: all clients start again", extra=fields)
