"""How long posts take in other rooms while the row of one room is locked for a minute.

``make bench-locked`` prints a table for docs/benchmarks/chaos.md, and fails above TARGET_SECONDS.
"""

import argparse
import asyncio
import sys
import tempfile
import time
import uuid
from pathlib import Path

import httpx

from tests.chaos.checker import quantile
from tests.conformance.client import Client, Refused
from tests.support.cluster import Cluster, Person, join
from tests.support.waiting import during

ROOMS = 20  # besides the locked one, each with one author
PAUSE_SECONDS = 1.0  # between two posts of an author
CALM_SECONDS = 20.0
TARGET_SECONDS = 1.0  # of the p99
SETTINGS = {"HOLDFAST_POSTS": "0", "HOLDFAST_NEW_ACCOUNT_DAYS": "0"}  # nobody is refused


class Author:
    """Posts in a room, and keeps the seconds until each `ok`."""

    def __init__(self, cluster: Cluster, person: Person, room: int) -> None:
        self.client = Client(f"{cluster.sockets}/ws/chat/", person.token, [f"room.{room}"])
        self.took: list[float] = []
        self.refused = 0
        self._room = room

    async def post(self, until: float) -> None:
        """Post again and again."""
        while (now := time.monotonic()) < until:
            key = str(uuid.uuid4())
            try:
                await self.client.command("message.post", room=self._room, key=key, body=key)
                self.took.append(time.monotonic() - now)
            except Refused:
                self.refused += 1
            await asyncio.sleep(PAUSE_SECONDS)


async def measure(cluster: Cluster, seconds: float) -> list[tuple[str, list[float], int]]:
    """Return for each phase its name, the seconds of the posts in other rooms, and refusals."""
    people = await asyncio.to_thread(cluster.add_people, *(f"author{n}" for n in range(ROOMS + 1)))
    authors = []
    for person in people.values():
        room = make_room(cluster, person)
        authors.append(Author(cluster, person, room))
    for author in authors:
        await author.client.connect()
    locked, *others = authors
    statement = f"SELECT 1 FROM realtime_stream WHERE name = 'room.{locked._room}' FOR UPDATE"
    phases = [("nothing is locked", await talk(others, CALM_SECONDS))]
    async with during(cluster.locked(statement)):
        waiting = asyncio.create_task(locked.post(time.monotonic() + seconds))
        phases.append(("one room is locked", await talk(others, seconds)))
        await waiting
    for author in authors:
        await author.client.close()
    refused = [sum(each.refused for each in others), locked.refused]
    return [(name, took, count) for (name, took), count in zip(phases, refused, strict=True)]


async def talk(authors: list[Author], seconds: float) -> list[float]:
    """Let everyone post for so long, and return the seconds of all posts, sorted."""
    for author in authors:
        author.took.clear()
    until = time.monotonic() + seconds
    await asyncio.gather(*(author.post(until) for author in authors))
    return sorted(each for author in authors for each in author.took)


def make_room(cluster: Cluster, person: Person) -> int:
    """Make a room of the first user, in which someone else is a member."""
    headers = {"Authorization": f"Bearer {cluster.people['alice'].token}"}
    name = {"name": f"Of {person.username}", "kind": "public"}
    made = httpx.post(f"{cluster.origin}/api/rooms/", json=name, headers=headers, timeout=20)
    room = int(made.raise_for_status().json()["room"]["id"])
    join(cluster.origin, person, room)
    return room


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-locked-") as directory,
        Cluster(Path(directory), settings=SETTINGS) as cluster,
    ):
        phases = asyncio.run(measure(cluster, options.seconds))
    lines = ["| posts in other rooms | posts | p50 | p99 | slowest |", "|---|---:|---:|---:|---:|"]
    for name, took, _ in phases:
        values = " | ".join(f"{1000 * quantile(took, part):.0f} ms" for part in (0.5, 0.99, 1.0))
        lines.append(f"| {name} | {len(took)} | {values} |")
    lines += ["", f"Refused in the locked room: {phases[1][2]}; in others: {phases[0][2]}."]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if quantile(phases[1][1], 0.99) < TARGET_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
