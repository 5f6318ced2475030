"""The socket of a page with rooms: everything of the bell, and chat."""

from chat.api import handlers
from notifications.api.consumers import NotificationConsumer


class ChatConsumer(NotificationConsumer):
    """Adds the commands of rooms, and those of other apps, so that a page needs one socket."""

    commands = handlers.commands
    stream_kinds = None
