"""Sessions: the database row is the truth; a copy in the cache speeds up pages.

A cache that is away costs one query. Django's ``cached_db`` fails a page, and a logout, when the
cache does not answer. It also keeps copies for two weeks, so a copy that could not be deleted (the
cache was away, or a reader restored it after the deletion) would keep a user signed in. Sockets and
the API read the row.

Neither reading nor writing the cache lets anyone sign in: keys of copies are digests, values are
signed (``realtime.site.cache_values``), and a copy names its session.

A session ends when nobody uses it, and at the latest ``HOLDFAST_SESSION_DAYS`` after the sign-in
(``session_ends``), wherever it is read from. Its cookie lasts until the later of the two.

A copy belongs to an epoch: once the database has gone back in time, no copy from before is found.
A process that follows no epoch, because no hub runs in it, uses no copies.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as RowStore
from django.core.cache import caches
from django.utils import timezone

from realtime.auth import session_ends
from realtime.auth.accounts import digest
from realtime.core import history, metrics
from realtime.models import UserSession

log = logging.getLogger("holdfast.sessions")

# How long a copy whose deletion was lost can show pages to a user who has signed out.
COPY_SECONDS: Final = 60
# A cache that failed is not used for this long, so that not every page waits for its timeout.
AWAY_SECONDS: Final = 5.0


class SessionStore(RowStore):
    """One session of one request."""

    _away_until: ClassVar[float] = 0.0  # monotonic; shared by the process

    def load(self) -> dict[str, Any]:
        """Return the data of the copy, else of the row; nothing of a session that has ended."""
        key = self._key()  # of before the row is read: the epoch may change meanwhile
        data = self._copy(key)
        if data is None:
            data = super().load()
            if data:
                self._keep(key, data)
        last = session_ends.absolute_end(data.get(session_ends.SIGNED_IN))
        if last is not None and last <= timezone.now():
            self._session_key = None
            return {}
        return data

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Return the seconds for which browsers keep the cookie: until the absolute end."""
        last = session_ends.absolute_end(self.get(session_ends.SIGNED_IN))
        if last is None:
            return int(super().get_expiry_age(**kwargs))
        return max(0, round((last - timezone.now()).total_seconds()))

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """Return the end without further use, as the row has it."""
        unused = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        return session_ends.end(self.get(session_ends.SIGNED_IN), unused)

    def save(self, must_create: bool = False) -> None:
        """Write the row, then the copy."""
        super().save(must_create)
        self._keep(self._key(), dict(self.items()))

    def delete(self, session_key: str | None = None) -> None:
        """Delete the row, what its owner sees of it, and the copy."""
        super().delete(session_key)
        if key := session_key or self.session_key:
            UserSession.objects.filter(session_id=key).delete()
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
        return f"session.{history.current.name}.{digest(session_key or self.session_key or '')}"

    def _copy(self, key: str) -> dict[str, Any] | None:
        match self._cached("get", key):
            case {"of": of, "data": dict(data)} if of == key:
                return data
        return None

    def _keep(self, key: str, data: dict[str, Any]) -> None:
        self._cached("set", key, {"of": key, "data": data}, COPY_SECONDS)

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
