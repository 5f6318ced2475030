"""A run: everyone talks while faults happen, alone and in pairs, and the checker judges it.

``python -m tests.chaos.run --seed 7 --minutes 10`` is ``make chaos``. The same seed makes the same
faults in the same order.
"""

import argparse
import asyncio
import math
import pickle
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.bounds import LOADED
from tests.chaos.checker import Verdict, judge
from tests.chaos.crowd import Crowd
from tests.chaos.faults import KINDS, Kind, compatible
from tests.chaos.history import Fault, History
from tests.chaos.report import report
from tests.chaos.slowness import Slow, measured
from tests.chaos.stage import PLAIN, SENTINELS, Say, Stage, run_cleanly
from tests.support.resolver import require_root
from tests.support.server import ROOT

CALM_FIRST_SECONDS = 4.0  # to see how fast it is while nothing is wrong
CALM_BETWEEN_SECONDS = 2.0  # at most, from one fault to the next; half of it in the short form
# How many times the owed time everyone is waited for; then it is called never.
PATIENCE_FACTOR = 2.0
BAN_EVERY = 5  # faults; there are three to be banned


@dataclass(frozen=True)
class Plan:
    """The options of a run.

    ``seconds``: how long faults go on; None: each kind once, briefly, and some pairs.
    """

    seed: int
    guests: int
    seconds: float | None = None
    pairs: int = 2  # in the short form
    only: Sequence[str] = ()  # names of kinds, or parts of them; none: all
    broker: str = PLAIN

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of fault that are made."""
        found = [kind for kind in KINDS if kind.broker in ("", self.broker)]
        if self.only:
            return [kind for kind in found if any(part in kind.name for part in self.only)]
        if self.seconds is not None:
            return found
        return [kind for kind in found if kind.in_short_form and not kind.large]

    @property
    def large(self) -> bool:
        """Whether a kind needs a standby, a small disk or a name server."""
        return any(kind.large for kind in self.kinds)


@dataclass(frozen=True)
class Result:
    """The outcome of a run."""

    history: History
    verdict: Verdict
    text: str


async def run(plan: Plan, directory: Path, say: Say) -> Result:
    """Carry out a plan, with everything that is written in ``directory``."""
    history, started = History(), time.monotonic()
    rnd = random.Random(plan.seed)
    async with (
        measured(history.slowness),
        Stage(
            directory,
            history=history,
            rnd=random.Random(rnd.random()),
            say=say,
            large=plan.large,
            broker=plan.broker,
        ) as stage,
    ):
        crowd = Crowd(stage, plan.guests)
        try:
            await crowd.arrive()
            say(f"{plan.guests} clients talk")
            await asyncio.sleep(CALM_FIRST_SECONDS)
            await Faults(crowd, random.Random(rnd.random()), brief=plan.seconds is None).make(
                schedule(plan, rnd)
            )
            say("all faults are over")
            took = await crowd.end()
            say(
                "nobody is level" if took is None else f"everyone has everything after {took:.2f} s"
            )
        finally:
            await crowd.go()
    verdict = judge(history)
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "seed": plan.seed,
        "clients": plan.guests,
        "seconds": round(time.monotonic() - started),
    }
    return Result(history, verdict, report(history, verdict, facts))


def schedule(plan: Plan, rnd: random.Random) -> Iterator[tuple[Kind, ...]]:
    """The schedule: each kind of fault alone, then pairs; repeated in long runs."""
    end = None if plan.seconds is None else time.monotonic() + plan.seconds
    kinds = plan.kinds
    pairs = [(one, other) for one in kinds for other in kinds if compatible(one, other)]
    while True:
        wave: list[tuple[Kind, ...]] = [(kind,) for kind in rnd.sample(kinds, len(kinds))]
        wave += rnd.sample(pairs, min(len(pairs), plan.pairs if end is None else len(kinds)))
        for together in wave:
            if end is not None and time.monotonic() > end:
                return
            yield together
        if end is None:
            return


class Faults:
    """Makes faults, and looks how long everyone takes to be level."""

    def __init__(self, crowd: Crowd, rnd: random.Random, *, brief: bool) -> None:
        self._crowd = crowd
        self._rnd = rnd
        self._brief = brief

    async def make(self, schedule: Iterator[tuple[Kind, ...]]) -> None:
        """One after the other."""
        for number, kinds in enumerate(schedule):
            await asyncio.sleep(self._rnd.uniform(0, CALM_BETWEEN_SECONDS / (1 + self._brief)))
            ban = (
                asyncio.create_task(self._crowd.ban_somebody())
                if number % BAN_EVERY == BAN_EVERY - 1
                else None
            )
            fault = await (self._alone(*kinds) if len(kinds) == 1 else self._pair(*kinds))
            if ban is not None:
                await ban
            self._crowd.check_alive()
            after = "never" if fault.level_after is None else f"after {fault.level_after:.2f} s"
            self._crowd.stage.say(f"{fault.name}: level {after}")

    async def _alone(self, kind: Kind) -> Fault:
        fault = kind.fault()
        self._crowd.history.faults.append(fault)
        at_end = kind.holds or kind.at_end
        async with kind.inflict(self._crowd, self._rnd, fault):
            if not at_end:
                fault.level_after = await self._level(fault, fault.begun)
            await self._last(fault, kind)
        if fault.over == math.inf:  # else the fault knows better
            fault.over = time.monotonic()
        after_all = await self._level(fault, fault.over)
        if at_end:
            fault.level_after = after_all
        elif after_all is None:
            fault.level_after = None  # it was worse when it was over
        return fault

    async def _pair(self, one: Kind, other: Kind) -> Fault:
        """Two faults at once: the second starts at a random moment of the first."""
        fault = Fault(
            f"{one.name} + {other.name}",
            time.monotonic(),
            bound=one.bound + other.bound,
            holds=True,
        )
        fault.closes = one.closes if one.closes == other.closes else None
        self._crowd.history.faults.append(fault)
        stacks = [AsyncExitStack(), AsyncExitStack()]
        try:
            for kind, stack in zip((one, other), stacks, strict=True):
                await stack.enter_async_context(kind.inflict(self._crowd, self._rnd, kind.fault()))
                await asyncio.sleep(self._rnd.uniform(0, CALM_BETWEEN_SECONDS))
            await asyncio.sleep(max(self._seconds(one), self._seconds(other)))
        finally:
            await asyncio.gather(*(stack.aclose() for stack in stacks))
        fault.over = time.monotonic()
        fault.level_after = await self._level(fault, fault.over)
        return fault

    async def _level(self, fault: Fault, since: float) -> float | None:
        """Wait until everyone is level; returns the seconds since ``since``."""
        passed = time.monotonic() - since
        slow = Slow(self._crowd.history.slowness).factor(time.monotonic())
        took = await self._crowd.level(fault.bound * LOADED * slow * PATIENCE_FACTOR)
        if took is None:
            names = [
                f"{guest.log.name} ({guest.hello.get('node')})" for guest in self._crowd.missing({})
            ]
            self._crowd.stage.say(
                f"not connected or not level: {', '.join(names[:10]) or 'nobody, any more'}"
            )
        return None if took is None else passed + took

    async def _last(self, fault: Fault, kind: Kind) -> None:
        await asyncio.sleep(max(0.0, fault.begun + self._seconds(kind) - time.monotonic()))

    def _seconds(self, kind: Kind) -> float:
        return kind.briefly if self._brief else kind.lasts * self._rnd.uniform(0.7, 1.3)


def main() -> int:
    """Run from the command line, and write the report into var/chaos."""
    parser = argparse.ArgumentParser(
        description="Do to a cluster what can be done to one, and check what its clients saw."
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=None,
        help="a run with the same seed makes the same faults (default: by the clock)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=10.0,
        help="how long faults are made; 0: each kind once, briefly, and some pairs",
    )
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument(
        "--only",
        nargs="*",
        default=[],
        metavar="NAME",
        help="kinds of fault, or parts of their names",
    )
    parser.add_argument(
        "--broker",
        choices=[PLAIN, SENTINELS],
        help="one Redis, or two with Sentinels (default: sentinels where the seed is odd)",
    )
    options = parser.parse_args()
    seed = int(time.time()) % 100_000 if options.seed is None else options.seed
    plan = Plan(
        seed,
        options.clients,
        options.minutes * 60 or None,
        only=options.only,
        broker=options.broker or (PLAIN, SENTINELS)[seed % 2],
    )
    if plan.large:
        require_root("A disk that can be full, and a name server of its own,")
    directory = ROOT / "var" / "chaos" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-seed-{seed}"
    directory.mkdir(parents=True)
    started = time.monotonic()

    def say(words: str) -> None:
        sys.stdout.write(f"{time.monotonic() - started:7.1f} s  {words}\n")
        sys.stdout.flush()

    say(f"seed {seed} with {plan.broker}; logs in {directory.relative_to(ROOT)}")
    result = run_cleanly(run(plan, directory, say))
    # The checker can look again.
    (directory / "history.pickle").write_bytes(pickle.dumps(result.history))
    (directory / "report.txt").write_text(result.text)
    sys.stdout.write(f"\n{result.text}")
    return 0 if result.verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
