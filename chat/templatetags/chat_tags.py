"""Template tags of the chat pages."""

from functools import cache
from pathlib import Path

from django import template
from django.apps import apps

from chat.models import Room

register = template.Library()

# The last of these is on every page, the others on pages without the chat.
ENTRIES = {
    "notifications/page.js",
    "chat/account/account.js",
    "chat/account/banned.js",
    "chat/account/notification_settings.js",
    "realtime/lib/time_zone.js",
}
WORKERS = {"chat/code/highlighter.js"}
# Folders of scripts that no page needs at first.
NOT_PRELOADED = {"admin", "offline", "vendor"}
PACKAGES = ("realtime", "notifications", "chat")


@register.simple_tag
@cache
def page_modules() -> list[str]:
    """Return the modules that the chat pages preload, as arguments for ``static``."""
    folders = [Path(apps.get_app_config(package).path) / "static" for package in PACKAGES]
    found = [
        path.relative_to(folder).as_posix()
        for folder in folders
        for path in sorted(folder.glob("*/**/*.js"))
    ]
    return [
        name
        for name in found
        if name not in ENTRIES | WORKERS and NOT_PRELOADED.isdisjoint(name.split("/"))
    ]


@register.filter
def room_icon(kind: str | None) -> str:
    return {Room.Kind.PRIVATE: "lock", Room.Kind.DIRECT: "message-circle"}.get(
        Room.Kind(kind or Room.Kind.PUBLIC), "hash"
    )
