"""``make bench-hostile``: what one hostile account costs the others, on one node.

Three attacks on a node with SQLite: posts whose texts are dear to render, edits of the same kind,
and many pages at once. Meanwhile another member posts and loads a page. Prints a table for
docs/benchmarks/hostile.md.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect

from tests.support.server import ROOT, ServerProcess, free_port, passed_on

HOSTILE = "<http://a" * 440  # 3,960 characters
POSTS, EDITS, PAGES = 200, 200, 300
OLD_MESSAGES = 60  # of the room whose page is loaded
SECONDS = 120.0
PAUSE_SECONDS = 0.02  # between two posts of the victim
QUIET_SECONDS = 3.0


class People(NamedTuple):
    """The accounts and rooms, as the child process prints them."""

    mine: dict[str, str]  # tokens
    sessions: dict[str, str]
    general: int
    secret: int
    foreign: int


class Measured(NamedTuple):
    """An attack: what became of it, and how long the victim waited meanwhile."""

    name: str
    results: Counter[str]
    before: float
    median: float
    worst: float
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    if parser.parse_args().prepare:
        sys.stdout.write(json.dumps(_prepare()))
        return 0
    with tempfile.TemporaryDirectory() as directory:
        sys.stdout.write(_measure(Path(directory)))
    return 0


def _measure(var: Path) -> str:
    port = free_port()
    env = {
        **passed_on(),
        "HOLDFAST_VAR_DIR": str(var),
        "DATABASE_URL": f"sqlite:///{var}/hostile.sqlite3",
        "SECRET_KEY": "only-for-a-benchmark-" * 4,
        "ALLOWED_HOSTS": "127.0.0.1",
        "ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
        "HOLDFAST_HTTPS": "false",
        "METRICS_NETWORKS": "127.0.0.0/8",  # of /readyz
        "DJANGO_SETTINGS_MODULE": "realtime.settings",
        "PYTHONUNBUFFERED": "1",
    }
    for arguments in (["manage.py", "migrate"], ["manage.py", "collectstatic", "--no-input"]):
        _python(env, *arguments)
    people = People(**json.loads(_python(env, "-m", "tests.bench.hostile", "--prepare")))
    node = ServerProcess("hostile", port=port, env=env)
    node.wait_until_ready()
    try:
        found = asyncio.run(_attacks(node, people))
    finally:
        node.stop()
    return found


def _python(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


def _prepare() -> dict[str, Any]:
    import django

    django.setup()
    from django.contrib.auth.models import User

    from chat import services
    from realtime.auth import issue_token
    from realtime.auth.cached_sessions import SessionStore

    people = {name: User.objects.create_user(name) for name in ("alice", "bob", "mallory")}
    rooms = {
        name: services.create_room(actor_id=people["alice"].pk, name=name, kind=kind).room
        for name, kind in (("General", "public"), ("Secret", "private"), ("Foreign", "public"))
    }
    for name in ("bob", "mallory"):
        services.join(actor_id=people[name].pk, room_id=rooms["General"].pk)
    for number in range(OLD_MESSAGES):
        services.post_message(
            author_id=people["alice"].pk,
            room_id=rooms["General"].pk,
            body=f"Message **{number}** with some words and a `piece of code`",
        )
    sessions = {}
    for name, user in people.items():
        session = SessionStore()
        session["_auth_user_id"] = str(user.pk)
        session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
        session["_auth_user_hash"] = user.get_session_auth_hash()
        session.create()
        sessions[name] = session.session_key
    return {
        "mine": {name: issue_token(user) for name, user in people.items()},
        "sessions": sessions,
        "general": rooms["General"].pk,
        "secret": rooms["Secret"].pk,
        "foreign": rooms["Foreign"].pk,
    }


async def _attacks(node: ServerProcess, people: People) -> str:
    async with _socket(node, people, "mallory") as mallory:
        measured = [
            await _during(node, people, name, attack)
            for name, attack in (
                (
                    f"{POSTS} posts to a private room of others",
                    lambda: _flood(mallory, people.secret, POSTS),
                ),
                (
                    f"{POSTS} posts to a public room that they have not joined",
                    lambda: _flood(mallory, people.foreign, POSTS),
                ),
                (
                    f"{POSTS} posts to a room of their own",
                    lambda: _flood(mallory, people.general, POSTS),
                ),
                (f"{EDITS} edits", lambda: _edits(mallory, people.general)),
            )
        ]
    before = _memory(node)
    pages = await _during(
        node,
        people,
        f"{PAGES} pages at once",
        lambda: _pages(node, people),
        page=True,
    )
    return _report([*measured, pages], before, _memory(node, "VmHWM"), _threads(node))


async def _during(
    node: ServerProcess,
    people: People,
    name: str,
    attack: Callable[[], Awaitable[Counter[str]]],
    *,
    page: bool = False,
) -> Measured:
    """Let Bob post, or load pages too, alone and then during an attack."""
    async with _socket(node, people, "bob") as bob:
        stop = asyncio.Event()
        quiet = asyncio.ensure_future(_posts(node, people, bob, stop, page=page))
        await asyncio.sleep(QUIET_SECONDS)
        stop.set()
        alone = await quiet
        stop = asyncio.Event()
        posting = asyncio.ensure_future(_posts(node, people, bob, stop, page=page))
        await asyncio.sleep(0.1)
        began = time.perf_counter()
        results = await attack()
        seconds = time.perf_counter() - began
        stop.set()
        waited = await posting
    return Measured(name, results, max(alone), statistics.median(waited), max(waited), seconds)


async def _posts(
    node: ServerProcess, people: People, bob: ClientConnection, stop: asyncio.Event, *, page: bool
) -> list[float]:
    waited = []
    number = 0
    while not stop.is_set():
        number += 1
        began = time.perf_counter()
        text = f"Hello **{number}** {uuid.uuid4()}"
        await bob.send(_post(number, people.general, text))
        await _reply(bob, number)
        waited.append(time.perf_counter() - began)
        if page:
            began = time.perf_counter()
            await _get(node, "/rooms/general/", people.sessions["bob"])
            waited.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE_SECONDS)
    return waited


async def _flood(mallory: ClientConnection, room: int, count: int) -> Counter[str]:
    ids = range(count)
    for number in ids:
        await mallory.send(_post(number, room, f"{HOSTILE} {number}"))
    return Counter([await _reply(mallory, number) for number in ids])


async def _edits(mallory: ClientConnection, room: int) -> Counter[str]:
    await asyncio.sleep(5)  # tokens
    await mallory.send(_post(1, room, f"mine {uuid.uuid4()}"))
    found = await _object(mallory, 1)
    message = found["data"]["message"]["id"]
    for number in range(EDITS):
        edit = {"id": number, "command": "message.edit", "message": message}
        await mallory.send(json.dumps(edit | {"body": f"{HOSTILE} {number}"}))
    return Counter([await _reply(mallory, number) for number in range(EDITS)])


async def _pages(node: ServerProcess, people: People) -> Counter[str]:
    session = people.sessions["mallory"]
    return Counter(
        await asyncio.gather(*(_get(node, "/rooms/general/", session) for _ in range(PAGES)))
    )


async def _get(node: ServerProcess, path: str, session: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sessionid={session}\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    async with asyncio.timeout(SECONDS):
        answer = await reader.read()
    writer.close()
    return answer[9:12].decode()


def _socket(node: ServerProcess, people: People, who: str) -> Any:
    return connect(
        f"{node.sockets}/ws/chat/",
        additional_headers={"Authorization": f"Bearer {people.mine[who]}"},
        max_size=None,
    )


def _post(number: int, room: int, body: str) -> str:
    command = {"id": number, "command": "message.post", "room": room, "body": body}
    return json.dumps(command | {"key": str(uuid.uuid4())})


async def _reply(socket: ClientConnection, number: int) -> str:
    found = await _object(socket, number)
    return "ok" if found["ok"] else str(found["error"]["code"])


async def _object(socket: ClientConnection, number: int) -> dict[str, Any]:
    """Return the reply to a command. Replies come in the order of the commands."""
    held: list[dict[str, Any]] = socket.__dict__.setdefault("held", [])
    async with asyncio.timeout(SECONDS):
        while True:
            while held:
                found = held.pop(0)
                if found.get("type") == "reply" and found["id"] == number:
                    return found
            objects = json.loads(await socket.recv())
            held += objects if isinstance(objects, list) else [objects]


def _memory(node: ServerProcess, name: str = "VmRSS") -> float:
    return _status(node, name) / 1024


def _threads(node: ServerProcess) -> int:
    return _status(node, "Threads")


def _status(node: ServerProcess, name: str) -> int:
    lines = Path(f"/proc/{node.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def _report(measured: list[Measured], before: float, most: float, threads: int) -> str:
    rows = [
        f"| {each.name} | {', '.join(f'{n} {code}' for code, n in each.results.most_common())} "
        f"| {each.seconds:.1f} s | {each.before * 1000:.0f} ms | {each.median * 1000:.0f} ms "
        f"| {each.worst * 1000:.0f} ms |"
        for each in measured
    ]
    return "\n".join(
        [
            f"{datetime.now(UTC).date().isoformat()}, {platform.machine()}, {os.cpu_count()} cores,"
            f" Python {platform.python_version()}",
            "",
            "| one account sends | answers | took | slowest of another's, alone"
            " | median meanwhile | slowest meanwhile |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"Memory before the pages {before:.0f} MiB, at most {most:.0f} MiB;"
            f" {threads} threads afterwards.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
