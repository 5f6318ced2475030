"""The jitter test: thousands of people on bad networks in one room.

It follows the published comparison of AnyCable with Socket.IO.

Every client's TCP is cut about every 15 s, stays away for 2 s, and comes back through nginx with
its position, while 2 messages a second are posted. Reported: what part of all messages reached all
clients, how many came twice, how long catching up took. ``python -m tests.chaos.jitter --clients
2000 --seconds 120`` is ``make jitter``.
"""

import argparse
import asyncio
import os
import platform
import random
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.chaos.checker import quantile
from tests.chaos.listeners import OFFLINE_SECONDS, Listener
from tests.chaos.stage import act, run_cleanly
from tests.conformance.client import Client
from tests.support.cluster import Cluster
from tests.support.server import ROOT

CUT_SECONDS = (10.0, 20.0)  # from a return to the next cut: about 15
POST_SECONDS = 0.5
# 44 characters, three times: a sentence of chat.
BODY = "the quick brown fox jumps over the lazy dog "
ARRIVALS = 100  # clients a second, before it begins
LAST_SECONDS = 30.0  # for everyone to have everything
LOOK_SECONDS = 0.05
BUSY = 0.85  # of one core: above, the generator is the bottleneck
EVERYTHING = "everything"
# File descriptors: the client's, and nginx's two, in processes of their own that inherit the limit.
SOCKETS_A_CLIENT = 4


@dataclass
class Outcome:
    """The outcome of a run. Times in seconds."""

    clients: int
    posted: int = 0
    delivered: int = 0  # messages at clients, each counted once
    duplicates: int = 0  # applied more than once by a client
    repeats: int = 0  # sent more than once, and ignored by a client's rules
    cuts: int = 0
    returns: list[float] = field(default_factory=list)  # sorted
    # Sorted: from the sending of a post to its arrival, of what was pushed.
    live: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    processors: dict[str, float] = field(default_factory=dict)  # program → part of one core
    lateness: float = 0.0  # the longest time that the generator's loop was behind

    @property
    def part(self) -> float:
        """The part of the expected deliveries that arrived."""
        return self.delivered / max(1, self.posted * self.clients)


class Jitter:
    """One run on a cluster."""

    def __init__(self, cluster: Cluster, clients: int, seconds: float, rnd: random.Random) -> None:
        self._cluster = cluster
        self._seconds = seconds
        self._rnd = rnd
        self._clients = clients
        self._listeners: list[Listener] = []
        self._sent: dict[int, float] = {}  # seq → when the post was sent
        self._head = 0
        self._over = asyncio.Event()
        self.outcome = Outcome(clients)

    async def run(self) -> Outcome:
        """Let everyone in, jitter for so long, let everyone catch up, and count."""
        room, tokens = await self._prepare()
        tasks = [asyncio.create_task(self._note_lateness())]
        try:
            start = await self._arrive(room, tokens)
            before, began = self._used(), time.monotonic()
            cutting = [asyncio.create_task(self._jitter(listener)) for listener in self._listeners]
            tasks += cutting
            await self._talk(room)
            self._note_used(before, time.monotonic() - began)
            self._over.set()
            await asyncio.gather(*cutting)
            await self._catch_up()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for listener in self._listeners:
                listener.leave()
        self._count(start)
        return self.outcome

    async def _prepare(self) -> tuple[int, list[str]]:
        self._alice = Client(
            f"{self._cluster.sockets}/ws/chat/", self._cluster.people["alice"].token, []
        )
        made = await act(self._cluster, "room", self._cluster.people["alice"].id, "Jitter")
        people = (await act(self._cluster, "people", made["room"], self._clients))["people"]
        return made["room"], [person["token"] for person in people]

    async def _arrive(self, room: int, tokens: list[str]) -> int:
        """Connect everyone at the room's head; return the number of the first message to count."""
        await self._alice.connect()
        first = await self._alice.post(room, "we begin")
        self._head = first["seq"]
        for token in tokens:
            listener = Listener(
                "127.0.0.1",
                self._cluster.shape.port,
                token,
                room,
                random.Random(self._rnd.random()),
                position=self._head,
            )
            self._listeners.append(listener)
            listener.connect()
            await asyncio.sleep(1 / ARRIVALS)
        await self._until_level()
        return int(first["number"]) + 1

    async def _jitter(self, listener: Listener) -> None:
        # So that not all are cut in the same five seconds.
        first = self._rnd.uniform(0, CUT_SECONDS[1])
        while not await self._waited(first or self._rnd.uniform(*CUT_SECONDS)):
            first = 0.0
            listener.cut()
            self.outcome.cuts += 1
            await asyncio.sleep(OFFLINE_SECONDS)

    async def _waited(self, seconds: float) -> bool:
        """Wait; True: it is over."""
        try:
            async with asyncio.timeout(seconds):
                return await self._over.wait()
        except TimeoutError:
            return False

    async def _talk(self, room: int) -> None:
        end = time.monotonic() + self._seconds
        due = time.monotonic()
        while due < end:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += POST_SECONDS
            sent = time.monotonic()
            message = await self._alice.post(room, BODY * 3)
            self._sent[message["seq"]] = sent
            self._head = message["seq"]
            self.outcome.posted += 1

    async def _catch_up(self) -> None:
        """Wait until everyone has everything, or long enough."""
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self._until_level()
        except TimeoutError:
            return

    async def _until_level(self) -> None:
        while not all(  # noqa: ASYNC110
            listener.level and listener.position >= self._head for listener in self._listeners
        ):
            await asyncio.sleep(LOOK_SECONDS)

    def _count(self, first: int) -> None:
        outcome = self.outcome
        for listener in self._listeners:
            counts = [listener.numbers[number] for number in range(first, first + outcome.posted)]
            outcome.delivered += sum(count > 0 for count in counts)
            outcome.duplicates += sum(max(0, count - 1) for count in counts)
            outcome.repeats += listener.repeats
            outcome.failures += listener.failures
            outcome.returns += [each.level - each.began for each in listener.returns]
            outcome.live += [at - self._sent[seq] for seq, at in listener.live if seq in self._sent]
        outcome.returns.sort()
        outcome.live.sort()

    # Bottleneck -----------------------------------------------------------------------------------

    async def _note_lateness(self) -> None:
        while True:
            due = time.monotonic() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.outcome.lateness = max(self.outcome.lateness, time.monotonic() - due)

    def _used(self) -> dict[str, float]:
        """Seconds of processor time by program."""
        used = {"generator": time.process_time(), EVERYTHING: _busy()}
        roots = {
            name: self._cluster[name].pid
            for name in ("nginx", "redis", *self._cluster.shape.node_names)
        }
        roots["postgresql"] = self._cluster.postgres.pid
        for name, pid in roots.items():
            root = psutil.Process(pid)
            used[name] = sum(
                _seconds(process) for process in [root, *root.children(recursive=True)]
            )
        return used

    def _note_used(self, before: dict[str, float], seconds: float) -> None:
        used = {name: (used - before[name]) / seconds for name, used in self._used().items()}
        everything = used.pop(EVERYTHING)
        self.outcome.processors = {
            **used,
            "others on this machine": max(0.0, everything - sum(used.values())),
        }


def _busy() -> float:
    """Seconds of processor time that this machine has spent."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def words(outcome: Outcome, facts: dict[str, object]) -> str:
    """The report."""
    lines = [f"{name:<12} {value}" for name, value in facts.items()]
    lines += [
        "",
        f"delivered    {outcome.part * 100:.4f} % of {outcome.posted} messages x "
        f"{outcome.clients} clients",
        f"duplicates   {outcome.duplicates} shown twice; {outcome.repeats} sent twice and ignored "
        f"by the client's rule",
        f"cuts         {outcome.cuts}; {len(outcome.returns)} returns",
        f"catching up  {_milliseconds(outcome.returns)} (from the start of the connection to "
        f"level)",
        f"live         {_milliseconds(outcome.live)} (from the sending of a post to its arrival)",
        f"failures     "
        f"{', '.join(f'{count} x {why}' for why, count in outcome.failures.items()) or 'none'}",
        "",
        "processors   "
        + ", ".join(f"{name} {part * 100:.0f} %" for name, part in outcome.processors.items())
        + " of one core each",
        f"generator    at most {outcome.lateness * 1000:.0f} ms behind: "
        f"{'the' if bottleneck(outcome) else 'not the'} bottleneck",
    ]
    return "\n".join(lines) + "\n"


def bottleneck(outcome: Outcome) -> bool:
    """Whether the generator had more to do than it could."""
    return outcome.processors.get("generator", 0) > BUSY


def _milliseconds(times: list[float]) -> str:
    return "   ".join(
        f"{name} {quantile(times, part) * 1000:.0f} ms"
        for name, part in (("p50", 0.5), ("p99", 0.99), ("max", 1))
    )


def machine() -> str:
    """Say where this runs."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, load "
        f"{os.getloadavg()[0]:.1f} at the start"
    )


async def run(directory: Path, *, clients: int, seconds: float, seed: int) -> Outcome:
    """Run on a new cluster of three socket nodes and a web node, with production settings."""
    allow_files(clients)
    cluster = Cluster(directory, socket_nodes=3)
    try:
        await asyncio.to_thread(cluster.__enter__)
        return await Jitter(cluster, clients, seconds, random.Random(seed)).run()
    finally:
        await asyncio.to_thread(cluster.close)


def allow_files(clients: int) -> None:
    """Raise the limit of open files for this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, 1024 + SOCKETS_A_CLIENT * clients)
    resource.setrlimit(
        resource.RLIMIT_NOFILE,
        (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard),
    )


def main() -> int:
    """Run from the command line, and write the report into var/jitter."""
    parser = argparse.ArgumentParser(description="Thousands of clients on bad networks.")
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    now = datetime.now(UTC)
    directory = ROOT / "var" / "jitter" / f"{now:%Y%m%d-%H%M%S}"
    directory.mkdir(parents=True)
    facts: dict[str, object] = {
        "date": f"{now:%Y-%m-%d %H:%M} UTC",
        "machine": machine(),
        "clients": options.clients,
        "seconds": options.seconds,
    }
    outcome = run_cleanly(
        run(directory, clients=options.clients, seconds=options.seconds, seed=options.seed)
    )
    text = words(outcome, facts)
    (directory / "report.txt").write_text(text)
    sys.stdout.write(text)
    return 0 if outcome.part == 1 and outcome.duplicates == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
