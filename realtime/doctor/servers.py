"""The broker, the cache and the mail server: reach, passwords, memory, and a round trip."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.core.cache import caches
from django.core.mail import EmailMessage, get_connection
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError
from redis.sentinel import Sentinel

from realtime.core.monitoring.peers import in_memory
from realtime.core.publishing import own_layer
from realtime.doctor.probe_results import Area, ProbeResult, first_line
from realtime.site.checks.cluster import LOOPBACK, declared_processes

TRIP_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 3.0
GROUP: Final = "holdfast-doctor"
NEW_PASSWORD: Final = "Set requirepass or an ACL in redis.conf, and the password in the URL."

_broker = Area("broker")
_cache = Area("cache")
_mail = Area("mail")


def broker() -> Iterator[ProbeResult]:
    """Yield findings about the channel layer."""
    yield from _shared(_broker, "CHANNEL_LAYER_URL")
    if "CHANNEL_LAYER_URL" in in_memory():
        return
    for host in settings.CHANNEL_LAYERS["default"]["CONFIG"].get("hosts", []):
        yield from _redis(_broker, _layer_client(host), "CHANNEL_LAYER_URL")
    try:
        took = asyncio.run(_round_trip())
    except Exception as error:  # noqa: BLE001  every layer raises its client's own errors
        reason = "no message came back" if isinstance(error, TimeoutError) else first_line(error)
        yield _broker.fail(
            f"a message through the channel layer failed: {type(error).__name__}: {reason}",
            "Check CHANNEL_LAYER_URL: address, password, TLS, and rights to all channels "
            "(&holdfast*).",
        )
    else:
        yield _broker.ok(f"a message came back in {1000 * took:.0f} ms")


def cache() -> Iterator[ProbeResult]:
    """Yield findings about the cache of sessions."""
    yield from _shared(_cache, "CACHE_URL")
    if "CACHE_URL" in in_memory():
        return
    location = settings.CACHES["default"]["LOCATION"]
    for url in location:
        if "sentinel" not in url.partition("://")[0]:
            yield from _redis(_cache, _client(url), "CACHE_URL", keeps_keys=True)
    key, value = f"doctor.{secrets.token_hex(8)}", secrets.token_hex(8)
    try:
        caches["default"].set(key, value, 60)
        found = caches["default"].get(key)
        caches["default"].delete(key)
    except Exception as error:  # noqa: BLE001  each cache client has its own errors
        yield _cache.fail(f"cannot write and read a key: {first_line(error)}", "Check CACHE_URL.")
        return
    if found != value:
        yield _cache.fail(
            "a key was written and is gone",
            "Look at its memory and eviction, and whether a replica answers.",
        )
    else:
        yield _cache.ok("a key was written and read")


def mail(recipient: str) -> Iterator[ProbeResult]:
    """Connect to the mail server of ``EMAIL_HOST``, and send a message if there is a recipient."""
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    server = get_connection(timeout=TRIP_SECONDS)
    try:
        server.open()
        if recipient:
            text = "This message was sent by `manage.py doctor --mail-to`."
            EmailMessage("Holdfast: test", text, to=[recipient], connection=server).send()
        server.close()
    except OSError as error:  # SMTPException is one
        yield _mail.fail(
            f"{where}: {first_line(error)}", "Check EMAIL_HOST and the other EMAIL settings."
        )
    else:
        yield _mail.ok(f"{where} accepted a message for {recipient}" if recipient else where)


def _shared(area: Area, name: str) -> Iterator[ProbeResult]:
    if name not in in_memory():
        return
    if declared_processes() > 1:
        yield area.fail(
            f"{name} is memory://, but {declared_processes()} processes are declared",
            f"Set {name} to a server that all nodes share.",
        )
    else:
        yield area.ok("memory://, for one process")


def _client(url: str) -> Any:
    """Return a client with time limits."""
    make: Any = Redis.from_url
    return make(url, socket_timeout=TRIP_SECONDS, socket_connect_timeout=CONNECT_SECONDS)


def _layer_client(host: Any) -> Any:
    options: dict[str, Any] = dict(host) if isinstance(host, dict) else {"address": host}
    if "sentinels" not in options:
        return _client(options["address"])
    make: Any = Sentinel
    sentinels, master = options.pop("sentinels"), options.pop("master_name")
    manager = make(sentinels, sentinel_kwargs=options.pop("sentinel_kwargs", None))
    limits = {"socket_timeout": TRIP_SECONDS, "socket_connect_timeout": CONNECT_SECONDS}
    return manager.master_for(master, **{**options, **limits})


def _redis(
    area: Area, client: Any, setting: str, *, keeps_keys: bool = False
) -> Iterator[ProbeResult]:
    """Yield findings about one Redis; ``keeps_keys``: it stores something."""
    options = client.connection_pool.connection_kwargs
    where = options.get("path") or f"{options.get('host', 'master')}:{options.get('port', '')}"
    try:
        info: dict[str, Any] = client.info()
    except AuthenticationError as error:
        yield area.fail(f"{where} refuses the password: {first_line(error)}", f"Check {setting}.")
        return
    except RedisError as error:
        yield area.fail(
            f"{where}: {first_line(error)}", f"Check {setting}, and that the server runs."
        )
        return
    yield area.ok(f"{where} is Redis {info.get('redis_version', '?')}")
    if info.get("role") == "slave":
        yield area.fail(
            f"{where} is a replica", f"Set {setting} to the master, or to its Sentinels."
        )
    if options.get("host") not in LOOPBACK | {None} and not options.get("password"):
        yield area.warn(
            f"{where} needs no password: anyone on its network can show anything to any user",
            NEW_PASSWORD,
        )
    yield from _memory(area, where, info, keeps_keys=keeps_keys)


def _memory(
    area: Area, where: str, info: dict[str, Any], *, keeps_keys: bool
) -> Iterator[ProbeResult]:
    limit, policy = int(info.get("maxmemory", 0)), str(info.get("maxmemory_policy", ""))
    if limit and keeps_keys and policy == "noeviction":
        yield area.warn(
            f"{where} has maxmemory-policy noeviction: when it is full, sessions are no longer "
            "cached",
            "Set maxmemory-policy to allkeys-lru.",
        )
    if limit and int(info.get("used_memory", 0)) > 0.9 * limit:
        yield area.warn(f"{where} uses more than 90 % of its maxmemory", "Raise maxmemory.")


async def _round_trip() -> float:
    """Return the seconds that a message takes through the channel layer."""
    mark = secrets.token_hex(8)
    async with own_layer() as layer, asyncio.timeout(TRIP_SECONDS):
        channel = await layer.new_channel("doctor")
        await layer.group_add(GROUP, channel)
        began = time.monotonic()
        await layer.group_send(GROUP, {"type": "doctor", "mark": mark})
        while (await layer.receive(channel)).get("mark") != mark:
            pass  # of another doctor
        took = time.monotonic() - began
        await layer.group_discard(GROUP, channel)
        if hasattr(layer, "_shards"):  # Redis: closes its connections on this event loop
            await layer.flush()
    return took
