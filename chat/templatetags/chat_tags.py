"""Template tags of the chat pages."""

from collections.abc import Mapping
from typing import Any

from django import template

from chat.models import Room
from realtime.site import visible_text

register = template.Library()


@register.filter
def isolated(text: object) -> str:
    """Return a name for a sentence or a title, whose direction it leaves alone."""
    return visible_text.isolated(str(text))


@register.filter
def room_icon(room: Mapping[str, Any] | str | None) -> str:
    """Return the icon of a room of a page, or of a kind of room."""
    if isinstance(room, Mapping) and room.get("is_group"):
        return "users"
    kind = room.get("kind") if isinstance(room, Mapping) else room
    return {Room.Kind.PRIVATE: "lock", Room.Kind.DIRECT: "message-circle"}.get(
        Room.Kind(kind or Room.Kind.PUBLIC), "hash"
    )
