"""Sessions: the cookie authenticates, is never changed, and costs few queries."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import override_settings
from django.utils import timezone

from realtime import auth
from realtime.auth import (
    Credentials,
    accounts,
    identify,
    identify_each,
    issue_token,
    session_credential,
)
from realtime.auth.handshake import bearer, socket_credentials, subprotocol
from realtime.protocol.errors import Forbidden
from tests.realtime.conftest import SignIn, account_of, by_session

pytestmark = pytest.mark.django_db


def test_a_session_lets_its_owner_in(alice: User, sign_in: SignIn) -> None:
    key = sign_in(alice)
    identity = by_session(key)
    account = account_of(identity)
    assert (account.user_id, account.username, account.name) == (alice.pk, "alice", "Alice")
    assert account.credential == session_credential(key)
    assert key not in account.credential
    assert identity is not None
    assert identity.caller.credential == account.credential


def test_a_session_says_when_it_expires(alice: User, sign_in: SignIn) -> None:
    assert (
        account_of(by_session(sign_in(alice))).expires_at
        == Session.objects.get().expire_date.timestamp()
    )


def test_an_expired_session_lets_nobody_in(alice: User, sign_in: SignIn) -> None:
    key = sign_in(alice)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert by_session(key) is None


def test_a_session_that_was_deleted_lets_nobody_in_even_if_a_cache_still_has_it(
    alice: User, sign_in: SignIn
) -> None:
    key = sign_in(alice)
    Session.objects.all().delete()
    assert by_session(key) is None


def test_a_session_from_before_a_password_change_lets_nobody_in(
    alice: User, sign_in: SignIn
) -> None:
    key = sign_in(alice)
    alice.set_password("something else entirely")
    alice.save()
    assert by_session(key) is None


def test_a_deactivated_user_is_not_let_in(alice: User, sign_in: SignIn) -> None:
    key = sign_in(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert by_session(key) is None


def test_a_rotated_secret_logs_nobody_out_and_changes_no_session(
    alice: User, sign_in: SignIn
) -> None:
    key = sign_in(alice)
    before = Session.objects.get().session_data
    with override_settings(SECRET_KEY="another-secret", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert by_session(key) is not None
    assert Session.objects.get().session_data == before


def test_a_session_of_a_backend_that_is_no_longer_in_use_lets_nobody_in(
    alice: User, sign_in: SignIn
) -> None:
    key = sign_in(alice)
    with override_settings(
        AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.RemoteUserBackend"]
    ):
        assert by_session(key) is None


@pytest.mark.parametrize("nonsense", ["", "short", "\x00" * 32, "x" * 5000, "ü" * 32])
def test_nonsense_lets_nobody_in(db: None, nonsense: str) -> None:
    assert by_session(nonsense) is None


def test_an_anonymous_session_lets_nobody_in(db: None) -> None:
    from realtime.auth.cached_sessions import SessionStore

    store = SessionStore()
    store["colour"] = "blue"
    store.save()
    assert by_session(store.session_key or "") is None


def test_no_credentials_let_nobody_in(db: None) -> None:
    assert identify(Credentials(None, None)) is None


def test_a_session_costs_two_queries(
    alice: User, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    key = sign_in(alice)
    with django_assert_num_queries(2 + len(accounts._connection_checks)):
        by_session(key)


def test_sessions_without_a_table_work(alice: User, sign_in: SignIn) -> None:
    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cache"):
        account = account_of(by_session(sign_in(alice)))
    assert account.user_id == alice.pk
    assert account.expires_at is not None


def test_moderators_are_a_group_and_administrators(people: Any, sign_in: SignIn) -> None:
    group, _ = Group.objects.get_or_create(name=auth.MODERATORS)
    people.bob.groups.add(group)
    User.objects.filter(pk=people.charlie.pk).update(is_superuser=True)
    moderators = {
        who.username: account_of(by_session(sign_in(who))).is_moderator
        for who in (people.alice, people.bob, people.charlie)
    }
    assert moderators == {"alice": False, "bob": True, "charlie": True}


def test_a_gate_keeps_an_account_out_with_its_reason(
    alice: User, bob: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_connection_checks", [])
    spam = Forbidden("Spam.")
    auth.register_connection_check(
        lambda user_ids: {alice.pk: spam} if alice.pk in user_ids else {}
    )
    assert account_of(by_session(sign_in(alice))).banned is spam
    assert account_of(by_session(sign_in(bob))).banned is None


def test_a_token_comes_before_a_cookie() -> None:
    cookie = {"cookie": ["theme=dark; sessionid=s3cr3t-session"]}
    assert socket_credentials(cookie, []) == Credentials(None, "s3cr3t-session")
    assert socket_credentials({**cookie, "authorization": ["Bearer hf_1"]}, []) == Credentials(
        "hf_1", "s3cr3t-session"
    )
    assert socket_credentials(cookie, ["holdfast.v1", "bearer.hf_2"]) == Credentials(
        "hf_2", "s3cr3t-session"
    )
    assert socket_credentials({}, ["holdfast.v1"]) == Credentials(None, None)
    assert socket_credentials({"cookie": ["=;;\x01"]}, []) == Credentials(None, None)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc ", "abc"),
        ("Basic abc", None),
        ("", None),
        ("Bearer", ""),
        ("Bearer ", ""),
    ],
)
def test_the_authorization_header(header: str, token: str | None) -> None:
    assert bearer(header) == token


def test_our_subprotocol_is_answered_to_who_offers_it() -> None:
    assert subprotocol(["bearer.hf_1", "holdfast.v1"]) == "holdfast.v1"
    assert subprotocol(["bearer.hf_1"]) is None
    assert subprotocol([]) is None


def test_many_who_come_at_once_cost_no_more_queries_than_one(
    alice: User, bob: User, django_assert_num_queries: Any
) -> None:
    tokens = [issue_token(alice), issue_token(bob)]
    asked = [Credentials(token, None) for token in tokens] * 2 + [
        Credentials("hf_nobody", None),
        Credentials(tokens[0], "a-cookie"),
    ]
    with django_assert_num_queries(1 + len(accounts._connection_checks)):
        found = identify_each(asked)
    assert [each and each.account.username for each in found] == [
        "alice",
        "bob",
        "alice",
        "bob",
        None,
        "alice",
    ]
