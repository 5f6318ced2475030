"""Settings of a node that never collects garbage and counts objects at SIGUSR1.

It prints a line: ``alive: {"SocketProtocol": 3, …}``.
"""

import gc
import signal
import sys
from collections import Counter

import msgspec

from tests.support.node_settings import *  # noqa: F403

gc.disable()


def _count(*_: object) -> None:
    found = Counter(type(each).__name__ for each in gc.get_objects())
    sys.stdout.write(f"alive: {msgspec.json.encode(found).decode()}\n")
    sys.stdout.flush()


signal.signal(signal.SIGUSR1, _count)
