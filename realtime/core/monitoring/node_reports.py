"""The reports of all nodes, for one page: a row for each process, rewritten every few seconds.

They are in the database, because it works with any broker and without one. The row of a node that
died stays and gets older.
"""

import asyncio
import logging
import resource
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.db.models import F, Q
from django.db.models.functions import Now

from holdfast.version import __version__
from realtime.core import metrics
from realtime.core.drain import drain
from realtime.core.monitoring import activity, statements
from realtime.core.monitoring.jobs import OverdueJobs
from realtime.core.monitoring.loop_lag import LoopLag
from realtime.core.monitoring.peers import UnreachedPeers
from realtime.core.writer import writer
from realtime.models import DeadLetter, Node
from realtime.protocol.errors import Unavailable
from realtime.protocol.history import Reported

log = logging.getLogger("holdfast.nodes")

FIRST_REPORT_SECONDS: Final = 1.0  # after the start, so that the first rates mean something
REPORT_SECONDS: Final = 5.0  # between two reports of a node: one small statement
# Three missed reports: the node is gone, or cannot reach the database.
SILENT_AFTER_SECONDS: Final = 15.0
# The row of a node that died is still there the next morning.
FORGET_AFTER: Final = timedelta(days=1)
SLOW_SHOWN_SECONDS: Final = 300.0  # for which a slow statement stays on the page
STATM: Final = Path("/proc/self/statm")  # Linux's; other systems show no memory
MAX_SHOWN: Final = 500  # nodes on one page
MAX_COUNTED: Final = 1000  # dead letters: more need no other answer, and a count reads them all

_RATES: Final[Mapping[str, Callable[[], float]]] = {
    "delivered_rate": lambda: metrics.events_delivered.value,
    "command_rate": lambda: metrics.total(metrics.commands),
    "handshake_rate": lambda: metrics.total(metrics.handshakes),
}


class Reporter:
    """Writes the row of this process.

    ``facts`` returns the columns of ``Node`` that the hub knows: connections, streams and so on.
    ``on_lost`` is called when an acknowledged report is not in the database: it has gone back.
    """

    def __init__(
        self, node: str, facts: Callable[[], dict[str, Any]], on_lost: Callable[[], None]
    ) -> None:
        self._node = node
        self._hub_facts = facts
        # A restarted node is another process.
        self.key = f"{node[:80]}-{secrets.token_hex(4)}"
        self.peers = UnreachedPeers(self.key)
        self._jobs = OverdueJobs()
        self._task: asyncio.Task[None] | None = None
        self._counted: dict[str, float] = {}
        self._counted_at = 0.0
        self._processor_seconds = 0.0
        self._loop_lag = LoopLag()
        self._on_lost = on_lost
        self._sent = 0
        self._acknowledged_at = 0.0  # monotonic
        self.reported = Reported()

    @property
    def may_be_forgotten(self) -> bool:
        """Whether another node of this name may have deleted the row, because it is too old."""
        return time.monotonic() - self._acknowledged_at > SILENT_AFTER_SECONDS - REPORT_SECONDS

    def begin_again(self) -> None:
        """Expect nothing of the row: it may be from another history."""
        self.reported = Reported()

    def start(self) -> None:
        """Start to report."""
        self._loop_lag.start()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop reporting, and delete the row."""
        self._loop_lag.stop()
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with suppress(Unavailable):
            await writer().run(_leave, self.key)

    async def report(self) -> None:
        """Write the row. Raises ``Unavailable`` when the database does not answer."""
        self._sent += 1
        report = Reported(self._sent, time.monotonic())
        facts = {**self._facts(), "reports": report.number}
        if await writer().run(_report, self.key, facts, self.reported.number):
            self.reported, self._acknowledged_at = report, time.monotonic()
        else:
            self._on_lost()

    async def _run(self) -> None:
        self._rates()
        self._processor_seconds = time.process_time()
        await asyncio.sleep(FIRST_REPORT_SECONDS)
        while True:
            try:
                await self.report()
                await self.peers.look()
                await self._jobs.look()
            except Unavailable:
                pass  # the head check logs it once
            except Exception:
                log.exception("the report of this node failed")
            await asyncio.sleep(REPORT_SECONDS)

    def _facts(self) -> dict[str, Any]:
        seconds = max(time.monotonic() - self._counted_at, 0.001)
        return {
            "name": self._node,
            "draining": drain.begun,
            "details": self._details(seconds),
            **self._hub_facts(),
            **self._rates(),
        }

    def _details(self, seconds: float) -> dict[str, Any]:
        """Return what the page of the nodes shows of this process; see ``Details``."""
        used, self._processor_seconds = self._processor_seconds, time.process_time()
        recently = time.time() - SLOW_SHOWN_SECONDS
        return {
            "version": __version__,
            "processor": round((self._processor_seconds - used) / seconds, 2),
            "memory": _resident_bytes(),
            "loop_lag": round(self._loop_lag.take_largest(), 3),
            "slow": [
                [each.text, round(each.seconds, 1), each.ended_at, each.requests]
                for each in statements.slow
                if each.ended_at > recently
            ],
            **activity.report(),
        }

    def _rates(self) -> dict[str, float]:
        """Return the rates per second since the last call."""
        now, before = time.monotonic(), self._counted
        seconds = max(now - self._counted_at, 0.001)
        self._counted = {name: read() for name, read in _RATES.items()}
        self._counted_at = now
        return {
            name: round((value - before.get(name, value)) / seconds, 1)
            for name, value in self._counted.items()
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """A node as the page shows it. ``age``: seconds since its last report (database clock)."""

    node: Node
    age: float

    @property
    def silent(self) -> bool:
        """Whether the node has missed three reports."""
        return self.age > SILENT_AFTER_SECONDS

    @property
    def processor_percent(self) -> float:
        """The share of one processor that the node used between its last two reports."""
        return 100 * float(self.node.details.get("processor") or 0)

    @property
    def loop_lag_ms(self) -> float:
        """The largest lag of its event loop in that time, in milliseconds."""
        return 1000 * float(self.node.details.get("loop_lag") or 0)


def seen() -> list[Seen]:
    """Return all nodes that reported within a day, by name."""
    rows = Node.objects.annotate(age=Now() - F("seen_at")).order_by("name", "key")[:MAX_SHOWN]
    return [Seen(row, max(0.0, row.age.total_seconds())) for row in rows]


def _resident_bytes() -> int | None:
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return None


def _report(key: str, facts: Mapping[str, Any], acknowledged: int = 0) -> bool:
    """Write the row, unless it has fewer reports than were acknowledged. Returns whether it did."""
    own = Node.objects.filter(key=key)
    if own.filter(reports__gte=acknowledged).update(seen_at=Now(), **facts):
        _count()
        return True
    if acknowledged:
        return False
    Node.objects.create(key=key, **facts)
    # The same node, restarted, takes the place of its former process.
    replaced = Q(name=facts["name"], seen_at__lt=Now() - timedelta(seconds=SILENT_AFTER_SECONDS))
    Node.objects.exclude(key=key).filter(replaced | Q(seen_at__lt=Now() - FORGET_AFTER)).delete()
    _count()
    return True


def _count() -> None:
    recent = Node.objects.filter(seen_at__gte=Now() - timedelta(seconds=SILENT_AFTER_SECONDS))
    metrics.nodes.set(recent.values("name").distinct().count())
    metrics.dead_letters.set(DeadLetter.objects.all()[:MAX_COUNTED].count())


def _leave(key: str) -> None:
    Node.objects.filter(key=key).delete()
