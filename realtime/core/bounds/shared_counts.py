"""Counts of short windows, over all nodes that share a cache.

A process counts in memory first. A name that it has seen more often than ``ask_from`` is also
counted in the cache: all names of one call in one round trip. So what people usually do costs no
round trip, and N nodes together let through at most N - 1 times ``ask_from`` more than the limit.
Without a shared cache, and while it does not answer, each process counts alone
(docs/decisions/0024-counts-and-raids.md).
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, NamedTuple

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from realtime.core.bounds import budgets

log = logging.getLogger("holdfast.limits")

MAX_NAMES: Final = 50_000  # remembered, about 15 MB; the longest unused are forgotten first
AWAY_SECONDS: Final = 5.0  # a cache that failed is not asked again for so long


class Count(NamedTuple):
    """Something to be counted, ``n`` times, in windows of ``seconds``."""

    name: str
    seconds: float
    ask_from: int  # above it, the other nodes are asked
    n: int = 1


@dataclass(slots=True)
class _Counted:
    """The count of one name in one window, as far as this process knows it."""

    window: int
    own: int = 0
    told: int = 0  # of ``own``, in the cache
    others: int = 0  # by other nodes, as of the last answer


@dataclass(slots=True)
class _Question:
    """A number to add in the cache, and the name whose sum is asked for."""

    count: Count
    known: _Counted
    n: int = 0

    @property
    def key(self) -> str:
        return f"counts:{self.count.name}:{self.known.window}"

    @property
    def life(self) -> int:
        """Seconds after which the counter ends; clocks of nodes differ a little."""
        return int(2 * self.count.seconds) + 1


class SharedCounts:
    """The counts of one process. Threads may share it."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, _Counted] = OrderedDict()
        self._lock = Lock()
        self._away_until = 0.0

    def add_unasked(self, wanted: Sequence[Count]) -> bool:
        """Count in memory what is not above ``ask_from``. Otherwise count nothing, return False."""
        with self._lock:
            found = [self._of(count) for count in wanted]
            for count, each in zip(wanted, found, strict=True):
                if each.own + each.others + count.n > count.ask_from:
                    return False
            for count, each in zip(wanted, found, strict=True):
                each.own += count.n
        return True

    def add(self, wanted: Sequence[Count]) -> list[int]:
        """Count, and return the sum of all nodes for each, as far as this process knows it.

        One round trip at most, which the caller waits for.
        """
        asked: dict[str, _Question] = {}
        counted: list[tuple[_Counted, int]] = []
        is_shared = budgets.is_shared() and time.monotonic() >= self._away_until
        with self._lock:
            for count in wanted:
                each = self._of(count)
                each.own += count.n
                counted.append((each, each.own))
                if is_shared and each.own + each.others > count.ask_from:
                    question = asked.setdefault(count.name, _Question(count, each))
                    question.n += each.own - each.told
                    each.told = each.own
        if asked:
            self._ask(list(asked.values()))
        return [each.others + own for each, own in counted]

    def total(self, name: str, seconds: float) -> int:
        """Return the sum of all nodes for a name, without counting."""
        count = Count(name, seconds, ask_from=-1, n=0)
        return self.add([count])[0]

    def _ask(self, asked: Sequence[_Question]) -> None:
        """Add to the counters in the cache, and note what other nodes have counted there."""
        try:
            sums: Sequence[int | None] = _increased(asked)
        except Exception as error:  # noqa: BLE001  each cache client has its own errors
            self._away_until = time.monotonic() + AWAY_SECONDS
            sums = [None] * len(asked)
            log.warning(
                "cache does not answer; counts are those of this process",
                extra={"error": repr(error)},
            )
        with self._lock:
            for question, total in zip(asked, sums, strict=True):
                known = question.known
                if total is None:
                    known.told -= question.n  # once more when the cache is back
                else:
                    known.others = max(known.others, total - known.told)

    def _of(self, count: Count) -> _Counted:
        window = int(time.time() // count.seconds)
        found = self._names.get(count.name)
        if found is None or found.window != window:
            found = self._names[count.name] = _Counted(window)
            if len(self._names) > MAX_NAMES:
                self._names.popitem(last=False)
        self._names.move_to_end(count.name)
        return found


def seconds_left(seconds: float) -> float:
    """Return how long the current window lasts."""
    return seconds - time.time() % seconds


def _increased(asked: Sequence[_Question]) -> list[int]:
    """Increase counters of the cache, in one round trip where it can. Returns the sums."""
    cache: Any = caches["default"]
    if not isinstance(cache, RedisCache):
        for each in asked:
            cache.add(each.key, 0, each.life)
        return [int(cache.incr(each.key, each.n)) for each in asked]
    # Django's client has no pipeline.
    pipe = cache._cache.get_client(None, write=True).pipeline(transaction=False)
    for each in asked:
        key = cache.make_and_validate_key(each.key)
        pipe.set(key, 0, ex=each.life, nx=True)
        pipe.incrby(key, each.n)
    return [int(total) for total in pipe.execute()[1::2]]


shared_counts: Final = SharedCounts()  # of this process
