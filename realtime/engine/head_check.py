"""The periodic work of a hub: missed heads, lost access, idle tails, old revocations.

Each check begins with the question whether the database is still the one that this process
remembers (``realtime.protocol.history``). If it has gone back in time, the epoch changes, and
everything that the process remembers is dropped.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final, Protocol

from django.conf import settings

from realtime.auth import Account, revocation
from realtime.auth.accounts import session_ends_of
from realtime.core import database
from realtime.core.writer import writer
from realtime.engine.history_check import HistoryCheck, RememberingHub
from realtime.protocol.errors import Unavailable
from realtime.protocol.page import AccessEnd

log = logging.getLogger("holdfast.head_check")

# A revocation is kept this much longer than a session lives, because clocks differ.
REVOCATION_MARGIN: Final = timedelta(days=1)
# A head that was just committed is on its way; reading its rows now would be wasted work.
SETTLE_SECONDS: Final = 0.2
# A tail outlives its last reader by this, so that a reload is answered from memory.
TAIL_LINGER_SECONDS: Final = 60.0


class Connection(Protocol):
    """A socket or an HTTP follower, as far as the check is concerned."""

    account: Account


class CheckedHub(RememberingHub, Protocol):
    """The hub as the check needs it."""

    @property
    def degraded(self) -> bool: ...
    @property
    def connections(self) -> Sequence[Connection]: ...
    def heads_read(self, heads: Mapping[str, int]) -> None: ...
    def end_access(self, ends: Mapping[Account, AccessEnd]) -> None: ...
    def forget_idle(self, before: float) -> None: ...


class HeadCheck:
    """Compares a hub with the database again and again."""

    def __init__(self, hub: CheckedHub) -> None:
        self._hub = hub
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._next_full = 0.0  # monotonic; the first check is a full one
        self._database_away = False
        self._history = HistoryCheck(hub)

    async def begin(self) -> None:
        """Read the history that this process follows. Raises ``Unavailable``."""
        await self._history.begin()

    def start(self) -> None:
        """Start checking."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop checking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def check_soon(self) -> None:
        """Run the next check at once."""
        self._due.set()

    def check_now(self) -> None:
        """Run a full check at once, because something may have been missed."""
        self._next_full = 0.0
        self._due.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval()):
                    await self._due.wait()
            self._due.clear()
            full = time.monotonic() >= self._next_full
            try:
                await self._check(full=full)
            except Unavailable:
                self._note_database(away=True)
                self._hub.distrust()  # it may come back as another one
                self._next_full = 0.0
            except Exception:  # without the check, what the broker loses would stay lost
                log.exception("head check failed")
            else:
                self._note_database(away=False)
                if full:
                    self._next_full = time.monotonic() + settings.HOLDFAST_HEAD_CHECK_ALL_SECONDS

    def _interval(self) -> float:
        seconds: float = (
            settings.HOLDFAST_HEAD_CHECK_DEGRADED_SECONDS
            if self._hub.degraded or self._database_away
            else settings.HOLDFAST_HEAD_CHECK_SECONDS
        )
        return seconds

    async def _check(self, *, full: bool) -> None:
        heads = await self._history.heads(full=full)
        tails = self._hub.tails
        if any(name in tails and head > tails[name].position for name, head in heads.items()):
            if not self._hub.degraded:
                await asyncio.sleep(SETTLE_SECONDS)
            self._hub.heads_read(heads)
        self._hub.forget_idle(time.monotonic() - TAIL_LINGER_SECONDS)
        await self._end_expired()
        if full:
            await self._check_access()
            await self._prune()

    async def _end_expired(self) -> None:
        """Close what has expired. A session that was used since then ends later."""
        now = time.time()
        accounts = [connection.account for connection in self._hub.connections]
        expired = [
            account
            for account in accounts
            if account.expires_at is not None and account.expires_at <= now
        ]
        # Usually there are none: hashing the accounts of 5000 idle sockets at every check made up
        # a quarter of their cost.
        if not expired:
            return
        later = await database.read(session_ends_of, expired)
        for connection in self._hub.connections:
            if until := later.get(connection.account):
                connection.account = replace(connection.account, expires_at=until)
        self._hub.end_access(
            {account: revocation.expired(account) for account in expired if account not in later}
        )

    async def _check_access(self) -> None:
        accounts = {connection.account for connection in self._hub.connections}
        if accounts:
            self._hub.end_access(await database.read(revocation.access_ends, accounts))

    async def _prune(self) -> None:
        keep = timedelta(days=settings.HOLDFAST_SESSION_DAYS) + REVOCATION_MARGIN
        stale = await database.read(revocation.stale, keep)
        if stale:
            await writer().run(revocation.prune, stale)

    def _note_database(self, *, away: bool) -> None:
        if away and not self._database_away:
            log.warning("the database does not answer the head check")
        if not away and self._database_away:
            log.info("the database answers again")
        self._database_away = away
