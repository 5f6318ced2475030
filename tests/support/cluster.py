"""A real cluster: PostgreSQL, Redis, nginx and nodes, and everything that can happen to them.

    with Cluster(tmp_path) as cluster:
        token = cluster.people["alice"].token
        with cluster.redis_down():
            ...

Programs have the names of ``tests.support.shape``: ``cluster["socket-1"].kill()``,
``cluster["nginx"].pid``.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psycopg

from tests.support import templates
from tests.support.postgres import NAME, SUPERUSER, Postgres
from tests.support.programs import Program, stop_all
from tests.support.replication import Replication
from tests.support.server import ROOT, free_port
from tests.support.shape import Shape, nginx_binary

PEOPLE = ("alice", "bob", "charlie")
PASSWORD = "correct horse battery staple"
PROBE_SECONDS = 5


@dataclass(frozen=True)
class Person:
    """An account of the cluster, and the way in for a program."""

    id: int
    username: str
    token: str


def join(origin: str, person: Person, room: int, *, again_after: float | None = None) -> None:
    """Let a person join a public room, or accept an invitation.

    After a failure it is tried again in ``again_after`` seconds, for as long as that takes.
    """
    headers = {"Authorization": f"Bearer {person.token}"}
    command = {"id": 1, "command": "room.join", "room": room}
    while True:
        try:
            answer = httpx.post(f"{origin}/api/commands", json=command, headers=headers, timeout=30)
            answer.raise_for_status()
        except httpx.HTTPError:
            if again_after is None:
                raise
            time.sleep(again_after)
        else:
            return


class Cluster:
    """One cluster on free ports, from ``with`` to its end.

    ``settings`` are environment variables of all nodes.
    """

    def __init__(
        self,
        directory: Path,
        *,
        socket_nodes: int = 2,
        web_nodes: int = 1,
        settings: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        nginx: str | None = None,
        postgres: Postgres | Replication | None = None,
        code: Path = ROOT,
        bundled: bool = templates.BUNDLED,
    ) -> None:
        self._bundled = bundled
        # Other code has other tables and files than the templates.
        self._from_templates = code == ROOT
        self.postgres = postgres or Postgres(migrated=self._from_templates)
        self._run = Path(tempfile.mkdtemp(prefix="holdfast-"))
        self.shape = Shape(
            directory=directory,
            run=self._run,
            port=free_port(),
            internal_port=free_port(),
            database_url=self.postgres.url,
            socket_nodes=socket_nodes,
            web_nodes=web_nodes,
            settings={
                "DJANGO_SETTINGS_MODULE": "tests.support.node_settings",
                "HOLDFAST_SIGNUP": "false",
                "HOLDFAST_INVITATIONS": "0",  # one person makes all rooms of a test
                # All clients of a test have one address.
                "HOLDFAST_ADDRESS_RATE": "10000",
                "HOLDFAST_ADDRESS_BURST": "10000",
                **(settings or {}),
            },
            variables={
                "NGINX_ADDRESS_REQUESTS": "10000",
                "NGINX_ADDRESS_BURST": "10000",
                "NGINX_ADDRESS_HANDSHAKES": "10000",
                **(variables or {}),
            },
            nginx=nginx or nginx_binary(),
            code=code,
        )
        self._programs: dict[str, Program] = {}
        self.people: dict[str, Person] = {}

    # Start and stop -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self._start()
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

    def _start(self) -> None:
        self.shape.make_directories()
        self._start_database()
        self._add("redis", self.shape.redis_command(), self._redis_answers)
        if not self.postgres.migrated:
            self.shape.manage("migrate", "--verbosity", "0")
        if self._from_templates:
            templates.copy_static_files(self.shape.var, bundled=self._bundled)
        else:
            self.shape.manage("collectstatic", "--no-input", "--verbosity", "0")
        self.people = self.add_people(*PEOPLE)
        for name in self.node_names:
            self._add(name, self.shape.node_command(name))  # side by side
        self.shape.render()
        self._add(
            "nginx", self.shape.nginx_command(), self._nginx_answers
        ).stop_signal = signal.SIGQUIT
        for name in self.node_names:
            self[name].wait_for(partial(self.ready, name))

    def _start_database(self) -> None:
        self.postgres.__enter__()

    def close(self) -> None:
        """Stop everything, whatever state it is in, and remove what is not a log."""
        try:
            nodes = [self._programs[name] for name in self.node_names if name in self._programs]
            if "nginx" in self._programs:
                # Its clients are the test's, which is over.
                self["nginx"].stop_signal = signal.SIGTERM
            stop_all(nodes)
        finally:
            for program in self._programs.values():
                if program.name in self.node_names:
                    program.kill()
                elif program.running:
                    program.stop()
            self.postgres.close()
            shutil.rmtree(self._run, ignore_errors=True)

    def _add(self, name: str, command: list[str], ready: Any = None) -> Program:
        env = self.shape.node_environment(name)
        program = Program(
            name, command, cwd=self.shape.code, env=env, log_file=self.shape.logs / f"{name}.log"
        )
        self._programs[name] = program
        program.start(ready)
        return program

    # State ----------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Program:
        """The program of this name: socket-1, web-1, nginx, redis."""
        return self._programs[name]

    @property
    def origin(self) -> str:
        """Where clients find the cluster."""
        return self.shape.origin

    @property
    def sockets(self) -> str:
        """The same for WebSockets."""
        return self.origin.replace("http", "ws", 1)

    @property
    def socket_names(self) -> list[str]:
        """The nodes that hold sockets."""
        return self.shape.socket_names

    @property
    def node_names(self) -> list[str]:
        """All nodes."""
        return self.shape.node_names

    def add_people(self, *names: str) -> dict[str, Person]:
        """Make accounts that sign in with ``PASSWORD``, with a token each."""
        env = self.shape.environment
        command = [sys.executable, "-m", "tests.support.people", *names]
        printed = subprocess.run(
            command, cwd=self.shape.code, env=env, check=True, capture_output=True, text=True
        ).stdout
        return {each["username"]: Person(**each) for each in json.loads(printed)}

    # Probes ---------------------------------------------------------------------------------------

    def probe(self, name: str, path: str) -> httpx.Response:
        """Ask one node by its socket, past nginx, as nginx would."""
        with self.direct(name) as http:
            return http.get(path)

    def direct(self, name: str, **options: Any) -> httpx.Client:
        """A client of one node, past nginx."""
        transport = httpx.HTTPTransport(uds=str(self.shape.node_socket(name)))
        headers = {"Host": "localhost", "X-Real-IP": "127.0.0.1", **options.pop("headers", {})}
        return httpx.Client(
            transport=transport,
            base_url="http://127.0.0.1",
            headers=headers,
            timeout=PROBE_SECONDS,
            **options,
        )

    def ready(self, name: str) -> bool:
        """Whether a node says that it is ready."""
        try:
            return self.probe(name, "/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def state(self, name: str) -> dict[str, Any]:
        """Return the answer of a node's `/readyz`."""
        found: dict[str, Any] = self.probe(name, "/readyz").json()
        return found

    def metric(self, name: str, metric: str) -> float:
        """The sum of a metric of one node, over its labels."""
        lines = [
            line
            for line in self.probe(name, "/metrics").text.splitlines()
            if line.startswith((f"{metric} ", f"{metric}{{"))
        ]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def access_log(self, path: str, *others: str) -> str:
        """The last line that nginx wrote about a path, and that has the other texts too."""
        found: list[str] = []

        def look() -> bool:
            lines = (self.shape.logs / "access.log").read_text().splitlines()
            texts = (f'"path":"{path}"', *others)
            found[:] = [line for line in lines if all(text in line for text in texts)]
            return bool(found)

        self["nginx"].wait_for(look)  # nginx writes it a moment after the answer
        return found[-1]

    # Faults ---------------------------------------------------------------------------------------

    @contextmanager
    def down(self, name: str) -> Iterator[None]:
        """Kill a program for a while, and have it back, ready, at the end."""
        self[name].kill()
        try:
            yield
        finally:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a program that has ended, and wait until it answers."""
        ready = {"redis": self._redis_answers, "nginx": self._nginx_answers}.get(
            name, partial(self.ready, name)
        )
        self[name].start(ready)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Stop a node in good order, as a deploy does; have it back, ready, at the end.

        Raises when it did not end well.
        """
        try:
            code = self[name].stop()
            assert code == 0, f"{name} ended with {code}:\n{self[name].log[-8000:]}"
            yield
        finally:
            self.start(name)

    def deploy(self, name: str, code: Path) -> None:
        """Restart one node with the code of another checkout."""
        with self.stopped(name):
            self[name].cwd = code

    def restart(self, name: str) -> None:
        """Deploy one node."""
        with self.stopped(name):
            pass

    @contextmanager
    def redis_down(self) -> Iterator[None]:
        """Redis is gone: connections are cut and refused. It forgets everything."""
        with self.down("redis"):
            yield

    @contextmanager
    def redis_frozen(self) -> Iterator[None]:
        """Redis accepts and never answers."""
        with self["redis"].paused():
            yield

    def redis(self, *command: str) -> str:
        """Give Redis a command, such as ``FLUSHALL`` or ``CLIENT KILL TYPE pubsub``."""
        client = ["redis-cli", "-s", str(self._run / "redis.sock"), *command]
        return subprocess.run(client, check=True, capture_output=True, text=True).stdout.strip()

    @contextmanager
    def postgres_down(self) -> Iterator[None]:
        """PostgreSQL is gone, with every connection; its data stays."""
        self.postgres.stop()
        try:
            yield
        finally:
            self.postgres.start()

    def keep_copy(self) -> None:
        """Stop PostgreSQL for as long as its files are copied."""
        assert isinstance(self.postgres, Postgres)
        with self.postgres_down():
            self.postgres.keep_copy()

    def put_copy_back(self) -> None:
        """Let PostgreSQL go back in time, to the copy."""
        assert isinstance(self.postgres, Postgres)
        with self.postgres_down():
            self.postgres.put_copy_back()

    @contextmanager
    def postgres_frozen(self) -> Iterator[None]:
        """PostgreSQL accepts connections and never answers."""
        server = self.postgres.pid
        os.kill(server, signal.SIGSTOP)  # first, so that it starts no further process
        found = subprocess.run(
            ["pgrep", "-P", str(server)], capture_output=True, text=True, check=False
        )
        pids = [server, *map(int, found.stdout.split())]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def locked(self, statement: str) -> Iterator[None]:
        """Someone has forgotten a transaction that holds what ``statement`` locks."""
        with self._connection() as other:
            other.execute(statement.encode())
            try:
                yield
            finally:
                other.rollback()

    @contextmanager
    def postgres_refuses(self, sqlstate: str, message: str) -> Iterator[None]:
        """PostgreSQL stores no message, for this reason."""
        raises = f"RAISE EXCEPTION '{message}' USING ERRCODE = '{sqlstate}'"
        with self._before_inserts("chat_message", raises):
            yield

    @contextmanager
    def slow_inserts(self, table: str, seconds: float) -> Iterator[None]:
        """Each statement that inserts into a table takes so much longer."""
        with self._before_inserts(table, f"PERFORM pg_sleep({seconds}); RETURN NULL"):
            yield

    @contextmanager
    def _before_inserts(self, table: str, act: str) -> Iterator[None]:
        function = f"RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {act}; END $$"
        with self._connection(autocommit=True) as server:
            server.execute(f"CREATE FUNCTION hindrance() {function}".encode())
            trigger = f"CREATE TRIGGER hindrance BEFORE INSERT ON {table}"
            server.execute(f"{trigger} EXECUTE FUNCTION hindrance()".encode())
            try:
                yield
            finally:
                server.execute(f"DROP TRIGGER hindrance ON {table}".encode())
                server.execute("DROP FUNCTION hindrance")

    def nginx_reload(self, **variables: str) -> None:
        """Reload nginx, with other variables if given; return once it has new workers."""
        if variables:
            self.shape = replace(self.shape, variables={**self.shape.variables, **variables})
            self.shape.render()
        before = self._workers()
        self["nginx"].signal(signal.SIGHUP)
        self["nginx"].wait_for(lambda: bool(self._workers() - before))

    # ----------------------------------------------------------------------------------------------

    def _connection(self, **options: Any) -> "psycopg.Connection[Any]":
        where = f"host={self.postgres.directory} port={self.postgres.options['port']}"
        return psycopg.connect(where, dbname=NAME, user=SUPERUSER, **options)

    def _workers(self) -> set[int]:
        done = subprocess.run(
            ["pgrep", "-P", str(self["nginx"].pid), "-f", "worker process$"],
            capture_output=True,
            text=True,
            check=False,
        )
        return {int(line) for line in done.stdout.split()}

    def _redis_answers(self) -> bool:
        try:
            return self.redis("PING") == "PONG"
        except subprocess.CalledProcessError:
            return False

    def _nginx_answers(self) -> bool:
        address = f"http://127.0.0.1:{self.shape.internal_port}/healthz"
        try:
            return httpx.get(address, timeout=PROBE_SECONDS).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
