"""Notifications of reactions and replies to a message, which Alice wrote."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from emoji import EMOJI_DATA
from pytest_django import DjangoAssertNumQueries

from chat import policies, services
from chat.models import Message, Room
from notifications import services as inbox
from notifications.kinds import sentence
from notifications.models import Notification
from tests.chat.conftest import Say, notices
from tests.conftest import make_user
from tests.support.notices import sentence_of
from tests.support.replay import Verify
from tests.support.server import ROOT


@pytest.fixture
def message(general: Room, alice: User, charlie: User, say: Say) -> Message:
    """A message of Alice, in a room with Bob and Charlie."""
    services.join(actor_id=charlie.pk, room_id=general.pk)
    return say(alice, general, "The secret word is xyzzy")


def react(user: User, message: Message, emoji: str = "👍", *, on: bool = True) -> None:
    services.react(actor_id=user.pk, message_id=message.pk, emoji=emoji, on=on)


def reactions(user: User) -> list[tuple[str, str, int]]:
    """Return a user's notifications of reactions, without withdrawn ones: title, body, count."""
    rows = user.notifications.filter(kind="reaction", count__gt=0).order_by("pk")
    return [(sentence_of(row), " ".join(row.params["emoji"]), row.count) for row in rows]


# -- reactions -------------------------------------------------------------------------------------


def test_a_reaction_tells_the_author(
    verify: Verify, message: Message, general: Room, alice: User, bob: User
) -> None:
    with verify() as change:
        react(bob, message)
    (data,) = change.data(f"inbox.{alice.pk}")
    assert (data["kind"], sentence(data), data["params"]["emoji"], data["count"]) == (
        "reaction",
        "Bob reacted to your message in General",
        ["👍"],
        1,
    )
    assert (data["place"], data["subject"]) == (
        f"room.{general.pk}",
        f"room.{general.pk}.{message.number}",
    )
    assert (data["url"], data["actor"]["id"], data["unread"]) == (
        f"/rooms/general/{message.number}/",
        bob.pk,
        1,
    )


def test_many_reactions_are_one_row_that_moves(
    verify: Verify, message: Message, alice: User, bob: User, charlie: User
) -> None:
    with verify() as change:
        react(bob, message)
        react(charlie, message)
        react(charlie, message, "🎉")
    rows = change.data(f"inbox.{alice.pk}")
    assert len({data["id"] for data in rows}) == 1
    assert [(data["count"], data["unread"]) for data in rows] == [(1, 1), (2, 1), (3, 1)]
    assert sentence(rows[-1]) == "Charlie and Bob reacted to your message in General"
    assert rows[-1]["params"]["emoji"] == ["👍", "🎉"]
    assert rows[-1]["updated_at"] > rows[-1]["created_at"]


def test_a_row_that_was_read_is_left_alone_and_a_new_one_begins(
    verify: Verify, message: Message, alice: User, bob: User, charlie: User
) -> None:
    react(bob, message)
    inbox.read_all(user_id=alice.pk)
    with verify() as change:
        react(charlie, message)
        react(bob, message, on=False)  # Alice has read of it: that cannot be taken back
    (data,) = change.data(f"inbox.{alice.pk}")
    assert (sentence(data), data["unread"]) == ("Charlie reacted to your message in General", 1)
    assert [count for _, _, count in reactions(alice)] == [1, 1]


def test_a_reaction_that_is_taken_back_unread_leaves_nothing(
    verify: Verify, message: Message, alice: User, bob: User, charlie: User
) -> None:
    react(bob, message)
    react(charlie, message)
    with verify() as change:
        react(charlie, message, on=False)
    assert [
        (sentence(data), data["count"], data["unread"]) for data in change.data(f"inbox.{alice.pk}")
    ] == [("Bob reacted to your message in General", 1, 1)]
    with verify() as change:
        react(bob, message, on=False)
    (data,) = change.data(f"inbox.{alice.pk}")
    assert (data["count"], data["unread"], data["actor"]) == (0, 0, None)
    assert data["archived_at"] is not None
    assert reactions(alice) == []


def test_adding_and_removing_a_reaction_repeatedly_makes_one_row(
    verify: Verify, message: Message, alice: User, bob: User
) -> None:
    with verify():
        for _ in range(5):
            react(bob, message)
            react(bob, message, on=False)
        react(bob, message)
    assert alice.notifications.count() == 1
    assert reactions(alice) == [("Bob reacted to your message in General", "👍", 1)]
    assert Notification.objects.get().unread == 1


def test_what_was_taken_back_cannot_be_brought_back(
    verify: Verify, message: Message, alice: User, bob: User
) -> None:
    react(bob, message)
    react(bob, message, on=False)
    row = alice.notifications.get()
    with verify() as change:
        assert inbox.mark_unread(user_id=alice.pk, ids=[row.pk]) == 0
        assert inbox.unarchive(user_id=alice.pk, ids=[row.pk]) == 0
    assert change.streams == []


def test_an_own_reaction_notifies_nobody(verify: Verify, message: Message, alice: User) -> None:
    with verify() as change:
        react(alice, message)
        react(alice, message, on=False)
    assert f"inbox.{alice.pk}" not in change.streams


def test_with_the_message_its_reactions_go(
    verify: Verify, message: Message, alice: User, bob: User
) -> None:
    react(bob, message)
    with verify():
        services.delete_message(actor_id=alice.pk, message_id=message.pk)
    assert reactions(alice) == []


def test_a_crowd_is_counted(
    message: Message, general: Room, alice: User, bob: User, charlie: User
) -> None:
    crowd = [make_user(f"user{number}") for number in range(3)]
    services.add_members(room_id=general.pk, user_ids=[user.pk for user in crowd])
    for user in [bob, charlie, *crowd]:
        react(user, message)
    assert reactions(alice) == [
        ("User2, User1, User0 and 2 others reacted to your message in General", "👍", 5)
    ]


def test_nothing_and_none_of_that_kind_are_respected(
    message: Message, general: Room, alice: User, bob: User, charlie: User
) -> None:
    inbox.set_preferences(user_id=alice.pk, inbox_off=["reaction"])
    react(bob, message)
    inbox.set_preferences(user_id=alice.pk, inbox_off=[])
    services.set_involvement(actor_id=alice.pk, room_id=general.pk, involvement="nothing")
    react(charlie, message)
    assert reactions(alice) == []


def test_a_former_member_is_not_notified(
    message: Message, general: Room, alice: User, bob: User
) -> None:
    services.leave(actor_id=alice.pk, room_id=general.pk)
    react(bob, message)
    assert reactions(alice) == []


def test_no_word_of_the_message_is_in_the_notification(
    message: Message, alice: User, bob: User
) -> None:
    react(bob, message)
    assert "xyzzy" not in str(alice.notifications.values())


REACT_QUERIES = 24


def test_the_hundredth_reaction_costs_what_the_second_does(
    message: Message,
    alice: User,
    bob: User,
    charlie: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    react(bob, message)
    with django_assert_max_num_queries(REACT_QUERIES) as second:
        react(charlie, message)
    for emoji in ["🎉", "👀", "🙏", "🚀"]:
        react(bob, message, emoji)
    with django_assert_max_num_queries(len(second)):
        react(charlie, message, "🎉")


# -- replies ---------------------------------------------------------------------------------------


def test_a_reply_notifies_the_author_of_the_original(
    verify: Verify, message: Message, general: Room, alice: User, bob: User, say: Say
) -> None:
    with verify() as change:
        answer = say(bob, general, "Which word?", reply_to=message.pk)
    (data,) = change.data(f"inbox.{alice.pk}")
    assert (data["kind"], sentence(data)) == ("reply", "Bob replied to you in General")
    assert (data["url"], data["subject"]) == (
        f"/rooms/general/{answer.number}/",
        f"room.{general.pk}.{answer.number}",
    )


def test_one_message_notifies_a_member_once(
    message: Message, general: Room, alice: User, bob: User, say: Say
) -> None:
    services.set_involvement(actor_id=alice.pk, room_id=general.pk, involvement="everything")
    say(bob, general, "@alice which word?", reply_to=message.pk)
    say(bob, general, "That one?", reply_to=message.pk)
    say(bob, general, "Hello?")
    assert [kind for kind, _ in notices(alice)] == ["mention", "reply", "message"]


def test_a_reply_to_oneself_notifies_nobody(
    verify: Verify, message: Message, general: Room, alice: User, say: Say
) -> None:
    with verify() as change:
        say(alice, general, "Never mind", reply_to=message.pk)
    assert change.streams == [f"room.{general.pk}"]


def test_a_kind_that_is_off_gives_way_to_the_next(
    message: Message, general: Room, alice: User, bob: User, say: Say
) -> None:
    services.set_involvement(actor_id=alice.pk, room_id=general.pk, involvement="everything")
    inbox.set_preferences(user_id=alice.pk, inbox_off=["mention", "reply"])
    say(bob, general, "@alice", reply_to=message.pk)
    assert notices(alice) == [("message", "Bob wrote in General")]
    inbox.set_preferences(user_id=alice.pk, inbox_off=["mention", "reply", "message"])
    say(bob, general, "@alice", reply_to=message.pk)
    assert len(notices(alice)) == 1


def test_a_reply_in_a_direct_conversation_is_one(
    direct: Room, alice: User, bob: User, say: Say
) -> None:
    first = say(alice, direct, "Hello")
    say(bob, direct, "Yes?", reply_to=first.pk)
    assert notices(alice) == [("reply", "Bob replied to you")]


def test_replies_make_a_batch_no_slower_the_more_they_are(
    message: Message, general: Room, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def posts(count: int) -> list[services.Post]:
        return [
            services.Post(
                author_id=bob.pk, room_id=general.pk, key=uuid4(), body="Yes", reply_to=message.pk
            )
            for _ in range(count)
        ]

    services.post_messages(posts(1))
    with CaptureQueriesContext(connection) as one:
        services.post_messages(posts(1))
    with django_assert_num_queries(len(one)):
        services.post_messages(posts(20))


def test_every_emoji_of_the_picker_can_be_a_reaction() -> None:
    table = (ROOT / "chat/static/chat/vendor/emoji/all.js").read_text().split("`")[1].split("\n")
    signs = [line.split(" ")[0] for line in table if line]
    assert len(signs) > 1500
    for sign in signs:
        assert policies.clean_emoji(sign) == sign


def test_each_form_of_an_emoji_is_the_same_reaction() -> None:
    for sign in EMOJI_DATA:
        full = policies.clean_emoji(sign)
        forms = (sign.replace("\ufe0f", ""), sign.replace("\ufe0f", "\ufe0e"), full)
        assert {policies.clean_emoji(form) for form in forms} == {full}


def test_two_people_react_with_two_forms_of_one_emoji(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(alice, general, "Hello")
    Message.objects.filter(pk=message.pk).update(reactions={"\u2764": [alice.pk], "👍": [bob.pk]})
    with verify():
        reacted = services.react(
            actor_id=bob.pk, message_id=message.pk, emoji="\u2764\ufe0e", on=True
        )
    assert reacted.reactions == {"\u2764\ufe0f": [alice.pk, bob.pk], "👍": [bob.pk]}
    for user in (alice, bob):
        reacted = services.react(actor_id=user.pk, message_id=message.pk, emoji="\u2764", on=False)
    assert reacted.reactions == {"👍": [bob.pk]}
