"""Template tags of the chat pages."""

from django import template

from chat.models import Room
from realtime.site import visible_text

register = template.Library()


@register.filter
def isolated(text: object) -> str:
    """Return a name for a sentence or a title, whose direction it leaves alone."""
    return visible_text.isolated(str(text))


@register.filter
def room_icon(kind: str | None) -> str:
    return {Room.Kind.PRIVATE: "lock", Room.Kind.DIRECT: "message-circle"}.get(
        Room.Kind(kind or Room.Kind.PUBLIC), "hash"
    )
