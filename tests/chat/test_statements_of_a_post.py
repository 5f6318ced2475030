"""A plain post sends PostgreSQL few statements, and waits for few answers."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection

from chat import services
from chat.models import Message
from chat.moderation import raid_mode
from chat.queries import filter_cache
from chat.services import Post, Posted
from chat.services.messages.rendering import plain_text
from realtime.protocol.errors import Forbidden
from tests.conftest import make_user
from tests.support.wire import Sent, traced

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def known_raid_mode(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ask once whether there is a raid, not once a second."""
    monkeypatch.setattr(raid_mode, "FRESH_SECONDS", 3600.0)
    raid_mode.process.forget()
    yield
    raid_mode.process.forget()


def plain_posts(author: User, room_id: int, count: int) -> list[Post]:
    """Return posts as a socket gives them to the writer."""
    return [
        Post(
            author_id=author.pk,
            room_id=room_id,
            key=uuid4(),
            body=f"Hello {number}",
            text=plain_text(f"Hello {number}", (), filter_cache.current()),
        )
        for number in range(count)
    ]


def sent_for(author: User, room_id: int, count: int) -> Sent:
    for _ in range(3):  # until the process remembers filters, and the connection its statements
        services.post_messages(plain_posts(author, room_id, 1))
    posts = plain_posts(author, room_id, count)
    with traced() as sent:
        answers = services.post_messages(posts)
    assert all(isinstance(answer, Posted) for answer in answers)
    return sent


@pytest.mark.parametrize("count", [1, 20])
def test_a_plain_post_takes_few_statements_and_round_trips(count: int) -> None:
    alice = make_user("alice")
    room_id = services.create_room(actor_id=alice.pk, name="General").room_id
    services.join(actor_id=make_user("bob").pk, room_id=room_id)
    sent = sent_for(alice, room_id, count)
    # BEGIN; lock, and read: one wait. Write, and COMMIT: another.
    assert sent.statements == 5
    assert sent.round_trips == 2
    assert "Parse" not in sent.messages  # all of them are prepared


def test_a_refused_post_changes_nothing_and_keeps_what_is_prepared() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    room_id = services.create_room(actor_id=alice.pk, name="General").room_id
    sent_for(alice, room_id, 1)
    for _ in range(2):
        posts = plain_posts(bob, room_id, 1)
        with traced() as sent:
            [answer] = services.post_messages(posts)
        assert isinstance(answer, Forbidden)
    assert (sent.statements, sent.round_trips) == (4, 2)
    assert "Parse" not in sent.messages
    assert list(Message.objects.values_list("author", flat=True).distinct()) == [alice.pk]


def test_a_write_that_fails_is_rolled_back_and_the_next_one_succeeds() -> None:
    alice = make_user("alice")
    room_id = services.create_room(actor_id=alice.pk, name="General").room_id
    sent_for(alice, room_id, 1)
    before = Message.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE chat_message ADD CONSTRAINT none CHECK (body <> 'Hello 1')")
    try:
        with pytest.raises(IntegrityError, match="none"):
            services.post_messages(plain_posts(alice, room_id, 2))
        assert not connection.in_atomic_block
        assert Message.objects.count() == before
        [answer] = services.post_messages(plain_posts(alice, room_id, 1))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE chat_message DROP CONSTRAINT none")
    assert isinstance(answer, Posted)
    assert answer.message.number == before + 1
