"""Mona signs Bob out everywhere, deactivates his account and activates it again.

Nobody can do that to the staff.
"""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from chat import services
from chat.models import SYSTEM_USERNAME, ModerationLog, Room
from realtime.auth import Credentials, identify, issue_token
from realtime.auth.revocation import access_ends
from realtime.models import AccessToken, Revocation
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound
from realtime.protocol.page import AccessEnd
from tests.chat.conftest import membership, notices
from tests.support.replay import Verify

SERVICES = (services.sign_out_everywhere, services.deactivate, services.activate)


def signed_in(user: User) -> tuple[Client, str]:
    browser = Client()
    browser.force_login(user)
    return browser, browser.session.session_key or ""


def is_in(browser: Client) -> bool:
    return browser.get("/accounts/").status_code == 200


def test_signing_out_everywhere_ends_all_sessions_and_tokens(
    verify: Verify, bob: User, alice: User, mona: User
) -> None:
    (first, _), (second, _), (other, _) = signed_in(bob), signed_in(bob), signed_in(alice)
    issue_token(bob)
    issue_token(alice)
    assert is_in(first)
    with verify() as change:
        services.sign_out_everywhere(actor_id=mona.pk, user_id=bob.pk, reason="a lost phone")
    everywhere = AccessEnd(bob.pk, None, CloseCode.SESSION_ENDED, "signed out")
    ends = change.ends(f"inbox.{bob.pk}")
    assert ends[0] == everywhere
    assert [end.credential is None for end in ends] == [True, False, False]
    assert [is_in(browser) for browser in (first, second, other)] == [False, False, True]
    assert AccessToken.objects.get().user == alice
    assert is_in(signed_in(bob)[0])
    entry = ModerationLog.objects.get(action="sign_out")
    assert (entry.actor, entry.subject, entry.reason) == (mona, bob, "a lost phone")
    assert notices(bob) == [("moderation", "Mona, a site moderator, signed you out on all devices")]


def test_a_socket_whose_handshake_was_faster_is_found(bob: User, mona: User) -> None:
    _, key = signed_in(bob)
    found = identify(Credentials(token=None, session=key))
    assert found is not None
    assert access_ends([found.account]) == {}
    services.sign_out_everywhere(actor_id=mona.pk, user_id=bob.pk, reason="a lost phone")
    assert [end.code for end in access_ends([found.account]).values()] == [CloseCode.SESSION_ENDED]


def test_all_sessions_are_looked_at(
    bob: User, alice: User, mona: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.auth.signing_out.READ_TOGETHER", 2)
    for user in (alice, bob, bob, alice, bob):
        signed_in(user)
    services.sign_out_everywhere(actor_id=mona.pk, user_id=bob.pk, reason="a lost phone")
    assert Session.objects.count() == 2


def test_a_deactivated_account_is_nobodys_until_it_is_activated_again(
    verify: Verify, general: Room, bob: User, mona: User
) -> None:
    browser, _ = signed_in(bob)
    issue_token(bob)
    with verify() as change:
        services.deactivate(actor_id=mona.pk, user_id=bob.pk, reason="spam")
        services.deactivate(actor_id=mona.pk, user_id=bob.pk, reason="again")
    assert change.ends(f"inbox.{bob.pk}") == [
        AccessEnd(bob.pk, None, CloseCode.SESSION_ENDED, "the account was deactivated")
    ]
    assert not User.objects.get(pk=bob.pk).is_active
    assert not is_in(browser)
    assert membership(general, bob).state == "active"
    with verify():
        services.activate(actor_id=mona.pk, user_id=bob.pk)
        services.activate(actor_id=mona.pk, user_id=bob.pk)
    assert User.objects.get(pk=bob.pk).is_active
    assert not is_in(browser)
    assert not AccessToken.objects.exists()
    entries = ModerationLog.objects.order_by("pk").values_list("action", "reason")
    assert list(entries) == [("deactivate", "spam"), ("activate", "")]
    assert [title for _, title in notices(bob)] == [
        "Mona, a site moderator, deactivated your account",
        "Mona, a site moderator, activated your account again",
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_others_may_not(
    service: Callable[..., None], alice: User, bob: User, charlie: User, mona: User
) -> None:
    gone = User.objects.create_superuser("gone", is_active=False)
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    attempts: list[tuple[User, int, str, type[HoldfastError]]] = [
        (alice, bob.pk, "spam", Forbidden),
        (mona, mona.pk, "spam", Forbidden),
        (mona, charlie.pk, "spam", Forbidden),
        (mona, gone.pk, "spam", Forbidden),
        (mona, 10**30, "spam", NotFound),
        (mona, bob.pk, "x" * 501, BadRequest),
    ]
    for actor, user_id, reason, error in attempts:
        with pytest.raises(error):
            service(actor_id=actor.pk, user_id=user_id, reason=reason)
    assert not ModerationLog.objects.exists()
    assert not Revocation.objects.exists()


@pytest.mark.parametrize("service", SERVICES[:2])
def test_what_is_taken_away_has_a_reason(
    service: Callable[..., None], bob: User, mona: User
) -> None:
    with pytest.raises(BadRequest, match="reason"):
        service(actor_id=mona.pk, user_id=bob.pk, reason=" ")


def test_what_belongs_to_nobody_is_not_activated(bob: User, mona: User) -> None:
    services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    for user_id in (bob.pk, User.objects.get(username=SYSTEM_USERNAME).pk):
        with pytest.raises(Forbidden):
            services.activate(actor_id=mona.pk, user_id=user_id)
