"""The kinds of notification that chat sends, and the sentences they become for their readers.

static/chat/inbox/words.js has the same sentences for the browser; a test compares them. Each
sentence is whole: languages order and inflect its parts differently.
"""

from collections.abc import Callable
from typing import Final

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from chat.models import Report
from notifications.kinds import Kind, NoticePayload, register_kind
from realtime.site.time_zones import spoken

MENTION: Final = "mention"
REPLY: Final = "reply"
REACTION: Final = "reaction"
DIRECT: Final = "direct"
MESSAGE: Final = "message"
INVITATION: Final = "invitation"
MODERATION: Final = "moderation"
REPORT: Final = "report"


def _mention(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("%(name)s mentioned you") % _values(notice)
    return _("%(name)s mentioned you in %(room)s") % _values(notice)


def _reply(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("%(name)s replied to you") % _values(notice)
    return _("%(name)s replied to you in %(room)s") % _values(notice)


def _direct(notice: NoticePayload) -> str:
    return _("%(name)s wrote to you") % _values(notice)


def _message(notice: NoticePayload) -> str:
    return _("%(name)s wrote in %(room)s") % _values(notice)


def _invitation(notice: NoticePayload) -> str:
    return _("%(name)s added you to %(room)s") % _values(notice)


def _report(notice: NoticePayload) -> str:
    if notice["params"]["outcome"] == Report.Status.RESOLVED:
        return _("Thank you for your report; the message was removed.")
    return _("Thank you for your report; the message stays.")


# -- reactions -------------------------------------------------------------------------------------


def _reaction(notice: NoticePayload) -> str:
    """Name the latest people, and count the others."""
    names = [person["name"] for person in notice["params"]["people"]]
    others = notice["params"]["others"]
    values = _values(notice) | dict(zip(("first", "second", "third"), names, strict=False))
    if others and len(names) == 3:
        return _reacted_and_others(others, in_room=bool(_room(notice))) % (
            values | {"count": others}
        )
    sentences = _REACTED_IN_ROOM if _room(notice) else _REACTED
    return _(sentences[len(names)]) % values


def _reacted_and_others(others: int, *, in_room: bool) -> str:
    if in_room:
        return ngettext(
            "%(first)s, %(second)s, %(third)s and %(count)s other"
            " reacted to your message in %(room)s",
            "%(first)s, %(second)s, %(third)s and %(count)s others"
            " reacted to your message in %(room)s",
            others,
        )
    return ngettext(
        "%(first)s, %(second)s, %(third)s and %(count)s other reacted to your message",
        "%(first)s, %(second)s, %(third)s and %(count)s others reacted to your message",
        others,
    )


# By the number of people who are named.
_REACTED_IN_ROOM: Final = (
    gettext_noop("Someone reacted to your message in %(room)s"),
    gettext_noop("%(first)s reacted to your message in %(room)s"),
    gettext_noop("%(first)s and %(second)s reacted to your message in %(room)s"),
    gettext_noop("%(first)s, %(second)s and %(third)s reacted to your message in %(room)s"),
)
_REACTED: Final = (
    gettext_noop("Someone reacted to your message"),
    gettext_noop("%(first)s reacted to your message"),
    gettext_noop("%(first)s and %(second)s reacted to your message"),
    gettext_noop("%(first)s, %(second)s and %(third)s reacted to your message"),
)


# -- what moderators decide ------------------------------------------------------------------------


def _moderation(notice: NoticePayload) -> str:
    return _ACTS[notice["params"]["act"]](notice) % _values(notice)


def _role(notice: NoticePayload) -> str:
    match notice["params"]["role"]:
        case "owner":
            return _("You are now an owner of %(room)s")
        case "moderator":
            return _("You are now a moderator of %(room)s")
        case _other:
            return _("You are now a member of %(room)s")


def _ban(notice: NoticePayload) -> str:
    if notice["params"].get("until"):
        return _("%(room)s: a moderator banned you from the room until %(time)s")
    return _("%(room)s: a moderator banned you from the room")


def _site_ban(notice: NoticePayload) -> str:
    if notice["params"].get("until"):
        return _("You were banned from this site until %(time)s")
    return _("You were banned from this site")


def _message_removed(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("A moderator removed your message")
    return _("A moderator removed your message in %(room)s")


def _message_restored(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("A moderator restored your message")
    return _("A moderator restored your message in %(room)s")


def _message_shown(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("A moderator reviewed your message and made it visible again")
    return _("A moderator reviewed your message and made it visible again in %(room)s")


def _bulk_removed(notice: NoticePayload) -> str:
    return ngettext(
        "A moderator removed %(count)s of your messages",
        "A moderator removed %(count)s of your messages",
        notice["params"]["messages"],
    )


def _bulk_restored(notice: NoticePayload) -> str:
    return ngettext(
        "A moderator restored %(count)s of your messages",
        "A moderator restored %(count)s of your messages",
        notice["params"]["messages"],
    )


# By what was done: mostly the actions of the moderation log.
_ACTS: Final[dict[str, Callable[[NoticePayload], str]]] = {
    "role": _role,
    "succession": lambda _notice: _("You are now an owner of %(room)s: the last owner has left"),
    "transfer": lambda _notice: _("%(name)s made you the owner of %(room)s"),
    "mute": lambda _notice: _("%(room)s: a moderator muted you until %(time)s"),
    "unmute": lambda _notice: _("%(room)s: a moderator unmuted you"),
    "remove": lambda _notice: _("%(room)s: a moderator removed you from the room"),
    "ban": _ban,
    "unban": lambda _notice: _("%(room)s: a moderator lifted your ban. You can join again."),
    "site_mute": lambda _notice: _("A moderator muted you in all rooms until %(time)s"),
    "site_unmute": lambda _notice: _("A moderator unmuted you in all rooms"),
    "site_ban": _site_ban,
    "site_unban": lambda _notice: _("Your ban from this site was lifted"),
    "sign_out": lambda _notice: _("A moderator signed you out on all devices"),
    "deactivate": lambda _notice: _("A moderator deactivated your account"),
    "activate": lambda _notice: _("A moderator activated your account again"),
    "delete": _message_removed,
    "restore": _message_restored,
    "show": _message_shown,
    "bulk_delete": _bulk_removed,
    "bulk_restore": _bulk_restored,
}


def _reason(notice: NoticePayload) -> str:
    """Return a moderator's reason; without one, the category of the report that led to it."""
    if notice["body"] or not notice["params"].get("category"):
        return str(notice["body"])
    return str(Report.Category(notice["params"]["category"]).label)


# -- several in one entry --------------------------------------------------------------------------


def _messages_in_room(notice: NoticePayload, count: int) -> str:
    return ngettext("%(count)s message in %(room)s", "%(count)s messages in %(room)s", count) % (
        _values(notice) | {"count": count}
    )


def _messages_from(notice: NoticePayload, count: int) -> str:
    return ngettext(
        "%(count)s message from %(name)s", "%(count)s messages from %(name)s", count
    ) % (_values(notice) | {"count": count})


def _reactions(_notice: NoticePayload, count: int) -> str:
    return ngettext(
        "%(count)s reaction to your message", "%(count)s reactions to your message", count
    ) % {"count": count}


# -- parameters ------------------------------------------------------------------------------------


def _room(notice: NoticePayload) -> str:
    """Return the name of the room; a direct conversation has none."""
    return str(notice["params"].get("room", {}).get("name", ""))


def _values(notice: NoticePayload) -> dict[str, str]:
    until = parse_datetime(notice["params"].get("until") or "")
    return {
        "name": notice["actor"]["name"] if notice["actor"] else _("Someone"),
        "room": _room(notice),
        "time": spoken(until) if until else "",
        "count": str(notice["params"].get("messages", "")),
    }


KINDS: Final = (
    Kind(
        name=MENTION,
        sentence=_mention,
        icon="at-sign",
        label=gettext_lazy("Mentions"),
        help=gettext_lazy("Someone mentions you or everyone in the room"),
    ),
    Kind(
        name=REPLY,
        sentence=_reply,
        icon="reply",
        label=gettext_lazy("Replies"),
        help=gettext_lazy("Someone replies to your message"),
    ),
    Kind(
        name=REACTION,
        sentence=_reaction,
        icon="smile-plus",
        label=gettext_lazy("Reactions"),
        help=gettext_lazy("Someone reacts to your message"),
        grouped_by="subject",
        summary=_reactions,
    ),
    Kind(
        name=DIRECT,
        sentence=_direct,
        icon="message-circle",
        label=gettext_lazy("Direct messages"),
        help=gettext_lazy("Someone sends you a direct message"),
        grouped_by="place",
        summary=_messages_from,
    ),
    Kind(
        name=MESSAGE,
        sentence=_message,
        icon="message-circle",
        label=gettext_lazy("All messages"),
        help=gettext_lazy("Every message in rooms that you have set to “Everything”"),
        grouped_by="place",
        summary=_messages_in_room,
    ),
    Kind(
        name=INVITATION,
        sentence=_invitation,
        icon="user-plus",
        label=gettext_lazy("Invitations"),
        help=gettext_lazy("Someone adds you to a room"),
    ),
    Kind(
        name=MODERATION,
        sentence=_moderation,
        detail=_reason,
        icon="shield",
        label=gettext_lazy("Moderation"),
        help=gettext_lazy("Decisions of moderators about you"),
        optional=False,
    ),
    Kind(name=REPORT, sentence=_report),
)


def register_kinds() -> None:
    """Add the kinds of chat; called from ``AppConfig.ready``."""
    for kind in KINDS:
        register_kind(kind)
