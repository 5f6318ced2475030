"""Sessions: the database row is the truth; a copy in the cache speeds up pages.

A cache that is away costs one query. Django's ``cached_db`` fails a page, and a logout, when the
cache does not answer. It also keeps copies for two weeks, so a copy that could not be deleted (the
cache was away, or a reader restored it after the deletion) would keep a user signed in. Sockets and
the API read the row.

A copy belongs to an epoch: once the database has gone back in time, no copy from before is found.
A process that follows no epoch, because no hub runs in it, uses no copies.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as RowStore
from django.core.cache import caches

from realtime.core import history, metrics

log = logging.getLogger("holdfast.sessions")

# How long a copy whose deletion was lost can show pages to a user who has signed out.
COPY_SECONDS: Final = 60
# A cache that failed is not used for this long, so that not every page waits for its timeout.
AWAY_SECONDS: Final = 5.0


class SessionStore(RowStore):
    """One session of one request."""

    _away_until: ClassVar[float] = 0.0  # monotonic; shared by the process

    def load(self) -> dict[str, Any]:
        """Return the data of the copy, else of the row."""
        key = self._key()  # of before the row is read: the epoch may change meanwhile
        if (copy := self._cached("get", key)) is not None:
            return dict(copy)
        data: dict[str, Any] = super().load()
        if data:
            self._keep(key, data)
        return data

    def save(self, must_create: bool = False) -> None:
        """Write the row, then the copy."""
        super().save(must_create)
        self._keep(self._key(), dict(self.items()))

    def delete(self, session_key: str | None = None) -> None:
        """Delete the row, then the copy."""
        super().delete(session_key)
        if key := session_key or self.session_key:
            self._cached("delete", self._key(key))

    async def aload(self) -> dict[str, Any]:
        """Do what ``load`` does."""
        return await sync_to_async(self.load)()

    async def asave(self, must_create: bool = False) -> None:
        """Do what ``save`` does."""
        await sync_to_async(self.save)(must_create)

    async def adelete(self, session_key: str | None = None) -> None:
        """Do what ``delete`` does."""
        await sync_to_async(self.delete)(session_key)

    def _key(self, session_key: str | None = None) -> str:
        return f"session.{history.current.name}.{session_key or self.session_key}"

    def _keep(self, key: str, data: dict[str, Any]) -> None:
        self._cached("set", key, data, COPY_SECONDS)

    def _cached(self, operation: str, *arguments: Any) -> Any:
        if history.current.name is None or time.monotonic() < SessionStore._away_until:
            return None
        work: Callable[..., Any] = getattr(caches[settings.SESSION_CACHE_ALIAS], operation)
        try:
            found = work(*arguments)
        except Exception as error:  # noqa: BLE001  each cache client has its own errors
            metrics.cache_requests.labels("error").inc()
            SessionStore._away_until = time.monotonic() + AWAY_SECONDS
            log.warning(
                "cache does not answer; sessions are read from the database",
                extra={"error": repr(error)},
            )
            return None
        result = "written" if operation != "get" else "miss" if found is None else "hit"
        metrics.cache_requests.labels(result).inc()
        return found
