"""The URLs of brokers: their settings, and real servers of each kind."""

import asyncio
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from redis.exceptions import RedisError

from realtime.engine.channel_layer import _one_group_per_server
from realtime.site.addresses.sentinel import Sentinels
from realtime.site.environment import Environment
from tests.support.redis import HOST, MASTER, Redis, running, sentinel
from tests.support.server import ROOT
from tests.support.waiting import until

FAILOVER_SECONDS = 20


def layer(url: str) -> dict[str, Any]:
    return Environment({"CHANNEL_LAYER_URL": url}).channel_layer(
        "CHANNEL_LAYER_URL", "memory://", capacity=7
    )


def cache(url: str) -> dict[str, Any]:
    return Environment({"CACHE_URL": url}).cache("CACHE_URL", "memory://")


# Their settings -----------------------------------------------------------------------------------


def test_sentinels_are_read_from_one_address() -> None:
    found = Sentinels.parse(
        "rediss+sentinel://app:s%40cret@a:26379,b,[::1]:5/main/3?sentinel_password=other"
    )
    assert found.addresses == (("a", 26379), ("b", 26379), ("::1", 5))
    assert (found.master, found.database, found.tls) == ("main", 3, True)
    assert found.credentials == {"username": "app", "password": "s@cret"}
    assert found.sentinel_credentials == {"password": "other"}


def test_a_layer_by_sentinels_keeps_the_timeouts() -> None:
    [host] = layer("redis+sentinel://a:1,b:2/main/3")["CONFIG"]["hosts"]
    assert host["sentinels"] == [("a", 1), ("b", 2)]
    assert (host["master_name"], host["db"]) == ("main", 3)
    assert host["socket_timeout"] > 5  # above the waits of channels_redis
    assert host["sentinel_kwargs"]["socket_connect_timeout"] == 3


BAD = """
redis+sentinel://a:1
redis+sentinel:///main
redis+sentinel://a,/main
redis+sentinel://a:x/main
redis+sentinel://a/main/x
redis+sentinel://:secret@a/main?colour=green
unix://
unix://host
"""


@pytest.mark.parametrize("url", BAD.split())
def test_a_bad_address_is_refused_without_its_password(url: str) -> None:
    for read in (layer, cache):
        with pytest.raises(
            ImproperlyConfigured, match=r"expected memory://,? (or )?redis://HOST"
        ) as refused:
            read(url)
        assert "secret" not in str(refused.value)


def test_a_unix_socket_is_an_address_too() -> None:
    assert (
        layer("unix:///run/redis/redis.sock?db=2")["CONFIG"]["hosts"][0]["address"]
        == "unix:///run/redis/redis.sock?db=2"
    )
    assert cache("unix:///run/redis/redis.sock")["LOCATION"] == ["unix:///run/redis/redis.sock"]


# Real servers -------------------------------------------------------------------------------------


@contextmanager
def configured(layer_url: str, cache_url: str) -> Iterator[None]:
    with override_settings(
        CHANNEL_LAYERS={"default": layer(layer_url)}, CACHES={"default": cache(cache_url)}
    ):
        channel_layers.backends = {}
        yield
    channel_layers.backends = {}


async def carries_a_message() -> None:
    """Send to a group and hear it. Raises what the client raises."""
    here = channel_layers["default"]
    channel = await here.new_channel("hub")
    await here.group_add("holdfast-cluster", channel)
    await here.group_send("holdfast-cluster", {"type": "beat", "body": b"\x00bytes"})
    async with asyncio.timeout(3):
        assert (await here.receive(channel))["body"] == b"\x00bytes"
    await here.group_discard("holdfast-cluster", channel)


async def test_one_server(tmp_path: Path) -> None:
    redis = Redis(tmp_path, "redis", "--save", "")
    with (
        running(redis),
        configured(f"redis://{HOST}:{redis.port}/1", f"redis://{HOST}:{redis.port}/2"),
    ):
        await carries_a_message()
        await caches["default"].aset("key", "value")
        assert await caches["default"].aget("key") == "value"
        await channel_layers["default"].flush()


async def test_the_beats_of_a_node_go_through_every_server(tmp_path: Path) -> None:
    servers = [Redis(tmp_path, f"redis-{number}", "--save", "") for number in range(3)]
    with (
        running(*servers),
        configured(",".join(f"redis://{HOST}:{each.port}" for each in servers), "memory://"),
    ):
        here = channel_layers["default"]
        for group in _one_group_per_server(here):
            await here.group_send(group, {"type": "beat"})
        assert [
            each.cli("INFO", "commandstats").count("cmdstat_publish:calls=1,") for each in servers
        ] == [1, 1, 1]
        await here.flush()


async def test_an_idle_layer_stays(tmp_path: Path) -> None:
    """redis-py 8 drops a connection that is silent for 5 s by default (channels_redis#422)."""
    redis = Redis(tmp_path, "redis", "--save", "")
    with running(redis), configured(f"redis://{HOST}:{redis.port}", "memory://"):
        here = channel_layers["default"]
        receiving = asyncio.create_task(here.receive(await here.new_channel("hub")))
        connections = redis.cli("INFO", "stats").count("total_connections_received:")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(receiving), 6)
        assert connections == 1
        assert not receiving.done()
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        await here.flush()


async def test_over_tls_with_a_password(tmp_path: Path, certificate: Path) -> None:
    files = [
        "--tls-cert-file",
        str(certificate / "cert.pem"),
        "--tls-key-file",
        str(certificate / "key.pem"),
        "--tls-auth-clients",
        "no",
    ]
    redis = Redis(
        tmp_path,
        "redis",
        "--save",
        "",
        "--port",
        "0",
        "--requirepass",
        "hunter2",
        *files,
        port_option="--tls-port",
    )
    url = f"rediss://:hunter2@{HOST}:{redis.port}/0?ssl_ca_certs={certificate}/cert.pem"
    with ExitStack() as stack:
        stack.callback(redis.kill)
        redis.start(lambda: "Ready to accept connections" in redis.log)
        with configured(url, url):
            await carries_a_message()
            await caches["default"].aset("key", "value")
            assert await caches["default"].aget("key") == "value"
            await channel_layers["default"].flush()


async def test_sentinels_lead_to_the_new_master_after_a_failover(tmp_path: Path) -> None:
    master = Redis(tmp_path, "master", "--save", "")
    replica = Redis(tmp_path, "replica", "--save", "", "--replicaof", HOST, str(master.port))
    sentinels = [sentinel(tmp_path / f"sentinel-{number}", master.port) for number in range(3)]
    addresses = ",".join(f"{HOST}:{each.port}" for each in sentinels)
    url = f"redis+sentinel://{addresses}/{MASTER}/0"
    with running(master, replica), running(*sentinels), configured(url, url):
        await until(
            lambda: all(
                "num-other-sentinels\n2" in each.cli("SENTINEL", "MASTER", MASTER)
                for each in sentinels
            )
        )
        await until(lambda: "num-slaves\n1" in sentinels[0].cli("SENTINEL", "MASTER", MASTER))
        await carries_a_message()
        await caches["default"].aset("key", "before")
        master.signal(signal.SIGKILL)
        await until(
            lambda: "role:master" in replica.cli("INFO", "replication"), within=FAILOVER_SECONDS
        )
        async with asyncio.timeout(FAILOVER_SECONDS):
            while not await heard():
                pass
        await caches["default"].aset("key", "after")
        assert await caches["default"].aget("key") == "after"
        await channel_layers["default"].flush()


async def heard() -> bool:
    try:
        await carries_a_message()
    except (RedisError, OSError, TimeoutError):
        return False
    return True


def test_the_documents_name_every_form() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for scheme in ("memory", "redis", "rediss", "unix", "redis+sentinel", "amqp"):
        assert re.search(rf"{re.escape(scheme)}://", page), scheme
