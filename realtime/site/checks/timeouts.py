"""Limits that contradict each other, or those of the proxy and of the supervisor."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from realtime.core.drain import AFTER_DRAIN_SECONDS

# From SIGTERM on, besides DRAIN_SECONDS: FINISH_SECONDS of realtime/server/server.py.
FINISH_SECONDS: Final = 10.0
# Limits of nginx/*.template; a test compares them.
NGINX_BODY_BYTES: Final = 2_621_440  # client_max_body_size
NGINX_CLIENT_CONNECTIONS: Final = 60  # limit_conn of one session
NGINX_CLIENT_REQUESTS: Final = 50  # limit_req of one session, per second


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


def proxy(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse silences that the proxy ends first."""
    patience: int = settings.HOLDFAST_PROXY_SECONDS
    for name, effect in [
        ("HOLDFAST_PING_AFTER_SECONDS", "the proxy closes every silent socket before its ping"),
        ("HOLDFAST_LONG_POLL_MAX_SECONDS", "the proxy answers long polls with 504"),
        ("HOLDFAST_HANDSHAKE_SECONDS", "the proxy gives up handshakes that a node still answers"),
    ]:
        seconds = getattr(settings, name)
        if seconds >= patience:
            yield Error(
                f"{name} is {seconds:g}, but HOLDFAST_PROXY_SECONDS is {patience}: {effect}.",
                hint=f"Set {name} below it, or raise the timeout of the proxy "
                "(NGINX_READ_TIMEOUT) and HOLDFAST_PROXY_SECONDS with it.",
                id="holdfast.E013",
            )


def supervisor(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse a drain that the supervisor cuts short."""
    needed = settings.DRAIN_SECONDS + AFTER_DRAIN_SECONDS
    if needed > settings.HOLDFAST_STOP_SECONDS:
        yield Error(
            f"DRAIN_SECONDS is {settings.DRAIN_SECONDS:g}, and a node takes up to "
            f"{AFTER_DRAIN_SECONDS:g} s more, but HOLDFAST_STOP_SECONDS is "
            f"{settings.HOLDFAST_STOP_SECONDS}: the supervisor kills nodes that still have "
            "clients.",
            hint=f"Raise the supervisor's limit (systemd: TimeoutStopSec, compose: "
            "stop_grace_period, Kubernetes: terminationGracePeriodSeconds) and "
            f"HOLDFAST_STOP_SECONDS to {needed:g} or more, or lower DRAIN_SECONDS.",
            id="holdfast.E014",
        )


def nginx(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Warn of limits that the nginx in front enforces earlier."""
    for name, limit, place in [
        ("HOLDFAST_MAX_BODY_BYTES", NGINX_BODY_BYTES, "client_max_body_size in nginx.conf"),
        ("HOLDFAST_MAX_SOCKETS_PER_USER", NGINX_CLIENT_CONNECTIONS, "limit_conn in locations.conf"),
        ("HOLDFAST_COMMAND_RATE", NGINX_CLIENT_REQUESTS, "limit_req in limits.conf"),
    ]:
        value = getattr(settings, name)
        if value > limit:
            yield checks.Warning(
                f"{name} is {value:g}, but nginx/ refuses more than {limit}.",
                hint=f"Raise {place} too. Another proxy may have a limit of its own.",
                id="holdfast.W011",
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
