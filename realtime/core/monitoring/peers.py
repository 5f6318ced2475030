"""Other nodes on the database that this node cannot reach, because its broker or cache is memory.

Two processes that were started with the settings of one both answer "ready". Their messages reach
each other only by the head check, and a session that ended on one lives on in the other's cache.
"""

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models.functions import Now

from realtime.core import metrics
from realtime.core.database import read
from realtime.core.monitoring.repeated_log import RepeatedLog
from realtime.core.publishing import MEMORY_LAYER
from realtime.models import Node

log = logging.getLogger("holdfast.peers")

MEMORY_CACHE: Final = "django.core.cache.backends.locmem.LocMemCache"
# A node that reported this much later than we began is no predecessor that we replace.
OVERLAP: Final = timedelta(seconds=10)
# Its reports come every 5 s.
RECENT: Final = timedelta(seconds=15)


def in_memory() -> list[str]:
    """Return the settings by which this process shares nothing with other processes."""
    found = []
    if settings.CHANNEL_LAYERS["default"]["BACKEND"] == MEMORY_LAYER:
        found.append("CHANNEL_LAYER_URL")
    if settings.CACHES[settings.SESSION_CACHE_ALIAS]["BACKEND"] == MEMORY_CACHE:
        found.append("CACHE_URL")
    return found


class UnreachedPeers:
    """Looks for them. ``key`` is that of the report of this node."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._settings = in_memory()
        self._log = RepeatedLog(
            log, logging.WARNING, "other nodes use this database and share no memory with this one"
        )
        self.names: list[str] = []

    @property
    def late(self) -> bool:
        """Whether messages of other nodes reach this one only by the head check."""
        return bool(self.names) and "CHANNEL_LAYER_URL" in self._settings

    async def look(self) -> None:
        """Look for their reports. Raises ``Unavailable``."""
        if not self._settings:
            return
        self.names = await read(_peers, self._key)
        metrics.unshared_peers.set(len(self.names))
        if self.names:
            self._log.note(
                nodes=self.names,
                in_memory=self._settings,
                hint=f"Set {' and '.join(self._settings)} to a server that all nodes share.",
            )


def _peers(key: str) -> list[str]:
    began = Node.objects.filter(key=key).values_list("started_at", flat=True).first()
    if began is None:
        return []
    others = Node.objects.exclude(key=key).filter(
        draining=False, seen_at__gt=Now() - RECENT, seen_at__gte=began + OVERLAP
    )
    return list(others.order_by("name").values_list("name", flat=True)[:10])
