"""Tables of chat.

Rows with a ``seq`` belong to a stream: ``room.<id>``, or ``inbox.<user>``, or both for memberships.
Only ``chat.services`` changes them.
"""

from chat.models.cases import (
    APPEAL_MAX_LENGTH,
    AUTHOR_NAME_MAX_LENGTH,
    Appeal,
    Case,
    Revision,
)
from chat.models.display import ClockFace, Density, Display, DisplaySettings, SidebarSection, Theme
from chat.models.filter import Filter, FilterVersion
from chat.models.held_post import HeldPost
from chat.models.membership import Involvement, Membership, Role, State
from chat.models.message import EMOJI_MAX_LENGTH, HeldText, Mention, Message, RemovedText
from chat.models.moderation import (
    NOTE_MAX_LENGTH,
    REASON_MAX_LENGTH,
    Bulk,
    BulkAuthor,
    ModerationLog,
    Report,
    SiteBan,
    SiteMute,
)
from chat.models.people import (
    LOOK_MAX_LENGTH,
    PERSON_NOTE_MAX_LENGTH,
    Block,
    Erasure,
    Person,
    PersonNote,
    ReceiptsOff,
    Renaming,
    UsernameLook,
)
from chat.models.raid import RAID_CHOICES, RaidMode
from chat.models.room import (
    NAME_MAX_LENGTH,
    SLUG_MAX_LENGTH,
    SYSTEM_USERNAME,
    TOPIC_MAX_LENGTH,
    InviteLink,
    Room,
    direct_key,
)
from chat.models.sign_up import SignUpRequest, SignUpSettings
from chat.models.templates import TEMPLATE_NAME_MAX_LENGTH, ReasonTemplate
from chat.models.traces import DIGEST_LENGTH, Trace

__all__ = [
    "APPEAL_MAX_LENGTH",
    "AUTHOR_NAME_MAX_LENGTH",
    "DIGEST_LENGTH",
    "EMOJI_MAX_LENGTH",
    "LOOK_MAX_LENGTH",
    "NAME_MAX_LENGTH",
    "NOTE_MAX_LENGTH",
    "PERSON_NOTE_MAX_LENGTH",
    "RAID_CHOICES",
    "REASON_MAX_LENGTH",
    "SLUG_MAX_LENGTH",
    "SYSTEM_USERNAME",
    "TEMPLATE_NAME_MAX_LENGTH",
    "TOPIC_MAX_LENGTH",
    "Appeal",
    "Block",
    "Bulk",
    "BulkAuthor",
    "Case",
    "ClockFace",
    "Density",
    "Display",
    "DisplaySettings",
    "Erasure",
    "Filter",
    "FilterVersion",
    "HeldPost",
    "HeldText",
    "InviteLink",
    "Involvement",
    "Membership",
    "Mention",
    "Message",
    "ModerationLog",
    "Person",
    "PersonNote",
    "RaidMode",
    "ReasonTemplate",
    "ReceiptsOff",
    "RemovedText",
    "Renaming",
    "Report",
    "Revision",
    "Role",
    "Room",
    "SidebarSection",
    "SignUpRequest",
    "SignUpSettings",
    "SiteBan",
    "SiteMute",
    "State",
    "Theme",
    "Trace",
    "UsernameLook",
    "direct_key",
]
