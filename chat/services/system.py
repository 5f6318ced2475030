"""What the system itself says in rooms: broadcasts."""

from collections.abc import Sequence
from uuid import UUID

from chat.models import Message


def post_system_message(*, room_ids: Sequence[int], title: str, body: str, url: str, level: str, key: UUID) -> list[Message]:
    """Post a message of the system in each room. A repeat with the same ``key`` posts nothing and returns the same messages."""
    raise NotImplementedError


def recall_system_message(*, room_ids: Sequence[int], key: UUID) -> int:
    """Delete what was posted with ``key``. Returns how many messages were still there."""
    raise NotImplementedError
