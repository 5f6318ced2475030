"""The actions of chat, one file for each subject. Only services open transactions.

Services are synchronous, take keyword arguments, check everything under the locks of the streams
that they change, and raise ``HoldfastError``.
"""

from chat.services.messages.broadcasts import post_system_message, recall_system_message
from chat.services.messages.editing import delete_message, edit_message, react, restore_message
from chat.services.messages.posting import Post, Posted, post_message, post_messages
from chat.services.messages.reading import (
    Marked,
    MarkedUnread,
    ReadMark,
    mark_all_read,
    mark_read,
    mark_unread,
)
from chat.services.messages.reports import report
from chat.services.moderation.bulk import begin_removal, begin_undo, run_bulk
from chat.services.moderation.cases import assign, decide, hide_message, release, show_message
from chat.services.moderation.filters import delete_filter, save_filter, switch_filter
from chat.services.moderation.room_actions import ban, mute, remove, unban
from chat.services.moderation.site_actions import site_ban, site_mute, site_unban
from chat.services.people.accounts import activate, deactivate, sign_out_everywhere
from chat.services.people.blocks import block, unblock
from chat.services.people.erasure import erase_person
from chat.services.people.renaming import finish_renames, rename
from chat.services.retention.settings import set_retention
from chat.services.rooms.invitations import (
    MadeLink,
    check_may_see_links,
    join_by_link,
    make_invite_link,
    revoke_invite_link,
)
from chat.services.rooms.member_settings import set_favourite, set_involvement
from chat.services.rooms.members import (
    add_members,
    invite,
    join,
    leave,
    set_role,
    transfer,
)
from chat.services.rooms.rooms import change_room, create_room, direct_room

__all__ = [
    "MadeLink",
    "Marked",
    "MarkedUnread",
    "Post",
    "Posted",
    "ReadMark",
    "activate",
    "add_members",
    "assign",
    "ban",
    "begin_removal",
    "begin_undo",
    "block",
    "change_room",
    "check_may_see_links",
    "create_room",
    "deactivate",
    "decide",
    "delete_filter",
    "delete_message",
    "direct_room",
    "edit_message",
    "erase_person",
    "finish_renames",
    "hide_message",
    "invite",
    "join",
    "join_by_link",
    "leave",
    "make_invite_link",
    "mark_all_read",
    "mark_read",
    "mark_unread",
    "mute",
    "post_message",
    "post_messages",
    "post_system_message",
    "react",
    "recall_system_message",
    "release",
    "remove",
    "rename",
    "report",
    "restore_message",
    "revoke_invite_link",
    "run_bulk",
    "save_filter",
    "set_favourite",
    "set_involvement",
    "set_retention",
    "set_role",
    "show_message",
    "sign_out_everywhere",
    "site_ban",
    "site_mute",
    "site_unban",
    "switch_filter",
    "transfer",
    "unban",
    "unblock",
]
