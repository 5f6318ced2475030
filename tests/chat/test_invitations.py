"""Invitation links: who creates them, who can use them, and when they end.

Alice owns the rooms, Bob is a member, Charlie is outside.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat import services
from chat.errors import LinkOver
from chat.models import InviteLink, ModerationLog, Room
from chat.queries import invite_links
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, TooMany
from tests.chat.conftest import fresh, membership
from tests.chat.test_concurrency import together
from tests.conftest import PASSWORD, make_user
from tests.support.replay import Verify

Make = Callable[..., services.MadeLink]


@pytest.fixture
def make(secret: Room, alice: User) -> Make:
    """Make a link into the private room: ``make(max_uses=1)``."""
    return partial(
        services.make_invite_link, actor_id=alice.pk, room_id=secret.pk, seconds=3600, max_uses=10
    )


def test_anyone_with_the_link_can_join(
    verify: Verify, make: Make, secret: Room, charlie: User
) -> None:
    with verify() as change:
        token = make().token
        row = services.join_by_link(actor_id=charlie.pk, token=token)
        services.join_by_link(actor_id=charlie.pk, token=token)
    assert (row.state, row.role, row.room_id) == ("active", "member", secret.pk)
    assert change.kinds(f"inbox.{charlie.pk}") == ["membership"]
    assert fresh(secret).member_count == 3
    assert InviteLink.objects.get().uses == 1


def test_the_token_is_stored_nowhere(make: Make) -> None:
    made = make()
    assert made.token not in str([*InviteLink.objects.values()]) + str(
        [*ModerationLog.objects.values()]
    )
    assert invite_links.by_token(made.token) == made.row


def test_only_moderators_of_the_room_create_and_revoke_links(
    make: Make, general: Room, bob: User, charlie: User, mona: User
) -> None:
    made = make()
    for user, error in ((bob, Forbidden), (charlie, NotFound)):
        with pytest.raises(error):
            make(actor_id=user.pk)
        with pytest.raises(error):
            services.revoke_invite_link(
                actor_id=user.pk, room_id=made.row.room_id, link_id=made.row.pk
            )
    with pytest.raises(NotFound):
        services.revoke_invite_link(actor_id=mona.pk, room_id=general.pk, link_id=made.row.pk)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"seconds": 3599}, "seconds"),
        ({"seconds": 30 * 86400 + 1}, "seconds"),
        ({"max_uses": 0}, "max_uses"),
    ],
)
def test_no_link_is_without_bounds(make: Make, wrong: dict[str, int], field: str) -> None:
    with pytest.raises(BadRequest, match=f"^{field}: "):
        make(**wrong)


def test_a_room_has_a_bounded_number_of_links(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invite_links, "MAX_USABLE", 1)
    make()
    with pytest.raises(TooMany):
        make()


def test_what_is_done_with_links_is_in_the_log(make: Make, alice: User, secret: Room) -> None:
    made = make()
    for _ in range(2):
        services.revoke_invite_link(actor_id=alice.pk, room_id=secret.pk, link_id=made.row.pk)
    assert [*ModerationLog.objects.order_by("pk").values_list("action", "actor_id", "room_id")] == [
        ("link", alice.pk, secret.pk),
        ("revoke_link", alice.pk, secret.pk),
    ]


def end(made: services.MadeLink, how: str, alice: User, someone: User) -> None:
    match how:
        case "revoked":
            services.revoke_invite_link(
                actor_id=alice.pk, room_id=made.row.room_id, link_id=made.row.pk
            )
        case "expired":
            InviteLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        case "used up":
            services.join_by_link(actor_id=someone.pk, token=made.token)
        case "archived":
            services.change_room(actor_id=alice.pk, room_id=made.row.room_id, archived=True)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("revoked", "was revoked"),
        ("expired", "has expired"),
        ("used up", "has been used up"),
        ("archived", "is archived"),
    ],
)
def test_a_link_that_is_over_says_why(
    make: Make, client: Client, alice: User, charlie: User, how: str, words: str
) -> None:
    made = make(max_uses=1)
    end(made, how, alice, make_user("dora"))
    with pytest.raises(LinkOver, match=words):
        services.join_by_link(actor_id=charlie.pk, token=made.token)
    client.force_login(charlie)
    for answer in (client.get(f"/invite/{made.token}/"), client.post(f"/invite/{made.token}/")):
        assert answer.status_code == 410
        assert words in answer.content.decode()
    assert not charlie.memberships.exists()


def test_a_link_admits_removed_users_but_not_banned_ones(
    make: Make, client: Client, secret: Room, alice: User, bob: User, charlie: User
) -> None:
    made = make()
    services.remove(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk)
    services.ban(actor_id=alice.pk, room_id=secret.pk, user_id=charlie.pk)
    services.join_by_link(actor_id=bob.pk, token=made.token)
    assert membership(secret, bob).state == "active"
    with pytest.raises(Forbidden, match="banned from this room"):
        services.join_by_link(actor_id=charlie.pk, token=made.token)
    client.force_login(charlie)
    answer = client.get(f"/invite/{made.token}/")
    assert (
        answer.status_code,
        "You&#x27;ve been banned from this room." in answer.content.decode(),
    ) == (
        403,
        True,
    )


def test_a_visitor_without_an_account_creates_one_and_returns(
    make: Make, client: Client, secret: Room, settings: Settings
) -> None:
    path = f"/invite/{make().token}/"
    page = client.get(path)
    for words in (
        "Invitation from Alice",
        "Secret",
        "2 members",
        f"/accounts/login/?next={path}",
        f"/accounts/signup/?next={path}",
    ):
        assert words in page.content.decode()
    assert page.headers["Referrer-Policy"] == "strict-origin"
    fields = {"username": "nora", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(f"/accounts/signup/?next={path}", fields).headers["Location"] == path
    assert "Join" in client.get(path).content.decode()
    assert client.post(path).headers["Location"] == "/rooms/secret/"
    assert client.get("/rooms/secret/").status_code == 200
    assert client.get(path).headers["Location"] == "/rooms/secret/"
    assert fresh(secret).member_count == 3


def test_nobody_joins_without_signing_in(make: Make, client: Client) -> None:
    assert client.post(f"/invite/{make().token}/").status_code == 200
    assert InviteLink.objects.get().uses == 0


def test_wrong_links_are_limited_and_good_ones_are_not(make: Make, client: Client) -> None:
    token = make().token
    wrong = [f"x{number}" for number in range(12)]
    answers = [client.get(f"/invite/{guess}/", REMOTE_ADDR="203.0.113.9") for guess in wrong]
    assert {answer.status_code for answer in answers[:10]} == {404}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert client.get(f"/invite/{token}/", REMOTE_ADDR="203.0.113.9").status_code == 200


def test_links_over_http(client: Client, secret: Room, alice: User, bob: User) -> None:
    path = f"/api/rooms/{secret.pk}/invitations"
    client.force_login(alice)
    made = client.post(path, {"seconds": 86400, "max_uses": 5}, "application/json")
    assert made.status_code == 201
    assert made.json()["url"].startswith("http://testserver/invite/")
    listed = client.get(path).json()["invitations"]
    assert [(row["uses"], row["max_uses"], row["created_by"]["username"]) for row in listed] == [
        (0, 5, "alice")
    ]
    revoked = client.delete(f"{path}/{listed[0]['id']}").json()["invitation"]
    assert revoked["revoked_at"] is not None
    assert client.get(path).json() == {"invitations": []}
    client.force_login(bob)
    assert client.get(path).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_no_more_people_come_in_than_may(make: Make, secret: Room) -> None:
    token = make(max_uses=2).token
    guests = [make_user(f"guest{number}") for number in range(5)]

    def come(user: User) -> bool:
        try:
            services.join_by_link(actor_id=user.pk, token=token)
        except LinkOver:
            return False
        return True

    assert sum(together(*(partial(come, user) for user in guests))) == 2
    assert InviteLink.objects.get().uses == 2
    assert fresh(secret).member_count == 4
