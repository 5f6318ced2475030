"""Settings of the nodes of a run: a wall clock and a broker that the run can break.

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

from tests.chaos.controls import Controls

_CONTROLS = Controls(Path(os.environ["CHAOS_CONTROLS"]))
_NAME = os.environ.get("HOLDFAST_NODE_NAME", "")
_true = time.time


def _wrong() -> float:
    return _true() + float((_CONTROLS.get("clocks") or {}).get(_NAME, 0.0))


def _now() -> datetime:
    return datetime.fromtimestamp(_wrong(), UTC)


time.time = _wrong
timezone.now = _now

from tests.support.node_settings import *  # noqa: E402, F403
from tests.support.node_settings import CHANNEL_LAYERS  # noqa: E402

# A process whose layer is memory reaches nobody, and says so.
if CHANNEL_LAYERS["default"]["BACKEND"] != "channels.layers.InMemoryChannelLayer":
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "tests.chaos.unreliable_layer.unreliable",
        "CONFIG": {"layer": CHANNEL_LAYERS["default"], "controls": _CONTROLS},
    }
