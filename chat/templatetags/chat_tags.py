"""Template tags of the chat pages."""

from django import template

from chat.models import Room

register = template.Library()


@register.filter
def room_icon(kind: str | None) -> str:
    return {Room.Kind.PRIVATE: "lock", Room.Kind.DIRECT: "message-circle"}.get(
        Room.Kind(kind or Room.Kind.PUBLIC), "hash"
    )
