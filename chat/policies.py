"""Who may do what, and what a text may be. Pure decisions about rows that somebody else has read."""

import re
import unicodedata
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

import emoji
from django.conf import settings
from django.utils import timezone

from chat.errors import Empty, LinksNotAllowed, Muted, ReadOnly, SlowMode, TooLong
from chat.models import EMOJI_MAX_LENGTH, Membership, Role, Room, State
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound, TooMany
from realtime.site.time_zones import Moment

MAX_ID: Final = 2**63 - 1  # what a column of the database can hold
# In larger rooms "everything" notifies as "mentions" does: each message would write a row for each.
EVERYTHING_MAX_MEMBERS: Final = 100
# Whom @room may notify: so many rows in the transaction that posts.
ROOM_MENTION_MAX_MEMBERS: Final = 1000
# Protocol.md §3: others' read markers in rooms of at most 200 members.
READ_SIGNAL_MAX_MEMBERS: Final = 200
# That somebody joins or makes; one socket may subscribe to as many.
MAX_ROOMS_PER_USER: Final = 1000
MAX_SLOW_MODE: Final = 6 * 3600  # seconds
MAX_MUTE: Final = 366 * 24 * 3600  # seconds; longer is a ban
MAX_BAN: Final = 3 * 366 * 24 * 3600  # seconds of one that ends by itself; longer is for ever
TYPING_SECONDS: Final = 6  # after which a client stops to show that somebody is typing
# One signal of a person and room in so many; clients repeat at every key.
TYPING_EVERY_SECONDS: Final = 2.0

# Under /rooms/ there is a page of our own (chat/pages/urls.py).
RESERVED_SLUGS: Final = frozenset({"new"})

_TEXT_PROBLEM = re.compile("[\0\ud800-\udfff]")  # no database stores NUL, no UTF-8 a lone surrogate


class Rank(IntEnum):
    """Who stands above whom in a room. One acts on those below."""

    NOBODY = 0
    MEMBER = 1
    MODERATOR = 2
    OWNER = 3
    SITE = 4  # a moderator of the whole site


_RANKS: Final = {Role.MEMBER: Rank.MEMBER, Role.MODERATOR: Rank.MODERATOR, Role.OWNER: Rank.OWNER}


def is_active(membership: Membership | None) -> bool:
    """Tell whether somebody is in the room."""
    return membership is not None and membership.state == State.ACTIVE


def rank(membership: Membership | None) -> Rank:
    """Return the rank that a membership gives."""
    return (
        _RANKS[Role(membership.role)]
        if membership is not None and is_active(membership)
        else Rank.NOBODY
    )


def no_such_room() -> NotFound:
    """Make the answer for rooms that are not there, and for those that the asker may not know of."""
    return NotFound("There is no such room.")


def no_such_message() -> NotFound:
    """Make the answer for messages that are not there, and for those that the asker may not know of."""
    return NotFound("There is no such message.")


def standing_state(state: str, banned_until: datetime | None) -> str:
    """Return the state that counts. A ban whose time has come has ended, though the row tells of it until the person comes back."""
    is_over = state == State.BANNED and banned_until is not None and banned_until <= timezone.now()
    return State.LEFT if is_over else state


def is_banned(membership: Membership | None) -> bool:
    """Tell whether a ban from the room stands."""
    return (
        membership is not None
        and standing_state(membership.state, membership.banned_until) == State.BANNED
    )


# -- reading ---------------------------------------------------------------------------------------


def reading_problem(kind: str, state: str | None) -> HoldfastError | None:
    """Say why somebody whose membership has ``state`` may not read a room of ``kind``; None: they may."""
    if state == State.ACTIVE:
        return None
    if kind != Room.Kind.PUBLIC:
        return no_such_room()
    return Forbidden("You are banned from this room.") if state == State.BANNED else None


def check_may_read(room: Room, membership: Membership | None) -> None:
    """Raise what ``reading_problem`` says."""
    problem = reading_problem(
        room.kind, standing_state(membership.state, membership.banned_until) if membership else None
    )
    if problem is not None:
        raise problem


def check_member(room: Room, membership: Membership | None) -> Membership:
    """Return the membership of somebody who is in the room. Raises what others are told."""
    check_may_read(room, membership)
    if membership is None or not is_active(membership):
        raise Forbidden("Join the room first.")
    return membership


# -- writing ---------------------------------------------------------------------------------------


def check_may_write(room: Room, membership: Membership | None, *, now: datetime) -> Membership:
    """Return the membership of somebody who may write in the room now."""
    membership = check_member(room, membership)
    check_not_archived(room)
    check_not_muted(membership, now=now)
    if room.read_only and rank(membership) < Rank.MODERATOR:
        raise ReadOnly("Only owners and moderators write in this room.")
    return membership


def check_may_react(room: Room, membership: Membership | None, *, now: datetime) -> None:
    """Raise why somebody may not react. In a locked room everybody who is in it may: that is what is left to them."""
    membership = check_member(room, membership)
    check_not_archived(room)
    check_not_muted(membership, now=now)


def check_not_muted(membership: Membership, *, now: datetime) -> None:
    """Raise ``Muted`` where a moderator has silenced a member, in the room or everywhere (``members.with_site_mute``)."""
    everywhere: datetime | None = getattr(membership, "site_muted_until", None)
    until = max(filter(None, [membership.muted_until, everywhere]), default=now)
    if until > now:
        wait = (until - now).total_seconds()
        raise Muted(
            "A moderator has muted you until {until}.", until=Moment(until), retry_after=wait
        )


def check_slow_mode(room: Room, membership: Membership, *, now: datetime) -> None:
    """Raise ``SlowMode`` where a member's last message is too young. Owners and moderators are free of it."""
    if (
        not room.slow_mode
        or membership.last_posted_at is None
        or rank(membership) >= Rank.MODERATOR
    ):
        return
    wait = (membership.last_posted_at + timedelta(seconds=room.slow_mode) - now).total_seconds()
    if wait > 0:
        raise SlowMode(
            "Wait {seconds} s before the next message.",
            seconds=max(1, round(wait)),
            retry_after=wait,
        )


def check_links(html: str, membership: Membership, *, now: datetime) -> None:
    """Raise ``LinksNotAllowed`` where a rendered text has a link and its author may post none; ``user`` is loaded with the membership.

    Owners and moderators of a room may always, and so may whoever works at the desk.
    """
    policy: str = settings.HOLDFAST_LINKS
    if (
        policy == "everyone"
        or "<a " not in html
        or rank(membership) >= Rank.MODERATOR
        or membership.user.is_staff
    ):
        return
    if policy == "moderators":
        raise LinksNotAllowed("Only moderators post links here.")
    days: int = settings.HOLDFAST_LINKS_AFTER_DAYS
    if membership.user.date_joined + timedelta(days=days) > now:
        raise LinksNotAllowed("New accounts can post links after {days} days.", days=days)


def check_not_archived(room: Room) -> None:
    """Raise ``ReadOnly`` for a room that is closed for good."""
    if room.archived_at is not None:
        raise ReadOnly("This room is archived.")


def check_text(body: str) -> None:
    """Raise what is wrong with the text of a message."""
    check_is_text(body, name="body")
    limit: int = settings.HOLDFAST_MESSAGE_MAX_LENGTH
    if len(body) > limit:
        raise TooLong(
            "A message has at most {limit} characters, this one has {count}.",
            limit=limit,
            count=len(body),
        )
    if all(_is_invisible(character) for character in body):
        raise Empty("There is nothing in this message.")


def check_is_text(text: str, *, name: str) -> None:
    """Raise ``BadRequest`` for what no database or no encoding can hold."""
    if _TEXT_PROBLEM.search(text):
        raise BadRequest("{field}: NUL and lone surrogates are not text", field=name)


def check_emoji(text: str) -> None:
    """Raise ``BadRequest`` for anything but one emoji."""
    if len(text) > EMOJI_MAX_LENGTH or not emoji.is_emoji(text):
        raise BadRequest("emoji: expected one emoji")


def clean(text: str, *, name: str, limit: int, required: bool = False) -> str:
    """Return one line of text without space around it. Raises ``BadRequest`` that names the field."""
    check_is_text(text, name=name)
    text = " ".join(text.split())
    if len(text) > limit:
        raise BadRequest(
            "{field}: expected at most {limit} characters, got {count}",
            field=name,
            limit=limit,
            count=len(text),
        )
    if required and all(_is_invisible(character) for character in text):
        raise BadRequest("{field}: expected some text", field=name)
    return text


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character)[0] in "ZC"  # separators; control and format characters


# -- moderating ------------------------------------------------------------------------------------


def check_rank(actor: Rank, least: Rank) -> None:
    """Raise ``Forbidden`` for those below ``least``."""
    if actor < least:
        if least == Rank.OWNER:
            raise Forbidden("Only owners of the room may do that.")
        raise Forbidden("Only owners and moderators of the room may do that.")


def check_above(actor: Rank, subject: Rank) -> None:
    """Raise ``Forbidden`` where somebody acts on an equal or on somebody above."""
    if actor <= subject:
        raise Forbidden("You may only do that to people below your own role.")


def check_number_of_rooms(number: int) -> None:
    """Raise ``TooMany`` for somebody who is in so many rooms that no list would show another."""
    if number >= MAX_ROOMS_PER_USER:
        raise TooMany(
            "You are in {count} rooms; leave one before you join another.", count=MAX_ROOMS_PER_USER
        )


def check_not_direct(room: Room) -> None:
    """Raise ``Forbidden`` in a conversation of two, which nobody owns."""
    if room.is_direct:
        raise Forbidden("A direct conversation has no owner and no moderators.")


def check_order(value: float | None, *, limit: float) -> None:
    """Raise ``BadRequest`` beyond ``limit``, either way."""
    if value is not None and not -limit <= value <= limit:
        raise BadRequest(
            "favourite_order: expected -{limit:.0f} to {limit:.0f}, got {value}",
            limit=limit,
            value=value,
        )


def check_seconds(value: int, *, name: str, limit: int) -> None:
    """Raise ``BadRequest`` outside of 0 to ``limit``."""
    if not 0 <= value <= limit:
        raise BadRequest(
            "{field}: expected 0 to {limit} seconds, got {value}",
            field=name,
            limit=limit,
            value=value,
        )
