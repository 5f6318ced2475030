"""Restore a backup of a site in use, in each documented way, and say what was lost: restore-drill.

Three people post without a pause, and a browser has the room open. The drill takes a backup, goes
on posting, notes a moment, goes on posting, and destroys the data. Then it restores, starts the
nodes, and compares the database and every client with a ledger of what was acknowledged. It fails
if anything is lost that the way of backup keeps, if a client shows a message that no longer exists,
or if what is posted afterwards does not reach everyone.
"""

import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from tests.conformance.client import Client, replay
from tests.drills.screen import screen
from tests.drills.ways import WAYS, Way
from tests.support.cluster import Cluster, join
from tests.support.ledger import PATIENCE_SECONDS, MessageLedger, all_hold, more, talking

PEOPLE = ("alice", "bob", "charlie")
ROOM = "Drill"
POSTS = 60  # acknowledged in each phase


class Failed(Exception):
    """The drill found what must not happen; the message says what."""


async def drill(way: Way) -> None:
    """Run one way of backup and restore. Raises ``Failed``."""
    say(f"\n{way.title}")
    origin = way.cluster.origin
    room = await asyncio.to_thread(make_room, way.cluster)
    clients = [connection(way.cluster, person, room) for person in PEOPLE]
    async with screen(origin, "bob", ROOM.lower()) as page, connected(clients):
        before = await posts(clients, room, "before the backup")
        took, note = await timed(way.back_up)
        say(f"  backup              {took:.1f} s, {note}")
        since = await posts(clients, room, "after the backup")
        await asyncio.to_thread(way.note_moment)
        after = await posts(clients, room, "after the moment")
        await page.shows(after.texts[-1])
        positions = [client.copies[f"room.{room}"].position or 0 for client in clients]
        await asyncio.to_thread(way.destroy)

        await recover(way)
        await answers_reset(way, room, max(positions))
        await all_return(clients)
        again = await posts(clients, room, "after the restore")
        phases = (before, since, after, again)
        await compare(way, room, clients, phases)
        await page.shows(again.texts[-1])
        shown = set(await page.texts())
        for ledger, kept in zip(phases, way.keeps, strict=True):
            if not kept and shown.intersection(ledger.texts):
                raise Failed("the browser shows messages that no longer exist")
        say("  browser             shows what exists, without a reload")


@asynccontextmanager
async def connected(clients: Sequence[Client]) -> AsyncIterator[None]:
    """Connect, and leave at the end. Raises ``Failed`` for what the protocol forbids."""
    for client in clients:
        await client.connect()
    try:
        yield
    finally:
        for client in clients:
            with suppress(OSError):
                await client.close()
    breaches = [breach for client in clients for breach in client.breaches]
    if breaches:
        raise Failed(f"a client saw what the protocol forbids: {breaches[:3]}")


async def recover(way: Way) -> None:
    """Stop the nodes, restore, and start them, as docs/backups.md says."""
    cluster, began = way.cluster, time.monotonic()
    for name in cluster.shape.node_names:
        await asyncio.to_thread(cluster[name].stop)
    took, note = await timed(way.restore)
    say(f"  restore             {took:.1f} s, {note}")
    await asyncio.to_thread(cluster.shape.manage, "new_epoch")
    for name in cluster.shape.node_names:
        await asyncio.to_thread(cluster.start, name)
    say(f"  site ready again    {time.monotonic() - began:.1f} s after it was stopped")


async def all_return(clients: Sequence[Client]) -> None:
    """Connect again, as browsers do. Raises ``Failed`` if a client could keep its copy."""
    epochs = {client.hello["epoch"] for client in clients}
    for client in clients:
        await returned(client)
    if epochs & {client.hello["epoch"] for client in clients}:
        raise Failed("a client did not learn that the history is another one")
    say(f"  clients             {len(clients)} of {len(clients)} dropped their copies")


def make_room(cluster: Cluster) -> int:
    """Make a room with everyone in it."""
    token = cluster.people["alice"].token
    with httpx.Client(
        base_url=cluster.origin, headers={"Authorization": f"Bearer {token}"}, timeout=30
    ) as http:
        made = http.post("/api/rooms/", json={"name": ROOM, "kind": "public"})
        room = int(made.raise_for_status().json()["room"]["id"])
    for person in PEOPLE[1:]:
        join(cluster.origin, cluster.people[person], room)
    return room


def connection(cluster: Cluster, person: str, room: int) -> Client:
    """A client of this person, which has read nothing yet."""
    client = Client(f"{cluster.sockets}/ws/chat/", cluster.people[person].token, [f"room.{room}"])
    client.copies[f"room.{room}"].position = 0
    return client


async def posts(clients: Sequence[Client], room: int, name: str) -> MessageLedger:
    """Post until enough is acknowledged, and return the ledger."""
    async with talking(clients, room, name) as ledger:
        await more(ledger, POSTS)
    return ledger


async def returned(client: Client) -> None:
    """Connect again, as a browser does, until the site answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            await client.reconnect()
            return
        except Exception:
            if time.monotonic() > deadline:
                raise


async def answers_reset(way: Way, room: int, position: int) -> None:
    """Ask as a reader over HTTP who has read more than there is now."""
    headers = {"Authorization": f"Bearer {way.cluster.people['bob'].token}"}
    async with httpx.AsyncClient(base_url=way.cluster.origin, headers=headers, timeout=30) as http:
        answer = await http.get(f"/api/streams/room.{room}/events", params={"after": position})
    code = answer.json().get("error", {}).get("code")
    if code != "reset":
        raise Failed(f"a reader at the lost position {position} got {code or answer.text[:200]}")
    say(f"  HTTP reader         at the lost position {position}: reset")


async def compare(
    way: Way, room: int, clients: Sequence[Client], phases: Sequence[MessageLedger]
) -> None:
    """Compare the ledgers with the database and with every client."""
    stream, token = f"room.{room}", way.cluster.people["alice"].token
    stored = await replay(way.cluster.origin, token, stream)
    names = ("before the backup", "until the moment", "after the moment", "after the restore")
    for name, ledger, kept in zip(names, phases, way.keeps, strict=True):
        lost = ledger.missing(stored)
        owed = "" if kept else " (not in the backup)"
        say(f"  {name:<19} {len(ledger)} acknowledged, {len(lost)} lost{owed}")
        if kept and lost:
            raise Failed(f"acknowledged {name} and lost: {', '.join(lost[:5])}")
        if not kept and len(lost) != len(ledger):
            raise Failed(f"{name}: messages from after the moment are still there")
    await all_hold(way.cluster.origin, token, stream, clients, phases[-1])
    say(f"  everyone            {len(clients)} clients hold what the database holds")


async def timed(step: Callable[[], str]) -> tuple[float, str]:
    """Run a step on a thread, and return its seconds and what it says."""
    began = time.monotonic()
    note = await asyncio.to_thread(step)
    return time.monotonic() - began, note


def main(names: Sequence[str]) -> int:
    """Run the named ways, or all of them, and return an exit code."""
    unknown = [name for name in names if name not in WAYS]
    if unknown:
        say(f"WAY={' '.join(unknown)}: expected {', '.join(WAYS)}.")
        return 2
    say(f"Restore drill on {platform.platform()}, {os.cpu_count()} cores")
    failures = []
    for name in names or list(WAYS):
        with tempfile.TemporaryDirectory(prefix="holdfast-drill-") as directory:
            try:
                with WAYS[name](Path(directory)) as way:
                    asyncio.run(drill(way))
            except (Failed, AssertionError, OSError, RuntimeError, httpx.HTTPError) as error:
                failures.append(name)
                say(f"  FAILED              {error}")
    say(f"\nFailed: {', '.join(failures)}." if failures else "\nEvery restore kept its promise.")
    return 1 if failures else 0


def say(words: str) -> None:
    """Tell the person at the terminal."""
    print(words, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main([name for name in sys.argv[1:] if name]))
