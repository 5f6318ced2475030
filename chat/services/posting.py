"""Posting, by group commit: one transaction for many messages of many people in many rooms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat.models import Message
from realtime.protocol.errors import HoldfastError


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message that somebody wants to post."""

    author_id: int
    room_id: int
    key: UUID
    body: str
    reply_to: int | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that is committed, and how it looks on the wire."""

    message: Message
    data: dict[str, Any]
    duplicate: bool


def post_messages(posts: Sequence[Post]) -> list[Posted | HoldfastError]:
    """Post many messages in one transaction; each is answered with its message or with the reason why it was refused."""
    raise NotImplementedError


def post_message(*, author_id: int, room_id: int, body: str, key: UUID | None = None, reply_to: int | None = None) -> Posted:
    """Post one message. Raises the reason of a refusal."""
    raise NotImplementedError
