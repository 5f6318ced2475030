"""Real server processes: ``manage.py serve`` on a free port, on the database of the test."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
from django.conf import settings
from django.db import connection

from tests.support import slow_network

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30  # a start takes two; a machine that also runs a browser may need ten
STOP_SECONDS = 20


class ServerProcess:
    """One server process with an environment of its own."""

    def __init__(self, name: str, *, port: int, env: Mapping[str, str], origin: str = "") -> None:
        self.name = name
        self.port = port
        self.origin = origin or f"http://127.0.0.1:{port}"
        self.sockets = f"ws://127.0.0.1:{port}"
        self.env = {**env, "HOLDFAST_NODE_NAME": name, "PORT": str(port)}
        self._lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # A pipe that nobody empties would stop the server at 64 KiB of log.
        self._collector = threading.Thread(target=self._collect, name=f"log of {name}", daemon=True)
        self._collector.start()

    @property
    def log(self) -> str:
        """The output of the process so far."""
        return "".join(self._lines)

    def wait_until_ready(self) -> None:
        """Return when the process answers ``/readyz`` with 200.

        Raises with its log when it does not.
        """
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.origin}/readyz", timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)  # a port that nobody listens on yet has nothing to wait on
        self.kill()
        raise RuntimeError(f"{self.name} was not ready after {READY_SECONDS} s:\n{self.log}")

    def stop(self) -> int:
        """Ask the process to end (SIGTERM), wait, and return its exit code.

        Raises with its log when it does not end.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise RuntimeError(
                f"{self.name} did not end {STOP_SECONDS} s after SIGTERM:\n{self.log}"
            ) from error
        self._finish()
        return code

    def kill(self) -> None:
        """End the process without warning (SIGKILL)."""
        self.process.kill()
        self.process.wait()
        self._finish()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)

    def _finish(self) -> None:
        self._collector.join(STOP_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Node(ServerProcess):
    """A server process on the database of the test.

    It sees what is committed, so the test needs ``transactional_db``.
    """

    def __init__(self, name: str, *, var: Path, env: Mapping[str, str]) -> None:
        port = free_port()
        origin = f"http://127.0.0.1:{slow_network.before(port)}"
        super().__init__(
            name,
            port=port,
            origin=origin,
            env={**environment(var), "ALLOWED_ORIGINS": origin, **env},
        )


class Nodes:
    """The server processes of one test; all that are left are stopped at its end."""

    def __init__(self, var: Path) -> None:
        self._var = var
        self._all: list[ServerProcess] = []

    def start(self, **env: str) -> Node:
        """Start a node and wait until it is ready.

        Keywords are environment variables: ``HOLDFAST_COMMAND_RATE="5"``.
        """
        node = Node(f"node-{len(self._all) + 1}", var=self._var, env=env)
        self._all.append(node)
        node.wait_until_ready()
        return node

    def restart(self, node: ServerProcess) -> ServerProcess:
        """Start a node again that has ended, at the same address."""
        again = ServerProcess(node.name, port=node.port, origin=node.origin, env=node.env)
        self._all.append(again)
        again.wait_until_ready()
        return again

    def stop(self) -> None:
        """Stop every node that still runs."""
        for node in self._all:
            if node.process.poll() is None:
                node.stop()


def manage(*arguments: str, var: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a management command on the test's database in its own process; return its output."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment(var), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"manage.py {' '.join(arguments)} ended with "
            f"{done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def environment(var: Path) -> dict[str, str]:
    """Return the environment of a process that uses the test's database and cookies."""
    ours = {
        "DJANGO_SETTINGS_MODULE": "tests.support.node_settings",
        "HOLDFAST_VAR_DIR": str(var),
        "DATABASE_URL": database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "ALLOWED_ORIGINS": "http://127.0.0.1",
        "HOLDFAST_HTTPS": "false",
        "METRICS_NETWORKS": "127.0.0.0/8",
        "LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }
    return {**passed_on(), **ours}


def passed_on() -> dict[str, str]:
    """Return what a process needs of the machine's environment, and nothing of its settings."""
    return {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }


def database_url() -> str:
    """Return the address of the test database, as another process needs it."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(str(config['NAME']))}"
    login = f"{quote(config['USER'])}:{quote(config['PASSWORD'])}"
    # In the query, because it may be the directory of a Unix socket.
    where = urlencode({"host": config["HOST"], "port": config["PORT"]})
    return f"postgres://{login}@/{config['NAME']}?{where}"


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
