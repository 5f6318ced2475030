"""PostgreSQL goes back in time while people talk.

The checker leaves out what was acknowledged between the copy and its return, and what is lost with
it. Everything else is judged as in every other run: acknowledged messages, duplicates, order.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.chaos.checker import judge
from tests.chaos.guests import Guest, key_of
from tests.chaos.history import History, Row
from tests.chaos.readers import Reader
from tests.conformance.client import replay
from tests.support.cluster import Cluster, Person, join
from tests.support.waiting import until

SEED = 20261128
GUESTS = 24
PAUSE_SECONDS = 0.4  # between two messages of one guest, on average
TALK_SECONDS = 2.0  # before the copy, between the copy and its return, and afterwards
LEVEL_SECONDS = 60.0
PROMISES = ("lost", "duplicated", "reordered", "invented", "broken")


class Room:
    """Guests on sockets who talk in one room, and two programs that read it over HTTP."""

    def __init__(self, cluster: Cluster, people: list[Person], room: int) -> None:
        self.history = History()
        self.rnd = random.Random(SEED)
        self._cluster = cluster
        self.ident = room
        self._name = f"room.{room}"
        address = f"{cluster.sockets}/ws/chat/"
        self.guests = [
            Guest(address, person, [room], self.history, random.Random(number))
            for number, person in enumerate(people)
        ]
        self._readers = [
            Reader(cluster.origin, people[0], room, self.history, random.Random(number))
            for number in (1, 2)
        ]

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(self._readers[0].by_long_polls()),
            asyncio.create_task(self._readers[1].by_events()),
        ]
        for guest in self.guests:
            guest.start()
        self._go_on = True
        speakers = [asyncio.create_task(self._talk(guest)) for guest in self.guests]
        try:
            yield
        finally:
            self._go_on = False
            await asyncio.gather(*speakers)
            await self._end()
            for guest in self.guests:
                await guest.leave()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for reader in self._readers:
                await reader.close()

    async def _talk(self, guest: Guest) -> None:
        while self._go_on:
            await guest.say(self.ident)
            await asyncio.sleep(self.rnd.uniform(0, 2 * PAUSE_SECONDS))

    async def _end(self) -> None:
        """Wait until everyone has everything, and note what they have."""
        stranger = self._cluster.people["alice"].token
        truth = await replay(self._cluster.origin, stranger, self._name)
        head = truth.position or 0
        await until(
            lambda: (
                all(guest.level({self.ident: head}) for guest in self.guests)
                and all(reader.level(head) for reader in self._readers)
            ),
            within=LEVEL_SECONDS,
            every=0.1,
        )
        self.history.stored[self.ident] = {
            ident: Row(seq, row["number"], key_of(row["body"]))
            for (kind, ident), (seq, row) in truth.rows.items()
            if kind == "message"
        }
        for guest in self.guests:
            copy = guest.copy_of(self.ident)
            assert copy is not None
            guest.log.finals[self.ident] = copy.final()
        for reader in self._readers:
            reader.log.finals[self.ident] = reader.copy.final()


def make_room(cluster: Cluster, members: list[Person]) -> int:
    headers = {"Authorization": f"Bearer {cluster.people['alice'].token}"}
    with httpx.Client(base_url=cluster.origin, headers=headers, timeout=20) as http:
        made = http.post("/api/rooms/", json={"name": "Rewinds", "kind": "public"})
        room = int(made.raise_for_status().json()["room"]["id"])
    for member in members:
        join(cluster.origin, member, room)
    return room


@pytest.mark.timeout(400)
async def test_what_the_database_still_has_reaches_everyone(tmp_path: Path) -> None:
    with Cluster(tmp_path / "of rewinds", socket_nodes=3) as cluster:
        names = [f"guest{number}" for number in range(GUESTS)]
        people = list(cluster.add_people(*names).values())
        room = Room(cluster, people, make_room(cluster, people))
        async with room.talking():
            await asyncio.sleep(TALK_SECONDS)
            copied = time.monotonic()
            await asyncio.to_thread(cluster.keep_copy)
            await asyncio.sleep(TALK_SECONDS)
            await asyncio.to_thread(cluster.put_copy_back)
            back = time.monotonic()
            await asyncio.sleep(TALK_SECONDS)
        afterwards = [post for post, acked in room.history.acknowledged() if acked > back]
        stored = {ident: row.key for ident, row in room.history.stored[room.ident].items()}
        lost = room.history.forget_lost(copied, back, stored)
        verdict = judge(room.history)
        # The first node to notice reports it: one with sockets or one with pages.
        logs = "".join(cluster[name].log for name in cluster.node_names)
    assert lost
    assert afterwards
    assert {kind: verdict.breaches[kind] for kind in PROMISES} == {kind: [] for kind in PROMISES}
    assert "the database has gone back in time" in logs
