"""Nodes on one database that share no broker and no cache say so, and read heads often."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db.models.functions import Now
from django.test import override_settings

from realtime.core import metrics
from realtime.core.monitoring.peers import UnreachedPeers
from realtime.engine.hub import Hub
from realtime.models import Node

SHARED: dict[str, Any] = {
    "CHANNEL_LAYERS": {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}},
    "CACHES": {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}},
}
FACTS = dict.fromkeys(
    [
        *("connections", "waiting", "subscriptions", "behind", "streams"),
        *("delivered_rate", "command_rate", "handshake_rate"),
    ],
    0,
)


@sync_to_async
def node(key: str, *, began: float, seen: float = 0, draining: bool = False) -> None:
    """Write the report of a node; ``began`` and ``seen``: so many seconds ago."""
    Node.objects.create(
        key=key, name=key, degraded=False, draining=draining, seen_at=Now(), **FACTS
    )
    Node.objects.filter(key=key).update(
        started_at=Now() - timedelta(seconds=began), seen_at=Now() - timedelta(seconds=seen)
    )


async def test_a_node_that_sees_another_says_what_they_do_not_share(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    await hub.reporter.report()
    await sync_to_async(Node.objects.update)(started_at=Now() - timedelta(seconds=30))
    await hub.reporter.peers.look()
    assert (hub.reporter.peers.names, hub.degraded) == ([], False)
    await node("second", began=20)
    for _ in range(2):
        await hub.reporter.peers.look()
    assert hub.degraded
    assert metrics.registry.get_sample_value("holdfast_unshared_peers") == 1
    [record] = [each for each in caplog.records if each.name == "holdfast.peers"]
    assert vars(record)["nodes"] == ["second"]
    assert vars(record)["hint"].startswith("Set CHANNEL_LAYER_URL and CACHE_URL to a server")
    await sync_to_async(Node.objects.filter(key="second").delete)()
    await hub.reporter.peers.look()
    assert not hub.degraded


@pytest.mark.parametrize(
    ("other", "names"),
    [
        ({"began": 100, "seen": 0}, ["other"]),
        ({"began": 100, "seen": 0, "draining": True}, []),  # makes room for this one
        ({"began": 100, "seen": 55}, []),  # died before this one began to report
        ({"began": 100, "seen": 20}, []),  # died
    ],
)
async def test_a_predecessor_is_no_peer(hub: Hub, other: dict[str, Any], names: list[str]) -> None:
    await node("mine", began=60)
    await node("other", **other)
    peers = UnreachedPeers("mine")
    await peers.look()
    assert peers.names == names
    with override_settings(**SHARED):
        shared = UnreachedPeers("mine")
        await shared.look()
        assert shared.names == []
