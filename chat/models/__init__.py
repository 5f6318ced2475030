"""Tables of chat.

Rows that carry ``seq`` belong to a stream (``room.<id>``; memberships to ``inbox.<user>`` as well): only ``chat.services`` changes them.
"""

from chat.models.membership import Involvement, Membership, Role, State
from chat.models.message import EMOJI_MAX_LENGTH, HeldText, Mention, Message, RemovedText
from chat.models.moderation import REASON_MAX_LENGTH, Bulk, Filter, FilterVersion, SiteMute
from chat.models.relations import DIGEST_LENGTH, Block, InviteLink, Renaming
from chat.models.report import (
    NOTE_MAX_LENGTH,
    WORD_MAX_LENGTH,
    BlockedWord,
    ModerationLog,
    Person,
    Report,
    SiteBan,
)
from chat.models.room import (
    NAME_MAX_LENGTH,
    SLUG_MAX_LENGTH,
    SYSTEM_USERNAME,
    TOPIC_MAX_LENGTH,
    Room,
)

__all__ = [
    "DIGEST_LENGTH",
    "EMOJI_MAX_LENGTH",
    "NAME_MAX_LENGTH",
    "NOTE_MAX_LENGTH",
    "REASON_MAX_LENGTH",
    "SLUG_MAX_LENGTH",
    "SYSTEM_USERNAME",
    "TOPIC_MAX_LENGTH",
    "WORD_MAX_LENGTH",
    "Block",
    "BlockedWord",
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
