"""Ends of access that failed after their cause was committed: repeated until they succeed.

A new password or a sign-out is committed and answered before its sockets are closed. When the
database refuses the second step, the first one stays true, so the step is repeated here, on a
thread that exists only while something is left to do.
"""

import logging
import time
from collections.abc import Callable, Hashable
from threading import Lock, Thread
from typing import Final

from django.db import connections

from realtime.core import metrics

log = logging.getLogger("holdfast.revocation")

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
# Of different accounts and sessions, while the database refuses all of them. Further ones are found
# by the check of all accounts (revocation.access_ends).
MAX_WAITING: Final = 10_000


class Retries:
    """The steps of this process that have failed and are repeated."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[Hashable, Callable[[], None]] = {}
        self._thread: Thread | None = None

    def add(self, key: Hashable, act: Callable[[], None]) -> None:
        """Repeat ``act`` until it succeeds. Another act with the same key replaces it."""
        with self._lock:
            if key not in self._waiting and len(self._waiting) >= MAX_WAITING:
                log.error("too many revocations wait; one is left to the check of all accounts")
                return
            self._waiting[key] = act
            metrics.revocations_waiting.set(len(self._waiting))
            if self._thread is None:
                # No daemon: `manage.py changepassword` ends when its sockets are closed.
                self._thread = Thread(target=self._run, name="revocations")
                self._thread.start()

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            time.sleep(pause)
            done = self._repeat()
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
            pause = FIRST_PAUSE_SECONDS if done else min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _repeat(self) -> int:
        """Repeat the steps up to the first that fails, which goes to the end; return how many."""
        done = 0
        try:
            for key, act in list(self._waiting.items()):
                try:
                    act()
                except Exception as error:  # noqa: BLE001  whatever it is, the next try may succeed
                    log.warning("a revocation failed again", extra={"error": repr(error)})
                    self._move_to_end(key, act)
                    break
                self._remove(key, act)
                done += 1
        finally:
            connections.close_all()
        if done:
            log.info("revocations were repeated", extra={"done": done})
        return done

    def _remove(self, key: Hashable, act: Callable[[], None]) -> None:
        with self._lock:
            # A newer step with this key stays.
            if self._waiting.get(key) is act:
                del self._waiting[key]
            metrics.revocations_waiting.set(len(self._waiting))

    def _move_to_end(self, key: Hashable, act: Callable[[], None]) -> None:
        with self._lock:
            if self._waiting.get(key) is act:
                self._waiting[key] = self._waiting.pop(key)


retries: Final = Retries()
