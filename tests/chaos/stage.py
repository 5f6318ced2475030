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
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

import psutil

from tests.chaos.cables import BROKER_HOST, DATABASE_HOST, LOOPBACK, Cables
from tests.chaos.controls import Controls
from tests.chaos.history import History, Memory
from tests.chaos.proxy import Proxy
from tests.support.cluster import Cluster
from tests.support.postgres import Postgres
from tests.support.redis import WatchedRedis
from tests.support.replication import Replication
from tests.support.resolver import NameServer
from tests.support.server import ROOT

SOCKET_NODES = 3
# As in production 25: then a silent connection would be what most of a run waits for.
PING_AFTER_SECONDS = 4
STATEMENT_SECONDS = 6.0
SETTINGS = {
    "HOLDFAST_PING_AFTER_SECONDS": str(PING_AFTER_SECONDS),
    "HOLDFAST_PONG_SECONDS": "4",
    "DRAIN_SECONDS": "2",
    "HOLDFAST_PRESENCE_LINGER_SECONDS": "4",
    # As in production more than twice that: a server that takes everything and never answers.
    "HOLDFAST_STATEMENT_SECONDS": str(STATEMENT_SECONDS),
    "HOLDFAST_STUCK_SECONDS": "8",
    "HOLDFAST_IDLE_TRANSACTION_SECONDS": "4",
    # A crowd of one person's clients is no flood.
    "HOLDFAST_POSTS": "0",
    "HOLDFAST_COMMAND_RATE": "500",
    "HOLDFAST_COMMAND_BURST": "1000",
    "HOLDFAST_FLOOD_ALLOWANCE": "500",
    # As in production four times that: a client that does not read is behind sooner.
    "HOLDFAST_SOFT_MARK": "65536",
}
DISK_MEGABYTES = 600  # of each server of PostgreSQL, in memory
WAL = {"max_wal_size": "128MB", "wal_keep_size": "128MB"}  # so that the disk is not full by itself
NGINX_SEND_BUFFER = "64k"
TRIES = 20  # of something that needs the database, while that is away
TRY_AGAIN_SECONDS = 1.0
MEMORY_SECONDS = 1.0  # between two looks at what the processes hold
Say = Callable[[str], None]
PLAIN, SENTINELS = "redis", "sentinels"  # the brokers of a stage
T = TypeVar("T")


class Stage:
    """All that faults are done to.

    ``front`` is the network that half of the clients come through, ``back`` the one to the last
    node, and ``cables`` those from each node to the database and the broker. ``large``: there is a
    standby of PostgreSQL, the disks can be full, and nodes find the servers by names; needs root.
    ``broker``: one Redis, or two that Sentinels watch.
    """

    def __init__(
        self,
        directory: Path,
        *,
        history: History,
        rnd: random.Random,
        say: Say = lambda _: None,
        large: bool = False,
        broker: str = PLAIN,
    ) -> None:
        self.history = history
        self.rnd = rnd
        self.say = say
        self.large = large
        # Paths of Unix sockets have at most 107 bytes.
        self._short = Path(tempfile.mkdtemp(prefix="holdfast-links-"))
        self.controls = Controls(self._short / "controls")
        self.names = NameServer() if large else None
        self.watched = WatchedRedis(self._short) if broker == SENTINELS else None
        redis = self.watched.url if self.watched else ""
        settings = {
            **SETTINGS,
            **({"CHANNEL_LAYER_URL": redis, "CACHE_URL": redis} if redis else {}),
            "CHAOS_CONTROLS": str(self._short / "controls"),
            "DJANGO_SETTINGS_MODULE": "tests.chaos.node_settings",
        }
        postgres = Replication(options=WAL, megabytes=DISK_MEGABYTES) if large else None
        self.cluster = Cluster(
            directory, socket_nodes=SOCKET_NODES, settings=settings, postgres=postgres
        )
        names = self.cluster.socket_names
        shape = self.cluster.shape
        self.back = Proxy(shape.node_socket(names[-1]), self._short / f"{names[-1]}.sock")
        servers = [shape.node_socket(name) for name in names[:-1]] + [self.back.where]
        upstreams = " ".join(f'server "unix:{path}" max_fails=0;' for path in servers)
        # nginx would take megabytes for a client that does not read, and it would be long before
        # the node notices.
        listen = f"listen 127.0.0.1:{shape.port} backlog=4096 sndbuf={NGINX_SEND_BUFFER};"
        databases = [server.socket for server in self.servers]
        self.cables = {
            name: Cables(databases, None if self.watched else shape.run / "redis.sock", named=large)
            for name in shape.node_names
        }
        self.cluster.shape = replace(
            shape,
            variables={"NGINX_SOCKET_NODES": upstreams, "NGINX_LISTEN": listen},
            node_settings={name: each.settings for name, each in self.cables.items()},
            node_prefix=self.names.prefix if self.names else (),
        )
        self.front = Proxy(("127.0.0.1", shape.port))
        self._struck: set[str] = set()  # nodes to which something happens
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self._short, ignore_errors=True)
        try:
            if self.names is not None:
                self.names.addresses = dict.fromkeys((DATABASE_HOST, BROKER_HOST), LOOPBACK)
                await self._stack.enter_async_context(self.names)
            for proxy in (self.back, self.front):
                await self._stack.enter_async_context(proxy)
            for cables in self.cables.values():
                await self._stack.enter_async_context(cables)
            if self.watched is not None:
                self._stack.callback(self.watched.kill)
                await asyncio.to_thread(self.watched.start)
            self._stack.push_async_callback(asyncio.to_thread, self.cluster.close)
            await asyncio.to_thread(self.cluster.__enter__)
        except BaseException:
            await self._stack.aclose()
            raise
        watching = asyncio.create_task(self._watch_memory())
        self._stack.callback(watching.cancel)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.aclose()

    @property
    def servers(self) -> list[Postgres]:
        """The servers of PostgreSQL."""
        postgres = self.cluster.postgres
        return postgres.servers if isinstance(postgres, Replication) else [postgres]

    @property
    def primary(self) -> Postgres:
        """The server of PostgreSQL that stores."""
        postgres = self.cluster.postgres
        return postgres.primary if isinstance(postgres, Replication) else postgres

    @property
    def pair(self) -> Replication:
        """The primary and its standby. Raises where there is none."""
        assert isinstance(self.cluster.postgres, Replication), "only a large stage has a standby"
        return self.cluster.postgres

    def networks(self, kind: str, nodes: Iterable[str]) -> list[Proxy]:
        """Return the networks between nodes and the ``databases`` or the ``broker``."""
        found = [self.cables[name] for name in nodes]
        return [proxy for each in found for proxy in getattr(each, kind)]

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


def resident(cluster: Cluster, name: str) -> tuple[int, int] | None:
    """Return the process of a program and its bytes of memory; None while it does not run."""
    try:
        process = psutil.Process(cluster[name].pid)
        return process.pid, process.memory_info().rss
    except psutil.Error:
        return None
