"""A log line for something that repeats: at once the first time, then once a minute, counted."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

REPEAT_SECONDS: Final = 60.0  # between two lines about the same cause


class RepeatedLog:
    """Writes one cause to a logger, and counts what it leaves out. For one thread."""

    def __init__(
        self,
        logger: logging.Logger,
        level: int,
        message: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger
        self._level = level
        self._message = message
        self._clock = clock
        self._next = 0.0
        self._count = 0

    def note(self, **fields: Any) -> None:
        """Note one occurrence. A line has the ``count`` of occurrences since the last line."""
        self._count += 1
        now = self._clock()
        if now >= self._next:
            self._logger.log(self._level, self._message, extra={**fields, "count": self._count})
            self._next = now + REPEAT_SECONDS
            self._count = 0
