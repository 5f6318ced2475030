"""Ends a process whose event loop is blocked for good, so that its supervisor starts another one.

Python itself can get there: where memory is short, a new thread may fail before it reports that it
runs, and ``Thread.start`` waits for that report forever. On the thread of the event loop, that is
the end of the whole node, while its process goes on and its sockets stay open.
"""

import asyncio
import faulthandler
import logging
import os
import threading
from typing import Final

log = logging.getLogger("holdfast.server")

LOOK_SECONDS: Final = 1.0
EXIT_CODE: Final = 70  # EX_SOFTWARE of sysexits.h: supervisors restart it


class Watchdog:
    """Watches one event loop from a thread of its own; 0 ``seconds`` switch it off."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # Looks since the loop last ran. A process that was stopped, or a machine that slept, did
        # not look either.
        self._looks = 0
        self._stopped = threading.Event()
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start watching."""
        if self._seconds:
            self._note(loop)
            threading.Thread(target=self._watch, daemon=True, name="watchdog").start()

    def stop(self) -> None:
        """Stop watching; the loop is about to end."""
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def _note(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looks = 0
        self._timer = loop.call_later(LOOK_SECONDS, self._note, loop)

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            self._looks += 1
            if self._looks * LOOK_SECONDS > self._seconds:
                end_process(self._seconds)


def end_process(seconds: float) -> None:
    """End it at once, and write the stack of each thread."""
    # There may be no memory left to say anything with.
    try:
        log.critical(
            "the event loop is blocked: the process ends", extra={"after_seconds": seconds}
        )
        faulthandler.dump_traceback(all_threads=True)
    finally:
        os._exit(EXIT_CODE)
