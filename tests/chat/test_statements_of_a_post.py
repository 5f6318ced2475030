"""A plain post sends PostgreSQL few statements, and waits for few answers."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from chat import services
from chat.queries import filter_cache
from chat.services import Post, Posted
from chat.services.messages.rendering import plain_text
from tests.conftest import make_user
from tests.support.wire import Sent, traced

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


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
