"""Unread mentions and messages, going back in a room, and reading all rooms at once."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.models import Mention, Room
from chat.queries import room_lists, snapshots
from chat.services import MarkedUnread, ReadMark
from realtime.protocol.errors import BadRequest, Forbidden, NotFound
from tests.chat.conftest import Say, membership
from tests.support.replay import Verify


def mentions(user: User) -> dict[str, list[int]]:
    """Return the numbers of a user's unread mentions, by room."""
    return {
        item.room.slug: list(item.after.mentions)
        for item in room_lists.my_rooms(user.pk)
        if item.after.mentions
    }


def read(user: User, room: Room, number: int) -> None:
    services.mark_read([ReadMark(user_id=user.pk, room_id=room.pk, number=number)])


# -- mentions --------------------------------------------------------------------------------------


def test_unread_mentions_are_counted_apart(
    general: Room, secret: Room, alice: User, bob: User, say: Say
) -> None:
    for text in ("nobody", "@bob one", "@bob two", "@alice three"):
        say(alice, general, text)
    say(alice, secret, "@bob")
    assert mentions(bob) == {"general": [2, 3], "secret": [1]}
    assert mentions(alice) == {}  # a mention of oneself is no news
    read(bob, general, 2)
    assert mentions(bob) == {"general": [3], "secret": [1]}
    read(bob, general, 4)
    assert mentions(bob) == {"secret": [1]}


def test_everybody_is_mentioned_but_the_author(
    general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    say(alice, general, "@room, lunch")
    assert mentions(bob) == {"general": [1]}
    assert not Mention.objects.exclude(user=bob).exists()


def test_a_member_without_notifications_still_has_unread_mentions(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="nothing")
    say(alice, general, "@bob")
    services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="mentions")
    assert mentions(bob) == {"general": [1]}


def test_an_edit_changes_the_mentions(
    general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    message = say(alice, general, "@bob")
    services.edit_message(actor_id=alice.pk, message_id=message.pk, body="@charlie")
    assert (mentions(bob), mentions(charlie)) == ({}, {"general": [1]})
    services.edit_message(actor_id=alice.pk, message_id=message.pk, body="@room")
    assert mentions(bob) == mentions(charlie) == {"general": [1]}


def test_a_deleted_message_mentions_nobody_until_it_is_restored(
    general: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    message = say(alice, general, "@bob")
    services.delete_message(actor_id=mona.pk, message_id=message.pk)
    assert mentions(bob) == {}
    services.restore_message(actor_id=mona.pk, message_id=message.pk)
    assert mentions(bob) == {"general": [1]}


@pytest.mark.parametrize("text", ["@bob", "@room"])
def test_a_hidden_message_mentions_nobody_until_it_is_shown(
    general: Room, alice: User, bob: User, mona: User, say: Say, text: str
) -> None:
    message = say(alice, general, text)
    services.hide_message(actor_id=mona.pk, message_id=message.pk)
    assert mentions(bob) == {}
    services.show_message(actor_id=mona.pk, message_id=message.pk)
    assert mentions(bob) == {"general": [1]}
    assert mentions(alice) == {}


def test_a_snapshot_has_them_too(
    general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    say(alice, general, "@bob")
    assert list(snapshots.snapshot(general.pk, bob.pk).unread.mentions) == [1]
    assert list(snapshots.snapshot(general.pk, alice.pk).unread.mentions) == []
    assert list(snapshots.snapshot(general.pk, charlie.pk).unread.mentions) == []


def test_posting_without_a_mention_costs_what_it_cost(general: Room, alice: User, say: Say) -> None:
    say(alice, general, "warm")
    with CaptureQueriesContext(connection) as queries:
        say(alice, general, "nobody is meant")
    assert not [query for query in queries if "chat_mention" in query["sql"]]


def test_counting_is_one_query_for_all_rooms(
    general: Room, secret: Room, direct: Room, alice: User, bob: User, say: Say
) -> None:
    for room in (general, secret, direct):
        say(alice, room, "@bob")
    with CaptureQueriesContext(connection) as queries:
        assert len(mentions(bob)) == 3
    assert len([query for query in queries if "chat_mention" in query["sql"]]) == 1


# -- going back ------------------------------------------------------------------------------------


@pytest.fixture
def five(general: Room, alice: User, bob: User, say: Say) -> Room:
    """General with five messages of Alice, the third for Bob, all of which Bob has read."""
    for number in range(1, 6):
        say(alice, general, "@bob" if number == 3 else f"message {number}")
    read(bob, general, 5)
    return general


def test_a_room_is_unread_again_from_a_message_on(verify: Verify, five: Room, bob: User) -> None:
    with verify() as change:
        back = services.mark_unread(actor_id=bob.pk, room_id=five.pk, number=3)
    assert back == MarkedUnread(3, 2, membership(five, bob).inbox_seq, has_receipts=False)
    assert change.streams == [f"inbox.{bob.pk}"]
    assert change.data(f"inbox.{bob.pk}")[0]["read_number"] == 2
    assert mentions(bob) == {"general": [3]}


def test_it_only_goes_back(verify: Verify, five: Room, bob: User) -> None:
    services.mark_unread(actor_id=bob.pk, room_id=five.pk, number=2)
    with verify() as change:
        assert services.mark_unread(actor_id=bob.pk, room_id=five.pk, number=4)[:2] == (4, 1)
    assert change.streams == []
    read(bob, five, 5)
    assert membership(five, bob).read_number == 5


def test_only_from_a_message_that_is_there_and_in_a_room_of_mine(
    five: Room, secret: Room, bob: User, charlie: User
) -> None:
    for user, room_id, number, error in [
        (bob, five.pk, 0, BadRequest),
        (bob, five.pk, 6, BadRequest),
        (charlie, five.pk, 1, Forbidden),
        (charlie, secret.pk, 1, NotFound),
        (bob, 10**30, 1, NotFound),
    ]:
        with pytest.raises(error):
            services.mark_unread(actor_id=user.pk, room_id=room_id, number=number)


# -- all at once -----------------------------------------------------------------------------------


def test_all_rooms_are_read_at_once(
    verify: Verify, five: Room, secret: Room, direct: Room, alice: User, bob: User, say: Say
) -> None:
    for room in (five, secret, direct):
        say(alice, room, "@bob")
    with verify() as change:
        assert services.mark_all_read(user_id=bob.pk) == 3
    changed = [row["data"] for row in change.rows(f"inbox.{bob.pk}") if row["kind"] == "membership"]
    assert {data["room"]: data["read_number"] for data in changed} == {
        five.pk: 6,
        secret.pk: 1,
        direct.pk: 1,
    }
    assert [item.unread for item in room_lists.my_rooms(bob.pk)] == [0, 0, 0]
    with verify() as change:
        assert services.mark_all_read(user_id=bob.pk) == 0
    assert change.streams == []


def test_more_rooms_than_one_transaction_takes_are_read_too(
    verify: Verify,
    five: Room,
    secret: Room,
    direct: Room,
    alice: User,
    bob: User,
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chat.services.messages.reading.READ_BATCH", 2)
    for room in (five, secret, direct):
        say(alice, room, "news")
    with verify():
        assert services.mark_all_read(user_id=bob.pk) == 3
