"""The socket of a page with rooms: everything of the bell, and chat."""

from chat.api import handlers
from notifications.api.consumers import NotificationConsumer


class ChatConsumer(NotificationConsumer):
    """Adds rooms and their commands, and whatever else a project has registered, so that a page needs one socket."""

    commands = handlers.commands
    stream_kinds = None
