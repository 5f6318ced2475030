"""Conversations of three to nine people: the same people have one, and nobody is added to it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from chat import services
from chat.errors import Muted
from chat.models import Membership, Room
from chat.pages.page_data import title
from chat.queries import room_lists
from chat.queries.search.places import rooms as rooms_named
from chat.queries.search.query import parse
from chat.services.rooms.direct import MAX_PEOPLE
from chat.text.people_names import enumerated
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, RateLimited
from tests.chat.conftest import Say, fresh, membership, notices
from tests.conftest import make_user
from tests.support.replay import Verify


@pytest.fixture
def group(alice: User, bob: User, charlie: User) -> Room:
    """The conversation of Alice, Bob and Charlie, which Alice began."""
    return fresh(begin(alice, bob, charlie).room)


def begin(actor: User, *others: User) -> Membership:
    return services.group_room(actor_id=actor.pk, user_ids=[user.pk for user in others])


def titles(user: User) -> list[str]:
    return [title(item.room, item.companions) for item in room_lists.my_rooms(user.pk)]


def test_the_same_people_have_one_conversation(
    verify: Verify, alice: User, bob: User, charlie: User
) -> None:
    with verify() as change:
        mine = begin(alice, charlie, bob)
    assert (mine.user_id, mine.role, mine.involvement) == (alice.pk, "member", "everything")
    assert change.kinds(f"room.{mine.room_id}") == ["room", *["membership"] * 3]
    with verify() as change:
        theirs = begin(bob, bob, alice, charlie, alice)
    assert (theirs.room_id, theirs.user_id) == (mine.room_id, bob.pk)
    assert change.streams == []
    room = fresh(mine.room)
    assert (room.kind, room.name, room.member_count, room.is_group) == ("direct", "", 3, True)


def test_two_people_are_a_pair_and_other_people_are_another_conversation(
    group: Room, direct: Room, alice: User, bob: User, charlie: User
) -> None:
    assert begin(alice, bob).room_id == direct.pk
    dora = make_user("dora")
    assert begin(alice, bob, charlie, dora).room_id not in (group.pk, direct.pk)


def test_a_group_has_at_most_nine_people(alice: User) -> None:
    many = [make_user(f"user{number}") for number in range(MAX_PEOPLE)]
    assert fresh(begin(alice, *many[:-1]).room).member_count == MAX_PEOPLE
    with pytest.raises(BadRequest, match="users: expected 1 to 8 other people, got 9"):
        begin(alice, *many)
    with pytest.raises(BadRequest, match="got 0"):
        begin(alice, alice)


def test_a_closed_account_and_a_missing_one_are_not_found(
    alice: User, bob: User, charlie: User
) -> None:
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    for user_id in (charlie.pk, 10**6, 10**30):
        with pytest.raises(NotFound):
            services.group_room(actor_id=alice.pk, user_ids=[bob.pk, user_id])
    assert not Room.objects.exists()


def test_its_title_names_the_others_in_the_language_of_the_reader(
    group: Room, alice: User, bob: User, charlie: User
) -> None:
    assert (titles(alice), titles(bob)) == (["Bob and Charlie"], ["Alice and Charlie"])
    dora = make_user("dora")
    begin(alice, bob, charlie, dora)
    assert titles(alice)[1] == "Bob, Charlie and Dora"
    begin(alice, bob, charlie, dora, make_user("edda"))
    assert titles(alice)[2] == "Bob, Charlie and 2 others"
    with translation.override("de"):
        assert enumerated(["Ada", "Ben", "Cleo", "Dora"]) == "Ada, Ben und 2 weitere"


def test_who_leaves_stays_out_until_they_choose_the_same_people(
    verify: Verify, group: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    with verify():
        services.leave(actor_id=charlie.pk, room_id=group.pk)
    assert titles(charlie) == []
    say(alice, group, "Charlie has left")
    assert begin(bob, alice, charlie).room_id == group.pk
    assert membership(group, charlie).state == "left"
    assert titles(alice) == ["Bob and Charlie"]  # the title stays
    with pytest.raises(NotFound):
        services.join(actor_id=charlie.pk, room_id=group.pk)
    with verify():
        assert begin(charlie, bob, alice).room_id == group.pk
    assert membership(group, charlie).read_number == 1
    say(charlie, group, "Here again")
    assert fresh(group).member_count == 3


def test_nobody_is_invited_to_a_group_or_moderates_it(
    group: Room, alice: User, bob: User, mona: User
) -> None:
    with pytest.raises(Forbidden, match="no owners or moderators"):
        services.invite(actor_id=alice.pk, room_id=group.pk, username="mona")
    with pytest.raises(Forbidden):
        services.remove(actor_id=alice.pk, room_id=group.pk, user_id=bob.pk)
    with pytest.raises(NotFound):
        services.change_room(actor_id=mona.pk, room_id=group.pk, name="Ours")


def test_someone_who_blocked_the_other_is_in_no_new_group_with_them(
    alice: User, bob: User, charlie: User
) -> None:
    services.block(actor_id=alice.pk, user_id=bob.pk)
    with pytest.raises(Forbidden, match=r"^You cannot write to alice\. Choose other people\.$"):
        begin(bob, alice, charlie)
    with pytest.raises(Forbidden, match="You have blocked bob"):
        begin(alice, bob, charlie)
    begin(charlie, alice, bob)  # someone else's; Alice can leave it


def test_a_group_goes_on_after_a_block_and_tells_the_blocker_nothing(
    group: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    services.block(actor_id=alice.pk, user_id=bob.pk)
    say(bob, group, "Hello")
    assert notices(alice) == []
    assert notices(charlie) == [("direct", "Bob wrote to you and 1 other person")]


def test_a_message_notifies_like_a_direct_message(
    group: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    services.set_involvement(actor_id=charlie.pk, room_id=group.pk, involvement="nothing")
    say(alice, group, "Hello")
    assert notices(bob) == [("direct", "Alice wrote to you and 1 other person")]
    assert notices(charlie) == []


def test_each_of_the_people_counts_for_the_limit_by_the_hour(alice: User, settings: Any) -> None:
    settings.HOLDFAST_INVITATIONS = 4
    people = [make_user(f"user{number}") for number in range(6)]
    begin(alice, *people[:3])
    with pytest.raises(RateLimited) as refused:
        begin(alice, *people[3:5])
    assert 3500 < (refused.value.retry_after or 0) <= 3600
    services.direct_room(actor_id=alice.pk, user_id=people[5].pk)
    with pytest.raises(RateLimited):
        services.direct_room(actor_id=alice.pk, user_id=people[4].pk)


def test_a_muted_person_begins_none(alice: User, bob: User, charlie: User, mona: User) -> None:
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    with pytest.raises(Muted):
        begin(bob, alice, charlie)


def test_a_search_in_a_person_is_in_the_conversation_of_the_two(
    group: Room, direct: Room, alice: User
) -> None:
    found = rooms_named(alice.pk, parse("hello in:@bob"))
    assert [room.pk for room in found.values()] == [direct.pk]
    found = rooms_named(alice.pk, parse(f"hello in:{group.slug}"))
    assert [room.pk for room in found.values()] == [group.pk]


def test_the_api_opens_it_by_ids_or_names_and_names_the_others(
    client: Client, alice: User, bob: User, charlie: User
) -> None:
    client.force_login(alice)

    def post(body: dict[str, Any]) -> Any:
        return client.post("/api/rooms/direct", body, content_type="application/json")

    answer = post({"users": [bob.pk, charlie.pk]})
    assert answer.status_code == 200
    data = answer.json()
    assert (data["partner"], [user["username"] for user in data["people"]]) == (
        None,
        ["bob", "charlie"],
    )
    assert post({"usernames": ["Charlie", "bob"]}).json()["room"] == data["room"]
    pair = post({"users": [bob.pk]}).json()
    assert (pair["partner"]["username"], pair["people"]) == ("bob", [])
    assert "expected one of" in post({"users": [bob.pk], "user": bob.pk}).json()["error"]["message"]
    assert "expected one of" in post({}).json()["error"]["message"]
    listed = client.get("/api/rooms/").json()["rooms"]
    assert sorted(len(item["people"]) for item in listed) == [0, 2]
    page = client.get(f"/rooms/{data['room']['slug']}/").content.decode()
    assert "Bob and Charlie" in page
    assert "beginning of this group conversation" in page
