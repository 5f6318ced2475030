"""The churn test: sockets come and go by the hundred thousand, and leave no memory behind.

People connect through nginx, follow a room until they are level, stay for a moment, and go: half of
them with a close frame, half by losing the network. Messages are posted meanwhile. Reported: the
memory of every process, from the first minute to the end. ``python -m tests.chaos.churn --sockets
200000`` is ``make churn``.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.jitter import allow_files, machine
from tests.chaos.listeners import Listener
from tests.chaos.stage import act, resident, run_cleanly
from tests.conformance.client import Client
from tests.support.cluster import Cluster
from tests.support.server import ROOT

PEOPLE = 300
OPEN = 600  # sockets at a time
STAY_SECONDS = 2.0  # at most, once a socket is level
LEVEL_SECONDS = 30.0  # then a socket counts as failed
LOOK_SECONDS = 0.05
POST_SECONDS = 1.0
SAMPLE_SECONDS = 2.0
PROGRESS_SECONDS = 30.0
WARM_SECONDS = 60.0  # in which caches, pools and the allocator fill
# The growth of a process that is allowed after the first minute: the noise of the allocator, with
# the sockets that are open at both moments.
FLAT_BYTES = 8 * 2**20
CLOSE_FRAME = 8  # opcode
NORMAL = (1000).to_bytes(2, "big")


@dataclass
class Outcome:
    """The outcome of a run."""

    sockets: int = 0  # opened, level and closed
    failures: Counter[str] = field(default_factory=Counter)
    # Program → (seconds since the beginning, bytes resident).
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def growth(self, program: str) -> int | None:
        """Return the bytes between the first minute and the end; None for too short a run."""
        samples = self.memory[program]
        end = samples[-1][0]
        warm = [held for at, held in samples if WARM_SECONDS <= at < WARM_SECONDS * 1.5]
        last = [held for at, held in samples if at > max(WARM_SECONDS * 1.5, end * 0.95)]
        if not warm or not last:
            return None
        return round(statistics.median(last) - statistics.median(warm))

    @property
    def good(self) -> bool:
        """Whether every process ended with the memory that it had after the first minute."""
        found = [self.growth(program) for program in self.memory]
        return all(growth is not None and growth <= FLAT_BYTES for growth in found)


class Churn:
    """One run on a cluster."""

    def __init__(self, cluster: Cluster, sockets: int, rnd: random.Random) -> None:
        self._cluster = cluster
        self._left = sockets
        self._rnd = rnd
        self._began = 0.0
        self.outcome = Outcome()

    async def run(self) -> Outcome:
        """Open and close so many sockets."""
        alice = self._cluster.people["alice"]
        talker = Client(f"{self._cluster.sockets}/ws/chat/", alice.token, [])
        room = (await act(self._cluster, "room", alice.id, "Churn"))["room"]
        people = (await act(self._cluster, "people", room, PEOPLE))["people"]
        await talker.connect()
        first = await talker.post(room, "we begin")
        self._began = time.monotonic()
        beside = [
            asyncio.create_task(self._talk(talker, room)),
            asyncio.create_task(self._watch_memory()),
            asyncio.create_task(self._say_progress()),
        ]
        try:
            tokens = [person["token"] for person in people]
            comers = (self._come_and_go(room, tokens, first["seq"]) for _ in range(OPEN))
            await asyncio.gather(*comers)
            # With nobody there: what is left was left behind.
            await asyncio.sleep(SAMPLE_SECONDS * 2)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        return self.outcome

    async def _come_and_go(self, room: int, tokens: list[str], position: int) -> None:
        await asyncio.sleep(self._rnd.uniform(0, STAY_SECONDS))
        while self._left > 0:
            self._left -= 1
            listener = Listener(
                "127.0.0.1",
                self._cluster.shape.port,
                self._rnd.choice(tokens),
                room,
                self._rnd,
                position=position,
            )
            listener.connect()
            if await self._is_level(listener):
                await asyncio.sleep(self._rnd.uniform(0, STAY_SECONDS))
                position = listener.position
                self.outcome.sockets += 1
            self.outcome.failures.update(listener.failures)
            if self._rnd.random() < 0.5:
                listener.send(NORMAL, CLOSE_FRAME)
            listener.leave()

    async def _is_level(self, listener: Listener) -> bool:
        deadline = time.monotonic() + LEVEL_SECONDS
        while not listener.level:
            if time.monotonic() > deadline:
                self.outcome.failures["not level in time"] += 1
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    async def _talk(self, talker: Client, room: int) -> None:
        while True:
            await talker.post(room, "the quick brown fox")
            await asyncio.sleep(POST_SECONDS)

    async def _say_progress(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            seconds = time.monotonic() - self._began
            failed = self.outcome.failures.total()
            sockets = self.outcome.sockets
            memory = self.outcome.memory
            held = ", ".join(f"{name} {memory[name][-1][1] / 2**20:.0f}" for name in sorted(memory))
            sys.stdout.write(
                f"{seconds:.0f} s: {sockets:,} sockets, {failed:,} failures; MiB: {held}\n"
            )
            sys.stdout.flush()

    async def _watch_memory(self) -> None:
        shape = self._cluster.shape
        while True:
            for name in shape.node_names:
                if (held := resident(self._cluster, name)) is not None:
                    samples = self.outcome.memory.setdefault(name, [])
                    samples.append((time.monotonic() - self._began, held[1]))
            await asyncio.sleep(SAMPLE_SECONDS)


def words(outcome: Outcome, facts: dict[str, object]) -> str:
    """The report."""
    lines = [f"{name:<12} {value}" for name, value in facts.items()]
    failed = ", ".join(f"{count} x {why}" for why, count in outcome.failures.items()) or "none"
    lines += [f"sockets      {outcome.sockets} opened, level and closed; failures: {failed}", ""]
    for program, samples in sorted(outcome.memory.items()):
        growth = outcome.growth(program)
        end = "too short to judge" if growth is None else f"{growth / 2**20:+.1f} MiB"
        most = max(held for _, held in samples)
        lines.append(
            f"{program:<12} {samples[-1][1] / 2**20:.0f} MiB at the end, {most / 2**20:.0f} MiB at "
            f"most; since the first minute: {end}"
        )
    lines += ["", "Good: no memory was left behind." if outcome.good else "NOT GOOD"]
    return "\n".join(lines) + "\n"


async def run(directory: Path, *, sockets: int, seed: int) -> Outcome:
    """Run on a new cluster of three socket nodes and a web node, with production settings."""
    allow_files(OPEN)
    cluster = Cluster(directory, socket_nodes=3)
    try:
        await asyncio.to_thread(cluster.__enter__)
        return await Churn(cluster, sockets, random.Random(seed)).run()
    finally:
        await asyncio.to_thread(cluster.close)


def main() -> int:
    """Run from the command line, and write the report into var/churn."""
    parser = argparse.ArgumentParser(description="Sockets that come and go.")
    parser.add_argument("--sockets", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    now = datetime.now(UTC)
    directory = ROOT / "var" / "churn" / f"{now:%Y%m%d-%H%M%S}"
    directory.mkdir(parents=True)
    began = time.monotonic()
    facts: dict[str, object] = {"date": f"{now:%Y-%m-%d %H:%M} UTC", "machine": machine()}
    outcome = run_cleanly(run(directory, sockets=options.sockets, seed=options.seed))
    facts["seconds"] = round(time.monotonic() - began)
    text = words(outcome, facts)
    (directory / "report.txt").write_text(text)
    sys.stdout.write(text)
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
