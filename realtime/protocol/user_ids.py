"""The keys of users, which are integers, UUIDs or strings: each project chooses its user model."""

from typing import Any, TypeAlias

UserId: TypeAlias = Any
"""The primary key of a user."""

WireId: TypeAlias = int | str | None
"""The same as JSON and the channel layer carry it."""


def wire_id(user_id: UserId) -> WireId:
    """Return a user's key as JSON and the channel layer carry it."""
    return user_id if user_id is None or isinstance(user_id, int) else str(user_id)
