"""``make alerts``: a real Prometheus with the shipped rules beside a cluster that breaks.

First nothing is wrong, and no alert may fire. Then comes each fault of the table: its alerts have
to fire, and no others. Time runs ten times faster for Prometheus (``tests.monitoring.prometheus``).
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.crowd import Crowd
from tests.chaos.faults import KINDS, Inflict
from tests.chaos.history import Fault, History
from tests.chaos.stage import Say, Stage, run_cleanly
from tests.monitoring.expected import ROWS, Row
from tests.monitoring.faults import FAULTS, GOOD_DAYS, certificate_file, write_certificate
from tests.monitoring.prometheus import Prometheus
from tests.support.server import ROOT

GUESTS = 12
LOOK_SECONDS = 0.25
REST_SECONDS = 60.0  # ten minutes for Prometheus
# For the alerts of a fault to end: the longest range of a rule, and some.
QUIET_SECONDS = 150.0
DIRECTORY_READS = 50  # of an account in an hour; nobody who talks needs one
# All faults: those of the chaos suite, and those that only an operator would notice.
INFLICT: dict[str, Inflict] = {**{kind.name: kind.inflict for kind in KINDS}, **FAULTS}
LARGE = {kind.name for kind in KINDS if kind.large}


@dataclass
class Outcome:
    """The alerts during one row, with the seconds after which each came."""

    row: Row
    pending: dict[str, float] = field(default_factory=dict)
    fired: dict[str, float] = field(default_factory=dict)
    quiet: bool = True

    @property
    def problems(self) -> list[str]:
        """Return what differs from the table."""
        silent = [name for name in self.row.fires if name not in self.fired]
        surplus = self.fired.keys() - {*self.row.fires, *self.row.allowed}
        return [
            *(f"{name} did not fire" for name in silent),
            *(f"{name} fired" for name in sorted(surplus)),
            *(() if self.quiet else ("alerts went on after the fault",)),
        ]


async def run(
    directory: Path, rows: Sequence[Row], rest: float, say: Say, *, large: bool
) -> list[Outcome]:
    """Inflict the faults of ``rows`` one after the other, and return what was alerted."""
    rnd = random.Random(11)
    stage = Stage(directory, history=History(), rnd=random.Random(11), say=say, large=large)
    file = certificate_file(stage.cluster.shape.directory)
    shape = stage.cluster.shape
    settings = {
        **shape.settings,
        "HOLDFAST_TLS_CERTIFICATE": str(file),
        "HOLDFAST_DIRECTORY_READS": str(DIRECTORY_READS),
    }
    stage.cluster.shape = replace(shape, settings=settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_certificate(file, days=GOOD_DAYS)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(stage)
        prometheus = Prometheus(
            directory / "prometheus",
            internal_port=shape.internal_port,
            nodes=shape.node_names,
        )
        stack.push_async_callback(prometheus.stop)
        await asyncio.to_thread(prometheus.start)
        crowd = Crowd(stage, GUESTS)
        stack.push_async_callback(crowd.go)
        await crowd.arrive()
        say(f"{GUESTS} clients talk; at rest for {rest:g} s")
        outcomes = [await _rest(prometheus, rest)]
        _tell(outcomes[-1], say)
        for row in rows:
            outcomes.append(await _one(prometheus, crowd, rnd, row))
            _tell(outcomes[-1], say)
            crowd.check_alive()
    return outcomes


async def _rest(prometheus: Prometheus, seconds: float) -> Outcome:
    outcome, started = Outcome(Row("nothing is wrong")), time.monotonic()
    # A node that has just started is late, and the rates begin.
    while time.monotonic() < started + seconds:
        await _look(prometheus, outcome, started)
    return outcome


async def _one(prometheus: Prometheus, crowd: Crowd, rnd: random.Random, row: Row) -> Outcome:
    outcome = Outcome(row)
    fault = Fault(row.fault, time.monotonic(), bound=row.seconds)
    async with INFLICT[row.fault](crowd, rnd, fault):
        started = time.monotonic()
        while time.monotonic() < started + row.seconds:
            await _look(prometheus, outcome, started)
            if row.fires and set(row.fires) <= outcome.fired.keys():
                break
    deadline = time.monotonic() + QUIET_SECONDS
    while await _look(prometheus, outcome, started):
        if time.monotonic() > deadline:
            outcome.quiet = False
            break
    return outcome


async def _look(prometheus: Prometheus, outcome: Outcome, started: float) -> bool:
    """Note the alerts of now, and return whether there are any."""
    await asyncio.sleep(LOOK_SECONDS)
    found = await prometheus.alerts()
    for alert in found:
        kept = outcome.fired if alert.firing else outcome.pending
        kept.setdefault(alert.name, time.monotonic() - started)
    return bool(found)


def _tell(outcome: Outcome, say: Say) -> None:
    fired = ", ".join(f"{name} after {at:.0f} s" for name, at in outcome.fired.items())
    only_pending = sorted(outcome.pending.keys() - outcome.fired.keys())
    say(f"{outcome.row.fault}: {fired or 'no alert'}")
    if only_pending:
        say(f"    pending only: {', '.join(only_pending)}")
    for problem in outcome.problems:
        say(f"    WRONG: {problem}")


def main() -> int:
    """Run from the command line; logs are in var/alerts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="parts of names")
    parser.add_argument(
        "--rest", type=float, default=REST_SECONDS, help="seconds of rest; 360 are an hour"
    )
    options = parser.parse_args()
    directory = ROOT / "var" / "alerts" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    directory.mkdir(parents=True)
    started = time.monotonic()

    def say(words: str) -> None:
        sys.stdout.write(f"{time.monotonic() - started:7.1f} s  {words}\n")
        sys.stdout.flush()

    rows = [
        row for row in ROWS if not options.only or any(part in row.fault for part in options.only)
    ]
    say(f"logs in {directory.relative_to(ROOT)}")
    outcomes: list[Outcome] = []
    # Most sites have no standby, and one changes what some faults mean.
    for large in (False, True):
        group = [row for row in rows if (row.fault in LARGE) is large]
        if group:
            stage = directory / ("large" if large else "plain")
            outcomes += run_cleanly(run(stage, group, options.rest, say, large=large))
    wrong = [outcome.row.fault for outcome in outcomes if outcome.problems]
    say(f"wrong: {', '.join(wrong)}" if wrong else f"all {len(outcomes)} rows are as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
