"""A master of Redis dies, and is upgraded, while people talk: ``make test-more``.

Sentinels choose the next master; the channel layer and the cache of the nodes follow it.
"""

import signal
from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from tests.cluster.conftest import SETTINGS, Desk
from tests.conformance.client import Client
from tests.support.cluster import Cluster
from tests.support.ledger import PATIENCE_SECONDS, MessageLedger, all_hold, more, talking
from tests.support.redis import MASTER, Redis, WatchedRedis
from tests.support.waiting import until

# Five servers and a cluster to start; a busy machine takes minutes for that.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedRedis]:
    found = WatchedRedis(tmp_path_factory.mktemp("redis"))
    try:
        found.start()
        yield found
    finally:
        found.kill()


@pytest.fixture(scope="module")
def cluster(sentinels: WatchedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    urls = {"CHANNEL_LAYER_URL": sentinels.url, "CACHE_URL": sentinels.url}
    directory = tmp_path_factory.mktemp("cluster") / "watched"
    with Cluster(directory, settings={**SETTINGS, **urls}) as found:
        yield found


async def test_a_dead_master_costs_no_message_and_no_session(
    desk: Desk, sentinels: WatchedRedis
) -> None:
    room = desk.room("bob")
    clients = [
        await desk.client("alice", room, "socket-1"),
        await desk.client("bob", room, "socket-2"),
    ]
    browser = desk.sign_in("bob")
    dead = sentinels.master
    async with talking(clients, room, "master") as ledger:
        await more(ledger)
        dead.signal(signal.SIGKILL)
        await more(ledger)  # nobody waits for Redis
        assert browser.get("/accounts/").status_code == httpx.codes.OK
        await until(lambda: sentinels.master is not dead, within=PATIENCE_SECONDS)
        await until(lambda: not any(degraded(desk)), within=PATIENCE_SECONDS)
        heard = carried(desk)
        await more(ledger)
        assert carried(desk) > heard, "the new master carries no events"
    assert browser.get("/accounts/").status_code == httpx.codes.OK
    await settled(desk, room, clients, ledger)
    dead.start(dead.answers)
    await until(sentinels.know_each_other, within=PATIENCE_SECONDS)


async def test_each_server_can_be_upgraded_in_turn(desk: Desk, sentinels: WatchedRedis) -> None:
    room = desk.room("bob")
    clients = [
        await desk.client("alice", room, "socket-1"),
        await desk.client("bob", room, "socket-2"),
    ]
    async with talking(clients, room, "upgrade") as ledger:
        for _ in sentinels.servers:
            master = sentinels.master
            replica = next(each for each in sentinels.servers if each is not master)
            replica.stop()
            replica.start(replica.answers)
            # One that was the master begins as one again, until the Sentinels correct it.
            await until(partial(follows, replica), within=PATIENCE_SECONDS)
            await until(
                lambda: sentinels.sentinels[0].cli("SENTINEL", "FAILOVER", MASTER) == "OK",
                within=PATIENCE_SECONDS,
                every=0.5,
            )
            await until(partial(leads, sentinels, replica), within=PATIENCE_SECONDS)
            await until(lambda: not any(degraded(desk)), within=PATIENCE_SECONDS)
            await more(ledger)
    await settled(desk, room, clients, ledger)


def follows(replica: Redis) -> bool:
    return "master_link_status:up" in replica.cli("INFO", "replication")


def leads(sentinels: WatchedRedis, server: Redis) -> bool:
    return sentinels.master is server


def degraded(desk: Desk) -> list[bool]:
    names = desk.cluster.socket_names
    return [desk.cluster.metric(name, "holdfast_degraded") > 0 for name in names]


def carried(desk: Desk) -> float:
    """The events that came over the channel layer."""
    lines = desk.cluster.probe("socket-1", "/metrics").text.splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in lines
        if line.startswith('holdfast_events_in_total{source="layer"')
    )


async def settled(desk: Desk, room: int, clients: list[Client], ledger: MessageLedger) -> None:
    token = desk.cluster.people["alice"].token
    await all_hold(desk.cluster.origin, token, f"room.{room}", clients, ledger)
