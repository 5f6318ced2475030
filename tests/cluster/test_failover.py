"""The primary dies while people talk, and a streaming standby takes over."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.cluster.conftest import SETTINGS, Desk
from tests.conformance.client import Client
from tests.support.cluster import Cluster
from tests.support.ledger import PATIENCE_SECONDS, MessageLedger, all_hold, more, talking, texts
from tests.support.replication import Replication
from tests.support.waiting import until

# Two servers and a cluster to start; a busy machine takes minutes for that.
pytestmark = pytest.mark.timeout(400)

PEOPLE = ("alice", "bob", "charlie")


@pytest.fixture(scope="module")
def pair() -> Replication:
    """Started by the cluster."""
    return Replication(synchronous="remote_apply")


@pytest.fixture(scope="module")
def cluster(pair: Replication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("cluster") / "replicated"
    with Cluster(directory, settings=SETTINGS, postgres=pair) as found:
        yield found


async def test_a_synchronous_standby_has_everything_that_was_acknowledged(
    desk: Desk, pair: Replication
) -> None:
    room = desk.room("bob", "charlie")
    clients = [await desk.client(person, room) for person in PEOPLE]
    async with talking(clients, room, "before and after") as ledger:
        await more(ledger)
        await fail_over(pair)
        await more(ledger)
    await settled(desk, room, clients, ledger)
    await asyncio.to_thread(pair.rejoin)  # the old primary is the standby of the next test


async def test_each_server_is_upgraded_in_turn(desk: Desk, pair: Replication) -> None:
    room = desk.room("bob", "charlie")
    clients = [await desk.client(person, room) for person in PEOPLE]
    async with talking(clients, room, "upgrade") as ledger:
        for _ in range(2):
            await asyncio.to_thread(pair.standby.stop)
            await asyncio.to_thread(pair.standby.start)  # of the next version
            await asyncio.to_thread(pair.switch_over)
            await more(ledger)
    await settled(desk, room, clients, ledger)


async def test_what_an_asynchronous_standby_lacks_is_gone_and_the_rest_reaches_everyone(
    desk: Desk, pair: Replication
) -> None:
    room = desk.room("bob", "charlie")
    clients = [await desk.client(person, room) for person in PEOPLE]
    await asyncio.to_thread(pair.make_asynchronous)
    async with talking(clients, room, "kept") as kept:
        await more(kept)
    await asyncio.to_thread(pair.wait_for_standby)
    await asyncio.to_thread(pair.cut)
    async with talking(clients, room, "lost") as lost:
        await more(lost)
    await fail_over(pair)
    async with talking(clients, room, "after") as after:
        await more(after)

    stored = set(
        pair.primary.query("SELECT array_agg(body) FROM chat_message WHERE room_id = %s", room)
    )
    assert stored.issuperset(kept.texts)
    assert stored.isdisjoint(lost.texts)
    assert stored.issuperset(after.texts)
    # Nobody keeps a message that does not exist, or misses one that was acknowledged since.
    stream = f"room.{room}"
    await until(
        lambda: all(stored == set(texts(client.copies[stream])) for client in clients),
        within=PATIENCE_SECONDS,
    )
    await settled(desk, room, clients, after)


async def fail_over(pair: Replication) -> None:
    await asyncio.to_thread(pair.primary.kill)
    await asyncio.to_thread(pair.promote)


async def settled(desk: Desk, room: int, clients: list[Client], ledger: MessageLedger) -> None:
    token = desk.cluster.people["alice"].token
    await all_hold(desk.cluster.origin, token, f"room.{room}", clients, ledger)
