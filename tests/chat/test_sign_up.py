"""Sign-up: open, by invitation, after approval, closed; and how many accounts an address makes."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.models import ModerationLog, Room, SignUpSettings
from chat.services.people import sign_up as service
from realtime.protocol.errors import Forbidden
from tests.chat.conftest import fresh

PASSWORD = "a long and unusual sentence"
SIGN_UP = "/accounts/signup/"
Mode = SignUpSettings.Mode


@pytest.fixture
def mona(mona: User) -> User:
    """A site moderator who can open the admin."""
    mona.is_staff = True
    mona.save()
    return mona


def sign_up(client: Client, username: str, *, path: str = SIGN_UP, at: str = "203.0.113.9") -> Any:
    names = {"username": username, "first_name": "", "last_name": ""}
    passwords = {"password1": PASSWORD, "password2": PASSWORD}
    return client.post(path, {**names, **passwords}, REMOTE_ADDR=at)


def sign_in(client: Client, username: str) -> Any:
    return client.post("/accounts/login/", {"username": username, "password": PASSWORD})


def switch(mona: User, mode: str, *, per_hour: int = 10) -> None:
    service.change_sign_up(actor_id=mona.pk, mode=mode, per_hour=per_hour, reason="a raid")


def test_open_and_closed_without_a_restart(client: Client, mona: User) -> None:
    assert sign_up(client, "one").status_code == 302
    switch(mona, Mode.CLOSED)
    assert sign_up(Client(), "two").status_code == 403
    assert SIGN_UP not in Client().get("/accounts/login/").content.decode()
    switch(mona, Mode.OPEN)
    assert sign_up(Client(), "two").status_code == 302
    assert ModerationLog.objects.filter(action="signup_mode", actor=mona).count() == 2


def test_the_setting_is_the_first_mode(client: Client, db: None, settings: Any) -> None:
    settings.HOLDFAST_SIGNUP = False
    assert sign_up(client, "one").status_code == 403


def test_only_moderators_change_the_mode(bob: User) -> None:
    with pytest.raises(Forbidden):
        service.change_sign_up(actor_id=bob.pk, mode=Mode.CLOSED, per_hour=1)


def test_the_admin_changes_the_mode(client: Client, mona: User) -> None:
    client.force_login(mona)
    shown = client.get("/admin/chat/signupsettings/", follow=True)
    assert shown.redirect_chain == [("/admin/chat/signupsettings/1/change/", 302)]
    assert shown.status_code == 200
    page = "/admin/chat/signupsettings/action/change/"
    assert client.get(f"{page}?ids=1").status_code == 200
    form = {"ids": "1", "mode": "approval", "per_hour": "3", "reason": ""}
    assert client.post(page, form).status_code == 302
    assert SignUpSettings.objects.get().mode == Mode.APPROVAL


def test_an_address_makes_so_many_accounts_an_hour(client: Client, mona: User) -> None:
    switch(mona, Mode.OPEN, per_hour=3)
    for name in ("one", "two", "three"):
        assert sign_up(Client(), name).status_code == 302
    answer = sign_up(Client(), "four")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert not User.objects.filter(username="four").exists()
    assert sign_up(Client(), "four", at="198.51.100.7").status_code == 302


def test_a_form_with_errors_makes_no_account_and_counts_as_none(mona: User) -> None:
    switch(mona, Mode.OPEN, per_hour=1)
    for _ in range(3):
        assert sign_up(Client(), "everyone").status_code == 400
    assert sign_up(Client(), "one").status_code == 302


def test_an_account_waits_for_approval(client: Client, mona: User) -> None:
    switch(mona, Mode.APPROVAL)
    answer = sign_up(client, "carol")
    assert answer.status_code == 200
    assert "Waiting for approval" in answer.content.decode()
    assert "has not approved this account yet" in sign_in(client, "carol").content.decode()
    assert "sessionid" not in client.cookies
    carol = User.objects.get(username="carol")
    desk = Client()
    desk.force_login(mona)
    assert "carol" in desk.get("/admin/chat/signuprequest/").content.decode()
    accept = {"ids": str(carol.pk), "reason": ""}
    assert desk.post("/admin/chat/signuprequest/action/accept/", accept).status_code == 302
    assert sign_in(client, "carol").status_code == 302
    assert ModerationLog.objects.filter(action="approve", subject=carol, actor=mona).count() == 1
    assert "approved the account of" in desk.get("/admin/chat/moderationlog/").content.decode()


def test_whose_account_is_declined_reads_why(client: Client, mona: User) -> None:
    switch(mona, Mode.APPROVAL)
    sign_up(client, "carol")
    carol = User.objects.get(username="carol")
    service.decline_sign_up(actor_id=mona.pk, user_id=carol.pk, reason="nobody knows you")
    assert "Reason: nobody knows you." in sign_in(client, "carol").content.decode()
    service.accept_sign_up(actor_id=mona.pk, user_id=carol.pk)
    assert sign_in(client, "carol").status_code == 302
    with pytest.raises(Forbidden):
        service.decline_sign_up(actor_id=mona.pk, user_id=carol.pk, reason="late")


def test_others_do_not_decide(bob: User, mona: User) -> None:
    switch(mona, Mode.APPROVAL)
    sign_up(Client(), "carol")
    carol = User.objects.get(username="carol")
    with pytest.raises(Forbidden):
        service.accept_sign_up(actor_id=bob.pk, user_id=carol.pk)
    outsider = Client()
    outsider.force_login(bob)
    assert outsider.get("/admin/chat/signuprequest/").status_code == 302


def test_an_invite_link_opens_sign_up(mona: User, alice: User, secret: Room) -> None:
    switch(mona, Mode.INVITATION)
    assert sign_up(Client(), "carol").status_code == 403
    assert sign_up(Client(), "carol", path=f"{SIGN_UP}?next=/invite/wrong/").status_code == 403
    link = services.make_invite_link(
        actor_id=alice.pk, room_id=secret.pk, seconds=86_400, max_uses=1
    )
    path = f"/invite/{link.token}/"
    assert SIGN_UP in Client().get(path).content.decode()
    assert sign_up(Client(), "carol", path=f"{SIGN_UP}?next={path}").status_code == 302
    assert fresh(secret).member_count == 3
    # each use of the link makes one account
    assert sign_up(Client(), "dave", path=f"{SIGN_UP}?next={path}").status_code == 403
    assert not User.objects.filter(username="dave").exists()
