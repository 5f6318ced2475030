"""What the hub looks at again and again: heads that moved unheard, rights that lapsed, tails that nobody needs, the epoch."""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings

from realtime.auth import revocation_timing
from realtime.auth.revocation import EXPIRED, lapsed
from realtime.core import database, reads
from realtime.core.writer import writer
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import Unavailable
from realtime.protocol.page import End

if TYPE_CHECKING:
    from realtime.engine.hub import Hub

log = logging.getLogger("holdfast.sweeps")

MARGIN = timedelta(days=1)  # beyond the age of the oldest session, for clocks that differ
# A head that was just committed is on its way; reading its rows would be work for nothing.
SETTLE_SECONDS = 0.2
# A tail outlives its last reader by this, so that a reload is answered from memory.
TAIL_LINGER_SECONDS = 60.0


class Sweeps:
    """The periodic work of one hub."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._next_full = 0.0  # monotonic; the first check is a full one
        self._database_away = False

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def check_now(self) -> None:
        """Look at everything at once: something may have been missed."""
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
            except Exception:  # the check is what promise 5 stands on: it must not end
                log.exception("head check failed")
            else:
                self._note_database(away=False)
                if full:
                    self._next_full = time.monotonic() + settings.HOLDFAST_HEAD_CHECK_ALL_SECONDS

    def _interval(self) -> float:
        seconds: float = (
            settings.HOLDFAST_HEAD_CHECK_DEGRADED_SECONDS
            if self._hub.degraded
            else settings.HOLDFAST_HEAD_CHECK_SECONDS
        )
        return seconds

    async def _check(self, *, full: bool) -> None:
        tails = self._hub.tails
        heads = await database.read(reads.heads, list(tails), recent=not full)
        if any(name in tails and head > tails[name].position for name, head in heads.items()):
            if not self._hub.degraded:
                await asyncio.sleep(SETTLE_SECONDS)
            self._hub.heads_read(heads)
        self._hub.forget_idle(time.monotonic() - TAIL_LINGER_SECONDS)
        self._expire()
        if full or self._hub.degraded:
            await self._hub.stopwatch.find({name: live.position for name, live in tails.items()})
        if full:
            await self._check_rights()
            await self._prune()
            await self._check_epoch()

    def _expire(self) -> None:
        now = time.time()
        accounts = [follower.account for follower in self._hub.followers]
        ended = [
            account
            for account in accounts
            if account.expires_at is not None and account.expires_at <= now
        ]
        # Hardly ever: to hash the accounts of 5000 idle sockets was a quarter of what they cost.
        if ended:
            self._hub.lapse(
                {
                    account: End(
                        account.user_id, account.credential, CloseCode.SESSION_ENDED, EXPIRED
                    )
                    for account in ended
                }
            )

    async def _check_rights(self) -> None:
        accounts = {follower.account for follower in self._hub.followers}
        if accounts:
            self._hub.lapse(await database.read(lapsed, accounts))

    async def _prune(self) -> None:
        found = await database.read(
            revocation_timing.stale, timedelta(seconds=settings.SESSION_COOKIE_AGE) + MARGIN
        )
        if any(found):
            await writer().run(revocation_timing.prune, found)

    async def _check_epoch(self) -> None:
        epoch = await database.read(reads.epoch)
        if epoch != self._hub.epoch:
            log.warning("the epoch changed, all clients come anew", extra={"epoch": epoch})
            self._hub.epoch = epoch
            for socket in tuple(self._hub.sockets):
                socket.close(CloseCode.RESTART, "the history was restored", retry_after=1.0)

    def _note_database(self, *, away: bool) -> None:
        if away and not self._database_away:
            log.warning("the database does not answer the head check")
        if not away and self._database_away:
            log.info("the database answers again")
        self._database_away = away
