"""The tokens of each account and of each address, over all its connections.

A process counts for itself, without a wait. Where the processes share a cache, each adds what its
busy clients have used to a counter there, once a second, and is charged what they used elsewhere
(docs/decisions/0020-limits-count-accounts.md).
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from realtime.core import metrics
from realtime.core.per_process import PerLoop
from realtime.protocol.errors import RateLimited
from realtime.protocol.limits import TokenBucket
from realtime.protocol.user_ids import UserId

log = logging.getLogger("holdfast.limits")

MAX_CLIENTS: Final = 20_000  # remembered; those that are idle longest are forgotten first
SETTLE_SECONDS: Final = 1.0
WINDOW_SECONDS: Final = 10  # of a shared counter
# Below this part of its rate a client is not settled: a dozen nodes would have to be used.
BUSY: Final = 0.1
MAX_SETTLED: Final = 100  # clients in one round, the busiest first; each costs half a millisecond
AWAY_SECONDS: Final = 5.0  # a cache that failed is not asked again for so long


@dataclass(slots=True)
class _Client:
    bucket: TokenBucket
    rate: float
    used: int = 0  # since the last settlement
    window: int = 0
    own: int = 0  # in this window, as the shared counter knows it
    others: int = 0  # in this window, charged here


class Budgets:
    """The tokens of the clients of one process. Use it from the event loop only."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="limits")

    def take_of_user(self, user_id: UserId, now: float, n: int = 1) -> float:
        """Take tokens of an account: return 0.0, or the seconds to wait."""
        rate, burst = settings.HOLDFAST_COMMAND_RATE, settings.HOLDFAST_COMMAND_BURST
        return self._take(f"user:{user_id}", rate, burst, now, n)

    def take_of_address(self, address: str, now: float) -> float:
        """Take a token of an address, which many people may share."""
        rate, burst = settings.HOLDFAST_ADDRESS_RATE, settings.HOLDFAST_ADDRESS_BURST
        return self._take(f"address:{address}", rate, burst, now, 1)

    def _take(self, key: str, rate: float, burst: int, now: float, n: int) -> float:
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = _Client(TokenBucket(rate, burst, now), rate)
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(key)
        n = min(n, burst)
        wait = client.bucket.take(now, n)
        if wait > 0:
            metrics.refusals.labels(key.partition(":")[0] + "_rate").inc()
            return wait
        client.used += n
        if self._task is None and is_shared():
            self._task = asyncio.create_task(self._settle())
        return 0.0

    async def _settle(self) -> None:
        """Settle once a second, while there is anything to settle."""
        try:
            while True:
                await asyncio.sleep(SETTLE_SECONDS)
                busy = self._busy()
                if not busy:
                    return
                totals = await asyncio.get_running_loop().run_in_executor(
                    self._thread, _add_up, busy
                )
                if totals is None:
                    await asyncio.sleep(AWAY_SECONDS)
                    continue
                now = time.monotonic()
                for (key, window), total in totals.items():
                    self._charge(key, window, total, now)
        finally:
            self._task = None

    def _busy(self) -> dict[tuple[str, int], int]:
        window = int(time.time()) // WINDOW_SECONDS
        found = []
        for key, client in self._clients.items():
            if client.used > client.rate * SETTLE_SECONDS * BUSY:
                found.append((client.used, key))
            client.used = 0
        found.sort(reverse=True)
        return {(key, window): used for used, key in found[:MAX_SETTLED]}

    def _charge(self, key: str, window: int, total: tuple[int, int], now: float) -> None:
        """Charge what others have used in this window and this process does not know yet."""
        client = self._clients.get(key)
        if client is None:
            return
        used, of_all = total
        if client.window != window:
            client.window, client.own, client.others = window, 0, 0
        client.own += used
        others = max(of_all - client.own, 0)
        client.bucket.charge(now, max(others - client.others, 0))
        client.others = others


def is_shared() -> bool:
    """Return whether other processes see the cache."""
    backend: str = settings.CACHES["default"]["BACKEND"]
    return not backend.endswith((".LocMemCache", ".DummyCache"))


def _add_up(used: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], tuple[int, int]] | None:
    """Add to the shared counters. Returns what was added and the sums; None without the cache."""
    cache, found = caches["default"], {}
    try:
        for (key, window), n in used.items():
            found[key, window] = (n, _increased(cache, f"limits:{key}:{window}", n))
    except Exception as error:  # noqa: BLE001  each cache client has its own errors
        log.warning(
            "cache does not answer; limits are counted in this process alone",
            extra={"error": repr(error)},
        )
        return None
    return found


def _increased(cache: BaseCache, name: str, n: int) -> int:
    try:
        return int(cache.incr(name, n))
    except ValueError:  # there is none yet
        if cache.add(name, n, 3 * WINDOW_SECONDS):
            return n
        return int(cache.incr(name, n))


def check_user(user_id: UserId, now: float, n: int = 1) -> None:
    """Count a command of an account. Raises ``RateLimited``."""
    wait = budgets().take_of_user(user_id, now, n)
    if wait > 0:
        raise RateLimited("Too many commands; wait before the next one.", retry_after=wait)


_budgets: Final = PerLoop(Budgets)
budgets = _budgets.get
