"""Which users may read which room, and the content of streams, snapshots, history and lists."""

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from chat import payloads, services
from chat.models import Membership, Room, State
from chat.queries import members, messages, people, room_lists, rooms, snapshots, stream_sources
from realtime.core.reads import page
from realtime.core.streams import Claim, Reader, parse
from realtime.protocol.errors import Forbidden, HoldfastError, NotFound
from tests.chat.conftest import Say, fresh
from tests.conftest import make_user


def refusals(
    user: User, *rooms: Room, is_moderator: bool = False
) -> dict[int, type[HoldfastError]]:
    reader = Reader(user.pk, is_moderator)
    found = stream_sources.authorise([Claim(reader, str(room.pk)) for room in rooms])
    return {int(claim.ident): type(error) for claim, error in found.items()}


def test_private_and_direct_rooms_are_not_there_for_others(
    general: Room, secret: Room, direct: Room, bob: User, charlie: User, mona: User
) -> None:
    rooms = [general, secret, direct]
    assert refusals(bob, *rooms) == {}
    assert refusals(charlie, *rooms) == {secret.pk: NotFound, direct.pk: NotFound}
    # The admin shows what is reported.
    assert refusals(mona, *rooms, is_moderator=True) == {secret.pk: NotFound, direct.pk: NotFound}


@pytest.mark.parametrize(
    ("state", "public"), [("left", None), ("removed", None), ("banned", Forbidden)]
)
def test_a_former_member_reads_like_any_other_user(
    general: Room, secret: Room, bob: User, state: State, public: type[HoldfastError] | None
) -> None:
    Membership.objects.filter(user=bob).update(state=state)
    assert refusals(bob, general, secret) == {secret.pk: NotFound} | (
        {general.pk: public} if public else {}
    )


def test_many_claims_are_two_queries(
    general: Room,
    secret: Room,
    bob: User,
    charlie: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    idents = [
        str(general.pk),
        str(secret.pk),
        *(str(number) for number in range(1000, 1900)),
        str(10**18 - 1),
    ]
    claims = [Claim(Reader(bob.pk), ident) for ident in idents]
    with django_assert_num_queries(2):
        found = stream_sources.authorise([*claims, Claim(Reader(charlie.pk), str(secret.pk))])
    assert set(found) == {*claims[2:], Claim(Reader(charlie.pk), str(secret.pk))}
    assert all(isinstance(error, NotFound) for error in found.values())


def test_a_room_is_a_kind_of_stream(general: Room) -> None:
    kind, ident = parse(f"room.{general.pk}")
    assert (kind.prefix, ident, kind.presence) == ("room", str(general.pk), True)
    assert page(f"room.{general.pk}", 0).head == 3


def test_pages_cost_the_same_at_any_depth(
    general: Room, alice: User, say: Say, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        say(alice, general, f"message {number}")
    for after in (0, 5, 20):
        with django_assert_num_queries(5):  # the head, three sources, and the floor
            assert page(f"room.{general.pk}", after, 10).to == after + 10


# -- what is shown ---------------------------------------------------------------------------------


def test_a_snapshot_is_what_to_go_on_from(general: Room, alice: User, bob: User, say: Say) -> None:
    for number in range(60):
        say(alice, general, f"message {number}")
    found = snapshots.snapshot(general.pk, bob.pk)
    assert (found.seq, found.room, found.companions) == (63, general, [])
    assert found.membership is not None
    assert [message.number for message in found.messages] == list(range(11, 61))


def test_what_changes_after_the_head_was_read_comes_again(
    general: Room, alice: User, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = rooms.room_head

    def and_then_something_happens(room_id: int) -> int:
        seq = head(room_id)
        say(alice, general, "in between")
        return seq

    monkeypatch.setattr(snapshots, "room_head", and_then_something_happens)
    found = snapshots.snapshot(general.pk, alice.pk)
    assert found.messages[-1].body == "in between"
    assert found.messages[-1].seq > found.seq


def test_history_is_paged_both_ways(general: Room, alice: User, say: Say) -> None:
    for number in range(10):
        say(alice, general, f"message {number}")

    def numbers(history: messages.History) -> tuple[list[int], bool]:
        return [message.number for message in history.messages], history.more

    assert numbers(messages.before(general.pk, 10, limit=3)) == ([9, 8, 7], True)
    assert numbers(messages.before(general.pk, 3, limit=3)) == ([2, 1], False)
    assert numbers(messages.after(general.pk, 7, limit=2)) == ([8, 9], True)
    assert numbers(messages.after(general.pk, 10, limit=2)) == ([], False)
    assert numbers(messages.around(general.pk, 5, limit=4)) == ([3, 4, 5, 6], True)
    assert numbers(messages.around(general.pk, 1, limit=4)) == ([1, 2], True)
    assert numbers(messages.around(general.pk, 10, limit=4)) == ([8, 9, 10], False)


def test_what_is_answered_comes_along(general: Room, alice: User, say: Say) -> None:
    question = say(alice, general, "Why?")
    answer = say(alice, general, "So.", reply_to=question.pk)
    assert messages.quoted(general.pk, [answer]) == [question]
    assert messages.quoted(general.pk, [question, answer]) == []


def test_members_are_paged_by_user(general: Room, alice: User, bob: User, charlie: User) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    services.leave(actor_id=bob.pk, room_id=general.pk)
    found, more = members.members(general, limit=1)
    assert ([row.user_id for row in found], more) == ([alice.pk], True)
    found, more = members.members(general, after_user=alice.pk, limit=1)
    assert ([row.user_id for row in found], more) == ([charlie.pk], False)


def test_my_rooms_come_with_what_is_unread(
    general: Room, secret: Room, direct: Room, alice: User, bob: User, say: Say
) -> None:
    say(alice, general, "one")
    say(alice, general, "two")
    services.mark_read([services.ReadMark(user_id=bob.pk, room_id=general.pk, number=1)])
    services.change_room(actor_id=alice.pk, room_id=secret.pk, archived=True)
    found = room_lists.my_rooms(bob.pk)
    assert [(item.room, item.unread, item.seq, item.companions) for item in found] == [
        (direct, 0, 3, [alice]),
        (general, 1, 5, []),
    ]


def test_the_lists_of_rooms_cost_the_same_however_many_they_are(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 5):
        for number in range(count):
            services.create_room(actor_id=alice.pk, name=f"{count}-{number}")
        services.direct_room(actor_id=alice.pk, user_id=make_user(f"user{count}").pk)
        with django_assert_num_queries(4):
            room_lists.my_rooms(alice.pk)
        with django_assert_num_queries(3):
            room_lists.public_rooms(bob.pk)


def test_rooms_to_join_are_the_public_ones_that_one_is_not_in(
    general: Room, secret: Room, direct: Room, alice: User, bob: User, charlie: User
) -> None:
    names = ["Art", "Books", "Books, old"]
    made = [services.create_room(actor_id=alice.pk, name=name).room for name in names]
    services.create_room(actor_id=alice.pk, name="Old")
    services.change_room(actor_id=alice.pk, room_id=Room.objects.get(slug="old").pk, archived=True)
    services.ban(actor_id=alice.pk, room_id=made[0].pk, user_id=charlie.pk)
    found, more = room_lists.public_rooms(charlie.pk)
    assert ([item.room for item in found], more) == ([made[1], made[2], general], False)
    first, more = room_lists.public_rooms(charlie.pk, limit=1)
    assert ([item.room for item in first], more) == ([made[1]], True)
    rest, _ = room_lists.public_rooms(charlie.pk, after=first[0].room)
    assert [item.room for item in rest] == [made[2], general]
    assert [item.room for item in room_lists.public_rooms(bob.pk)[0]] == made


def test_people_are_suggested_by_the_beginning_of_their_names(alice: User, bob: User) -> None:
    make_user("alan")
    User.objects.filter(username="alan").update(is_active=False)
    make_user("Albert")
    assert {user.username for user in people.users_starting_with("al")} == {"alice", "Albert"}
    assert [user.username for user in people.users_starting_with("B")] == ["bob"]
    assert "holdfast" not in [user.username for user in people.users_starting_with("h")]
    for number in range(30):
        make_user(f"user{number}")
    assert len(people.users_starting_with("")) == people.MAX_USERS


def test_what_a_stream_shows_changes_only_with_its_number(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    say(alice, general, "Hello")
    assert (
        payloads.room(fresh(general))["last_number"],
        payloads.room(fresh(general), live=False)["last_number"],
    ) == (1, 0)
