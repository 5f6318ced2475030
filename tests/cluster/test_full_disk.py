"""A disk that is really full, under PostgreSQL and under SQLite. Needs root, to make a small one.

Nobody gets an `ok` for what is not stored, each node says why, and it goes on once there is space.
"""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.cluster.conftest import SETTINGS, Desk
from tests.conformance.client import Client, Refused
from tests.support import templates
from tests.support.cluster import Cluster, Person
from tests.support.postgres import Postgres
from tests.support.server import ROOT, ServerProcess, free_port, passed_on
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.waiting import during, until

MEGABYTES = 300  # a new database, and the log of its changes
SQLITE_MEGABYTES = 20
LONG_BODY = "x" * 3900
# More than the free pages of all tables take.
LONG_BODIES = 200
BACK_SECONDS = 60.0  # PostgreSQL may have to begin anew

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    server = Postgres({"max_wal_size": "64MB"}, migrated=True, megabytes=MEGABYTES)
    directory = tmp_path_factory.mktemp("cluster") / "small"
    with Cluster(directory, socket_nodes=1, settings=SETTINGS, postgres=server) as found:
        yield found


async def test_postgresql_refuses_until_there_is_space(desk: Desk) -> None:
    server = desk.cluster.postgres
    assert isinstance(server, Postgres)
    assert server.disk is not None
    room = desk.room("bob")
    node = desk.cluster.socket_names[0]
    alice = await desk.client("alice", room)
    stored = [await alice.post(room, f"before {number}") for number in range(5)]
    async with during(server.disk.full()):
        kept = await fill(alice, room)
        await until(lambda: desk.cluster.metric(node, "holdfast_writable") == 0, within=60)
        assert desk.cluster[node].log.count("No space left on device") == 1
    if not server.running:
        server.start()
    stored += kept
    stored.append(await alice.post(room, "there is space again"))
    assert await held(alice) == {each["id"] for each in stored}
    await until(lambda: desk.cluster.metric(node, "holdfast_writable") == 1, within=BACK_SECONDS)


@dataclass
class Site:
    """One node on SQLite, whose disk is small."""

    server: ServerProcess
    alice: Person
    disk: SmallDisk


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    var = tmp_path / "var"
    var.mkdir()
    with small_disk(var, SQLITE_MEGABYTES) as disk:
        templates.copy_sqlite(var / "holdfast.sqlite3")
        port = free_port()
        env = {
            **passed_on(),
            "DJANGO_SETTINGS_MODULE": "tests.support.node_settings",
            "HOLDFAST_VAR_DIR": str(var),
            "SECRET_KEY": uuid.uuid4().hex * 2,
            "ALLOWED_HOSTS": "127.0.0.1",
            "ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
            "HOLDFAST_HTTPS": "false",
            "METRICS_NETWORKS": "127.0.0.0/8",
        }
        make = [sys.executable, "-m", "tests.support.people", "alice"]
        made = subprocess.run(make, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
        server = ServerProcess("alone", port=port, env=env)
        try:
            server.wait_until_ready()
            yield Site(server, Person(**json.loads(made.stdout)[0]), disk)
        finally:
            server.stop()


async def test_sqlite_refuses_until_there_is_space(site: Site) -> None:
    origin = site.server.origin
    headers = {"Authorization": f"Bearer {site.alice.token}"}
    async with httpx.AsyncClient(base_url=origin, headers=headers) as http:
        made = await http.post("/api/rooms/", json={"name": "Small disk", "kind": "public"})
        room = int(made.raise_for_status().json()["room"]["id"])
        alice = Client(f"{site.server.sockets}/ws/chat/", site.alice.token, [f"room.{room}"])
        await alice.connect()
        stored = [await alice.post(room, "before")]
        async with during(site.disk.full()):
            stored += await fill(alice, room)
            ready = await http.get("/readyz?write=1")
            assert (ready.status_code, ready.json()["down"]) == (503, ["writable"])
            assert site.server.log.count("SQLITE_FULL") == 1
        stored.append(await alice.post(room, "there is space again"))
        assert await held(alice) == {each["id"] for each in stored}
        assert alice.breaches == []
        await alice.close()


async def fill(alice: Client, room: int) -> list[dict[str, object]]:
    """Post until it is refused, and return what was stored before."""
    stored: list[dict[str, object]] = []
    code = ""
    while not code and len(stored) < LONG_BODIES:
        key = str(uuid.uuid4())
        try:
            reply = await alice.command("message.post", room=room, key=key, body=LONG_BODY)
            stored.append(reply["message"])
        except Refused as refused:
            code = refused.code
    assert code == "unavailable"
    return stored


async def held(alice: Client) -> set[object]:
    """Return the ids of the messages of the room, as its reader has them."""
    [copy] = alice.copies.values()
    await until(lambda: copy.level)
    return {ident for kind, ident in copy.rows if kind == "message"}
