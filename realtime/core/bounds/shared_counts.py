"""How often something happened in the last seconds, on all nodes that share a cache.

A process counts in memory first. A name that it has seen more often than ``ask_from`` is also
counted in the cache: all names of one call in one round trip. So what people usually do costs no
round trip, and N nodes together let through at most N - 1 times ``ask_from`` more than the limit.
Without a shared cache, and while it does not answer, each process counts alone
(docs/decisions/0024-counts-and-raids.md).

The counters are of windows. The one before counts by the part of it that is within the last
seconds; a process asks for it together with the first question in the current one.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, NamedTuple

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from realtime.core.bounds import budgets
from realtime.protocol.limits import still_counting, windows_to_wait

log = logging.getLogger("holdfast.limits")

MAX_NAMES: Final = 50_000  # remembered, about 15 MB; the longest unused are forgotten first
AWAY_SECONDS: Final = 5.0  # a cache that failed is not asked again for so long


class Count(NamedTuple):
    """Something to be counted, ``n`` times, over the last ``seconds``."""

    name: str
    seconds: float
    ask_from: int  # above it, the other nodes are asked
    n: int = 1


@dataclass(slots=True)
class _Window:
    """The count of one name in one window, as far as this process knows it."""

    number: int
    own: int = 0
    told: int = 0  # of ``own``, in the cache
    others: int = 0  # by other nodes, as of the last answer
    is_settled: bool = False  # asked for after its end

    @property
    def total(self) -> int:
        return self.own + self.others


@dataclass(slots=True)
class _Counted:
    """The two windows of a name that count."""

    current: _Window
    before: _Window


@dataclass(slots=True)
class _Question:
    """A number to add in the cache to the counter of a window, whose sum is asked for."""

    count: Count
    known: _Window
    is_over: bool  # it is the window before
    n: int = 0

    @property
    def key(self) -> str:
        return f"counts:{self.count.name}:{self.known.number}"

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
        now = time.time()
        with self._lock:
            found = [self._of(count, now) for count in wanted]
            for count, each in zip(wanted, found, strict=True):
                if _total(count, each, now) + count.n > count.ask_from:
                    return False
            for count, each in zip(wanted, found, strict=True):
                each.current.own += count.n
        return True

    def add(self, wanted: Sequence[Count]) -> list[int]:
        """Count, and return the sum of all nodes for each, as far as this process knows it.

        One round trip at most, which the caller waits for.
        """
        asked: dict[tuple[str, int], _Question] = {}
        counted: list[tuple[_Counted, int]] = []
        is_shared = budgets.is_shared() and time.monotonic() >= self._away_until
        now = time.time()
        with self._lock:
            for count in wanted:
                each = self._of(count, now)
                each.current.own += count.n
                counted.append((each, each.current.own))
                if is_shared and _total(count, each, now) > count.ask_from:
                    if not each.before.is_settled:
                        _ask_about(asked, count, each.before, is_over=True)
                    _ask_about(asked, count, each.current, is_over=False)
        if asked:
            self._ask(list(asked.values()))
        return [
            each.current.others + own + _still_counting(count, each, now)
            for count, (each, own) in zip(wanted, counted, strict=True)
        ]

    def total(self, name: str, seconds: float) -> int:
        """Return the sum of all nodes for a name, without counting."""
        count = Count(name, seconds, ask_from=-1, n=0)
        return self.add([count])[0]

    def give_back(self, refused: Iterable[Count]) -> None:
        """Take back what was counted and refused, so that waiting helps who keeps trying.

        Other nodes learn it with the next question.
        """
        now = time.time()
        with self._lock:
            for count in refused:
                each = self._of(count, now)
                known = each.current if each.current.own >= count.n else each.before
                known.own = max(known.own - count.n, 0)

    def wait(self, count: Count, most: int) -> float:
        """Return the seconds until ``count`` is within the limit, as far as this process knows."""
        now = time.time()
        with self._lock:
            each = self._of(count, now)
            before, current = each.before.total, each.current.total
        passed = _passed(count, now)
        return windows_to_wait(before, current, passed, most, count.n) * count.seconds

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
                    known.is_settled = question.is_over

    def _of(self, count: Count, now: float) -> _Counted:
        number = int(now // count.seconds)
        found = self._names.get(count.name)
        if found is None or found.current.number != number:
            before = found.current if found and found.current.number == number - 1 else None
            found = _Counted(_Window(number), before or _Window(number - 1))
            self._names[count.name] = found
            if len(self._names) > MAX_NAMES:
                self._names.popitem(last=False)
        self._names.move_to_end(count.name)
        return found


def _ask_about(
    asked: dict[tuple[str, int], _Question], count: Count, known: _Window, *, is_over: bool
) -> None:
    question = asked.setdefault((count.name, known.number), _Question(count, known, is_over))
    question.n += known.own - known.told
    known.told = known.own


def _total(count: Count, each: _Counted, now: float) -> int:
    return each.current.total + _still_counting(count, each, now)


def _still_counting(count: Count, each: _Counted, now: float) -> int:
    """Return what the window before adds now."""
    return still_counting(each.before.total, _passed(count, now))


def _passed(count: Count, now: float) -> float:
    """Return which part of the current window has passed."""
    return now % count.seconds / count.seconds


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
