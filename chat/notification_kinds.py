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
from realtime.site.visible_text import isolated

MENTION: Final = "mention"
REPLY: Final = "reply"
REACTION: Final = "reaction"
DIRECT: Final = "direct"
MESSAGE: Final = "message"
INVITATION: Final = "invitation"
MODERATION: Final = "moderation"
ROOM_ACT: Final = "room"  # what owners and moderators of a room did
REPORT: Final = "report"
RAID: Final = "raid"  # to moderators of the site only
# The outcome of a report that led to nothing, where the message was deleted meanwhile.
REPORT_GONE: Final = "gone"


def _mention(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("%(name)s mentioned you") % _values(notice)
    return _("%(name)s mentioned you in %(room)s") % _values(notice)


def _reply(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("%(name)s replied to you") % _values(notice)
    return _("%(name)s replied to you in %(room)s") % _values(notice)


def _direct(notice: NoticePayload) -> str:
    others = notice["params"].get("room", {}).get("others")
    if not others:
        return _("%(name)s wrote to you") % _values(notice)
    return ngettext(
        "%(name)s wrote to you and %(count)s other person",
        "%(name)s wrote to you and %(count)s other people",
        others,
    ) % (_values(notice) | {"count": others})


def _message(notice: NoticePayload) -> str:
    return _("%(name)s wrote in %(room)s") % _values(notice)


def _invitation(notice: NoticePayload) -> str:
    return _("%(name)s invited you to %(room)s") % _values(notice)


def _report(notice: NoticePayload) -> str:
    return _(_OUTCOMES.get(notice["params"]["outcome"], _STAYS))


_STAYS: Final = gettext_noop("Thank you for your report; the message stays.")
_OUTCOMES: Final[dict[str, str]] = {
    Report.Status.RESOLVED: gettext_noop("Thank you for your report; the message was removed."),
    REPORT_GONE: gettext_noop(
        "Thank you for your report; the message was deleted before the decision."
    ),
    "reopened": gettext_noop("Moderators are reviewing your report again."),
    "restored": gettext_noop(
        "The message that you reported was removed by mistake and is visible again."
    ),
    # Of reports of a person or a room.
    "acted": gettext_noop("Thank you for your report; moderators have taken action."),
    "no_action": gettext_noop("Thank you for your report; moderators saw no reason to act."),
}


# -- reactions -------------------------------------------------------------------------------------


def _reaction(notice: NoticePayload) -> str:
    """Name the latest people, and count the others."""
    names = [isolated(person["name"]) for person in notice["params"]["people"]]
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


# -- what moderators of the site decide ------------------------------------------------------------


def _moderation(notice: NoticePayload) -> str:
    return _ACTS[notice["params"]["act"]](notice) % _values(notice)


def _role(notice: NoticePayload) -> str:
    match notice["params"]["role"]:
        case "owner":
            return _("%(name)s, a site moderator, made you an owner of %(room)s")
        case "moderator":
            return _("%(name)s, a site moderator, made you a moderator of %(room)s")
        case _other:
            return _("%(name)s, a site moderator, made you a member of %(room)s")


def _ban(notice: NoticePayload) -> str:
    if notice["params"].get("until"):
        return _("%(name)s, a site moderator, banned you from %(room)s until %(time)s")
    return _("%(name)s, a site moderator, banned you from %(room)s")


def _site_ban(notice: NoticePayload) -> str:
    if notice["params"].get("until"):
        return _("%(name)s, a site moderator, banned you from this site until %(time)s")
    return _("%(name)s, a site moderator, banned you from this site")


def _message_removed(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("%(name)s, a site moderator, removed your message")
    return _("%(name)s, a site moderator, removed your message in %(room)s")


def _message_restored(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("%(name)s, a site moderator, restored your message")
    return _("%(name)s, a site moderator, restored your message in %(room)s")


def _message_shown(notice: NoticePayload) -> str:
    if not _room(notice):
        return _("%(name)s, a site moderator, reviewed your message and made it visible again")
    return _(
        "%(name)s, a site moderator, reviewed your message in %(room)s and made it visible again"
    )


def _bulk_removed(notice: NoticePayload) -> str:
    return ngettext(
        "%(name)s, a site moderator, removed %(count)s of your messages",
        "%(name)s, a site moderator, removed %(count)s of your messages",
        notice["params"]["messages"],
    )


def _bulk_restored(notice: NoticePayload) -> str:
    return ngettext(
        "%(name)s, a site moderator, restored %(count)s of your messages",
        "%(name)s, a site moderator, restored %(count)s of your messages",
        notice["params"]["messages"],
    )


# By what was done: mostly the actions of the moderation log.
_ACTS: Final[dict[str, Callable[[NoticePayload], str]]] = {
    "role": _role,
    "mute": lambda _notice: _("%(name)s, a site moderator, muted you in %(room)s until %(time)s"),
    "unmute": lambda _notice: _("%(name)s, a site moderator, unmuted you in %(room)s"),
    "remove": lambda _notice: _("%(name)s, a site moderator, removed you from %(room)s"),
    "ban": _ban,
    "unban": lambda _notice: _(
        "%(name)s, a site moderator, lifted your ban from %(room)s. You can join again."
    ),
    "site_mute": lambda _notice: _(
        "%(name)s, a site moderator, muted you in all rooms until %(time)s"
    ),
    "filter_mute": lambda _notice: _(
        "A filter muted you in all rooms until %(time)s, because of a word that is not allowed here"
    ),
    "site_unmute": lambda _notice: _("%(name)s, a site moderator, unmuted you in all rooms"),
    "site_ban": _site_ban,
    "site_unban": lambda _notice: _("%(name)s, a site moderator, lifted your ban from this site"),
    "sign_out": lambda _notice: _("%(name)s, a site moderator, signed you out on all devices"),
    "deactivate": lambda _notice: _("%(name)s, a site moderator, deactivated your account"),
    "activate": lambda _notice: _("%(name)s, a site moderator, activated your account again"),
    "delete": _message_removed,
    "restore": _message_restored,
    "show": _message_shown,
    "bulk_delete": _bulk_removed,
    "bulk_restore": _bulk_restored,
    "held_refused": lambda _notice: _(
        "%(name)s, a site moderator, did not accept your message in %(room)s"
    ),
    "held_again": lambda _notice: _("Moderators are reviewing your message in %(room)s again"),
    "warn": lambda _notice: _("%(name)s, a site moderator, warned you"),
    "appeal_accepted": lambda _notice: _("Your appeal was accepted"),
    "appeal_rejected": lambda _notice: _("Your appeal was rejected"),
}


def _reason(notice: NoticePayload) -> str:
    """Return a moderator's reason; without one, the category of the report that led to it."""
    if notice["body"] or not notice["params"].get("category"):
        return str(notice["body"])
    return str(Report.Category(notice["params"]["category"]).label)


# -- what someone with a role in a room did --------------------------------------------------------


def _room_act(notice: NoticePayload) -> str:
    return _ROOM_ACTS[notice["params"]["act"]](notice) % _values(notice)


def _room_role(notice: NoticePayload) -> str:
    match notice["params"]["role"]:
        case "owner":
            return _("%(name)s made you an owner of %(room)s")
        case "moderator":
            return _("%(name)s made you a moderator of %(room)s")
        case _other:
            return _("%(name)s made you a member of %(room)s")


def _room_ban(notice: NoticePayload) -> str:
    if notice["params"].get("until"):
        return _("%(name)s banned you from %(room)s until %(time)s")
    return _("%(name)s banned you from %(room)s")


_ROOM_ACTS: Final[dict[str, Callable[[NoticePayload], str]]] = {
    "role": _room_role,
    "succession": lambda _notice: _(
        "%(name)s left %(room)s. You can become its owner in the menu of the room."
    ),
    "transfer": lambda _notice: _("%(name)s made you the owner of %(room)s"),
    "mute": lambda _notice: _("%(name)s muted you in %(room)s until %(time)s"),
    "unmute": lambda _notice: _("%(name)s unmuted you in %(room)s"),
    "remove": lambda _notice: _("%(name)s removed you from %(room)s"),
    "ban": _room_ban,
    "unban": lambda _notice: _("%(name)s lifted your ban from %(room)s"),
    "delete": lambda _notice: _("%(name)s removed your message in %(room)s"),
    "restore": lambda _notice: _("%(name)s restored your message in %(room)s"),
}


def _quoted(notice: NoticePayload) -> str:
    """Return a reason as the words of the person who wrote it, which nobody else vouches for."""
    return _("“%(text)s”") % {"text": isolated(notice["body"])} if notice["body"] else ""


# -- raids, for moderators of the site -------------------------------------------------------------


def _raid(notice: NoticePayload) -> str:
    match notice["params"]["act"]:
        case "on":
            return _("%(name)s switched on raid mode until %(time)s") % _values(notice)
        case "off":
            return _("%(name)s switched off raid mode") % _values(notice)
        case _signs:
            return _(
                "New accounts keep sending the same text or link. You can switch on raid mode."
            )


# -- several in one entry --------------------------------------------------------------------------


def _messages_in_room(notice: NoticePayload, count: int) -> str:
    return ngettext("%(count)s message in %(room)s", "%(count)s messages in %(room)s", count) % (
        _values(notice) | {"count": count}
    )


def _messages_from(notice: NoticePayload, count: int) -> str:
    if notice["params"].get("room", {}).get("others"):
        return ngettext(
            "%(count)s message in a group conversation",
            "%(count)s messages in a group conversation",
            count,
        ) % {"count": count}
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
        "name": isolated(notice["actor"]["name"] if notice["actor"] else _("Someone")),
        "room": isolated(_room(notice)),
        "time": isolated(spoken(until) if until else ""),
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
        help=gettext_lazy("Someone invites you to a room"),
    ),
    Kind(
        name=MODERATION,
        sentence=_moderation,
        detail=_reason,
        icon="shield",
        label=gettext_lazy("Moderation"),
        help=gettext_lazy("Decisions of site moderators about you"),
        optional=False,
    ),
    Kind(
        name=ROOM_ACT,
        sentence=_room_act,
        detail=_quoted,
        icon="users",
        label=gettext_lazy("Your roles in rooms"),
        help=gettext_lazy("Owners and moderators of a room mute, remove or promote you"),
    ),
    Kind(name=REPORT, sentence=_report),
    Kind(name=RAID, sentence=_raid, icon="shield"),
)


def register_kinds() -> None:
    """Add the kinds of chat; called from ``AppConfig.ready``."""
    for kind in KINDS:
        register_kind(kind)
