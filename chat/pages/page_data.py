"""The values for the templates and for the scripts of the first page. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, gettext_lazy

from chat import payloads, policies
from chat.models import SYSTEM_USERNAME, Block, Display, Membership, Message, Role, Room
from chat.moderation import raid_mode
from chat.queries import invitations, members, messages, people, room_lists, rooms
from chat.queries.room_lists import ListedRoom
from chat.text.people_names import enumerated
from chat.text.plain_text import plain
from notifications import payloads as notification_payloads
from notifications import queries as notification_selectors
from realtime.core import reads as streams
from realtime.core.users import User
from realtime.protocol.errors import HoldfastError

Values = dict[str, Any]

# Messages of one author are grouped if they follow within five minutes (as in timeline.js).
GROUP_SECONDS: Final = 300
QUOTE_LENGTH: Final = 200  # characters
SESSION_MARK_LENGTH: Final = 16  # tells one session from another, and is not its key
_BADGES: Final = {
    Role.OWNER.value: Role.OWNER.label,
    Role.MODERATOR.value: Role.MODERATOR.label,
    members.SITE: gettext_lazy("Site moderator"),
}
BLANK: Final[Values] = {
    "author": {"id": 0, "name": "", "username": ""},
    "person": {"id": 0, "name": ""},
}


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a room's history, oldest first."""

    messages: list[Message]
    number: int | None = None  # of the message in the address

    def older(self, room: Room) -> int | None:
        """Return the number before which there are more messages, or None."""
        return (
            self.messages[0].number
            if self.messages and self.messages[0].number > room.first_number
            else None
        )

    def newer(self, room: Room) -> int | None:
        """Return the number after which there are more messages, or None."""
        return (
            self.messages[-1].number
            if self.messages and self.messages[-1].number < room.last_number
            else None
        )


def shell(
    user: User,
    blocks: list[Block],
    *,
    session: str,
    current: Room | None,
    whole: bool,
    display: Display | None,
) -> Values:
    """Return what every page has beside its own part: the sidebar and the data for the scripts.

    The scripts load and add the rooms that the sidebar leaves out, unless it is to be ``whole``.
    """
    # Read before the rows: a change in between arrives once more as an event.
    inbox_seq, _ = streams.head_and_floor(payloads.inbox(user.pk))
    unread, chosen = notification_selectors.unread_and_preferences(user.pk)
    mine, more = (
        (room_lists.my_rooms(user.pk), False)
        if whole
        else room_lists.first_rooms(user.pk, current=current)
    )
    me = payloads.person(user)
    mute = people.site_mute(user.pk)
    is_moderator = people.is_site_moderator(user.pk)
    invited = [*map(payloads.invitation, invitations.open_invitations(user.pk))]
    return {
        "me": me,
        **_sidebar(mine, current, display),
        "rooms_left_out": more,
        "blank": BLANK,
        "invitations": invited,
        "blank_direct": {"kind": Room.Kind.DIRECT, "person": BLANK["person"]},
        "blank_group": {"kind": Room.Kind.DIRECT, "is_group": True},
        "boot": {
            "me": me | {"moderator": is_moderator},
            "epoch": streams.epoch(),
            "rooms": [listed_values(item) for item in mine],
            "more_rooms": more,
            # Rooms that a device keeps for reading offline leave with the session.
            "session": salted_hmac("chat.offline", session).hexdigest()[:SESSION_MARK_LENGTH],
            "invitations": invited,
            "inbox": {
                "seq": inbox_seq,
                "unread": unread,
                "preferences": notification_payloads.preferences(chosen),
                "since": payloads.moment(timezone.now()),
            },
            "blocks": [*map(payloads.block, blocks)],
            "raid": raid_mode.payload() if is_moderator else None,
            "site_mute": payloads.site_mute(mute) if mute else None,
            "held_posts": [*map(payloads.held_post, messages.held_posts(user.pk))],
            "limits": {"message": settings.HOLDFAST_MESSAGE_MAX_LENGTH},
            "image_hosts": settings.HOLDFAST_IMAGE_HOSTS,
        },
    }


def places(mine: list[ListedRoom]) -> Values:
    """Return the sections of the sidebar."""
    favourites = sorted((item for item in mine if item.is_favourite), key=lambda item: item.order)
    others = [item for item in mine if not item.is_favourite]
    return {
        "favourites": [_sidebar_item(item) for item in favourites],
        "rooms": [_sidebar_item(item) for item in others if not item.room.is_direct],
        "directs": [_sidebar_item(item) for item in others if item.room.is_direct],
    }


def _sidebar(mine: list[ListedRoom], current: Room | None, display: Display | None) -> Values:
    """Return the sections as the user wants to see them. The order of favourites is their own."""
    sections = places(mine)
    if display is not None and display.unread_first:
        for name in ("rooms", "directs"):
            sections[name].sort(key=lambda item: item["unread"] == 0)
    sections["folded"] = display.folded if display is not None else []
    for item in [*sections["favourites"], *sections["rooms"], *sections["directs"]]:
        item["current"] = current is not None and item["id"] == current.pk
    return sections


def listed_values(item: ListedRoom) -> Values:
    return {
        "room": payloads.room(item.room),
        "membership": payloads.my_membership(item.membership) if item.membership else None,
        **payloads.company(item.room, item.companions),
        "unread": item.unread,
        **payloads.unread(*item.after),
        "seq": item.seq,
    }


def title(room: Room, companions: Sequence[User]) -> str:
    """Return the name of a room; a direct conversation shows the names of the other people."""
    names = [str(payloads.person(user)["name"]) for user in companions]
    return enumerated(names) if names else room.name or room.slug


def room_view(
    user: User,
    *,
    room: Room,
    membership: Membership | None,
    seq: int,
    window: Window,
    blocks: list[Block],
) -> Values:
    """Return one room with a part of its history."""
    companions = members.companions([room], user.pk).get(room.pk, [])
    quoted = {message.pk: message for message in messages.quoted(room.pk, window.messages)}
    blocked = {row.blocked_id for row in blocks}
    older, newer = window.older(room), window.newer(room)
    staff = members.staff(room)
    address = room.get_absolute_url()
    return {
        "room": payloads.room(room) | {"is_group": room.is_group, "title": title(room, companions)},
        "entries": list(_entries(window.messages, quoted, room, user, blocked, staff)),
        "older_url": f"{address}?before={older}" if older else "",
        "newer_url": f"{address}?after={newer}" if newer else "",
        "member_count": room.member_count,
        "may_write": _may_write(room, membership),
        "data": {
            "room": payloads.room(room),
            "membership": payloads.my_membership(membership) if membership else None,
            **payloads.company(room, companions),
            "member_count": room.member_count,
            "staff": staff,
            "seq": seq,
            "messages": [payloads.message(message) for message in window.messages],
            "quoted": [payloads.message(message) for message in quoted.values()],
            **payloads.unread(*messages.unread_in(rooms.RoomAccess(room, membership))),
            "may_take_over": members.may_take_over(room, membership),
            "newest": newer is None,
            "number": window.number,
        },
    }


def _may_write(room: Room, membership: Membership | None) -> bool:
    """Return whether to show the composer until scripts know more, such as mutes on the site."""
    try:
        policies.check_may_write(room, membership, site_muted_until=None, now=timezone.now())
    except HoldfastError:
        return False
    return True


def _sidebar_item(item: ListedRoom) -> Values:
    row, now = item.membership, timezone.now()
    quiet = row is not None and policies.is_quiet(row.involvement, row.quiet_until, now=now)
    until = row.quiet_until if row and row.quiet_until and row.quiet_until > now else None
    return {
        "id": item.room.pk,
        "slug": item.room.slug,
        "url": item.room.get_absolute_url(),
        "title": title(item.room, item.companions),
        "kind": item.room.kind,
        "is_group": item.room.is_group,
        "person": payloads.company(item.room, item.companions)["partner"] or BLANK["person"],
        "unread": 0 if quiet else item.unread,
        "mentions": 0 if quiet else len(item.after.mentions),
        "quiet": quiet,
        "quiet_until": payloads.moment(until),
    }


def _entries(
    messages: list[Message],
    quoted: dict[int, Message],
    room: Room,
    user: User,
    blocked: set[int],
    staff: dict[int, str],
) -> Iterator[Values]:
    known = quoted | {message.pk: message for message in messages}
    previous: Message | None = None
    for message in messages:
        new_day = previous is None or previous.created_at.date() != message.created_at.date()
        values = payloads.message(message)
        values |= {
            "url": f"{room.get_absolute_url()}{message.number}/",
            "handle": _handle(message.author),
            "badge": _BADGES.get(staff.get(message.author_id, ""), ""),
            "quote": _quote(message, known.get(message.reply_to_id or 0), room, blocked),
            "reaction_list": [
                {"emoji": emoji, "count": len(ids), "mine": user.pk in ids, "names": ""}
                for emoji, ids in message.reactions.items()
                if ids
            ],
            "marks": [
                *_marks(message, previous, user, new_day=new_day),
                *(["folded"] if message.author_id in blocked else []),
            ],
        }
        yield {"message": values, "day": values["created_at"] if new_day else ""}
        previous = message


def _handle(author: User) -> str:
    """Return the username beside the displayed name, which others may have as well."""
    if author.username in (SYSTEM_USERNAME, payloads.person(author)["name"]):
        return ""
    return f"@{author.username}"


def _quote(reply: Message, message: Message | None, room: Room, blocked: set[int]) -> Values | None:
    if message is None:
        # No longer kept.
        is_gone = reply.reply_to_id is not None and not (reply.is_deleted or reply.is_hidden)
        return {"author": "", "text": gettext("Deleted message"), "url": ""} if is_gone else None
    return {
        "author": payloads.person(message.author)["name"],
        "text": _quote_text(message, blocked),
        "url": f"{room.get_absolute_url()}{message.number}/",
    }


def _quote_text(message: Message, blocked: set[int]) -> str:
    if message.author_id in blocked:
        return gettext("Message from someone you blocked")
    if message.is_hidden:
        return gettext("Hidden message")
    return (
        gettext("Deleted message")
        if message.is_deleted
        else plain(message.body, message.html)[:QUOTE_LENGTH]
    )


def _marks(
    message: Message, previous: Message | None, user: User, *, new_day: bool
) -> Iterator[str]:
    """Yield the modifiers of a message's class, as timeline.js and message.js do in the browser."""
    if message.is_deleted or message.is_hidden:
        yield "deleted"
    elif user.pk in message.mentions:
        yield "mentions-me"
    if message.author.username == SYSTEM_USERNAME:
        yield "system"
    if previous is None or new_day or message.reply_to_id is not None:
        return
    apart = (message.created_at - previous.created_at).total_seconds()
    if previous.author_id == message.author_id and apart < GROUP_SECONDS:
        yield "continued"


def may_read(room: Room, user: User) -> Membership | None:
    """Return the user's membership in a room. Raises ``NotFound`` or ``Forbidden``."""
    membership = members.membership(room.pk, user.pk)
    policies.check_may_read(room, membership)
    return membership
