"""Posting: numbers, keys, refusals, and many at once."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import payloads, services
from chat.errors import BlockedWord, Empty, Muted, ReadOnly, SlowMode, TooLong
from chat.models import Membership, Message, Room, State
from chat.services import Post, Posted
from chat.services.messages import admission, batch, rendering
from chat.services.messages.rendering import RenderJob, Text
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound
from tests.chat.conftest import BlockWord, Say, fresh
from tests.conftest import make_user
from tests.support.replay import Verify


def posts_of(user: User, room: Room, *bodies: str) -> list[Post]:
    return [Post(author_id=user.pk, room_id=room.pk, key=uuid4(), body=body) for body in bodies]


def refused(
    user: User, room: Room, body: str = "Hello", **more: object
) -> type[HoldfastError] | None:
    post = Post(author_id=user.pk, room_id=room.pk, key=uuid4(), body=body, **more)  # type: ignore[arg-type]
    [answer] = services.post_messages([post])
    return type(answer) if isinstance(answer, HoldfastError) else None


def test_a_message_is_shown_to_everybody_in_the_room(
    verify: Verify, general: Room, alice: User
) -> None:
    key = uuid4()
    with verify() as change:
        posted = services.post_message(
            author_id=alice.pk, room_id=general.pk, body="Hello", key=key
        )
    assert not posted.duplicate
    assert posted.data == {
        "id": posted.message.pk,
        "room": general.pk,
        "number": 1,
        "seq": 4,  # after the room itself, Alice and Bob
        "author": {"id": alice.pk, "username": "alice", "name": "Alice"},
        "key": str(key),
        "body": "Hello",
        "created_at": payloads.moment(posted.message.created_at),
        "edited_at": None,
        "deleted_at": None,
        "reply_to": None,
        "reactions": {},
        "mentions": [],
    }
    assert change.streams == [f"room.{general.pk}"]
    assert change.data(f"room.{general.pk}") == [posted.data]


def test_numbers_have_no_holes_and_every_room_has_its_own(
    verify: Verify, general: Room, secret: Room, alice: User, bob: User
) -> None:
    batch = [
        *posts_of(alice, general, "a", ""),
        *posts_of(bob, secret, "b"),
        *posts_of(bob, general, "c"),
        *posts_of(alice, secret, "d"),
    ]
    with verify():
        answers = services.post_messages(batch)
    numbers = [answer.message.number if isinstance(answer, Posted) else None for answer in answers]
    assert numbers == [1, None, 1, 2, 2]
    assert (fresh(general).last_number, fresh(secret).last_number) == (2, 2)


def test_a_bad_message_fails_alone(
    general: Room, secret: Room, alice: User, bob: User, charlie: User
) -> None:
    answers = services.post_messages(
        [
            *posts_of(alice, general, "fine"),
            *posts_of(charlie, general, "not a member"),
            *posts_of(charlie, secret, "outside"),
            *posts_of(bob, general, "", "x" * 10_001),
            Post(author_id=bob.pk, room_id=10**30, key=uuid4(), body="no such room"),
            *posts_of(bob, general, "fine too"),
        ]
    )
    assert [type(answer) for answer in answers] == [
        Posted,
        Forbidden,
        NotFound,
        Empty,
        TooLong,
        NotFound,
        Posted,
    ]


def test_nothing_at_all_can_be_posted(db: None) -> None:
    assert services.post_messages([]) == []


# -- keys ------------------------------------------------------------------------------------------


def test_a_repeated_post_is_one_message(verify: Verify, general: Room, alice: User) -> None:
    post = posts_of(alice, general, "Hello")[0]
    first = services.post_messages([post])[0]
    with verify() as change:
        again = services.post_messages([post])[0]
    assert isinstance(first, Posted)
    assert isinstance(again, Posted)
    assert again.duplicate
    assert again.data == first.data
    assert change.streams == []


def test_a_repeat_in_the_same_batch_is_one_message(
    verify: Verify, general: Room, alice: User
) -> None:
    post, other = posts_of(alice, general, "Hello", "There")
    with verify():
        answers = services.post_messages([post, other, post])
    assert [answer.duplicate for answer in answers if isinstance(answer, Posted)] == [
        False,
        False,
        True,
    ]
    assert [answer.data["number"] for answer in answers if isinstance(answer, Posted)] == [1, 2, 1]


def test_a_repeat_is_answered_even_when_nothing_can_be_posted_any_more(
    general: Room, alice: User, bob: User
) -> None:
    post = posts_of(bob, general, "Hello")[0]
    services.post_messages([post])
    services.change_room(actor_id=alice.pk, room_id=general.pk, read_only=True, slow_mode=60)
    services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=60)
    services.change_room(actor_id=alice.pk, room_id=general.pk, archived=True)
    again = services.post_messages([post])[0]
    assert isinstance(again, Posted)
    assert again.duplicate


def test_two_people_may_choose_the_same_key(general: Room, alice: User, bob: User) -> None:
    key = uuid4()
    answers = services.post_messages(
        [Post(author_id=user.pk, room_id=general.pk, key=key, body="x") for user in (alice, bob)]
    )
    assert [answer.data["number"] for answer in answers if isinstance(answer, Posted)] == [1, 2]


def test_one_key_in_two_rooms_is_the_first_message(
    general: Room, secret: Room, alice: User
) -> None:
    key = uuid4()
    answers = services.post_messages(
        [Post(author_id=alice.pk, room_id=room.pk, key=key, body="x") for room in (general, secret)]
    )
    assert [answer.data["room"] for answer in answers if isinstance(answer, Posted)] == [
        general.pk,
        general.pk,
    ]


def test_a_key_that_another_node_took_at_the_same_moment_is_found(
    general: Room, alice: User, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    """The other node's message becomes visible between our query and our insert.

    The second attempt finds it.
    """
    key = uuid4()
    there = say(alice, general, "first", key=key)
    look, blind = admission.known_messages, [True, True]
    for module in (admission, batch):
        monkeypatch.setattr(
            module, "known_messages", lambda posts: {} if blind and blind.pop() else look(posts)
        )
    again = services.post_message(author_id=alice.pk, room_id=general.pk, body="second", key=key)
    assert again.duplicate
    assert again.message.pk == there.pk
    assert fresh(general).last_number == 1


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["", " ", "\n\t ", "\u200b", "\u200b\u2060 \ufeff", "\x07"])
def test_a_message_that_nobody_could_see_is_empty(general: Room, alice: User, body: str) -> None:
    assert refused(alice, general, body) is Empty


@pytest.mark.parametrize("body", ["a\0b", "\ud800"])
def test_what_is_no_text_is_a_bad_request(general: Room, alice: User, body: str) -> None:
    assert refused(alice, general, body) is BadRequest


def test_a_message_has_at_most_10000_characters(general: Room, alice: User) -> None:
    assert refused(alice, general, "🙂" * 10_000) is None
    assert refused(alice, general, "🙂" * 10_001) is TooLong


def test_the_text_is_kept_as_it_was_typed(general: Room, alice: User, say: Say) -> None:
    body = "  two spaces,\r\n\ttab, e\u0301, trailing \n"
    assert say(alice, general, body).body == body


def test_outsiders_learn_nothing_about_a_room(general: Room, secret: Room, charlie: User) -> None:
    assert refused(charlie, general) is Forbidden
    assert refused(charlie, secret) is NotFound


@pytest.mark.parametrize("state", ["left", "removed", "banned"])
def test_former_members_cannot_post(general: Room, secret: Room, bob: User, state: State) -> None:
    Membership.objects.filter(user=bob).update(state=state)
    assert refused(bob, general) is Forbidden
    assert refused(bob, secret) is NotFound


def test_a_muted_member_learns_until_when(general: Room, alice: User, bob: User) -> None:
    services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=60)
    answer = services.post_messages(posts_of(bob, general, "Hello"))[0]
    assert isinstance(answer, Muted)
    assert answer.retry_after == pytest.approx(60, abs=5)
    Membership.objects.filter(user=bob).update(muted_until=timezone.now())
    assert refused(bob, general) is None


def test_only_moderators_write_in_a_locked_room(general: Room, alice: User, bob: User) -> None:
    services.change_room(actor_id=alice.pk, room_id=general.pk, read_only=True)
    assert refused(bob, general) is ReadOnly
    assert refused(alice, general) is None
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    assert refused(bob, general) is None


def test_nobody_writes_in_an_archived_room(general: Room, alice: User) -> None:
    services.change_room(actor_id=alice.pk, room_id=general.pk, archived=True)
    assert refused(alice, general) is ReadOnly


def test_slow_mode_holds_for_members_also_within_a_batch(
    verify: Verify, general: Room, alice: User, bob: User
) -> None:
    services.change_room(actor_id=alice.pk, room_id=general.pk, slow_mode=30)
    with verify():
        answers = services.post_messages(
            [*posts_of(bob, general, "one", "two"), *posts_of(alice, general, "three", "four")]
        )
    assert [type(answer) for answer in answers] == [Posted, SlowMode, Posted, Posted]
    assert isinstance(answers[1], SlowMode)
    assert answers[1].retry_after == pytest.approx(30, abs=1)
    assert refused(bob, general) is SlowMode
    Membership.objects.filter(user=bob).update(
        last_posted_at=timezone.now() - timedelta(seconds=31)
    )
    assert refused(bob, general) is None


def test_a_refused_message_does_not_count_for_slow_mode(
    general: Room, alice: User, bob: User
) -> None:
    services.change_room(actor_id=alice.pk, room_id=general.pk, slow_mode=30)
    assert refused(bob, general, "") is Empty
    assert refused(bob, general) is None


def test_a_blocked_word_is_found_as_a_whole_word_in_any_case(
    general: Room, alice: User, block_word: BlockWord
) -> None:
    block_word("Blub")
    for body in ("blub", "so BLUB!", "a\nblub\nb"):
        assert refused(alice, general, body) is BlockedWord
    assert refused(alice, general, "blubber") is None


def test_a_message_replies_to_one_of_the_same_room(
    verify: Verify, general: Room, secret: Room, alice: User, say: Say
) -> None:
    question, elsewhere = say(alice, general, "Why?"), say(alice, secret, "Where?")
    with verify():
        assert say(alice, general, "So.", reply_to=question.pk).reply_to_id == question.pk
    for other in (elsewhere.pk, 10**30, -1, 0):
        assert refused(alice, general, reply_to=other) is NotFound


# -- how much it costs -----------------------------------------------------------------------------


def queries_for(posts: list[Post]) -> int:
    with CaptureQueriesContext(connection) as queries:
        answers = services.post_messages(posts)
    assert all(isinstance(answer, Posted) for answer in answers)
    return len([query for query in queries if "SAVEPOINT" not in query["sql"]])


def rendered(posts: list[Post]) -> list[Post]:
    """Return posts as the writer gets them."""
    jobs = admission.admit(posts)
    return [
        replace(post, text=text, admitted=True)
        for post, job in zip(posts, jobs, strict=True)
        if isinstance(job, RenderJob) and isinstance(text := rendering.rendered(job), Text)
    ]


def test_the_number_of_queries_does_not_depend_on_the_number_of_messages(alice: User) -> None:
    rooms = [
        services.create_room(actor_id=alice.pk, name=f"Room {number}").room for number in range(20)
    ]
    people = [make_user(f"user{number}") for number in range(20)]
    for room in rooms:
        services.add_members(room_id=room.pk, user_ids=[user.pk for user in people])
    one = queries_for(rendered(posts_of(people[0], rooms[0], "Hello")))
    batch = [
        post
        for user, room in zip(people, rooms, strict=True)
        for post in posts_of(user, room, "Hello", "there", "@user3")
    ]
    with CaptureQueriesContext(connection) as found:
        ready = rendered(batch)
    assert len(found) <= 6  # filters, keys, rooms, members, names, who of them is in the rooms
    many = queries_for(ready)
    inserts_on_sqlite = 1  # 999 parameters a statement there, 14 for each row
    # Those of a post that notifies nobody are not Django's (test_statements_of_a_post.py).
    assert one <= 1
    # The filters, what a batch reads and writes, and for @user3: names, reach, blocks, the mentions
    # and the notifications.
    assert many <= 10 + 6 + inserts_on_sqlite
    assert Message.objects.count() == 61


def test_a_database_that_refuses_twice_is_no_secret(
    general: Room, alice: User, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    key = uuid4()
    say(alice, general, "first", key=key)
    for module in (admission, batch):
        monkeypatch.setattr(module, "known_messages", lambda posts: {})
    with pytest.raises(IntegrityError):
        say(alice, general, "second", key=key)
