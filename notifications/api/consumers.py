"""The socket of a page that has no more than a bell: the inbox and the announcements."""

from collections.abc import Collection
from typing import ClassVar

from notifications import payloads
from notifications.api import handlers
from realtime.api.consumers import StreamConsumer


class NotificationConsumer(StreamConsumer):
    """Adds the commands of an inbox to streams."""

    commands = handlers.commands
    stream_kinds: ClassVar[Collection[str] | None] = frozenset(
        {payloads.INBOX, payloads.ANNOUNCEMENTS}
    )
