"""Settings that contradict each other are refused, in words, before they lose anything."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from channels.layers import channel_layers
from django.conf import settings
from django.core.checks import CheckMessage
from django.test import override_settings

from realtime.site import checks
from realtime.site.checks import cluster, site, timeouts

Check = Callable[[None], Iterable[CheckMessage]]

REDIS_LAYER = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": ["redis://localhost"]},
    }
}
MEMORY_LAYER = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
REDIS_CACHE = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://localhost",
    }
}


def found(check: Check, **changed: Any) -> list[str | None]:
    with override_settings(**changed):
        return [message.id for message in check(None)]


def test_the_settings_of_the_tests_are_fine() -> None:
    assert [message for check in every() for message in check(None)] == []


def every() -> list[Check]:
    return [*checks.AT_EVERY_START]


@pytest.mark.parametrize(
    ("processes", "layer", "cache", "ids"),
    [
        (1, MEMORY_LAYER, settings.CACHES, []),
        (2, MEMORY_LAYER, REDIS_CACHE, ["holdfast.E001"]),
        (2, REDIS_LAYER, REDIS_CACHE, []),
        (2, REDIS_LAYER, settings.CACHES, ["holdfast.E002"]),
    ],
)
def test_several_processes_need_a_broker_and_a_shared_cache(
    processes: int, layer: Any, cache: Any, ids: list[str]
) -> None:
    before = channel_layers.backends
    channel_layers.backends = {}
    try:
        assert (
            found(
                cluster.processes, HOLDFAST_PROCESSES=processes, CHANNEL_LAYERS=layer, CACHES=cache
            )
            == ids
        )
    finally:
        channel_layers.backends = before


@pytest.mark.parametrize(
    ("debug", "https", "origins", "ids"),
    [
        (False, True, [], ["holdfast.E003"]),
        (True, False, [], []),
        (False, True, ["https://chat.example.org"], []),
        (False, True, ["https://chat.example.org", "http://chat.example.org"], ["holdfast.E004"]),
        (False, False, ["http://chat.example.org"], []),
    ],
)
def test_origins(debug: bool, https: bool, origins: list[str], ids: list[str]) -> None:
    assert found(site.origins, DEBUG=debug, HOLDFAST_HTTPS=https, ALLOWED_ORIGINS=origins) == ids


@pytest.mark.parametrize("key", ["django-insecure-" + "x1y2z3" * 10, "short", "a" * 60])
def test_a_secret_that_can_be_guessed(key: str) -> None:
    assert found(site.secret, SECRET_KEY=key) == ["holdfast.E005"]
    assert found(site.secret, SECRET_KEY_FALLBACKS=[key]) == ["holdfast.E005"]
    assert found(site.secret, SECRET_KEY=key, DEBUG=True) == []


def test_sqlite_is_for_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for engine, hosts, ids in (
        ("sqlite3", 2, ["holdfast.E006"]),
        ("postgresql", 2, []),
        ("sqlite3", 1, []),
    ):
        monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", f"django.db.backends.{engine}")
        assert found(cluster.one_machine, HOLDFAST_HOSTS=hosts) == ids


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({}, []),
        ({"HOLDFAST_LOCK_SECONDS": 15.0}, ["holdfast.E020"]),
        ({"HOLDFAST_CONNECT_SECONDS": 6}, ["holdfast.W020"]),
        ({"HOLDFAST_STATEMENT_SECONDS": 600.0}, ["holdfast.W021"]),
        ({"HOLDFAST_STATEMENT_SECONDS": 30.0, "DRAIN_SECONDS": 20.0}, []),
    ],
)
def test_limits_of_waits_that_contradict_each_other(values: dict[str, Any], ids: list[str]) -> None:
    assert found(timeouts.waits, **values) == ids


def test_marks_in_the_wrong_order() -> None:
    assert found(timeouts.limits, HOLDFAST_SOFT_MARK=10, HOLDFAST_HARD_MARK=10) == ["holdfast.E007"]


def test_bodies_smaller_than_messages() -> None:
    assert found(timeouts.limits, DATA_UPLOAD_MAX_MEMORY_SIZE=1000) == ["holdfast.W001"]


def test_a_pool_too_small_for_the_threads() -> None:
    assert found(cluster.pool, HOLDFAST_READ_THREADS=4, HOLDFAST_DATABASE_POOL=8) == [
        "holdfast.E008"
    ]
    assert found(cluster.pool, HOLDFAST_READ_THREADS=4, HOLDFAST_DATABASE_POOL=9) == []
