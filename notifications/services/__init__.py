"""Changes of inboxes, announcements and broadcasts: the only place of this app that opens a transaction."""

from notifications.services.broadcasts import broadcast, recall
from notifications.services.inbox import Notice, Progress, archive, notify, notify_many, read, read_all, read_announcement, read_up_to

__all__ = [
    "Notice",
    "Progress",
    "archive",
    "broadcast",
    "notify",
    "notify_many",
    "read",
    "read_all",
    "read_announcement",
    "read_up_to",
    "recall",
]
