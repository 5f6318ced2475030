"""``make cluster``: the whole cluster on this machine, with demo data, until Ctrl-C.

Supervisor runs the programs and restarts what dies. It stops them in the order of their priorities:
the nodes hand their clients over while nginx, Redis and PostgreSQL are still there.
"""

import fcntl
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import httpx

from tests.support.postgres import Postgres
from tests.support.server import ROOT, free_port
from tests.support.shape import LOOPBACK, Shape, nginx_binary

DIRECTORY = ROOT / "var" / "cluster"
READY_SECONDS = 60
DRAIN_SECONDS = 45  # of a node, from SIGTERM to SIGKILL: above DRAIN_SECONDS and what it finishes
MAX_NODES = 32


class CannotRun(Exception):
    """Why there is no cluster; the message says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Run a cluster, and return the exit code."""
    parser = ArgumentParser(prog="make cluster")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--web", type=int, default=1)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--directory", type=Path, default=DIRECTORY)
    options = parser.parse_args(arguments)
    try:
        with cluster(
            options.nodes, options.web, options.port, options.directory.resolve()
        ) as supervisor:
            supervisor.wait()
        return 1  # it ended by itself
    except CannotRun as error:
        print(f"make cluster: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 0


@contextmanager
def cluster(nodes: int, web: int, port: int, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start everything, yield the supervisor, and stop everything."""
    if not (1 <= nodes <= MAX_NODES and 1 <= web <= MAX_NODES):
        raise CannotRun(f"NODES={nodes} WEB={web}: expected numbers between 1 and {MAX_NODES}.")
    with (
        _alone(directory),
        _free(port),
        Postgres() as postgres,
        tempfile.TemporaryDirectory(prefix="holdfast-") as run,
    ):
        shape = Shape(
            directory=directory,
            run=Path(run),
            port=port,
            internal_port=free_port(),
            database_url=postgres.url,
            socket_nodes=nodes,
            web_nodes=web,
            settings={"DEBUG": "true", "PORT": str(port), "LOG_FORMAT": "console"},
            nginx=nginx_binary(),
        )
        shape.make_directories()
        say("Making the database and the demo.")
        for command in (
            ["migrate", "--verbosity", "0"],
            ["collectstatic", "--no-input", "--verbosity", "0"],
        ):
            shape.manage(*command)
        say(shape.manage("demo").rstrip())
        shape.render()
        postgres.stop()  # from here on it is the supervisor's
        with _supervised(shape, postgres) as supervisor:
            yield supervisor


@contextmanager
def _supervised(shape: Shape, postgres: Postgres) -> Iterator[subprocess.Popen[bytes]]:
    config = shape.directory / "supervisord.conf"
    config.write_text(configuration(shape, postgres))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
    # A session of its own: Ctrl-C reaches us alone, and we pass it on once.
    supervisor = subprocess.Popen(
        command, env=shape.environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_until_ready(shape, supervisor)
        _announce(shape, config)
        yield supervisor
    except KeyboardInterrupt:
        say(
            "\nDraining: the nodes hand their clients over, then the rest stops. Ctrl-C again "
            "stops at once."
        )
        raise
    finally:
        _stop(supervisor)


def configuration(shape: Shape, postgres: Postgres) -> str:
    """Return Supervisor's configuration.

    A program of the highest priority starts last and stops first. The programs of a group stop in
    parallel.
    """
    root = {"user": "root"} if os.geteuid() == 0 else {}
    account = {"user": postgres.account} if postgres.account else {}
    control = f"unix://{shape.run}/supervisor.sock"
    sections: dict[str, Mapping[str, object]] = {
        "supervisord": {
            "nodaemon": "true",
            "logfile": shape.logs / "supervisor.log",
            "pidfile": shape.run / "supervisor.pid",
            **root,
        },
        "unix_http_server": {"file": shape.run / "supervisor.sock", "chmod": "0600"},
        "supervisorctl": {"serverurl": control},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
        "program:postgres": _program(
            shape,
            "postgres",
            postgres.command,
            priority=1,
            stopsignal="INT",
            directory="/",
            **account,
        ),
        "program:redis": _program(shape, "redis", shape.redis_command(), priority=1),
        "program:nginx": _program(
            shape,
            "nginx",
            shape.nginx_command(),
            priority=2,
            stopsignal="QUIT",
            stopasgroup="false",
        ),
        "group:nodes": {"programs": ",".join(shape.node_names), "priority": 3},
    }
    for name in shape.node_names:
        environment = f'HOLDFAST_NODE_NAME="{name}"'
        command = shape.node_command(name)
        sections[f"program:{name}"] = _program(
            shape, name, command, environment=environment, stopwaitsecs=DRAIN_SECONDS
        )
    # A percent sign begins a variable of Supervisor's.
    lines = [
        line
        for name, values in sections.items()
        for line in (
            f"[{name}]",
            *(f"{key}={str(value).replace('%', '%%')}" for key, value in values.items()),
            "",
        )
    ]
    return "\n".join(lines)


def _program(
    shape: Shape, name: str, command: Sequence[str], **options: object
) -> dict[str, object]:
    return {
        "command": shlex.join(command),
        "directory": ROOT,
        "autorestart": "true",
        "startretries": 10,
        "stopwaitsecs": 15,
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": shape.logs / f"{name}.log",
        "stdout_logfile_backups": 1,
        **options,
    }


def _wait_until_ready(shape: Shape, supervisor: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    waiting = [f"/nodes/{name}/readyz" for name in shape.node_names]
    while waiting:
        if supervisor.poll() is not None or time.monotonic() > deadline:
            raise CannotRun(
                f"not everything started; the logs are in {_shown(shape.logs)}. Missing: "
                f"{', '.join(waiting)}"
            )
        with suppress(httpx.TransportError):
            if (
                httpx.get(
                    f"http://{LOOPBACK}:{shape.internal_port}{waiting[0]}", timeout=5
                ).status_code
                == httpx.codes.OK
            ):
                waiting.pop(0)
                continue
        time.sleep(0.1)  # what is not there yet has nothing to wait on


def _announce(shape: Shape, config: Path) -> None:
    control = f".venv/bin/supervisorctl -c {shlex.quote(_shown(config))}"
    say(
        f"\nHoldfast runs on {shape.origin} with {shape.socket_nodes} socket nodes and "
        f"{shape.web_nodes} web nodes."
    )
    say(f"  logs      {_shown(shape.logs)}")
    say(f"  programs  {control} status   (or: restart nodes:socket-1, stop redis …)")
    say(f"  probes    http://{LOOPBACK}:{shape.internal_port}/nodes/socket-1/readyz, …/metrics")
    say("Ctrl-C drains and stops.")


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        supervisor.send_signal(signal.SIGTERM)
    try:
        supervisor.wait()
    except KeyboardInterrupt:
        for child in _children(supervisor.pid):
            os.kill(child, signal.SIGTERM)  # the second one of a node: now
        supervisor.wait()


def _children(pid: int) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [int(each) for each in found]


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Take the directory, and empty it of what the last run left."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{directory.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotRun(
                f"another cluster runs in {_shown(directory)}; stop it first."
            ) from error
        shutil.rmtree(directory, ignore_errors=True)
        yield


@contextmanager
def _free(port: int) -> Iterator[None]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            raise CannotRun(
                f"port {port} cannot be used ({error}); choose another one: make cluster PORT=8081."
            ) from error
    yield


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def say(words: str) -> None:
    """Tell the person at the terminal."""
    print(words, flush=True)  # noqa: T201


if __name__ == "__main__":
    for _number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(_number, _interrupt)  # a closed terminal ends it as Ctrl-C does
    sys.exit(main(sys.argv[1:]))
