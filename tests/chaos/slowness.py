"""How slow the machine was while a run was measured, so that the bounds are those of this machine.

A process of its own does the same piece of work again and again, and tells how much longer it took
than the processor time that it needed: 1 on an idle machine, about 5 beside eight busy processes on
two cores. ``python -m tests.chaos.slowness`` prints what it measures.
"""

import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence

from tests.chaos.history import Slowness
from tests.support.server import ROOT

WORK_SECONDS = 0.003  # of processor time: below a time slice
PAUSE_SECONDS = 0.1
# The ratio of a run with its own cluster and nothing else on two cores. The bounds allow for it.
OWN = 2.5
# Above it, times say nothing about Holdfast. They are not judged, and the report says so.
TOO_SLOW = 12.0
# A delivery is as slow as the machine around it: in these seconds before it began and after.
BEFORE_SECONDS, AFTER_SECONDS = 2.0, 10.0


class Slow:
    """The measurements of a run, for questions about a moment."""

    def __init__(self, samples: Sequence[Slowness] = ()) -> None:
        self._by_second: dict[int, list[float]] = {}
        for at, ratio in samples:
            self._by_second.setdefault(int(at), []).append(ratio)

    def factor(self, at: float) -> float:
        """By how much bounds are wider at a moment than on a machine of our own; at least 1."""
        return max(1.0, self._mean(at - BEFORE_SECONDS, at + AFTER_SECONDS) / OWN)

    def hides(self, at: float) -> bool:
        """Whether the machine was too slow at a moment to judge times."""
        return self._mean(at - BEFORE_SECONDS, at + AFTER_SECONDS) > TOO_SLOW

    @property
    def median(self) -> float:
        """The ratio of the whole run; 1 if nothing was measured."""
        found = [ratio for ratios in self._by_second.values() for ratio in ratios]
        return statistics.median(found) if found else 1.0

    def _mean(self, start: float, end: float) -> float:
        seconds = range(int(start), int(end) + 1)
        found = [ratio for second in seconds for ratio in self._by_second.get(second, ())]
        return statistics.fmean(found) if found else 1.0


@contextlib.asynccontextmanager
async def measured(into: list[Slowness]) -> AsyncIterator[None]:
    """Append samples to ``into`` in the meantime."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.slowness", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None

    async def read(lines: asyncio.StreamReader) -> None:
        async for line in lines:
            at, ratio = map(float, line.split())
            into.append(Slowness(at, ratio))

    reading = asyncio.create_task(read(process.stdout))
    try:
        yield
    finally:
        process.kill()
        await process.wait()
        await reading


def main() -> None:
    """Measure until killed."""
    while True:
        started, used = time.monotonic(), time.thread_time()
        while time.thread_time() - used < WORK_SECONDS:
            pass
        took = time.monotonic() - started
        sys.stdout.write(f"{started:.3f} {took / WORK_SECONDS:.3f}\n")
        sys.stdout.flush()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
