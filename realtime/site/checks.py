"""Checks for combinations of settings that would lose messages, sessions or secrets.

``manage.py check`` and every start refuse them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error

from realtime.core.publishing import MEMORY_LAYER

# From SIGTERM on, besides DRAIN_SECONDS: FINISH_SECONDS of realtime/server/server.py.
FINISH_SECONDS: Final = 10.0
SECRET_LENGTH: Final = 50  # characters, as Django's own check wants
CONNECTIONS_BESIDE_READS: Final = 3  # the writer's two and one request


def register_all() -> None:
    """Register the checks with Django; called from ``AppConfig.ready``."""
    for check in (processes, origins, secret, one_machine, limits, pool, waits):
        checks.register(check)


def processes(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse, for several processes, what works only within one."""
    declared: int = settings.HOLDFAST_PROCESSES
    if declared < 2:
        return
    # By its name: some layers can only be made on an event loop.
    if settings.CHANNEL_LAYERS["default"]["BACKEND"] == MEMORY_LAYER:
        yield Error(
            f"The channel layer is memory://, but {declared} processes are declared: "
            "they cannot exchange messages.",
            hint="Set CHANNEL_LAYER_URL to redis:// or amqp://, or HOLDFAST_PROCESSES "
            "(or WEB_CONCURRENCY) to 1.",
            id="holdfast.E001",
        )
    if "cache" in settings.SESSION_ENGINE and isinstance(
        caches[settings.SESSION_CACHE_ALIAS], LocMemCache
    ):
        yield Error(
            f"Sessions are cached in the memory of each of {declared} processes: "
            "a user who signs out of one stays signed in to the others.",
            hint="Set CACHE_URL to redis://, or HOLDFAST_PROCESSES (or WEB_CONCURRENCY) to 1.",
            id="holdfast.E002",
        )


def origins(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse a site that no browser can connect to, and plain HTTP origins on an HTTPS site."""
    if not settings.ALLOWED_ORIGINS and not settings.DEBUG:
        yield Error(
            "ALLOWED_ORIGINS is empty: no browser can open a WebSocket.",
            hint="Set it to the origins of the site, for example https://chat.example.org.",
            id="holdfast.E003",
        )
    plain = [origin for origin in settings.ALLOWED_ORIGINS if urlsplit(origin).scheme == "http"]
    if plain and settings.HOLDFAST_HTTPS:
        yield Error(
            f"ALLOWED_ORIGINS contains {plain[0]}, but the site uses HTTPS: "
            "an attacker on the network could connect as any of its users.",
            hint="Use https://, or set HOLDFAST_HTTPS=false on a closed network.",
            id="holdfast.E004",
        )


def secret(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse a key that others know or can guess: it signs sessions."""
    for name, key in [
        ("SECRET_KEY", settings.SECRET_KEY),
        *(("SECRET_KEY_FALLBACKS", key) for key in settings.SECRET_KEY_FALLBACKS),
    ]:
        if not settings.DEBUG and (
            key.startswith("django-insecure-") or len(key) < SECRET_LENGTH or len(set(key)) < 5
        ):
            yield Error(
                f"{name} is a default value or easy to guess: "
                f"expected at least {SECRET_LENGTH} random characters.",
                hint="python -c 'import secrets; print(secrets.token_urlsafe(50))'",
                id="holdfast.E005",
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


def limits(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse limits that contradict each other."""
    if settings.HOLDFAST_SOFT_MARK >= settings.HOLDFAST_HARD_MARK:
        yield Error(
            f"HOLDFAST_SOFT_MARK is {settings.HOLDFAST_SOFT_MARK}: "
            f"expected less than HOLDFAST_HARD_MARK, {settings.HOLDFAST_HARD_MARK}.",
            hint="Otherwise a slow reader is disconnected before it is skipped.",
            id="holdfast.E007",
        )
    if settings.DATA_UPLOAD_MAX_MEMORY_SIZE < settings.HOLDFAST_MAX_MESSAGE_BYTES:
        yield checks.Warning(
            "DATA_UPLOAD_MAX_MEMORY_SIZE is below HOLDFAST_MAX_MESSAGE_BYTES: "
            "POST /api/commands accepts less than a socket.",
            id="holdfast.W001",
        )


def pool(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse a pool so small that threads wait for each other's connections."""
    needed = settings.HOLDFAST_READ_THREADS + CONNECTIONS_BESIDE_READS
    size = settings.HOLDFAST_DATABASE_POOL
    if size < needed:
        yield Error(
            f"HOLDFAST_DATABASE_POOL is {size}: expected at least {needed}, "
            f"for {settings.HOLDFAST_READ_THREADS} read threads, two of the writer, one request.",
            id="holdfast.E008",
        )


def waits(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse limits of waits that contradict each other; warn of those that outlast a drain."""
    lock: float = settings.HOLDFAST_LOCK_SECONDS
    statement: float = settings.HOLDFAST_STATEMENT_SECONDS
    if lock >= statement:
        yield Error(
            f"HOLDFAST_LOCK_SECONDS is {lock:g}: expected less than HOLDFAST_STATEMENT_SECONDS, "
            f"{statement:g}.",
            hint="Otherwise a wait for a lock is reported as a slow statement.",
            id="holdfast.E020",
        )
    if settings.HOLDFAST_CONNECT_SECONDS > settings.HOLDFAST_POOL_SECONDS:
        yield checks.Warning(
            f"HOLDFAST_POOL_SECONDS is {settings.HOLDFAST_POOL_SECONDS:g}: expected at least "
            f"HOLDFAST_CONNECT_SECONDS, {settings.HOLDFAST_CONNECT_SECONDS}.",
            hint="Otherwise callers give up before the connection that they wait for is made.",
            id="holdfast.W020",
        )
    if statement > settings.DRAIN_SECONDS + FINISH_SECONDS:
        yield checks.Warning(
            f"HOLDFAST_STATEMENT_SECONDS is {statement:g}: expected at most DRAIN_SECONDS and "
            f"{FINISH_SECONDS:g} s, {settings.DRAIN_SECONDS + FINISH_SECONDS:g}.",
            hint="Otherwise a node that stops cuts statements that could still succeed.",
            id="holdfast.W021",
        )
