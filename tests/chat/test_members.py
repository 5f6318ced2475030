"""Coming, going, and what members are."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.errors import ReadOnly
from chat.models import Membership, ModerationLog, Room, State
from chat.queries import members as member_queries
from chat.services.rooms import members
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, Unavailable
from realtime.protocol.page import AccessEnd
from tests.chat.conftest import Say, fresh, membership, notices
from tests.conftest import make_user
from tests.support.replay import Verify

# -- joining and leaving ---------------------------------------------------------------------------


def test_everybody_may_join_a_public_room(
    verify: Verify, general: Room, alice: User, charlie: User, say: Say
) -> None:
    say(alice, general, "before")
    with verify() as change:
        row = services.join(actor_id=charlie.pk, room_id=general.pk)
        assert services.join(actor_id=charlie.pk, room_id=general.pk).pk == row.pk
    # Older messages count as read.
    assert (row.role, row.state, row.read_number) == ("member", "active", 1)
    assert change.streams == [f"inbox.{charlie.pk}", f"room.{general.pk}"]
    assert change.data(f"room.{general.pk}")[0] == {
        "id": row.pk,
        "room": general.pk,
        "user": {"id": charlie.pk, "username": "charlie", "name": "Charlie"},
        "role": "member",
        "state": "active",
        "involvement": "mentions",
        "muted_until": None,
    }
    assert fresh(general).member_count == 3


def test_a_private_room_is_not_there_for_others(secret: Room, charlie: User) -> None:
    with pytest.raises(NotFound):
        services.join(actor_id=charlie.pk, room_id=secret.pk)


def test_nobody_joins_a_room_that_is_archived_or_that_banned_them(
    general: Room, alice: User, bob: User, charlie: User
) -> None:
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    with pytest.raises(Forbidden, match="banned"):
        services.join(actor_id=bob.pk, room_id=general.pk)
    services.change_room(actor_id=alice.pk, room_id=general.pk, archived=True)
    with pytest.raises(ReadOnly):
        services.join(actor_id=charlie.pk, room_id=general.pk)


def test_a_member_who_leaves_can_join_again(verify: Verify, general: Room, bob: User) -> None:
    with verify() as change:
        left = services.leave(actor_id=bob.pk, room_id=general.pk)
    assert left.state == "left"
    assert change.ends(f"room.{general.pk}") == [AccessEnd(bob.pk, None, None, "left")]
    assert change.data(f"inbox.{bob.pk}")[0]["state"] == "left"
    assert fresh(general).member_count == 1
    with pytest.raises(Forbidden):
        services.leave(actor_id=bob.pk, room_id=general.pk)
    with verify() as change:
        services.join(actor_id=bob.pk, room_id=general.pk)
    assert change.ends(f"room.{general.pk}") == []
    assert fresh(general).member_count == 2


def test_nobody_leaves_where_they_are_not(general: Room, secret: Room, charlie: User) -> None:
    with pytest.raises(Forbidden):
        services.leave(actor_id=charlie.pk, room_id=general.pk)
    with pytest.raises(NotFound):
        services.leave(actor_id=charlie.pk, room_id=secret.pk)


def test_the_last_owners_room_is_offered_to_the_oldest_moderator(
    verify: Verify, general: Room, alice: User, bob: User, charlie: User
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=charlie.pk, role="moderator")
    with verify() as change:
        services.leave(actor_id=alice.pk, room_id=general.pk)
    assert membership(general, charlie).role == "moderator"  # nobody owns without a yes
    assert change.streams == sorted([f"inbox.{alice.pk}", f"room.{general.pk}"])
    Membership.objects.update(noticed_at=None)  # an hour later
    services.join(actor_id=alice.pk, room_id=general.pk)
    with pytest.raises(Forbidden, match="others come first"):
        services.take_over(actor_id=bob.pk, room_id=general.pk)
    with verify() as change:
        services.take_over(actor_id=charlie.pk, room_id=general.pk)
    assert change.streams == [f"inbox.{charlie.pk}", f"room.{general.pk}"]
    assert membership(general, charlie).role == "owner"
    with pytest.raises(Forbidden, match="has an owner"):
        services.take_over(actor_id=alice.pk, room_id=general.pk)
    services.leave(actor_id=charlie.pk, room_id=general.pk)
    assert notices(bob) == [
        (
            "room",
            "Charlie left General. You can become its owner in the menu of the room.",
        )
    ]
    services.leave(actor_id=bob.pk, room_id=general.pk)
    services.leave(actor_id=alice.pk, room_id=general.pk)
    assert fresh(general).member_count == 0


def test_a_stranger_does_not_take_over_a_room_without_an_owner(
    general: Room, alice: User, bob: User, charlie: User
) -> None:
    services.leave(actor_id=alice.pk, room_id=general.pk)
    for number in range(5):
        services.join(actor_id=make_user(f"user{number}").pk, room_id=general.pk)
    services.join(actor_id=charlie.pk, room_id=general.pk)
    with pytest.raises(Forbidden):
        services.take_over(actor_id=charlie.pk, room_id=general.pk)
    assert services.take_over(actor_id=bob.pk, room_id=general.pk).role == "owner"


def test_one_of_two_owners_just_leaves(general: Room, alice: User, bob: User) -> None:
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="owner")
    services.leave(actor_id=alice.pk, room_id=general.pk)
    assert list(
        Membership.objects.filter(room=general, role="owner").values_list("user_id", flat=True)
    ) == [bob.pk]


def test_a_next_owner_who_leaves_at_the_same_moment_is_replaced(
    general: Room, alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    find, stale = member_queries.next_owner, [bob.pk]

    def next_owner(room_id: int, user_id: int) -> int | None:
        return stale.pop() if stale else find(room_id, user_id)

    Membership.objects.filter(room=general, user=bob).update(state="left")
    monkeypatch.setattr(member_queries, "next_owner", next_owner)
    services.leave(actor_id=alice.pk, room_id=general.pk)
    assert [kind for kind, _ in notices(charlie)] == ["room"]


def test_leaving_gives_up_if_the_next_owner_keeps_changing(
    general: Room, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    heirs = iter(range(1000, 2000))
    monkeypatch.setattr(member_queries, "next_owner", lambda *_: next(heirs))
    with pytest.raises(Unavailable):
        services.leave(actor_id=alice.pk, room_id=general.pk)
    assert membership(general, alice).state == "active"


# -- inviting --------------------------------------------------------------------------------------


def test_an_invited_user_is_notified_and_accepts(
    verify: Verify, secret: Room, alice: User, charlie: User
) -> None:
    with verify() as change:
        row = services.invite(actor_id=alice.pk, room_id=secret.pk, username="charlie")
        services.invite(actor_id=alice.pk, room_id=secret.pk, username="charlie")
    assert (row.user_id, row.state) == (charlie.pk, "invited")
    assert sorted(change.kinds(f"inbox.{charlie.pk}")) == ["membership", "notification"]
    assert notices(charlie) == [("invitation", "Alice invited you to Secret")]
    assert fresh(secret).member_count == 2
    with verify():
        services.join(actor_id=charlie.pk, room_id=secret.pk)
    assert membership(secret, charlie).state == "active"
    assert fresh(secret).member_count == 3


def test_members_invite_into_public_rooms_and_moderators_into_private_ones(
    general: Room, secret: Room, alice: User, bob: User, charlie: User
) -> None:
    services.invite(actor_id=bob.pk, room_id=general.pk, username="charlie")
    with pytest.raises(Forbidden):
        services.invite(actor_id=bob.pk, room_id=secret.pk, username="charlie")
    with pytest.raises(NotFound):
        services.invite(actor_id=charlie.pk, room_id=secret.pk, username="charlie")
    make_user("dora")
    services.join(actor_id=charlie.pk, room_id=general.pk)
    services.leave(actor_id=charlie.pk, room_id=general.pk)
    with pytest.raises(Forbidden):
        services.invite(actor_id=charlie.pk, room_id=general.pk, username="dora")
    services.set_role(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk, role="moderator")
    services.invite(actor_id=bob.pk, room_id=secret.pk, username="charlie")


def test_users_who_cannot_be_invited(general: Room, alice: User, bob: User, charlie: User) -> None:
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    with pytest.raises(Forbidden, match="bob is banned"):
        services.invite(actor_id=alice.pk, room_id=general.pk, username="bob")
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    for username in ("charlie", "nobody", "", "\0", "holdfast"):
        with pytest.raises(NotFound):
            services.invite(actor_id=alice.pk, room_id=general.pk, username=username)


# -- many at once ----------------------------------------------------------------------------------


def test_an_operator_adds_many_members(
    verify: Verify, general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    say(alice, general, "before")
    services.join(actor_id=charlie.pk, room_id=general.pk)
    services.leave(actor_id=charlie.pk, room_id=general.pk)
    banned = make_user("dora")
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=banned.pk)
    people = [make_user(f"user{number}") for number in range(12)]
    ids = [alice.pk, bob.pk, charlie.pk, banned.pk, *(user.pk for user in people), 10**6]
    with verify():
        assert services.add_members(room_id=general.pk, user_ids=ids) == 13
        assert services.add_members(room_id=general.pk, user_ids=ids) == 0
    assert fresh(general).member_count == 15
    assert membership(general, banned).state == "banned"
    assert membership(general, people[0]).read_number == 1
    assert notices(people[0]) == []


def test_many_members_cost_few_queries(general: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [make_user(f"user{number}").pk for number in range(60)]
    with CaptureQueriesContext(connection) as queries:
        services.add_members(room_id=general.pk, user_ids=people)
    assert len(queries) <= 14
    monkeypatch.setattr(members, "MEMBERS_PER_TRANSACTION", 25)
    Membership.objects.filter(user_id__in=people).update(state=State.LEFT)
    assert services.add_members(room_id=general.pk, user_ids=people) == 60


# -- roles -----------------------------------------------------------------------------------------


def test_owners_give_roles(verify: Verify, general: Room, alice: User, bob: User) -> None:
    with verify() as change:
        row = services.set_role(
            actor_id=alice.pk,
            room_id=general.pk,
            user_id=bob.pk,
            role="moderator",
            reason="helps a lot",
        )
        services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    assert row.role == "moderator"
    assert change.kinds(f"room.{general.pk}") == ["membership"]
    assert notices(bob) == [("room", "Alice made you a moderator of General")]
    entry = ModerationLog.objects.get()
    assert (entry.action, entry.reason, entry.details) == (
        "role",
        "helps a lot",
        {"from": "member", "to": "moderator"},
    )


def test_users_who_may_not_change_roles(
    general: Room, alice: User, bob: User, charlie: User
) -> None:
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    for actor in (bob, charlie):
        with pytest.raises(Forbidden):
            services.set_role(actor_id=actor.pk, room_id=general.pk, user_id=bob.pk, role="owner")
    with pytest.raises(NotFound, match="member"):
        services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=charlie.pk, role="owner")
    with pytest.raises(BadRequest, match="role"):
        services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="king")
    for user_id in (0, -1, 10**30, 10**6):
        with pytest.raises(NotFound):
            services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=user_id, role="owner")


def test_a_room_keeps_an_owner(general: Room, alice: User, bob: User) -> None:
    with pytest.raises(Forbidden, match="needs an owner"):
        services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=alice.pk, role="member")
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="owner")
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=alice.pk, role="member")
    assert membership(general, alice).role == "member"
    assert notices(alice) == []


def test_an_owner_gives_the_room_away(
    verify: Verify, general: Room, alice: User, bob: User, charlie: User
) -> None:
    for actor, owner in ((bob, bob), (alice, charlie), (alice, alice)):
        with pytest.raises((Forbidden, NotFound)):
            services.transfer(actor_id=actor.pk, room_id=general.pk, user_id=owner.pk)
    with verify() as change:
        services.transfer(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    assert (membership(general, bob).role, membership(general, alice).role) == (
        "owner",
        "moderator",
    )
    assert change.kinds(f"room.{general.pk}") == ["membership", "membership"]
    assert notices(bob)[-1] == ("room", "Alice made you the owner of General")


def test_members_are_found_by_name_by_role_and_by_id(
    client: Client, general: Room, alice: User, bob: User
) -> None:
    User.objects.filter(pk=bob.pk).update(last_name="Builder")
    client.force_login(bob)

    def found(**query: str) -> list[str]:
        return [
            row["user"]["username"]
            for row in client.get(f"/api/rooms/{general.pk}/members", query).json()["members"]
        ]

    assert found() == ["alice", "bob"]
    assert found(q="bui") == ["bob"]
    assert found(q="AL") == ["alice"]
    assert found(staff="true") == ["alice"]
    assert found(ids=f"{bob.pk},999") == ["bob"]
    assert client.get(f"/api/rooms/{general.pk}/members", {"ids": "x"}).status_code == 400


def test_the_profile_of_a_member(
    client: Client, general: Room, secret: Room, alice: User, charlie: User
) -> None:
    client.force_login(charlie)
    card = client.get(f"/api/rooms/{general.pk}/members/{alice.pk}").json()
    assert (card["user"]["name"], card["membership"]["role"], card["active"]) == (
        "Alice",
        "owner",
        True,
    )
    assert card["joined_at"] is not None
    mine = client.get(f"/api/rooms/{general.pk}/members/{charlie.pk}").json()
    assert (mine["membership"], mine["joined_at"]) == (None, None)
    assert client.get(f"/api/rooms/{secret.pk}/members/{alice.pk}").status_code == 404


def test_a_room_is_given_away_over_http(
    client: Client, general: Room, alice: User, bob: User
) -> None:
    client.force_login(alice)
    answer = client.post(f"/api/rooms/{general.pk}/owner", {"user": bob.pk}, "application/json")
    assert (answer.status_code, answer.json()["membership"]["role"]) == (200, "owner")
