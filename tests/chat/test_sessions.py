"""People see where they are signed in, and end it; each token shows its last use."""

import logging
from datetime import timedelta
from importlib import import_module
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from realtime.auth import issue_token, last_seen, session_credential
from realtime.models import AccessToken, Revocation, UserSession
from tests.conftest import PASSWORD

PAGE = "/accounts/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def signed_in(user: User, *, browser: str = FIREFOX, at: str = "203.0.113.9") -> Client:
    client = Client(headers={"user-agent": browser}, REMOTE_ADDR=at)
    values = {"username": user.username, "password": PASSWORD}
    assert client.post("/accounts/login/", values).status_code == 302
    return client


def key_of(client: Client) -> str:
    return str(client.session.session_key)


def is_signed_in(client: Client) -> bool:
    return client.get("/accounts/").status_code == 200


@pytest.fixture(autouse=True)
def nothing_seen_yet() -> None:
    last_seen._recent.clear()


def test_the_list_names_browser_network_and_times(bob: User) -> None:
    here = signed_in(bob)
    signed_in(bob, browser=IPHONE, at="2001:db8:1:2::3")
    page = here.get(PAGE).content.decode()
    assert "Firefox · Linux" in page
    assert "Safari · iPhone" in page
    assert "Network 203.0.113.0/24. Signed in" in page
    assert "2001:db8:1::/48" in page
    assert "203.0.113.9" not in page
    assert page.count("This browser") == 1
    assert key_of(here) not in page


def test_nobody_sees_or_ends_the_sessions_of_others(alice: User, bob: User) -> None:
    hers = signed_in(alice, browser=IPHONE)
    his = signed_in(bob)
    assert "iPhone" not in his.get(PAGE).content.decode()
    row = UserSession.objects.get(session_id=key_of(hers))
    his.post(f"{PAGE}end/", {"session": row.pk})
    assert is_signed_in(hers)


def test_one_session_ends_with_its_sockets(bob: User, caplog: pytest.LogCaptureFixture) -> None:
    here, there = signed_in(bob), signed_in(bob, browser=IPHONE)
    key = key_of(there)
    row = UserSession.objects.get(session_id=key)
    with caplog.at_level(logging.INFO, "holdfast.access"):
        answer = here.post(f"{PAGE}end/", {"session": row.pk}, follow=True)
    assert "That browser has been signed out." in answer.content.decode()
    assert not is_signed_in(there)
    assert is_signed_in(here)
    ends = Revocation.objects.filter(user=bob).values_list("credential", flat=True)
    assert list(ends) == [session_credential(key)]
    assert not UserSession.objects.filter(pk=row.pk).exists()
    assert "sessions ended" in caplog.text
    assert key not in caplog.text


def test_all_others_end_at_once(bob: User) -> None:
    here, others = signed_in(bob), [signed_in(bob) for _ in range(3)]
    answer = here.post(f"{PAGE}end-others/", follow=True)
    assert "3 other browsers have been signed out." in answer.content.decode()
    assert is_signed_in(here)
    assert not any(is_signed_in(other) for other in others)
    assert Revocation.objects.filter(user=bob).count() == 3


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "9" * 30, "²"])
def test_made_up_numbers_end_nothing(bob: User, number: str) -> None:
    here, there = signed_in(bob), signed_in(bob)
    assert here.post(f"{PAGE}end/", {"session": number}).status_code == 302
    assert here.post("/accounts/tokens/revoke/", {"token": number}).status_code == 302
    assert is_signed_in(there)


def test_it_needs_a_sign_in_and_a_post(client: Client, bob: User) -> None:
    for path in (PAGE, f"{PAGE}end/", f"{PAGE}end-others/", "/accounts/tokens/revoke/"):
        assert client.get(path).headers["Location"].startswith("/accounts/login/")
    here = signed_in(bob)
    for path in (f"{PAGE}end/", f"{PAGE}end-others/", "/accounts/tokens/revoke/"):
        assert here.get(path).status_code == 405


def test_a_new_password_leaves_one_session_in_the_list(bob: User) -> None:
    here = signed_in(bob)
    new = "another long sentence"
    values = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post("/accounts/password_change/", values).status_code == 302
    here.get(PAGE)
    assert list(UserSession.objects.values_list("session_id", flat=True)) == [key_of(here)]


def test_a_sign_out_leaves_no_row(bob: User) -> None:
    here = signed_in(bob)
    here.get(PAGE)
    here.post("/accounts/logout/")
    assert not UserSession.objects.exists()


def test_an_expired_session_is_not_listed_and_leaves_with_a_retention_run(bob: User) -> None:
    here, there = signed_in(bob), signed_in(bob, browser=IPHONE)
    Session.objects.filter(pk=key_of(there)).update(expire_date=timezone.now() - timedelta(days=1))
    assert "iPhone" not in here.get(PAGE).content.decode()
    call_command("retention", stdout=StringIO())
    assert list(UserSession.objects.values_list("session_id", flat=True)) == [key_of(here)]


def test_last_use_moves_with_pages_and_calls_but_not_with_each(bob: User) -> None:
    here = signed_in(bob)
    here.get(PAGE)
    long_ago = timezone.now() - timedelta(days=3)

    def seen_again() -> bool:
        return UserSession.objects.filter(last_seen_at__gt=long_ago).exists()

    UserSession.objects.update(last_seen_at=long_ago)
    here.get(PAGE)
    assert not seen_again()
    last_seen._recent.clear()
    here.get("/api/rooms/")
    assert seen_again()


def test_a_row_that_cannot_be_written_fails_no_page(
    bob: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    table = SimpleNamespace(objects=SimpleNamespace(filter=locked))
    monkeypatch.setattr(last_seen, "UserSession", table)
    assert is_signed_in(signed_in(bob))
    assert "last use was not written" in caplog.text


def test_a_token_shows_its_last_use_and_is_revoked_by_its_owner(alice: User, bob: User) -> None:
    token = issue_token(bob)
    row = AccessToken.objects.get()
    here = signed_in(bob)
    assert "Never used." in here.get(PAGE).content.decode()
    bearer = {"authorization": f"Bearer {token}"}
    assert Client().get("/api/rooms/", headers=bearer).status_code == 200
    assert "Never used." not in here.get(PAGE).content.decode()
    signed_in(alice).post("/accounts/tokens/revoke/", {"token": row.pk})
    assert Client().get("/api/rooms/", headers=bearer).status_code == 200
    here.post("/accounts/tokens/revoke/", {"token": row.pk})
    assert Client().get("/api/rooms/", headers=bearer).status_code == 401


def test_sessions_of_before_are_listed_by_the_migration(bob: User) -> None:
    here = signed_in(bob)
    UserSession.objects.all().delete()
    Session.objects.create(
        session_key="other", session_data="broken", expire_date=timezone.now() + timedelta(days=1)
    )
    migration = import_module("realtime.migrations.0004_sessions")
    migration.fill(apps, None)
    assert list(UserSession.objects.values_list("user_id", "session_id")) == [
        (bob.pk, key_of(here))
    ]


@pytest.mark.parametrize(
    ("description", "browser"),
    [
        (FIREFOX, "Firefox · Linux"),
        (IPHONE, "Safari · iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) … Chrome/130.0 Safari/537.36 Edg/130.0", "Edge · Windows"),
        ("Mozilla/5.0 (Linux; Android 15) … Chrome/130.0 Mobile Safari/537.36", "Chrome · Android"),
        ("curl/8.5", ""),
        ("", ""),
    ],
)
def test_browsers_are_named(description: str, browser: str) -> None:
    assert last_seen.browser_of(description) == browser


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", ""),
        ("a socket", ""),
    ],
)
def test_addresses_are_shortened(address: str, block: str) -> None:
    assert last_seen.address_block(address) == block


def test_sessions_without_a_table_are_not_listed(bob: User, settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    here = signed_in(bob)
    assert here.get(PAGE).status_code == 200
    assert not UserSession.objects.exists()
