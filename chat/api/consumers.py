"""The socket of a page with rooms: everything of the bell, and chat."""

from notifications.api.consumers import NotificationConsumer
from realtime.core.commands import site_commands


class ChatConsumer(NotificationConsumer):
    """Adds the commands of rooms, and those of other apps, so that a page needs one socket."""

    commands = site_commands
    stream_kinds = None
