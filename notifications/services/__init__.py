"""Changes of inboxes, announcements and broadcasts; only services open transactions."""

from notifications.services.broadcasts import (
    Recalled,
    begin,
    broadcast,
    recall,
    rename_target,
    send,
)
from notifications.services.editing import carry_on, check_edit, edit, is_begun, words_of
from notifications.services.gathering import Gathered, Parts, gather, ungather
from notifications.services.inbox import (
    Notice,
    Progress,
    archive,
    change,
    mark_unread,
    move,
    notify,
    notify_many,
    read,
    read_all,
    read_announcement,
    read_up_to,
    unarchive,
)
from notifications.services.preferences import set_preferences
from notifications.services.retention import remove_notifications
from notifications.services.sending import send_notification
from notifications.services.taking_back import bring_back, take_back

__all__ = [
    "Gathered",
    "Notice",
    "Parts",
    "Progress",
    "Recalled",
    "archive",
    "begin",
    "bring_back",
    "broadcast",
    "carry_on",
    "change",
    "check_edit",
    "edit",
    "gather",
    "is_begun",
    "mark_unread",
    "move",
    "notify",
    "notify_many",
    "read",
    "read_all",
    "read_announcement",
    "read_up_to",
    "recall",
    "remove_notifications",
    "rename_target",
    "send",
    "send_notification",
    "set_preferences",
    "take_back",
    "unarchive",
    "ungather",
    "words_of",
]
