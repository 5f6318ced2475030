"""How rooms look in a page."""

from django import template

from chat.models import Room

register = template.Library()


@register.filter
def room_icon(kind: str | None) -> str:
    """Return the icon of a kind of room."""
    return {Room.Kind.PRIVATE: "lock", Room.Kind.DIRECT: "message-circle"}.get(Room.Kind(kind or Room.Kind.PUBLIC), "hash")
