"""The actions of chat, one file for each subject. Only services open transactions.

Services are synchronous, take keyword arguments, check everything under the locks of the streams
that they change, and raise ``HoldfastError``.
"""

from chat.services.messages.broadcasts import (
    edit_system_message,
    post_system_message,
    recall_system_message,
)
from chat.services.messages.editing import delete_message, edit_message, restore_message
from chat.services.messages.muting import mute_by_filter
from chat.services.messages.post import Post, Posted
from chat.services.messages.posting import post_message, post_messages
from chat.services.messages.reacting import react
from chat.services.messages.reading import (
    Marked,
    MarkedUnread,
    ReadMark,
    mark_all_read,
    mark_read,
    mark_unread,
)
from chat.services.messages.rendering import Text
from chat.services.messages.review.holding import withdraw_held
from chat.services.messages.review.reports import report
from chat.services.moderation.appeals import (
    appeal_ban,
    appeal_mute,
    appeal_refusal,
    appeal_removal,
    appeal_room_mute,
    decide_appeal,
)
from chat.services.moderation.bulk import begin_removal, begin_undo, run_bulk
from chat.services.moderation.cases import close_case, decide, hide_message, show_message
from chat.services.moderation.claims import assign, claim, let_go, release
from chat.services.moderation.filters import delete_filter, save_filter, switch_filter
from chat.services.moderation.held_posts import decide_held, refuse_all_of
from chat.services.moderation.people_records import warn, write_note
from chat.services.moderation.reason_templates import delete_template, save_template
from chat.services.moderation.reopening import reopen
from chat.services.moderation.room_actions import ban, mute, remove, unban
from chat.services.moderation.site_actions import site_ban, site_mute, site_unban
from chat.services.people.accounts import activate, deactivate, sign_out_everywhere
from chat.services.people.blocks import block, unblock
from chat.services.people.display import set_display
from chat.services.people.erasure import erase_person, finish_erasures
from chat.services.people.receipts import set_receipts
from chat.services.people.renaming import finish_renames, rename
from chat.services.retention.settings import set_retention
from chat.services.rooms.direct import direct_room, group_room
from chat.services.rooms.invitations import (
    MadeLink,
    check_may_see_links,
    join_by_link,
    make_invite_link,
    revoke_invite_link,
)
from chat.services.rooms.inviting import invite
from chat.services.rooms.member_settings import set_favourite, set_involvement, set_quiet
from chat.services.rooms.members import (
    add_members,
    join,
    leave,
    set_role,
    take_over,
    transfer,
)
from chat.services.rooms.reports import report_person, report_room
from chat.services.rooms.rooms import change_room, create_room

__all__ = [
    "MadeLink",
    "Marked",
    "MarkedUnread",
    "Post",
    "Posted",
    "ReadMark",
    "Text",
    "activate",
    "add_members",
    "appeal_ban",
    "appeal_mute",
    "appeal_refusal",
    "appeal_removal",
    "appeal_room_mute",
    "assign",
    "ban",
    "begin_removal",
    "begin_undo",
    "block",
    "change_room",
    "check_may_see_links",
    "claim",
    "close_case",
    "create_room",
    "deactivate",
    "decide",
    "decide_appeal",
    "decide_held",
    "delete_filter",
    "delete_message",
    "delete_template",
    "direct_room",
    "edit_message",
    "edit_system_message",
    "erase_person",
    "finish_erasures",
    "finish_renames",
    "group_room",
    "hide_message",
    "invite",
    "join",
    "join_by_link",
    "leave",
    "let_go",
    "make_invite_link",
    "mark_all_read",
    "mark_read",
    "mark_unread",
    "mute",
    "mute_by_filter",
    "post_message",
    "post_messages",
    "post_system_message",
    "react",
    "recall_system_message",
    "refuse_all_of",
    "release",
    "remove",
    "rename",
    "reopen",
    "report",
    "report_person",
    "report_room",
    "restore_message",
    "revoke_invite_link",
    "run_bulk",
    "save_filter",
    "save_template",
    "set_display",
    "set_favourite",
    "set_involvement",
    "set_quiet",
    "set_receipts",
    "set_retention",
    "set_role",
    "show_message",
    "sign_out_everywhere",
    "site_ban",
    "site_mute",
    "site_unban",
    "switch_filter",
    "take_over",
    "transfer",
    "unban",
    "unblock",
    "warn",
    "withdraw_held",
    "write_note",
]
