"""Invitations to rooms are accepted, not imposed, and nobody can fill another's account."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat import services
from chat.models import Membership, Room
from chat.queries import room_lists
from chat.queries.invitations import MAX_OPEN_OF_ONE_SENDER, open_invitations
from realtime.protocol.errors import Forbidden, NotFound, RateLimited, TooMany
from tests.chat.conftest import bring, membership, notices
from tests.conftest import make_user
from tests.support.replay import Verify


def room_of(user: User, name: str, kind: str = "private") -> Room:
    return services.create_room(actor_id=user.pk, name=name, kind=kind).room


def rooms_listed(user: User) -> list[str]:
    return [item.room.slug for item in room_lists.my_rooms(user.pk)]


def test_an_invitation_waits_for_an_answer(
    verify: Verify, client: Client, secret: Room, alice: User, charlie: User
) -> None:
    with verify() as change:
        services.invite(actor_id=alice.pk, room_id=secret.pk, username="charlie")
    assert change.data(f"room.{secret.pk}")[0]["state"] == "invited"
    assert change.ends(f"room.{secret.pk}") == []
    assert rooms_listed(charlie) == []
    client.force_login(charlie)
    answer = client.get("/api/invitations/").json()
    (listed,) = answer["invitations"]
    assert (listed["room"]["name"], listed["invited_by"]["username"], listed["member_count"]) == (
        "Secret",
        "alice",
        2,
    )
    assert client.get(f"/api/rooms/{secret.pk}/").status_code == 404
    services.join(actor_id=charlie.pk, room_id=secret.pk)
    assert rooms_listed(charlie) == ["secret"]
    assert client.get("/api/invitations/").json()["invitations"] == []


def test_who_declines_or_leaves_is_not_invited_again_until_they_come_back(
    verify: Verify, general: Room, secret: Room, alice: User, bob: User, charlie: User
) -> None:
    services.invite(actor_id=alice.pk, room_id=secret.pk, username="charlie")
    with verify():
        services.leave(actor_id=charlie.pk, room_id=secret.pk)
    services.leave(actor_id=bob.pk, room_id=general.pk)
    before = len(notices(charlie)), len(notices(bob))
    for _ in range(3):
        with pytest.raises(Forbidden, match="declined"):
            services.invite(actor_id=alice.pk, room_id=secret.pk, username="charlie")
        with pytest.raises(Forbidden, match="left this room"):
            services.invite(actor_id=alice.pk, room_id=general.pk, username="bob")
    assert (len(notices(charlie)), len(notices(bob))) == before
    with pytest.raises(NotFound):
        services.join(actor_id=charlie.pk, room_id=secret.pk)
    # A ban in between changes nothing.
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    services.unban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    with pytest.raises(Forbidden, match="left this room"):
        services.invite(actor_id=alice.pk, room_id=general.pk, username="bob")
    services.join(actor_id=bob.pk, room_id=general.pk)
    services.remove(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    services.invite(actor_id=alice.pk, room_id=general.pk, username="bob")
    link = services.make_invite_link(actor_id=alice.pk, room_id=secret.pk, seconds=3600, max_uses=1)
    services.join_by_link(actor_id=charlie.pk, token=link.token)
    services.remove(actor_id=alice.pk, room_id=secret.pk, user_id=charlie.pk)
    services.invite(actor_id=alice.pk, room_id=secret.pk, username="charlie")


def test_an_invitation_that_is_withdrawn_is_over_and_notifies_once_an_hour(
    verify: Verify, secret: Room, alice: User, charlie: User
) -> None:
    target: dict[str, Any] = {"actor_id": alice.pk, "room_id": secret.pk, "user_id": charlie.pk}
    for _ in range(3):
        services.invite(actor_id=alice.pk, room_id=secret.pk, username="charlie")
        with verify():
            services.remove(**target)
    assert len(notices(charlie)) == 1
    assert open_invitations(charlie.pk) == []
    with pytest.raises(NotFound):
        services.join(actor_id=charlie.pk, room_id=secret.pk)


def test_one_sender_has_few_invitations_open_with_one_person(alice: User, bob: User) -> None:
    for number in range(MAX_OPEN_OF_ONE_SENDER):
        services.invite(actor_id=alice.pk, room_id=room_of(alice, f"!!{number}").pk, username="bob")
    with pytest.raises(TooMany, match="not answered"):
        services.invite(actor_id=alice.pk, room_id=room_of(alice, "!!x").pk, username="bob")
    assert rooms_listed(bob) == []


def test_invitations_and_new_conversations_are_limited_by_the_hour(
    alice: User, settings: Any
) -> None:
    settings.HOLDFAST_INVITATIONS = 4
    den = room_of(alice, "Den")
    people = [make_user(f"user{number}") for number in range(6)]
    for user in people[:2]:
        services.invite(actor_id=alice.pk, room_id=den.pk, username=user.username)
        services.direct_room(actor_id=alice.pk, user_id=user.pk)
    with pytest.raises(RateLimited) as refused:
        services.invite(actor_id=alice.pk, room_id=den.pk, username="user4")
    assert 3500 < (refused.value.retry_after or 0) <= 3600
    with pytest.raises(RateLimited):
        services.direct_room(actor_id=alice.pk, user_id=people[4].pk)
    services.direct_room(actor_id=alice.pk, user_id=people[0].pk)  # the one that exists
    Membership.objects.update(invited_at=timezone.now() - timedelta(hours=2))
    Room.objects.update(created_at=timezone.now() - timedelta(hours=2))
    services.invite(actor_id=alice.pk, room_id=den.pk, username="user4")


def test_a_blocked_sender_is_not_in_the_list(secret: Room, alice: User, charlie: User) -> None:
    services.invite(actor_id=alice.pk, room_id=secret.pk, username="charlie")
    services.block(actor_id=charlie.pk, user_id=alice.pk)
    assert open_invitations(charlie.pk) == []


def test_others_neither_fill_nor_cut_the_list_of_rooms(
    general: Room, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.policies.MAX_ROOMS_PER_USER", 3)
    for number in range(4):
        stranger = make_user(f"stranger{number}")
        services.direct_room(actor_id=stranger.pk, user_id=bob.pk)
    assert "general" in rooms_listed(bob)
    mine = room_of(bob, "Mine")  # none of the four counts
    walks = room_of(alice, "Walks", "public")
    services.join(actor_id=bob.pk, room_id=walks.pk)
    assert rooms_listed(bob) == ["general", mine.slug, "walks"]
    with pytest.raises(TooMany):
        services.direct_room(actor_id=bob.pk, user_id=alice.pk)


def test_an_existing_conversation_is_no_way_round_the_question(
    direct: Room, secret: Room, alice: User, bob: User, charlie: User
) -> None:
    den = room_of(alice, "Den")
    services.invite(actor_id=alice.pk, room_id=den.pk, username="bob")
    assert membership(den, bob).state == "invited"


def test_operators_add_members_without_asking(secret: Room, charlie: User) -> None:
    assert services.add_members(room_id=secret.pk, user_ids=[charlie.pk]) == 1
    assert rooms_listed(charlie) == ["secret"]


def test_an_invited_person_can_be_brought_by_a_link_as_well(
    verify: Verify, secret: Room, alice: User, charlie: User
) -> None:
    services.invite(actor_id=alice.pk, room_id=secret.pk, username="charlie")
    link = services.make_invite_link(actor_id=alice.pk, room_id=secret.pk, seconds=3600, max_uses=1)
    with verify():
        services.join_by_link(actor_id=charlie.pk, token=link.token)
    assert membership(secret, charlie).state == "active"
    assert Room.objects.get(pk=secret.pk).member_count == 3
    assert bring(alice, secret, charlie).state == "active"
