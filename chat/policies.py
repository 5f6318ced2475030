"""Permissions and validation: pure decisions about rows that the caller has read."""

import re
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cache
from typing import Annotated, Final

import emoji
import msgspec
from django.conf import settings
from django.utils import timezone

from chat.errors import Empty, LinksNotAllowed, Muted, ReadOnly, SlowMode, TooLong
from chat.models import EMOJI_MAX_LENGTH, Involvement, Membership, Role, Room, State
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound, TooMany
from realtime.site.time_zones import Moment
from realtime.site.visible_text import has_ink

MAX_ID: Final = 2**63 - 1  # of a column of the database
RowId = Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]
# In larger rooms "everything" works like "mentions": a message would write a row for each member.
EVERYTHING_MAX_MEMBERS: Final = 100
# Members that @room may notify, each with a row in the transaction that posts.
ROOM_MENTION_MAX_MEMBERS: Final = 1000
# In larger rooms nobody sees how far others have read: one signal names each of them.
RECEIPTS_MAX_MEMBERS: Final = 50
# Joined or created. One socket may subscribe to as many.
MAX_ROOMS_PER_USER: Final = 1000
MAX_SLOW_MODE: Final = 6 * 3600  # seconds
MAX_RETENTION_DAYS: Final = 36_500  # a hundred years
MAX_MUTE: Final = 366 * 24 * 3600  # seconds; use a ban for longer
MAX_QUIET: Final = 366 * 24 * 3600  # seconds; the notification level "nothing" has no end
MAX_BAN: Final = 3 * 366 * 24 * 3600  # seconds; a longer ban has no end
TYPING_SECONDS: Final = 6  # after which clients stop showing that a user is typing
# At most one signal for a user and room in this time. Clients repeat it with every key press.
TYPING_EVERY_SECONDS: Final = 2.0

# Other pages under /rooms/ use these addresses (chat/pages/urls.py).
RESERVED_SLUGS: Final = frozenset({"new"})

_SELECTOR: Final = re.compile("[\ufe0e\ufe0f]")  # how an emoji is drawn: as a letter, or in colour
# PostgreSQL stores no NUL, and UTF-8 has no unpaired surrogates.
_TEXT_PROBLEM = re.compile("[\0\ud800-\udfff]")


class Rank(IntEnum):
    """The order of roles in a room. Moderation is possible only on a lower rank."""

    NOBODY = 0
    MEMBER = 1
    MODERATOR = 2
    OWNER = 3
    SITE = 4  # a site moderator


_RANKS: Final = {Role.MEMBER: Rank.MEMBER, Role.MODERATOR: Rank.MODERATOR, Role.OWNER: Rank.OWNER}


def is_active(membership: Membership | None) -> bool:
    return membership is not None and membership.state == State.ACTIVE


def is_invited(membership: Membership | None) -> bool:
    return membership is not None and membership.state == State.INVITED


def rank(membership: Membership | None) -> Rank:
    return (
        _RANKS[Role(membership.role)]
        if membership is not None and is_active(membership)
        else Rank.NOBODY
    )


def no_such_room() -> NotFound:
    """Return the error for a missing room, and for a room whose existence is secret."""
    return NotFound("There is no such room.")


def no_such_message() -> NotFound:
    """Return the error for a missing message, and for one whose existence is secret."""
    return NotFound("There is no such message.")


def check_kept(room: Room, number: int) -> None:
    """Raise ``NotFound`` for a message that retention has removed."""
    if 0 < number < room.first_number:
        raise NotFound("This message is no longer kept.")


def effective_state(state: str, banned_until: datetime | None) -> str:
    """Return the state that counts now.

    An expired ban counts as ``left``, although its row changes only when the user comes back.
    """
    is_over = state == State.BANNED and banned_until is not None and banned_until <= timezone.now()
    return State.LEFT if is_over else state


def is_banned(membership: Membership | None) -> bool:
    return (
        membership is not None
        and effective_state(membership.state, membership.banned_until) == State.BANNED
    )


# -- reading ---------------------------------------------------------------------------------------


def reading_problem(kind: str, state: str | None) -> HoldfastError | None:
    """Return why a user with this membership state may not read the room, or None."""
    if state == State.ACTIVE:
        return None
    if kind != Room.Kind.PUBLIC:
        return no_such_room()
    return Forbidden("You are banned from this room.") if state == State.BANNED else None


def check_may_read(room: Room, membership: Membership | None) -> None:
    """Raise the error of ``reading_problem``."""
    problem = reading_problem(
        room.kind,
        effective_state(membership.state, membership.banned_until) if membership else None,
    )
    if problem is not None:
        raise problem


def check_may_join(room: Room, membership: Membership | None) -> None:
    """Raise why a user may not join: a private room needs an invitation."""
    if not is_invited(membership):
        check_may_read(room, membership)


def check_member(room: Room, membership: Membership | None) -> Membership:
    """Return the membership of an active member. Raises why the user is none."""
    check_may_read(room, membership)
    if membership is None or not is_active(membership):
        raise Forbidden("Join this room to do that.")
    return membership


# -- writing ---------------------------------------------------------------------------------------


def check_may_write(
    room: Room,
    membership: Membership | None,
    *,
    site_muted_until: datetime | None,
    now: datetime,
) -> Membership:
    """Return the membership of a user who may post in the room now. Raises why they may not."""
    membership = check_member(room, membership)
    check_not_archived(room)
    check_not_muted(membership, site_muted_until=site_muted_until, now=now)
    if room.read_only and rank(membership) < Rank.MODERATOR:
        raise ReadOnly("Only owners and moderators can post in this room.")
    return membership


def check_may_react(
    room: Room,
    membership: Membership | None,
    *,
    site_muted_until: datetime | None,
    now: datetime,
) -> None:
    """Raise why a user may not react. Every member of a read-only room may."""
    membership = check_member(room, membership)
    check_not_archived(room)
    check_not_muted(membership, site_muted_until=site_muted_until, now=now)


def check_not_muted(
    membership: Membership | None, *, site_muted_until: datetime | None, now: datetime
) -> None:
    """Raise ``Muted`` while a mute lasts, in this room or on the whole site."""
    in_room = membership.muted_until if membership is not None else None
    until = max(filter(None, [in_room, site_muted_until]), default=now)
    if until > now:
        wait = (until - now).total_seconds()
        raise Muted(
            "You are muted until {until}. You can post again after that.",
            until=Moment(until),
            retry_after=wait,
        )


def slow_seconds(room: Room, membership: Membership, *, at_least: int = 0) -> int:
    """Return the seconds between two messages of a member; 0 for owners and moderators.

    ``at_least`` are those of a raid, which do not concern staff and direct conversations.
    """
    if rank(membership) >= Rank.MODERATOR:
        return 0
    is_exempt = room.is_direct or membership.user.is_staff
    return max(room.slow_mode, 0 if is_exempt else at_least)


def check_slow_mode(
    room: Room, membership: Membership, *, now: datetime, at_least: int = 0
) -> None:
    """Raise ``SlowMode`` until a member may post again. Owners and moderators are exempt."""
    seconds = slow_seconds(room, membership, at_least=at_least)
    if not seconds or membership.last_posted_at is None:
        return
    wait = (membership.last_posted_at + timedelta(seconds=seconds) - now).total_seconds()
    if wait > 0:
        raise slow_mode_error(wait, is_raid=seconds > room.slow_mode)


def slow_mode_error(wait: float, *, is_raid: bool) -> SlowMode:
    """Return the error, which says why in a raid."""
    if is_raid:
        return SlowMode(
            "Many new accounts are sending spam, so slow mode is on in all rooms."
            " Try again in {seconds} s.",
            seconds=max(1, round(wait)),
            retry_after=wait,
        )
    return SlowMode(
        "Slow mode is on. Try again in {seconds} s.",
        seconds=max(1, round(wait)),
        retry_after=wait,
    )


def check_links(
    html: str, membership: Membership, *, now: datetime, is_refused: bool = False
) -> None:
    """Raise ``LinksNotAllowed`` if a rendered text has a link that its author may not post.

    ``membership.user`` must be loaded. Owners, moderators and staff may always post links, unless
    raid mode refuses those of a new account (``is_refused``).
    """
    if is_refused and "<a " in html:
        raise LinksNotAllowed(
            "Many new accounts are sending spam, so new accounts can't post links for now."
            " Remove the link and try again."
        )
    policy: str = settings.HOLDFAST_LINKS
    if (
        policy == "everyone"
        or "<a " not in html
        or rank(membership) >= Rank.MODERATOR
        or membership.user.is_staff
    ):
        return
    if policy == "moderators":
        raise LinksNotAllowed(
            "Only owners and moderators can post links here. Remove the link and try again."
        )
    days: int = settings.HOLDFAST_LINKS_AFTER_DAYS
    if membership.user.date_joined + timedelta(days=days) > now:
        raise LinksNotAllowed(
            "New accounts can't post links for the first {days} days."
            " Remove the link and try again.",
            days=days,
        )


def check_not_archived(room: Room) -> None:
    if room.archived_at is not None:
        raise ReadOnly("This room is archived. You can read it, but no one can post.")


def check_text(body: str) -> None:
    """Raise why the text of a message is refused."""
    check_is_text(body, name="body")
    limit: int = settings.HOLDFAST_MESSAGE_MAX_LENGTH
    if len(body) > limit:
        raise TooLong(
            "Your message has {count} characters, the limit is {limit}. Shorten it and try again.",
            limit=limit,
            count=len(body),
        )
    if not has_ink(body):
        raise Empty("Your message is empty. Write something first.")


def is_text(text: str) -> bool:
    """Return whether a database and UTF-8 can store a text."""
    return _TEXT_PROBLEM.search(text) is None


def check_is_text(text: str, *, name: str) -> None:
    """Raise ``BadRequest`` for characters that a database or UTF-8 cannot store."""
    if not is_text(text):
        raise BadRequest("{field}: expected text without NUL and unpaired surrogates", field=name)


def clean_emoji(text: str) -> str:
    """Return one emoji in its full form, the only one that is stored and compared."""
    found = full_emoji(text) if len(text) <= EMOJI_MAX_LENGTH else None
    if found is None:
        raise BadRequest("emoji: expected one emoji")
    return found


def full_emoji(text: str) -> str | None:
    """Return the full form of an emoji: "❤" and "❤︎" are "❤️". None for other texts."""
    return _full_emoji().get(_SELECTOR.sub("", text))


@cache
def _full_emoji() -> dict[str, str]:
    """Return all emoji by their signs without selectors."""
    found: dict[str, str] = {}
    for sign, data in emoji.EMOJI_DATA.items():
        if data["status"] <= emoji.STATUS["fully_qualified"]:
            found.setdefault(_SELECTOR.sub("", sign), sign)
    return found


def clean(text: str, *, name: str, limit: int, required: bool = False) -> str:
    """Return one line of text with normalised spaces. Raises ``BadRequest``, naming the field."""
    check_is_text(text, name=name)
    text = " ".join(text.split())
    if len(text) > limit:
        raise BadRequest(
            "{field}: expected at most {limit} characters, got {count}",
            field=name,
            limit=limit,
            count=len(text),
        )
    if required and not has_ink(text):
        raise BadRequest("{field}: expected some text", field=name)
    return text


# -- moderating ------------------------------------------------------------------------------------


def check_rank(actor: Rank, least: Rank) -> None:
    if actor < least:
        if least == Rank.OWNER:
            raise Forbidden("Only owners of this room can do that.")
        raise Forbidden("Only owners and moderators of this room can do that.")


def check_above(actor: Rank, subject: Rank) -> None:
    """Raise ``Forbidden`` unless the actor outranks the subject."""
    if actor <= subject:
        raise Forbidden("You can only do that to members whose role is below yours.")


def check_number_of_rooms(number: int) -> None:
    if number >= MAX_ROOMS_PER_USER:
        raise TooMany(
            "You're in {count} rooms, the most allowed. Leave one before you join another.",
            count=MAX_ROOMS_PER_USER,
        )


def check_not_direct(room: Room) -> None:
    if room.is_direct:
        raise Forbidden(
            "You can't do that in a direct conversation: it has no owners or moderators."
        )


def shows_receipts(room: Room) -> bool:
    """Return whether members see how far others have read."""
    return room.has_receipts and room.member_count <= RECEIPTS_MAX_MEMBERS


def check_receipts_fit(room: Room) -> None:
    """Raise ``BadRequest`` for a room that is too large to turn read receipts on."""
    if room.member_count > RECEIPTS_MAX_MEMBERS:
        raise BadRequest(
            "read_receipts: expected a room of at most {most} members, this one has {count}",
            most=RECEIPTS_MAX_MEMBERS,
            count=room.member_count,
        )


def check_order(value: float | None, *, limit: float) -> None:
    if value is not None and not -limit <= value <= limit:
        raise BadRequest(
            "favourite_order: expected -{limit:.0f} to {limit:.0f}, got {value}",
            limit=limit,
            value=value,
        )


def is_quiet(involvement: str, quiet_until: datetime | None, *, now: datetime) -> bool:
    """Return whether a room notifies a member of nothing, for a time or until they change it."""
    is_for_a_time = quiet_until is not None and quiet_until > now
    return is_for_a_time or involvement == Involvement.NOTHING


def check_seconds(value: int, *, name: str, limit: int) -> None:
    if not 0 <= value <= limit:
        raise BadRequest(
            "{field}: expected 0 to {limit} seconds, got {value}",
            field=name,
            limit=limit,
            value=value,
        )
