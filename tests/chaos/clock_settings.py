"""Settings of a node whose wall clock is shifted by the seconds in the file ``CHAOS_CLOCK``.

All that the project, Django and Channels ask for the time is ``time.time`` and ``timezone.now``;
the monotonic clock and PostgreSQL's go on as they are, as on a machine whose clock is wrong.
libfaketime was tried first: a process with threads stalls under it now and then, with the clock
right, for half a second and more.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from django.utils import timezone

_FILE = Path(os.environ["CHAOS_CLOCK"])
_true = time.time


def _wrong() -> float:
    return _true() + float(_FILE.read_text())


def _now() -> datetime:
    return datetime.fromtimestamp(_wrong(), UTC)


time.time = _wrong
timezone.now = _now

from tests.support.node_settings import *  # noqa: E402, F403
