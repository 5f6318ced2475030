"""A post on its way: what its author sent, and what came of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat.models import Message
from chat.services.messages.rendering import Text
from realtime.protocol.errors import HoldfastError


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The decision of a moderator that a held post becomes a message."""

    case_id: int
    actor_id: int
    reason: str
    is_of_appeal: bool = False  # then it may have been refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    author_id: int
    room_id: int
    key: UUID
    body: str
    reply_to: int | None = None
    flags: tuple[str, ...] = ()  # reasons of hooks for a review
    # Set where a hook refuses the text. A key that was used before still gets its first message.
    refusal: HoldfastError | None = None
    # Rendered before the post went to the writer; None: the service renders it.
    text: Text | None = None
    acceptance: Acceptance | None = None  # a moderator lets a held post through
    admitted: bool = False  # `admission.admit` has counted it against the limits of its author


@dataclass(frozen=True, slots=True)
class Posted:
    """A committed message, with its payload."""

    message: Message
    data: dict[str, Any]
    duplicate: bool
    text: Text | None = None  # as it was rendered for this answer
