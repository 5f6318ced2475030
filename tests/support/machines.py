"""``make machines``: a cluster of several machines as network namespaces; needs root.

edge 10.77.0.1: nginx      a 10.77.0.11, b 10.77.0.12: a socket node and a web node each      data
10.77.0.20: PostgreSQL and Redis

It does the steps of docs/cluster.md, "Several machines", and prints what it saw: messages between
the machines, what an unknown proxy is believed, how a node answers while the machine with the data
has vanished silently, and that a node which does costs its clients one attempt.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.conformance.client import Client, Refused
from tests.support.postgres import NAME, SUPERUSER, Postgres
from tests.support.programs import Program
from tests.support.server import ROOT
from tests.support.shape import Shape, nginx_binary
from tests.support.waiting import until

NETWORK = "10.77.0"
EDGE, DATA = f"{NETWORK}.1", f"{NETWORK}.20"
NODES = {"a": f"{NETWORK}.11", "b": f"{NETWORK}.12"}
SOCKET_PORT, WEB_PORT, NGINX_PORT, PROBE_PORT = 8001, 8002, 8080, 9145
PASSWORD = "of-the-test-network"
MESSAGES = 50


def inside(machine: str, command: Sequence[str]) -> list[str]:
    """Return the command that runs ``command`` on a machine."""
    return ["ip", "netns", "exec", f"hf-{machine}", *command]


@contextmanager
def network() -> Iterator[None]:
    """Make the machines, each with a cable to a switch in ``edge``."""
    machines = {"edge": EDGE, **NODES, "data": DATA}
    try:
        for name in machines:
            _ip("netns", "add", f"hf-{name}")
            _ip("-n", f"hf-{name}", "link", "set", "lo", "up")
        _ip("-n", "hf-edge", "link", "add", "switch", "type", "bridge")
        _ip("-n", "hf-edge", "addr", "add", f"{EDGE}/24", "dev", "switch")
        _ip("-n", "hf-edge", "link", "set", "switch", "up")
        for name, address in machines.items():
            if name != "edge":
                _ip(
                    "-n",
                    "hf-edge",
                    "link",
                    "add",
                    f"to-{name}",
                    "type",
                    "veth",
                    "peer",
                    "name",
                    "eth0",
                    "netns",
                    f"hf-{name}",
                )
                _ip("-n", "hf-edge", "link", "set", f"to-{name}", "master", "switch", "up")
                _ip("-n", f"hf-{name}", "addr", "add", f"{address}/24", "dev", "eth0")
                _ip("-n", f"hf-{name}", "link", "set", "eth0", "up")
        yield
    finally:
        for name in machines:
            subprocess.run(["ip", "netns", "del", f"hf-{name}"], check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@contextmanager
def cluster(directory: Path) -> Iterator[Shape]:
    """Start everything where it belongs."""
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        postgres.listen(DATA, f"{NETWORK}.0/24")
        run = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-")))
        redis_url = f"redis://:{PASSWORD}@{DATA}:6379"
        shape = Shape(
            directory=directory,
            run=run,
            port=NGINX_PORT,
            internal_port=PROBE_PORT,
            database_url=f"postgres://{SUPERUSER}@{DATA}:5432/{NAME}",
            settings={
                "CHANNEL_LAYER_URL": f"{redis_url}/0",
                "CACHE_URL": f"{redis_url}/1",
                "HOLDFAST_PROCESSES": "4",
                "HOLDFAST_HOSTS": "2",
                "HOLDFAST_TRUSTED_PROXIES": EDGE,
                "DJANGO_SETTINGS_MODULE": "tests.support.node_settings",
            },
            variables={
                "NGINX_SOCKET_NODES": _servers(SOCKET_PORT, "max_fails=0"),
                "NGINX_WEB_NODES": _servers(WEB_PORT, "fail_timeout=5s"),
            },
            nginx=nginx_binary(),
        )
        shape.make_directories()
        shape.render()

        def start(
            machine: str, name: str, command: Sequence[str], ready: Callable[[], bool]
        ) -> None:
            log = shape.logs / f"{name}.log"
            program = Program(
                name,
                inside(machine, command),
                cwd=ROOT,
                env=shape.node_environment(name),
                log_file=log,
            )
            stack.callback(program.stop)
            program.start(ready)

        postgres.stop()
        account = (
            ["setpriv", f"--reuid={postgres.account}", "--clear-groups"] if postgres.account else []
        )
        start("data", "postgres", [*account, *postgres.command], lambda: _open("data", DATA, 5432))
        redis = [
            "redis-server",
            "--bind",
            DATA,
            "--requirepass",
            PASSWORD,
            "--save",
            "",
            "--dir",
            str(directory),
        ]
        start("data", "redis", redis, lambda: _open("data", DATA, 6379))
        for command in (
            ["migrate", "--verbosity", "0"],
            ["collectstatic", "--no-input", "--verbosity", "0"],
        ):
            subprocess.run(
                inside("a", [sys.executable, "manage.py", *command]),
                cwd=ROOT,
                env=shape.environment,
                check=True,
            )
        for machine, address in NODES.items():
            for kind, port in (("socket", SOCKET_PORT), ("web", WEB_PORT)):
                serve = [
                    sys.executable,
                    "manage.py",
                    "serve",
                    "--host",
                    address,
                    "--port",
                    str(port),
                ]
                start(machine, f"{kind}-{machine}", serve, partial(_open, "edge", address, port))
        start(
            "edge", "nginx", shape.nginx_command(), lambda: _open("edge", "127.0.0.1", NGINX_PORT)
        )
        yield shape


def _servers(port: int, options: str) -> str:
    return " ".join(f"server {address}:{port} {options};" for address in NODES.values())


def _open(machine: str, address: str, port: int) -> bool:
    script = f"import socket; socket.create_connection(({address!r}, {port}), 2)"
    return (
        subprocess.run(
            inside(machine, [sys.executable, "-c", script]), capture_output=True, check=False
        ).returncode
        == 0
    )


# The story, seen by a client on the edge ----------------------------------------------------------


async def story(people: dict[str, dict[str, Any]]) -> None:
    """Follow a room from both machines, then lose one of them."""
    import httpx

    origin = f"http://127.0.0.1:{NGINX_PORT}"
    bearer = {
        name: {"Authorization": f"Bearer {person['token']}"} for name, person in people.items()
    }
    async with httpx.AsyncClient(base_url=origin, headers=bearer["alice"], timeout=20) as http:
        room = (
            (await http.post("/api/rooms/", json={"name": "Two machines", "kind": "public"}))
            .raise_for_status()
            .json()["room"]["id"]
        )
        join = {"id": 1, "command": "room.join", "room": room}
        joined = await http.post("/api/commands", json=join, headers=bearer["bob"])
        joined.raise_for_status()
    stream = f"room.{room}"
    alice, _ = await _client_on("socket-a", people["alice"]["token"], stream)
    bob, cookie_b = await _client_on("socket-b", people["bob"]["token"], stream)
    lags = []
    for number in range(MESSAGES):
        message = await alice.post(room, f"{number}")
        lags.append(await until(lambda: (bob.copies[stream].position or 0) >= message["seq"]))  # noqa: B023  awaited here
    say(
        f"from machine a to machine b: p50 {statistics.median(lags) * 1000:.1f} ms, max "
        f"{max(lags) * 1000:.1f} ms"
    )
    for address in NODES.values():
        async with httpx.AsyncClient(
            headers={"Host": "localhost", "X-Real-IP": "127.0.0.1"}
        ) as http:
            answer = await http.get(f"http://{address}:{SOCKET_PORT}/metrics")
        say(f"metrics of {address}, as the edge says for a client of its own: {answer.status_code}")

    await lose_data(alice, room)

    await asyncio.to_thread(_ip, "-n", "hf-edge", "link", "set", "to-b", "down")
    started = time.monotonic()
    returned = Client(
        f"ws://127.0.0.1:{NGINX_PORT}/ws/chat/",
        people["bob"]["token"],
        [stream],
        {"Cookie": f"holdfast_node={cookie_b}"},
    )
    returned.copies[stream].position = bob.copies[stream].position
    missed = await alice.post(room, "machine b is gone")
    await returned.connect()
    await until(lambda: returned.copies[stream].position == missed["seq"])
    say(
        f"machine b vanished: its client is level on {returned.hello['node']} after "
        f"{time.monotonic() - started:.1f} s"
    )
    await asyncio.to_thread(_ip, "-n", "hf-edge", "link", "set", "to-b", "up")
    for client in (alice, bob, returned):
        assert client.breaches == []
        await client.close()


async def lose_data(alice: Client, room: int) -> None:
    """Cut the cable of the machine with PostgreSQL and Redis: nobody is notified."""
    post = {"room": room, "key": str(uuid.uuid4()), "body": "stored once, and late"}
    await asyncio.to_thread(_ip, "-n", "hf-edge", "link", "set", "to-data", "down")
    started = time.monotonic()
    try:
        await alice.command("message.post", **post)
    except Refused as refused:
        say(
            f"the machine with the data vanished: a post is answered {refused.code!r} after "
            f"{time.monotonic() - started:.1f} s"
        )
    await asyncio.to_thread(_ip, "-n", "hf-edge", "link", "set", "to-data", "up")
    started = time.monotonic()
    await alice.insist("message.post", **post)
    say(f"it is back: the post is stored after {time.monotonic() - started:.1f} s")


async def _client_on(node: str, token: str, stream: str) -> tuple[Client, str]:
    for _ in range(40):
        cookie = os.urandom(16).hex()
        client = Client(
            f"ws://127.0.0.1:{NGINX_PORT}/ws/chat/",
            token,
            [stream],
            {"Cookie": f"holdfast_node={cookie}"},
        )
        await client.connect()
        if client.hello["node"] == node:
            return client, cookie
        await client.close()
    raise RuntimeError(f"no cookie leads to {node}")


def main() -> None:
    """Build it, tell the story, take it down."""
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-machines-") as directory,
        network(),
        cluster(Path(directory)) as shape,
    ):
        make = inside("a", [sys.executable, "-m", "tests.support.people", "alice", "bob"])
        printed = subprocess.run(
            make, cwd=ROOT, env=shape.environment, check=True, capture_output=True, text=True
        ).stdout
        people = {each["username"]: each for each in json.loads(printed)}
        command = inside(
            "edge", [sys.executable, "-m", "tests.support.machines", "story", json.dumps(people)]
        )
        subprocess.run(command, cwd=ROOT, check=True)
        claims = ["-H", "Host: localhost", "-H", "X-Real-IP: 127.0.0.1"]
        ask = [
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            *claims,
            f"http://{NODES['b']}:{SOCKET_PORT}/metrics",
        ]
        answer = subprocess.run(inside("a", ask), capture_output=True, text=True, check=True).stdout
        say(f"metrics of b, asked by a, which is no proxy, with the same claim: {answer}")


def say(words: str) -> None:
    """Tell the person at the terminal."""
    print(words, flush=True)  # noqa: T201


if __name__ == "__main__":
    if sys.argv[1:2] == ["story"]:
        asyncio.run(story(json.loads(sys.argv[2])))
    else:
        main()
