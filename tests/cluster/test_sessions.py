"""Sessions with a copy in the cache: a lost copy, a late one, and an unreachable cache."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from realtime.auth import cached_sessions
from realtime.auth.cached_sessions import COPY_SECONDS, SessionStore
from realtime.core import history

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies belong to an epoch, which the hub of a node reads."""
    monkeypatch.setattr(history.current, "name", "e-1")


@pytest.fixture
def no_cache() -> Iterator[None]:
    """Redis is away."""
    redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": NOBODY_LISTENS}
    with override_settings(CACHES={"default": redis}):
        yield
    SessionStore._away_until = 0.0


@pytest.fixture
def alice_signed_in(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


@pytest.mark.django_db
def test_a_page_takes_the_session_from_the_cache(alice_signed_in: Client) -> None:
    alice_signed_in.get("/accounts/")
    with CaptureQueriesContext(connection) as queries:
        assert alice_signed_in.get("/accounts/").status_code == 200
    assert [each["sql"] for each in queries if "django_session" in each["sql"]] == []


@pytest.mark.django_db
def test_a_lost_cache_signs_nobody_out(alice_signed_in: Client) -> None:
    caches["default"].clear()
    assert alice_signed_in.get("/accounts/").status_code == 200


@pytest.mark.django_db
def test_without_the_cache_people_sign_in_and_out(no_cache: None, alice_signed_in: Client) -> None:
    assert alice_signed_in.get("/accounts/").status_code == 200
    assert alice_signed_in.post("/accounts/logout/").status_code == 302
    assert Session.objects.count() == 0
    assert alice_signed_in.get("/accounts/").status_code == 302


@pytest.mark.django_db
def test_a_cache_that_failed_is_left_alone_for_a_while(
    no_cache: None, alice_signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(caches["default"], "get", lambda key: asked.append(key))
    alice_signed_in.get("/accounts/")
    assert asked == []


@pytest.mark.django_db
def test_a_copy_that_could_not_be_deleted_ends_soon(
    alice_signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    cache = caches["default"]
    put = cache.set

    def noted(key: str, data: object, seconds: int) -> None:
        kept.append(seconds)
        put(key, data, seconds)

    monkeypatch.setattr(cache, "set", noted)
    cache.clear()
    alice_signed_in.get("/accounts/")
    assert kept == [COPY_SECONDS]
    assert cached_sessions.COPY_SECONDS <= 60


@pytest.mark.django_db(transaction=True)
async def test_async_callers_get_the_same() -> None:
    session = SessionStore()
    await session.aset("colour", "green")
    await session.asave()
    again = SessionStore(session.session_key)
    assert await again.aget("colour") == "green"
    await again.adelete()
    assert await SessionStore(session.session_key).aget("colour") is None


@pytest.mark.django_db
def test_a_copy_from_before_a_restored_backup_signs_nobody_in(
    alice_signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert alice_signed_in.get("/accounts/").status_code == 200
    Session.objects.all().delete()  # as an older database, which never had it
    assert alice_signed_in.get("/accounts/").status_code == 200
    monkeypatch.setattr(history.current, "name", "e-2")
    assert alice_signed_in.get("/accounts/").status_code == 302
