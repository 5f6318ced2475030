"""The process' end of a channel layer that fails: known at once, and whole again afterwards."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest

from realtime.core.publishing import CLUSTER_GROUP
from realtime.engine import channel_layer as layers
from realtime.engine.channel_layer import ChannelLayerClient
from tests.support.waiting import until

ROOM = "holdfast.room.1"


class Broker:
    """A channel layer of one or two servers, each of which can be away."""

    def __init__(self, servers: int = 1) -> None:
        self._shards = [object() for _ in range(servers)]
        self.away: set[object] = set()
        self.groups: defaultdict[str, set[str]] = defaultdict(set)
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.dead = False  # it takes what is sent, and nothing ever arrives
        self.flushed = False

    def again(self) -> "Broker":
        """The same servers, by connections that are not dead."""
        made = Broker(0)
        made._shards, made.away, made.groups = self._shards, self.away, self.groups
        return made

    async def flush(self) -> None:
        self.flushed = True

    def _get_group_channel_name(self, group: str) -> str:
        return group

    def _get_shard(self, name: str) -> object:
        return self._shards[len(name) % len(self._shards)]

    async def new_channel(self, prefix: str) -> str:
        return "channel"

    async def receive(self, channel: str) -> dict[str, Any]:
        return await self._heard.get()

    async def group_add(self, group: str, channel: str) -> None:
        self._reach(group)
        self.groups[group].add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self._reach(group)
        self.groups[group].discard(channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self._reach(group)
        if self.groups[group] and not self.dead:
            self._heard.put_nowait(message)

    def _reach(self, group: str) -> None:
        if self._get_shard(group) in self.away:
            raise ConnectionError


@pytest.fixture(params=[1, 2], ids=["one server", "two servers"])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker(request.param)
    monkeypatch.setattr(layers, "get_channel_layer", lambda: broker)
    monkeypatch.setattr(layers, "new_layer", lambda: broker.again())
    for name, seconds in {
        "HEARTBEAT_SECONDS": 0.05,
        "RETRY_SECONDS": 0.02,
        "SILENCE_SECONDS": 0.2,
        "REOPEN_SECONDS": 0.4,
    }.items():
        monkeypatch.setattr(layers, name, seconds)
    return broker


class Recorder:
    def __init__(self) -> None:
        self.groups: list[str] = []
        self.received: list[Any] = []
        self.gaps = 0

    def on_gap(self) -> None:
        self.gaps += 1


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def layer(broker: Broker, recorder: Recorder) -> AsyncIterator[ChannelLayerClient]:
    layer = ChannelLayerClient(
        "node-1",
        on_message=recorder.received.append,
        on_possible_gap=recorder.on_gap,
        groups=lambda: recorder.groups,
    )
    layer.start()
    await until(lambda: broker.groups[CLUSTER_GROUP])
    yield layer
    await layer.stop()


async def test_a_send_that_fails_is_known_at_once(
    layer: ChannelLayerClient, broker: Broker
) -> None:
    broker.away.update(broker._shards)
    layer.send(ROOM, {"type": "events", "node": "node-1"})
    assert await until(lambda: layer.degraded, within=0.15) < layers.SILENCE_SECONDS


async def test_the_node_is_heard_again_when_all_servers_are(
    layer: ChannelLayerClient, broker: Broker, recorder: Recorder
) -> None:
    [*_, last] = broker._shards
    broker.away.add(last)
    await until(lambda: layer.degraded)
    with pytest.raises(TimeoutError):
        await until(lambda: not layer.degraded, within=3 * layers.SILENCE_SECONDS)
    broker.away.clear()
    await until(lambda: not layer.degraded)
    assert recorder.gaps == 2  # when it began and when it ended


async def test_a_group_that_was_joined_meanwhile_is_joined_afterwards(
    layer: ChannelLayerClient, broker: Broker, recorder: Recorder
) -> None:
    broker.away.update(broker._shards)
    recorder.groups.append(ROOM)
    await layer.join(ROOM)
    assert layer.degraded
    assert not broker.groups[ROOM]
    broker.away.clear()
    await until(lambda: not layer.degraded)
    assert broker.groups[ROOM] == {"channel"}


async def test_beats_that_stay_away_are_missed(layer: ChannelLayerClient, broker: Broker) -> None:
    # As after a restart that lost the subscriptions: sends succeed, and nobody hears them.
    broker.groups.clear()
    await until(lambda: layer.degraded)


async def test_connections_that_are_dead_without_a_sign_are_replaced(
    layer: ChannelLayerClient, broker: Broker, recorder: Recorder
) -> None:
    broker.dead = True
    await until(lambda: layer.degraded)
    await until(lambda: not layer.degraded)
    await until(lambda: broker.flushed)
    assert recorder.gaps == 2
