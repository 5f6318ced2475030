"""The server under test, started as for production: the common base, and Holdfast.

A server knows its processes (what is counted), the programs beside it (what is listed apart) and
how a crowd speaks to it.
"""

import ast
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx
import redis

from tests.bench.costs import Group
from tests.bench.load import Crowd
from tests.support.postgres import Postgres
from tests.support.programs import Program
from tests.support.server import ROOT, free_port, passed_on

# 100 characters, with the marker.
TEXT = (
    "@T"
    + " The quick brown fox jumps over the lazy dog and runs into the wood without looking back."[
        :76
    ]
)
VAR = ROOT / "var" / "bench"
NPM = VAR / "npm"


class DurablePostgres(Postgres):
    """A server that flushes to the disk at every commit, as one that is to be measured must."""

    _DURABLE: ClassVar[dict[str, str]] = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "512MB",
        "max_wal_size": "4GB",
    }

    @property
    def command(self) -> list[str]:
        """The server's command; of two values for an option PostgreSQL takes the last."""
        return [
            *super().command,
            *(
                argument
                for name, value in self._DURABLE.items()
                for argument in ("-c", f"{name}={value}")
            ),
        ]


class Server(ABC):
    """One contender, from ``with`` to its end."""

    name: ClassVar[str]
    needs_redis = True
    needs_postgres = False

    def __init__(self, directory: Path, *, nodes: int = 1) -> None:
        self.directory = directory / f"{self.name}-{time.monotonic_ns()}"
        self.ports = [free_port() for _ in range(nodes)]
        self._stack = ExitStack()
        self._programs: list[Program] = []
        self._ready: list[Callable[[], bool]] = []
        self._beside: dict[str, Group] = {}
        self.redis_url = ""
        self.database_url = ""

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True)
        try:
            if self.needs_postgres:
                postgres = self._stack.enter_context(DurablePostgres())
                self.database_url = postgres.url
                assert postgres._process is not None
                self._beside["database"] = Group((postgres._process.pid,))
            if self.needs_redis:
                self._start_redis()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything."""
        for program in reversed(self._programs):
            program.kill()
        self._stack.close()

    @abstractmethod
    def start(self) -> None:
        """Start the server's own processes."""

    @abstractmethod
    def crowd(self, sockets: int, *, posters: int = 10, rate: float = 0.0) -> Crowd:
        """Return clients that all follow one room, among them the posters."""

    def restart(self) -> None:
        """Kill the server's processes and start them again, with empty memory."""
        for program in self._programs:
            program.kill()
        for program, ready in zip(self._programs, self._ready, strict=True):
            program.start(ready)

    @property
    def server(self) -> Group:
        """The processes that are counted."""
        return Group(tuple(program.pid for program in self._programs))

    @property
    def groups(self) -> Mapping[str, Group]:
        """All that is measured: ``server``, and what is listed apart."""
        return {"server": self.server, **self._beside}

    def redis_commands(self) -> int:
        """Return how many commands the broker has carried out."""
        info: Any = self._redis.info("stats")
        return int(info["total_commands_processed"])

    def _start_redis(self) -> None:
        port = free_port()
        self.redis_url = f"redis://127.0.0.1:{port}/0"
        command = [
            "redis-server",
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        program = Program(
            "redis",
            command,
            cwd=self.directory,
            env=passed_on(),
            log_file=self.directory / "redis.log",
        )
        program.start(listening_on(port))
        self._stack.callback(program.stop)
        self._beside["broker"] = Group((program.pid,))
        self._redis = redis.Redis(port=port)

    def _run(
        self, name: str, command: Sequence[str], env: Mapping[str, str], ready: Callable[[], bool]
    ) -> None:
        program = Program(
            name,
            command,
            cwd=ROOT,
            env={**passed_on(), **env},
            log_file=self.directory / f"{name}.log",
        )
        self._programs.append(program)
        self._ready.append(ready)
        program.start(ready)


class Holdfast(Server):
    """``manage.py serve`` with everything on."""

    name = "holdfast"
    needs_postgres = True

    def __init__(
        self,
        directory: Path,
        *,
        nodes: int = 1,
        people: int = 500,
        rooms: int = 5,
        way: str = "token",
        sqlite: bool = False,
        broker: bool = True,
    ) -> None:
        super().__init__(directory, nodes=nodes)
        self.people_count, self.room_count, self.way = people, rooms, way
        self.needs_postgres, self.needs_redis = not sqlite, broker
        self.rooms: list[int] = []
        self.headers: list[str] = []

    def start(self) -> None:
        """Migrate, fill, serve."""
        self.prepare()
        for number, port in enumerate(self.ports, 1):
            env = {**self.environment, "HOLDFAST_NODE_NAME": f"node-{number}", "PORT": str(port)}
            self._run(
                f"node-{number}",
                [sys.executable, "manage.py", "serve"],
                env,
                partial(_is_ready, port),
            )

    def prepare(self) -> None:
        """Make the tables, the people and the rooms."""
        self.database_url = self.database_url or f"sqlite:///{self.directory}/holdfast.sqlite3"
        self.manage("-m", "django", "migrate", "--verbosity", "0")
        printed = self.manage(
            "-m",
            "tests.bench.holdfast.people",
            str(self.people_count),
            str(self.room_count),
            self.way,
        )
        self.rooms, *self.headers = [ast.literal_eval(line) for line in printed.splitlines()]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process of it."""
        return {
            "DJANGO_SETTINGS_MODULE": "tests.bench.holdfast.settings",
            "HOLDFAST_VAR_DIR": str(self.directory),
            "DATABASE_URL": self.database_url,
            "CHANNEL_LAYER_URL": self.redis_url or "memory://",
            "SECRET_KEY": "of-the-benchmark-and-of-nothing-else-0123456789-abcdefghijkl",
            "ALLOWED_HOSTS": "127.0.0.1",
            "ALLOWED_ORIGINS": "http://127.0.0.1",
            "HOLDFAST_HTTPS": "false",
            "METRICS_NETWORKS": "127.0.0.0/8",
            "LOG_FORMAT": "json",
        }

    def manage(self, *arguments: str) -> str:
        """Run Python in the environment of the nodes and return what it prints."""
        env = {**passed_on(), **self.environment}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"python {' '.join(arguments)[:80]} ended with "
                f"{done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def crowd(self, sockets: int, *, posters: int = 10, rate: float = 0.0) -> Crowd:
        """All follow the stream that has no table."""
        return Crowd(
            ports=self.ports,
            dialect="holdfast",
            path="/ws/chat/",
            sockets=sockets,
            posters=posters,
            rate=rate,
            template=f'{{"id":@N,"command":"bench.emit","body":"{TEXT}"}}',
            headers=self.headers,
            subscribes=[subscribe({"bench.1": None})],
        )

    def chat(self, sockets: int, *, posters: int, rate: float = 0.0, rooms: int = 1) -> Crowd:
        """All follow a real room, and posts are real messages."""
        template = f'{{"id":@N,"command":"message.post","room":{self.rooms[0]},"key":"@U","body":"{TEXT}"}}'
        frame = subscribe({f"room.{room}": None for room in self.rooms[:rooms]})
        return replace(
            self.crowd(sockets, posters=posters, rate=rate),
            template=template,
            subscribes=[frame],
            apart=True,
            closed_loop=rate == 0,
        )

    def beside(self, sockets: int, *, rate: float) -> Crowd:
        """A second stream that has no table."""
        crowd = self.crowd(sockets, posters=1, rate=rate)
        template = crowd.template.replace("bench.emit", "bench.emit.small")
        return replace(crowd, template=template, subscribes=[subscribe({"bench.2": None})])

    def heads(self) -> dict[str, int]:
        """Return the heads of the rooms' streams."""
        code = (
            "from realtime.models import Stream; "
            "print(dict(Stream.objects.filter(name__startswith='room.').values_list('name', "
            "'head')))"
        )
        found: dict[str, int] = ast.literal_eval(self.run_code(code))
        return found

    def post(self, count: int) -> None:
        """Post messages into the first room, from a process of its own."""
        self.run_code(
            "from chat.services import post_message; from chat.models import Membership; "
            f"author = Membership.objects.filter(room_id={self.rooms[0]}).first().user_id; "
            f"[post_message(author_id=author, room_id={self.rooms[0]}, body='x' * 100) for _ in "
            f"range({count})]"
        )

    def run_code(self, code: str) -> str:
        """Run a line of Python with Django set up, and return what it prints."""
        return self.manage("-c", f"import django; django.setup(); {code}")

    def queries(self) -> int:
        """Return the number of statements and transactions that PostgreSQL has finished.

        Outside of transactions that is the number of queries.
        """
        code = (
            # Statistics come each second.
            "import time; time.sleep(1.2); from django.db import connection; cursor = "
            "connection.cursor(); "
            "cursor.execute('SELECT xact_commit FROM pg_stat_database WHERE datname = "
            "current_database()'); print(cursor.fetchone()[0])"
        )
        return int(self.run_code(code))

    def metric(self, name: str, label: str = "") -> float:
        """Return the sum of a metric over its labels, or those with ``label``, and all nodes."""
        total = 0.0
        for port in self.ports:
            for line in httpx.get(f"http://127.0.0.1:{port}/metrics").text.splitlines():
                if line.startswith((f"{name} ", f"{name}{{")) and label in line:
                    total += float(line.rsplit(" ", 1)[1])
        return total


def subscribe(positions: Mapping[str, int | None]) -> str:
    """Return the frame that subscribes to streams."""
    inside = ",".join(
        f'"{name}":{"null" if after is None else after}' for name, after in positions.items()
    )
    return f'{{"id":0,"command":"subscribe","streams":{{{inside}}}}}'


def listening_on(port: int) -> Callable[[], bool]:
    """Return a function that checks whether a port accepts connections."""

    def accepts() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return accepts


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
