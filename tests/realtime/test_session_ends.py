"""A session ends without use, and at the latest some days after the sign-in."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore as RowStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from realtime.auth import issue_token, last_seen, session_ends
from realtime.auth.accounts import Credentials, identify, session_ends_of
from realtime.models import UserSession
from tests.conftest import PASSWORD

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def nothing_seen_yet() -> Iterator[None]:
    last_seen._recent.clear()
    yield
    last_seen._recent.clear()


@pytest.fixture
def browser(bob: User) -> Client:
    client = Client()
    fields = {"username": "bob", "password": PASSWORD}
    assert client.post("/accounts/login/", fields).status_code == 302
    return client


def row_of(client: Client) -> Session:
    return Session.objects.get(pk=client.cookies["sessionid"].value)


def days_left(client: Client) -> float:
    return (row_of(client).expire_date - timezone.now()) / DAY


def signed_in_before(client: Client, days: float) -> None:
    """Move the sign-in into the past, as if the session had been used since."""
    row = row_of(client)
    data = row.get_decoded()
    data[session_ends.SIGNED_IN] -= round(days * DAY.total_seconds())
    Session.objects.filter(pk=row.pk).update(session_data=RowStore().encode(data))


def is_signed_in(client: Client) -> tuple[bool, bool, bool]:
    """Whether a page, the API and a handshake accept its session."""
    key = client.cookies["sessionid"].value
    return (
        client.get("/accounts/").status_code == 200,
        client.get("/api/rooms/").status_code == 200,
        identify(Credentials(None, key)) is not None,
    )


def test_a_session_in_use_ends_later_and_one_without_use_ends(browser: Client) -> None:
    assert 13.9 < days_left(browser) <= 14
    Session.objects.update(expire_date=timezone.now() + DAY)
    last_seen._recent.clear()
    browser.get("/accounts/")
    assert 13.9 < days_left(browser) <= 14
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert is_signed_in(browser) == (False, False, False)


def test_requests_of_the_api_are_use_as_well(browser: Client) -> None:
    browser.get("/accounts/")
    last_seen._recent.clear()
    Session.objects.update(expire_date=timezone.now() + DAY)
    browser.get("/api/rooms/")
    assert days_left(browser) > 13.9


def test_a_session_ends_thirty_days_after_the_sign_in_however_much_it_is_used(
    browser: Client,
) -> None:
    signed_in_before(browser, 29.9)
    assert is_signed_in(browser) == (True, True, True)
    signed_in_before(browser, 0.2)
    assert days_left(browser) > 1
    assert is_signed_in(browser) == (False, False, False)


def test_a_session_that_has_ended_is_not_listed(browser: Client, bob: User) -> None:
    browser.get("/accounts/")
    UserSession.objects.update(created_at=timezone.now() - 31 * DAY)
    other = Client()
    other.post("/accounts/login/", {"username": "bob", "password": PASSWORD})
    other.get("/accounts/")
    assert len(other.get("/accounts/sessions/").context["sessions"]) == 1


def test_a_shorter_setting_counts_at_once(browser: Client, settings: object) -> None:
    signed_in_before(browser, 3)
    settings.HOLDFAST_SESSION_DAYS = 2  # type: ignore[attr-defined]
    assert is_signed_in(browser) == (False, False, False)


def test_a_socket_closes_at_the_absolute_end(browser: Client) -> None:
    signed_in_before(browser, 29)
    found = identify(Credentials(None, browser.cookies["sessionid"].value))
    assert found is not None
    assert found.account.expires_at is not None
    assert 0.9 < (found.account.expires_at - time.time()) / DAY.total_seconds() < 1.1


def test_the_cookie_lives_until_the_absolute_end(browser: Client) -> None:
    assert 29.9 < int(browser.cookies["sessionid"]["max-age"]) / DAY.total_seconds() <= 30


def test_a_session_of_before_is_not_prolonged_for_ever(browser: Client) -> None:
    """Sessions that were made by an older version do not know their sign-in."""
    row = row_of(browser)
    data = row.get_decoded()
    del data[session_ends.SIGNED_IN]
    end = timezone.now() + DAY
    Session.objects.update(session_data=RowStore().encode(data), expire_date=end)
    UserSession.objects.update(created_at=timezone.now() - 31 * DAY)
    assert is_signed_in(browser) == (True, True, True)
    assert row_of(browser).expire_date == end


def test_a_connection_learns_that_its_session_was_used(browser: Client, bob: User) -> None:
    found = identify(Credentials(None, browser.cookies["sessionid"].value))
    other = identify(Credentials(issue_token(bob), None))
    assert found is not None
    assert other is not None
    browser.get("/accounts/")
    assert list(session_ends_of([found.account, other.account])) == [found.account]
    browser.post("/accounts/logout/")
    assert session_ends_of([found.account]) == {}
