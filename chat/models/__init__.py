"""Tables of chat.

Rows with a ``seq`` belong to a stream: ``room.<id>``, or ``inbox.<user>``, or both for memberships.
Only ``chat.services`` changes them.
"""

from chat.models.filter import Filter, FilterVersion
from chat.models.membership import Involvement, Membership, Role, State
from chat.models.message import EMOJI_MAX_LENGTH, HeldText, Mention, Message, RemovedText
from chat.models.moderation import (
    NOTE_MAX_LENGTH,
    REASON_MAX_LENGTH,
    Bulk,
    ModerationLog,
    Report,
    SiteBan,
    SiteMute,
)
from chat.models.people import Block, Person, Renaming
from chat.models.room import (
    NAME_MAX_LENGTH,
    SLUG_MAX_LENGTH,
    SYSTEM_USERNAME,
    TOPIC_MAX_LENGTH,
    InviteLink,
    Room,
)

__all__ = [
    "EMOJI_MAX_LENGTH",
    "NAME_MAX_LENGTH",
    "NOTE_MAX_LENGTH",
    "REASON_MAX_LENGTH",
    "SLUG_MAX_LENGTH",
    "SYSTEM_USERNAME",
    "TOPIC_MAX_LENGTH",
    "Block",
    "Bulk",
    "Filter",
    "FilterVersion",
    "HeldText",
    "InviteLink",
    "Involvement",
    "Membership",
    "Mention",
    "Message",
    "ModerationLog",
    "Person",
    "RemovedText",
    "Renaming",
    "Report",
    "Role",
    "Room",
    "SiteBan",
    "SiteMute",
    "State",
]
