"""Checks for several processes and machines: a broker, a cache, connections."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from realtime.core.monitoring.peers import in_memory

CONNECTIONS_BESIDE_READS: Final = 5  # two of slow reads, the writer's two, one request
# Of PostgreSQL: for its superuser, commands, backups and monitoring.
SPARE_CONNECTIONS: Final = 10
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
SQLITE: Final = "django.db.backends.sqlite3"
POSTGRESQL: Final = "django.db.backends.postgresql"


def declared_processes() -> int:
    """Return how many processes the settings declare: at least one on each machine."""
    return max(int(settings.HOLDFAST_PROCESSES), int(settings.HOLDFAST_HOSTS))


def processes(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse, for several processes or machines, what works only within one process."""
    declared = declared_processes()
    if declared < 2:
        return
    one = "Set HOLDFAST_PROCESSES (or WEB_CONCURRENCY) and HOLDFAST_HOSTS to 1"
    if "CHANNEL_LAYER_URL" in in_memory():
        yield Error(
            f"The channel layer is memory://, but {declared} processes are declared: "
            "they cannot exchange messages.",
            hint=f"Set CHANNEL_LAYER_URL to redis:// or amqp://. {one} if there is only one.",
            id="holdfast.E001",
        )
    if "CACHE_URL" in in_memory():
        yield Error(
            f"Sessions are cached in the memory of each of {declared} processes: "
            "a user who signs out of one stays signed in to the others, and limits of accounts "
            "and addresses hold for each process alone.",
            hint=f"Set CACHE_URL to redis://. {one} if there is only one.",
            id="holdfast.E002",
        )


def one_machine(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse SQLite on several machines: each would have its own database."""
    if (
        settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
        and settings.HOLDFAST_HOSTS > 1
    ):
        yield Error(
            f"The database is SQLite, but {settings.HOLDFAST_HOSTS} machines are declared: "
            "they would not share it.",
            hint="Set DATABASE_URL to postgres://, or HOLDFAST_HOSTS to 1.",
            id="holdfast.E006",
        )


def one_writer(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Warn of several processes that write to one SQLite file."""
    if settings.DATABASES["default"]["ENGINE"] == SQLITE and settings.HOLDFAST_PROCESSES > 1:
        yield checks.Warning(
            f"DATABASE_URL is SQLite, but HOLDFAST_PROCESSES is {settings.HOLDFAST_PROCESSES}: "
            "one process at a time can write, and the others wait.",
            hint="Set DATABASE_URL to postgres://, or HOLDFAST_PROCESSES to 1.",
            id="holdfast.W007",
        )
    if settings.HOLDFAST_HOSTS > settings.HOLDFAST_PROCESSES:
        yield checks.Warning(
            f"HOLDFAST_HOSTS is {settings.HOLDFAST_HOSTS}, but HOLDFAST_PROCESSES is "
            f"{settings.HOLDFAST_PROCESSES}: limits that are shared by all processes are wrong.",
            hint="Set HOLDFAST_PROCESSES to the number of processes on all machines together.",
            id="holdfast.W008",
        )


def pool(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse a pool so small that threads wait for each other's connections."""
    needed = settings.HOLDFAST_READ_THREADS + CONNECTIONS_BESIDE_READS
    size = settings.HOLDFAST_DATABASE_POOL
    if size < needed:
        yield Error(
            f"HOLDFAST_DATABASE_POOL is {size}: expected at least {needed}, "
            f"for {settings.HOLDFAST_READ_THREADS} read threads, two for slow reads, "
            "two of the writer, one request.",
            hint="Raise HOLDFAST_DATABASE_POOL, or lower HOLDFAST_READ_THREADS.",
            id="holdfast.E008",
        )


def connections(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Warn of pools that together exceed what the database accepts."""
    if settings.DATABASES["default"]["ENGINE"] != POSTGRESQL:
        return
    needed = declared_processes() * settings.HOLDFAST_DATABASE_POOL
    limit: int = settings.HOLDFAST_DATABASE_MAX_CONNECTIONS
    if needed + SPARE_CONNECTIONS > limit:
        yield checks.Warning(
            f"HOLDFAST_DATABASE_POOL is {settings.HOLDFAST_DATABASE_POOL} for each of "
            f"{declared_processes()} processes, {needed} in all: PostgreSQL accepts {limit} "
            f"connections, and {SPARE_CONNECTIONS} of them should stay free.",
            hint="Raise max_connections of PostgreSQL and HOLDFAST_DATABASE_MAX_CONNECTIONS "
            "with it, use PgBouncer, or lower HOLDFAST_DATABASE_POOL.",
            id="holdfast.W009",
        )


def passwords(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Warn of a broker or a cache that anyone on the network can use."""
    for name, host, password in [*_layer_logins(), *_cache_logins()]:
        if host not in LOOPBACK and password in {"", "guest"}:
            yield checks.Warning(
                f"{name} has no password for {host}: anyone who reaches that server can show "
                "anything to any user.",
                hint=f"Set a password on the server and in {name}, as in redis://:PASSWORD@{host}.",
                id="holdfast.W010",
            )


def _layer_logins() -> Iterator[tuple[str, str, str]]:
    config = settings.CHANNEL_LAYERS["default"].get("CONFIG", {})
    urls = [config["host"]] if "host" in config else []
    for server in config.get("hosts", []):
        if isinstance(server, dict) and "sentinels" in server:
            yield "CHANNEL_LAYER_URL", str(server["sentinels"][0][0]), server.get("password", "")
        else:
            urls.append(server["address"] if isinstance(server, dict) else server)
    for url in urls:
        yield "CHANNEL_LAYER_URL", *_login(url)


def _cache_logins() -> Iterator[tuple[str, str, str]]:
    location = settings.CACHES["default"].get("LOCATION", "")
    for url in location if isinstance(location, list) else [location]:
        if "://" in url:
            yield "CACHE_URL", *_login(url)


def _login(url: str) -> tuple[str, str]:
    """Return the host and the password; a Unix socket counts as this machine."""
    scheme, _, rest = url.partition("://")
    if scheme == "unix":
        return "localhost", ""
    login, _, hosts = rest.partition("/")[0].rpartition("@")
    host = urlsplit(f"//{hosts.partition(',')[0]}").hostname or ""
    return host, login.partition(":")[2]
