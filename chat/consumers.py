"""The socket of a page with rooms: everything of the bell, and chat."""

from chat import handlers
from notifications.consumers import NotificationConsumer


class ChatConsumer(NotificationConsumer):
    """Adds rooms and their commands, and whatever else a project has registered, so that a page needs one socket."""

    commands = handlers.commands
    stream_kinds = None
