"""Blocking: what changes for Alice, who blocks Bob, and that nobody else notices."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.models import Mention, Room
from chat.queries import blocks, room_lists
from chat.services import Post, Posted
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, TooMany
from tests.chat.conftest import Say, membership, notices
from tests.support.replay import Verify


@pytest.fixture
def apart(alice: User, bob: User) -> None:
    services.block(actor_id=alice.pk, user_id=bob.pk)


def test_a_block_is_a_row_of_the_inbox_of_whoever_blocks(
    verify: Verify, alice: User, bob: User
) -> None:
    with verify() as change:
        services.block(actor_id=alice.pk, user_id=bob.pk)
        services.block(actor_id=alice.pk, user_id=bob.pk)
        services.unblock(actor_id=alice.pk, user_id=bob.pk)
        services.unblock(actor_id=alice.pk, user_id=bob.pk)
        row = services.block(actor_id=alice.pk, user_id=bob.pk)
    assert change.streams == [f"inbox.{alice.pk}"]
    assert change.kinds(f"inbox.{alice.pk}") == ["block"] * 3
    newest = change.data(f"inbox.{alice.pk}")[-1]
    assert (newest["id"], newest["user"]["username"], newest["lifted_at"]) == (row.pk, "bob", None)
    assert blocks.blocks(alice.pk) == [row]


def test_one_cannot_block_oneself_nor_nobody(alice: User, bob: User) -> None:
    for user_id, error in ((alice.pk, BadRequest), (10**6, NotFound)):
        with pytest.raises(error):
            services.block(actor_id=alice.pk, user_id=user_id)
    with pytest.raises(NotFound, match="haven't blocked"):
        services.unblock(actor_id=alice.pk, user_id=bob.pk)


def test_the_number_of_blocks_is_bounded(
    alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_BLOCKS", 1)
    services.block(actor_id=alice.pk, user_id=bob.pk)
    with pytest.raises(TooMany):
        services.block(actor_id=alice.pk, user_id=charlie.pk)
    services.unblock(actor_id=alice.pk, user_id=bob.pk)
    services.block(actor_id=alice.pk, user_id=charlie.pk)


def test_a_blocked_user_causes_no_notifications(
    verify: Verify, apart: None, general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    services.set_involvement(actor_id=alice.pk, room_id=general.pk, involvement="everything")
    services.join(actor_id=charlie.pk, room_id=general.pk)
    mine = say(alice, general, "Good morning")
    with verify():
        services.react(actor_id=bob.pk, message_id=mine.pk, emoji="👍", on=True)
        say(bob, general, "And a good day to you", reply_to=mine.pk)
        message = say(bob, general, "Hello @alice and @charlie")
        services.edit_message(
            actor_id=bob.pk, message_id=message.pk, body="Hello @alice, once more"
        )
        say(charlie, general, "Hello @alice and @bob")
    assert message.mentions == [alice.pk, charlie.pk]  # others see that she was mentioned
    assert notices(alice) == [("mention", "Charlie mentioned you in General")]
    assert ("mention", "Charlie mentioned you in General") in notices(bob)
    # Charlie's alone has a badge.
    assert [*Mention.objects.filter(user=alice).values_list("number", flat=True)] == [4]


def test_messages_of_a_blocked_user_are_not_unread(
    general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    say(bob, general, "Hello @alice")
    services.block(actor_id=alice.pk, user_id=bob.pk)
    say(bob, general, "Hello?")
    say(charlie, general, "Good morning")

    def unread(user: User) -> tuple[int, list[int]]:
        (listed,) = room_lists.my_rooms(user.pk)
        return listed.unread, list(listed.after.mentions)

    assert (unread(alice), unread(charlie)) == ((1, []), (2, []))
    services.unblock(actor_id=alice.pk, user_id=bob.pk)
    assert unread(alice) == (3, [1])


def test_a_blocked_user_cannot_post_in_the_direct_room(
    verify: Verify, direct: Room, alice: User, bob: User, say: Say
) -> None:
    before = say(bob, direct, "Before")
    mine = say(alice, direct, "Mine")
    services.block(actor_id=alice.pk, user_id=bob.pk)
    told = notices(alice)
    with verify() as change:
        with pytest.raises(Forbidden, match=r"^You cannot write to this person\.$"):
            say(bob, direct, "Why do you not answer?")
        with pytest.raises(Forbidden, match=r"^You cannot write to this person\.$"):
            services.edit_message(actor_id=bob.pk, message_id=before.pk, body="After")
        with pytest.raises(Forbidden, match=r"^You cannot write to this person\.$"):
            services.react(actor_id=bob.pk, message_id=mine.pk, emoji="👀", on=True)
        with pytest.raises(Forbidden, match="You have blocked this person"):
            say(alice, direct, "One more thing")
    assert change.streams == []
    assert notices(alice) == told
    services.unblock(actor_id=alice.pk, user_id=bob.pk)
    say(bob, direct, "There you are")


def test_a_post_from_before_is_answered_as_before(
    direct: Room, alice: User, bob: User, say: Say
) -> None:
    key = uuid4()
    first = say(bob, direct, "Hello", key=key)
    services.block(actor_id=alice.pk, user_id=bob.pk)
    assert say(bob, direct, "Hello", key=key) == first


def test_neither_opens_a_direct_room(alice: User, bob: User) -> None:
    services.block(actor_id=alice.pk, user_id=bob.pk)
    with pytest.raises(Forbidden, match=r"^You cannot write to this person\.$"):
        services.direct_room(actor_id=bob.pk, user_id=alice.pk)
    with pytest.raises(Forbidden, match="You have blocked"):
        services.direct_room(actor_id=alice.pk, user_id=bob.pk)
    assert not Room.objects.filter(kind="direct").exists()


def test_a_blocked_user_cannot_invite_the_blocker_to_a_room(
    apart: None, alice: User, bob: User
) -> None:
    den = services.create_room(actor_id=bob.pk, name="Den", kind=Room.Kind.PRIVATE).room
    with pytest.raises(Forbidden, match=r"^You can't invite this person\.$"):
        services.invite(actor_id=bob.pk, room_id=den.pk, username="alice")
    assert notices(alice) == []


def test_moderators_act_as_before(
    apart: None, verify: Verify, general: Room, alice: User, bob: User
) -> None:
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="owner")
    services.set_role(actor_id=bob.pk, room_id=general.pk, user_id=alice.pk, role="member")
    with verify():
        services.mute(
            actor_id=bob.pk, room_id=general.pk, user_id=alice.pk, seconds=60, reason="Calm down"
        )
    assert membership(general, alice).muted_until is not None
    assert notices(alice) == []  # what the blocked one writes notifies nobody


def test_a_batch_costs_the_same_however_many_write(
    general: Room, direct: Room, apart: None, bob: User
) -> None:
    counts = []
    for number in (1, 7):
        with CaptureQueriesContext(connection) as queries:
            answers = services.post_messages(
                [*posts(number, bob, direct, "Hello"), *posts(number, bob, general, "Hello @alice")]
            )
        assert [isinstance(answer, Posted) for answer in answers] == [False] * number + [
            True
        ] * number
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_batch_that_tells_nobody_asks_nothing(apart: None, general: Room, bob: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        services.post_messages(posts(3, bob, general, "Hello"))
    assert not [query for query in queries if "chat_block" in query["sql"]]


def posts(number: int, author: User, room: Room, body: str) -> list[Post]:
    return [
        Post(author_id=author.pk, room_id=room.pk, key=uuid4(), body=body) for _ in range(number)
    ]


def test_the_list_of_blocks_over_http(apart: None, client: Client, alice: User, bob: User) -> None:
    client.force_login(alice)
    found = client.get("/api/blocks/").json()
    assert [row["user"]["username"] for row in found["blocks"]] == ["bob"]
    services.unblock(actor_id=alice.pk, user_id=bob.pk)
    assert client.get("/api/blocks/").json() == {"blocks": [], "seq": found["seq"] + 1}
    client.force_login(bob)
    assert client.get("/api/blocks/").json()["blocks"] == []
