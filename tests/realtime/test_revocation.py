"""Promise 6: a hidden row of the personal stream notifies every node of a revocation."""

import time
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from realtime import auth
from realtime.auth import accounts, session_credential
from realtime.auth.revocation import (
    DEACTIVATED,
    EXPIRED,
    LOGGED_OUT,
    PASSWORD_CHANGED,
    REVOKED,
    access_ends,
    end_sessions,
    end_sessions_within,
    personal_stream,
    revocation_events,
)
from realtime.core import reads
from realtime.core.heads import changing
from realtime.models import AccessToken, Revocation
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import Forbidden
from realtime.protocol.page import AccessEnd
from tests.conftest import PASSWORD
from tests.realtime.conftest import SignIn, account_of, by_session, by_token

pytestmark = pytest.mark.django_db


def ends(user: User) -> list[AccessEnd | None]:
    return [event.end for event in revocation_events(str(user.pk), 0, 100)]


def test_an_end_is_an_event_that_nobody_is_shown(alice: User) -> None:
    end_sessions(alice.pk, code=CloseCode.BANNED, reason="Spam.")
    (event,) = reads.page(personal_stream(alice.pk), 0).events
    assert (event.seq, event.body, event.end) == (1, None, AccessEnd(alice.pk, None, 4503, "Spam."))


def test_an_end_can_be_part_of_a_larger_change(alice: User) -> None:
    stream = personal_stream(alice.pk)
    with changing(stream) as heads:
        end_sessions_within(
            heads, alice.pk, code=CloseCode.SESSION_ENDED, reason="first", credential="session:1"
        )
        end_sessions_within(heads, alice.pk, code=CloseCode.BANNED, reason="second")
    assert ends(alice) == [
        AccessEnd(alice.pk, "session:1", 4502, "first"),
        AccessEnd(alice.pk, None, 4503, "second"),
    ]
    assert reads.heads([stream]) == {stream: 2}


def test_ends_are_read_by_position(alice: User, bob: User) -> None:
    for reason in ("one", "two", "three"):
        end_sessions(alice.pk, code=CloseCode.SESSION_ENDED, reason=reason)
    end_sessions(bob.pk, code=CloseCode.SESSION_ENDED, reason="not Alice's")
    assert [event.seq for event in revocation_events(str(alice.pk), 1, 1)] == [2]


def test_a_long_reason_is_cut_to_fit_a_close_frame(alice: User) -> None:
    end_sessions(alice.pk, code=CloseCode.BANNED, reason="x" * 500)
    assert len(Revocation.objects.get().reason) == 100


@pytest.mark.django_db(transaction=True)
class TestSignals:
    def test_signing_out_ends_the_sockets_of_that_session_only(
        self, alice: User, client: Client
    ) -> None:
        client.force_login(alice)
        key = client.cookies["sessionid"].value
        client.post("/accounts/logout/")
        assert ends(alice) == [
            AccessEnd(alice.pk, session_credential(key), CloseCode.SESSION_ENDED, LOGGED_OUT)
        ]

    def test_a_session_is_deleted_before_its_sockets_close(
        self, alice: User, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client.force_login(alice)
        key = client.cookies["sessionid"].value
        known_at_the_end: list[Any] = []
        monkeypatch.setattr(
            "realtime.auth.revocation.end_sessions",
            lambda *_, **__: known_at_the_end.append(by_session(key)),
        )
        client.post("/accounts/logout/")
        assert known_at_the_end == [None]

    def test_signing_out_without_being_signed_in_ends_nothing(self, client: Client) -> None:
        client.post("/accounts/logout/")
        assert not Revocation.objects.exists()

    def test_a_new_password_ends_everything(self, alice: User) -> None:
        alice.set_password("something else entirely")
        alice.save()
        assert ends(alice) == [AccessEnd(alice.pk, None, CloseCode.SESSION_ENDED, PASSWORD_CHANGED)]

    def test_a_deactivation_ends_everything(self, alice: User) -> None:
        alice.is_active = False
        alice.save(update_fields=["is_active"])
        assert ends(alice) == [AccessEnd(alice.pk, None, CloseCode.SESSION_ENDED, DEACTIVATED)]

    def test_a_deactivation_in_the_admin_ends_everything(self, alice: User, client: Client) -> None:
        client.force_login(User.objects.create_superuser("root", password="root"))
        # Is_active is not ticked.
        form = {"username": "alice", "date_joined_0": "2026-11-24", "date_joined_1": "10:00:00"}
        assert client.post(f"/admin/auth/user/{alice.pk}/change/", form).status_code == 302
        assert [end and end.reason for end in ends(alice)] == [DEACTIVATED]

    def test_other_changes_of_a_user_end_nothing(
        self, alice: User, client: Client, django_assert_num_queries: Any
    ) -> None:
        alice.first_name = "Alicia"
        alice.save()
        with django_assert_num_queries(1):
            alice.save(update_fields=["last_login"])
        client.login(username="alice", password=PASSWORD)
        assert not Revocation.objects.exists()

    def test_a_new_user_has_nothing_to_end(self) -> None:
        User.objects.create_user("dora", password="dora")
        assert not Revocation.objects.exists()


def test_accounts_that_are_not_revoked_keep_access(alice: User, bob: User, sign_in: SignIn) -> None:
    assert access_ends([account_of(by_session(sign_in(user))) for user in (alice, bob)]) == {}
    assert access_ends([]) == {}


def test_a_change_past_every_signal_is_found(
    alice: User, bob: User, charlie: User, sign_in: SignIn
) -> None:
    known = [account_of(by_session(sign_in(user))) for user in (alice, bob, charlie)]
    User.objects.filter(pk=alice.pk).update(is_active=False)
    User.objects.filter(pk=bob.pk).update(password="another")
    User.objects.filter(pk=charlie.pk).delete()
    reasons = {account.username: end.reason for account, end in access_ends(known).items()}
    assert reasons == {"alice": DEACTIVATED, "bob": PASSWORD_CHANGED, "charlie": DEACTIVATED}


def test_an_expiry_is_found(alice: User, sign_in: SignIn) -> None:
    account = account_of(by_session(sign_in(alice)))
    expired = replace(account, expires_at=time.time() - 1)
    assert access_ends([account, expired]) == {
        expired: AccessEnd(alice.pk, expired.credential, CloseCode.SESSION_ENDED, EXPIRED)
    }


def test_a_session_that_ended_while_its_socket_was_opening_is_found(
    alice: User, sign_in: SignIn
) -> None:
    ended, other = (account_of(by_session(sign_in(alice))) for _ in range(2))
    end_sessions(
        alice.pk, code=CloseCode.SESSION_ENDED, reason=LOGGED_OUT, credential=ended.credential
    )
    assert access_ends([ended, other]) == {
        ended: AccessEnd(alice.pk, ended.credential, CloseCode.SESSION_ENDED, REVOKED)
    }


def test_a_ban_is_found(
    alice: User, bob: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [account_of(by_session(sign_in(user))) for user in (alice, bob)]
    monkeypatch.setattr(accounts, "_connection_checks", [])
    spam = Forbidden("Spam.")
    auth.register_connection_check(lambda user_ids: dict.fromkeys({alice.pk} & set(user_ids), spam))
    assert access_ends(known) == {known[0]: AccessEnd(alice.pk, None, CloseCode.BANNED, "Spam.")}


def test_everybody_is_looked_at_in_a_few_queries(
    alice: User, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    account = account_of(by_session(sign_in(alice)))
    many = [replace(account, credential=f"session:{number}") for number in range(1500)]
    with django_assert_num_queries(2 * (2 + len(accounts._connection_checks))):
        access_ends(many)


def test_a_token_whose_row_is_gone_is_found(alice: User) -> None:
    account = account_of(by_token(auth.issue_token(alice)))
    assert access_ends([account]) == {}
    AccessToken.objects.all().delete()
    assert access_ends([account])[account].code == 4502
