"""Signing in to a deactivated account.

Only a person who knows the password learns that it is deactivated.
"""

import re
from datetime import UTC, datetime
from html import unescape
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override

from chat import services
from chat.models import SiteBan
from tests.conftest import PASSWORD

LOGIN = "/accounts/login/"
WHOM = "If you think this is a mistake, contact the site's administrators."


def told(client: Client, name: str, password: str, *, path: str = LOGIN, **headers: str) -> str:
    """Sign in, and return the errors of the form."""
    answer = client.post(path, {"username": name, "password": password}, headers=headers)
    assert answer.status_code == 200
    found = re.search(
        r'class="(?:form__error" role="alert|errornote)">(.*?)</p>',
        answer.content.decode(),
        re.DOTALL,
    )
    assert found
    return " ".join(
        unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", "", found[1], flags=re.DOTALL)).split()
    )


@pytest.fixture
def gone(bob: User, mona: User) -> User:
    """Bob, whose account Mona has deactivated."""
    services.deactivate(actor_id=mona.pk, user_id=bob.pk, reason="it was stolen")
    return bob


@pytest.mark.parametrize("path", [LOGIN, "/admin/login/"])
def test_the_owner_of_a_deactivated_account_learns_the_reason(
    client: Client, gone: User, path: str
) -> None:
    assert (
        told(client, "bob", PASSWORD, path=path)
        == f"A moderator deactivated this account. Reason: it was stolen. {WHOM}"
    )
    assert "sessionid" not in client.cookies


def test_the_reason_is_in_their_language(client: Client, gone: User) -> None:
    with override("de"):
        said = told(client, "bob", PASSWORD, **{"accept-language": "de"})
    assert said.startswith("Die Moderation hat dieses Konto deaktiviert. Grund: it was stolen. ")


def test_an_account_that_no_moderator_has_deactivated_has_no_reason(
    client: Client, gone: User, mona: User
) -> None:
    services.activate(actor_id=mona.pk, user_id=gone.pk)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert told(client, "bob", PASSWORD) == f"This account has been deactivated. {WHOM}"


def test_without_the_password_nothing_is_revealed(client: Client, gone: User, alice: User) -> None:
    answers, work = set(), set()
    for name in ("bob", "alice", "nobody", "holdfast"):
        with patch.object(
            MD5PasswordHasher, "encode", autospec=True, side_effect=MD5PasswordHasher.encode
        ) as encode:
            answers.add(told(client, name, "a wrong one"))
        work.add(encode.call_count)
    assert len(answers) == 1
    assert "deactivated" not in answers.pop()
    assert len(work) == 1


def test_an_account_that_is_active_again_lets_its_owner_in(
    client: Client, gone: User, mona: User
) -> None:
    services.activate(actor_id=mona.pk, user_id=gone.pk)
    assert client.post(LOGIN, {"username": "bob", "password": PASSWORD}).status_code == 302


def test_a_banned_user_sees_the_reason_after_signing_in(
    client: Client, bob: User, mona: User
) -> None:
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="threats", seconds=3600)
    SiteBan.objects.update(until=datetime(2100, 11, 24, 23, 30, tzinfo=UTC))
    client.cookies["timezone"] = "Europe%2FBerlin"
    answer = client.post(LOGIN, {"username": "bob", "password": PASSWORD}, follow=True)
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "threats</p>" in page
    assert "The ban ends on 25 Nov 2100, 00:30." in page


def test_a_ban_without_an_end_says_nothing_of_one(client: Client, bob: User, mona: User) -> None:
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="threats")
    client.force_login(bob)
    assert "by itself" not in client.get("/rooms/").content.decode()


@pytest.mark.parametrize("name", ["BOB", "Bob", "ｂｏｂ"])
def test_a_name_is_the_same_in_other_letters(client: Client, bob: User, name: str) -> None:
    answer = client.post(LOGIN, {"username": name, "password": PASSWORD})
    assert answer.status_code == 302
