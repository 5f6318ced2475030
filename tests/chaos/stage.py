"""The cluster of a run: three socket nodes and a web node behind nginx, and its networks."""

import asyncio
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

import psutil

from tests.chaos.history import History, Memory
from tests.chaos.proxy import Proxy
from tests.support.cluster import Cluster
from tests.support.server import ROOT

SOCKET_NODES = 3
# As in production 25: then a silent connection would be what most of a run waits for.
PING_AFTER_SECONDS = 4
SETTINGS = {
    "HOLDFAST_PING_AFTER_SECONDS": str(PING_AFTER_SECONDS),
    "HOLDFAST_PONG_SECONDS": "4",
    "DRAIN_SECONDS": "2",
    "HOLDFAST_PRESENCE_LINGER_SECONDS": "4",
    "HOLDFAST_POSTS": "0",  # a crowd of one person's clients is no flood
    # As in production four times that: a client that does not read is behind sooner.
    "HOLDFAST_SOFT_MARK": "65536",
}
NGINX_SEND_BUFFER = "64k"
TRIES = 20  # of something that needs the database, while that is away
TRY_AGAIN_SECONDS = 1.0
MEMORY_SECONDS = 1.0  # between two looks at what the processes hold
Say = Callable[[str], None]
T = TypeVar("T")


class Stage:
    """All that faults are done to.

    ``front`` is the network that half of the clients come through, ``back`` the one to the last
    node.
    """

    def __init__(
        self, directory: Path, *, history: History, rnd: random.Random, say: Say = lambda _: None
    ) -> None:
        self.history = history
        self.rnd = rnd
        self.say = say
        # Paths of Unix sockets have at most 107 bytes.
        self._short = Path(tempfile.mkdtemp(prefix="holdfast-links-"))
        self.cluster = Cluster(directory, socket_nodes=SOCKET_NODES, settings=SETTINGS)
        names = self.cluster.socket_names
        shape = self.cluster.shape
        self.back = Proxy(shape.node_socket(names[-1]), self._short / f"{names[-1]}.sock")
        servers = [shape.node_socket(name) for name in names[:-1]] + [self.back.where]
        upstreams = " ".join(f'server "unix:{path}" max_fails=0;' for path in servers)
        # nginx would take megabytes for a client that does not read, and it would be long before
        # the node notices.
        listen = f"listen 127.0.0.1:{shape.port} backlog=4096 sndbuf={NGINX_SEND_BUFFER};"
        self.cluster.shape = replace(
            shape, variables={"NGINX_SOCKET_NODES": upstreams, "NGINX_LISTEN": listen}
        )
        self.front = Proxy(("127.0.0.1", shape.port))
        self.clock = Clock(directory / "clock", names[0], self.cluster)
        self._struck: set[str] = set()  # nodes to which something happens
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self._short, ignore_errors=True)
        await self._stack.enter_async_context(self.back)
        await self._stack.enter_async_context(self.front)
        self._stack.push_async_callback(asyncio.to_thread, self.cluster.close)
        await asyncio.to_thread(self.cluster.__enter__)
        await asyncio.to_thread(self.clock.prepare)
        watching = asyncio.create_task(self._watch_memory())
        self._stack.callback(watching.cancel)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.aclose()

    @property
    def address(self) -> str:
        """Where nginx itself listens."""
        return f"{self.cluster.sockets}/ws/chat/"

    def addresses(self) -> Iterator[str]:
        """Where clients connect to, in turn: nginx itself, and the network before it."""
        assert isinstance(self.front.where, tuple)
        host, port = self.front.where
        while True:
            yield self.address
            yield f"ws://{host}:{port}/ws/chat/"

    @contextmanager
    def node(self, rnd: random.Random) -> Iterator[str]:
        """Choose a socket node to which nothing happens yet."""
        name = rnd.choice([name for name in self.cluster.socket_names if name not in self._struck])
        self._struck.add(name)
        try:
            yield name
        finally:
            self._struck.discard(name)

    async def act(self, *arguments: object, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Have something done by a process of its own (``tests.chaos.acts``)."""
        return await act(self.cluster, *arguments, env=env)

    async def insist(
        self, *arguments: object, env: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The same, again and again while it fails, because the database may be away.

        Raises the last failure.
        """
        for _ in range(TRIES - 1):
            try:
                return await self.act(*arguments, env=env)
            except RuntimeError:
                await asyncio.sleep(TRY_AGAIN_SECONDS)
        return await self.act(*arguments, env=env)

    async def _watch_memory(self) -> None:
        programs = self.cluster.shape.node_names
        while True:
            now = time.monotonic()
            for name in programs:
                # Not one that has just been killed.
                if (held := resident(self.cluster, name)) is not None and held[1] > 0:
                    self.history.memory.append(Memory(now, name, *held))
            await asyncio.sleep(MEMORY_SECONDS)


async def act(
    cluster: Cluster, *arguments: object, env: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run an action on a cluster in a process of its own (``tests.chaos.acts``).

    Raises an error with the output of the process if it failed.
    """
    command = [sys.executable, "-m", "tests.chaos.acts", *map(str, arguments)]
    environment = {**cluster.shape.environment, **(env or {})}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    printed, complaints = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{complaints.decode()}")
    found: dict[str, Any] = json.loads(printed)
    return found


def run_cleanly(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; Ctrl-C and SIGTERM end it too, with everything that it has started.

    Exits then.
    """

    async def main() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        sys.exit("stopped")


class Clock:
    """The wall clock of one node, which can be shifted; its monotonic clock is not."""

    def __init__(self, file: Path, node: str, cluster: Cluster) -> None:
        self.node = node
        self._file = file
        self._cluster = cluster

    def prepare(self) -> None:
        """Start the node anew, with a clock that looks into a file."""
        self.set(0)
        self._cluster[self.node].env.update(
            {"CHAOS_CLOCK": str(self._file), "DJANGO_SETTINGS_MODULE": "tests.chaos.clock_settings"}
        )
        self._cluster.restart(self.node)

    def set(self, seconds: float) -> None:
        """Be wrong by so many seconds."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(str(seconds))
        draft.replace(self._file)  # never seen half written


def resident(cluster: Cluster, name: str) -> tuple[int, int] | None:
    """Return the process of a program and its bytes of memory; None while it does not run."""
    try:
        process = psutil.Process(cluster[name].pid)
        return process.pid, process.memory_info().rss
    except psutil.Error:
        return None
