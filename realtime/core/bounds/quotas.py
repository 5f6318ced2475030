"""Limits how often an account does something in an hour, on all nodes together.

The counters are in the cache. While it does not answer, each process counts in memory.
"""

import logging
import time
from typing import Any, Final

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache

from realtime.core import metrics
from realtime.protocol.errors import RateLimited

log = logging.getLogger("holdfast.limits")

HOUR_SECONDS: Final = 3600
AWAY_SECONDS: Final = 5.0  # a cache that failed is not asked again for so long
MAX_LOCAL: Final = 50_000  # counters in memory


class Quotas:
    """The counters of this process or of the cache."""

    def __init__(self) -> None:
        self._away_until = 0.0
        self._local = LocMemCache("holdfast-quotas", {"OPTIONS": {"MAX_ENTRIES": MAX_LOCAL}})

    def take(self, name: str, user_id: int, *, most: int) -> None:
        """Count one act. Raises ``RateLimited`` after ``most`` in this hour; 0: no limit."""
        if not most:
            return
        hour, seconds = divmod(time.time(), HOUR_SECONDS)
        if self._count(f"quota:{name}:{user_id}:{int(hour)}") <= most:
            return
        metrics.refusals.labels(f"{name}_per_hour").inc()
        wait = HOUR_SECONDS - seconds
        raise RateLimited(
            "You have done this {count} times in this hour, the most allowed."
            " Try again in {minutes} minutes.",
            count=most,
            minutes=int(wait // 60) + 1,
            retry_after=wait,
        )

    def _count(self, key: str) -> int:
        if time.monotonic() >= self._away_until:
            try:
                return _increased(caches["default"], key)
            except Exception as error:  # noqa: BLE001  each cache client has its own errors
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning(
                    "cache does not answer; quotas are counted in this process",
                    extra={"error": repr(error)},
                )
        return _increased(self._local, key)


def _increased(cache: Any, key: str) -> int:
    cache.add(key, 0, HOUR_SECONDS)
    try:
        return int(cache.incr(key))
    except ValueError:  # it has ended in between
        return 1


_quotas: Final = Quotas()
take: Final = _quotas.take
