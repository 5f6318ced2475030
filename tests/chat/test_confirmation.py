"""Sensitive changes ask for the password again, and lose nothing by it."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client

from realtime.auth import (
    Credentials,
    attempts,
    identify,
    issue_token,
    session_credential,
    session_ends,
)
from realtime.models import AccessToken, Revocation, UserSession
from tests.conftest import PASSWORD

CONFIRM = "/accounts/confirm/"


def long_ago(client: Client) -> None:
    """Let the time since the last password pass."""
    session = client.session
    session[session_ends.CONFIRMED] -= 16 * 60
    session.save()


def fields_of(answer: Any) -> dict[str, str]:
    """Return the hidden fields of the page that asks for the password."""
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Confirm it's you" in page
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def confirm(client: Client, fields: dict[str, str], password: str = PASSWORD) -> Any:
    return client.post(CONFIRM, {**fields, "confirm_password": password})


@pytest.fixture
def browser(bob: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"username": "bob", "password": PASSWORD})
    return client


def test_right_after_a_sign_in_nothing_is_asked(browser: Client) -> None:
    assert browser.post("/accounts/sessions/end-others/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_other_sessions_end_only_with_the_password(browser: Client, bob: User) -> None:
    other = Client()
    other.post("/accounts/login/", {"username": "bob", "password": PASSWORD})
    other.get("/accounts/")
    row = UserSession.objects.get(session_id=other.session.session_key)
    long_ago(browser)
    fields = fields_of(browser.post("/accounts/sessions/end/", {"session": row.pk}))
    assert other.get("/accounts/").status_code == 200
    wrong = confirm(browser, fields, "not the one")
    assert "That isn&#x27;t your password." in wrong.content.decode()
    assert fields_of(wrong) == fields
    former = browser.cookies["sessionid"].value
    answer = confirm(browser, fields)
    assert (answer.status_code, answer.headers["Location"]) == (307, "/accounts/sessions/end/")
    # A key that someone else has seen is worthless from now on, also for sockets.
    assert identify(Credentials(None, former)) is None
    assert identify(Credentials(None, browser.cookies["sessionid"].value)) is not None
    assert Revocation.objects.get().credential == session_credential(former)
    # As a browser does after 307.
    assert browser.post(answer.headers["Location"], {**fields}).status_code == 302
    assert other.get("/accounts/").status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/sessions/end/",
        "/accounts/sessions/end-others/",
        "/accounts/tokens/revoke/",
        "/accounts/data/",
    ],
)
def test_every_sensitive_form_of_the_account_asks(browser: Client, bob: User, path: str) -> None:
    issue_token(bob)
    long_ago(browser)
    assert fields_of(browser.post(path))["confirm_next"] == path
    assert AccessToken.objects.count() == 1
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    "path",
    [
        "auth/user/ID/change/",
        "auth/user/ID/password/",
        "auth/user/add/",
        "auth/group/GROUP/change/",
        "auth/group/GROUP/delete/",
        "realtime/accesstoken/add/",
        "chat/bulk/evidence/",
        "chat/bulk/own-data/",
        "chat/bulk/erase/",
    ],
)
def test_rights_exports_and_erasures_ask(client: Client, bob: User, path: str) -> None:
    client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    group = Group.objects.create(name="crew")
    long_ago(client)
    path = "/admin/" + path.replace("ID", str(bob.pk)).replace("GROUP", str(group.pk))
    fields = fields_of(client.post(path, {"reason": "why", "password1": "typed", "post": "yes"}))
    assert fields["reason"] == "why"
    assert "password1" not in fields
    assert Group.objects.filter(pk=group.pk).exists()


def test_a_form_in_which_a_password_is_typed_asks_before_it(client: Client, bob: User) -> None:
    client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    long_ago(client)
    path = f"/admin/auth/user/{bob.pk}/password/"
    answer = confirm(client, fields_of(client.get(path)))
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    assert client.get(path).status_code == 200


def test_the_password_is_not_guessed_here(browser: Client) -> None:
    long_ago(browser)
    fields = fields_of(browser.post("/accounts/sessions/end-others/"))
    for number in range(attempts.PAIR.free + 1):
        confirm(browser, fields, f"wrong {number}")
    assert confirm(browser, fields).status_code == 429


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", ""])
def test_nobody_is_led_to_another_site(browser: Client, target: str) -> None:
    answer = confirm(browser, {"confirm_next": target, "confirm_method": "POST"})
    assert answer.headers["Location"] == "/accounts/"


def test_strangers_are_not_asked(client: Client, db: None) -> None:
    assert (
        client.post("/accounts/sessions/end-others/")
        .headers["Location"]
        .startswith("/accounts/login/")
    )
    assert client.get(CONFIRM).status_code in (302, 405)
