"""Fixtures and helpers of the tests of search."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection

from chat import services
from chat.models import Room
from chat.queries.search import index
from chat.queries.search.query import parse
from chat.services import Post

Look = Callable[..., list[str]]


@pytest.fixture
def look() -> Look:
    """Search as a user: ``look(bob, "harbour")`` returns the texts that are found, newest first."""

    def find(user: User, q: str, *, before_id: int | None = None, limit: int = 20) -> list[str]:
        return [
            message.body
            for message in index.find(user.pk, parse(q), before_id=before_id, limit=limit).messages
        ]

    return find


def indexed(text: str) -> list[int]:
    """Return the messages that the index itself holds under a word, regardless of permissions."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT id FROM chat_message WHERE body <> '' "
                "AND chat_search_words(coalesce(search_text, body)) "
                "@@ plainto_tsquery('simple', %s)",
                [text],
            )
        else:
            cursor.execute(
                "SELECT rowid FROM chat_search WHERE chat_search MATCH %s", [f'body : "{text}"']
            )
        return [row[0] for row in cursor.fetchall()]


def fill(user: User, room: Room, texts: list[str]) -> None:
    services.post_messages(
        [Post(author_id=user.pk, room_id=room.pk, key=uuid4(), body=text) for text in texts]
    )
