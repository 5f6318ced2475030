"""Creating and changing rooms."""

import re
import secrets
from collections.abc import Iterator
from typing import Any, Final

from django.db import IntegrityError
from django.utils import timezone
from django.utils.text import slugify

from chat import payloads, policies
from chat.models import (
    NAME_MAX_LENGTH,
    REASON_MAX_LENGTH,
    SLUG_MAX_LENGTH,
    TOPIC_MAX_LENGTH,
    Membership,
    ModerationLog,
    Role,
    Room,
)
from chat.moderation import strangers
from chat.policies import Rank
from chat.queries import filter_cache, members, people, rooms
from chat.queries.names import is_room_name_taken, look
from chat.services.persistence import admit, log, new_membership, save_room
from chat.services.rights import check_moderates
from chat.text import names
from notifications.payloads import inbox
from realtime.core.heads import changing, take_turns
from realtime.protocol.errors import BadRequest

# "general-2" to "general-20" may be taken, also by another request at the same moment.
MAX_NUMBERED_SLUGS: Final = 20
# After those. Names without Latin letters all become "room", so many slugs may be taken.
MAX_RANDOM_SLUGS: Final = 5
RANDOM_SLUG_BYTES: Final = 3  # 16 million
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def create_room(
    *, actor_id: int, name: str, kind: str = Room.Kind.PUBLIC, topic: str = "", slug: str = ""
) -> Membership:
    """Create a room that the actor owns. Returns the actor's membership, with its room.

    A given ``slug`` is used as it is, or refused. One that is made from the name gets a number if
    needed; that of a private room ends at random, so that no refusal betrays which ones exist.
    """
    strangers.check_may_begin(actor_id)
    name, topic = _clean_name(name, actor_id), _clean_topic(topic)
    for field, text in (("name", name), ("topic", topic), ("slug", slug)):
        filter_cache.check_name(text, field=field)
    if kind not in (Room.Kind.PUBLIC, Room.Kind.PRIVATE):
        raise BadRequest("kind: expected public or private")
    if slug and (len(slug) > SLUG_MAX_LENGTH or not _SLUG.fullmatch(slug)):
        raise BadRequest(
            "slug: expected at most {limit} lowercase letters, digits and single hyphens",
            limit=SLUG_MAX_LENGTH,
        )
    if slug in policies.RESERVED_SLUGS or (slug and names.is_reserved(slug, of_room=True)):
        raise BadRequest("slug: {slug} is reserved", slug=slug)
    for candidate in [slug] if slug else _slugs(name, kind):
        room = Room(
            slug=candidate,
            name=name,
            look=look(name),
            topic=topic,
            kind=kind,
            created_by_id=actor_id,
        )
        if not Room.objects.filter(slug=candidate).exists():
            try:
                return _create(room, actor_id)
            except IntegrityError:  # another request took the slug meanwhile
                continue
    raise BadRequest("slug: {slug} is already taken", slug=slug or _stem(name))


def change_room(
    *,
    actor_id: int,
    room_id: int,
    name: str | None = None,
    topic: str | None = None,
    slow_mode: int | None = None,
    read_only: bool | None = None,
    read_receipts: bool | None = None,
    archived: bool | None = None,
    reason: str = "",
) -> Room:
    """Change the given fields. For owners and moderators; archiving and receipts for owners only.

    Each kind of change makes an entry in the moderation log. Equal values are no change.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    wanted = _checked(slow_mode=slow_mode, read_only=read_only)
    wanted |= _cleaned_words(rooms.room(room_id), actor_id, name=name, topic=topic)
    for field, text in (("name", name), ("topic", topic)):
        filter_cache.check_name(text or "", field=field, room_id=room_id)
    with changing(payloads.stream(room_id)) as heads:
        room, member = rooms.room_access(room_id, actor_id)
        is_owners = archived is not None or read_receipts is not None
        least = Rank.OWNER if is_owners else Rank.MODERATOR
        check_moderates(room, member, actor_id, least=least)
        policies.check_not_direct(room)
        wanted |= _owners_choices(room, archived=archived, read_receipts=read_receipts)
        if name is not None or topic is not None:
            policies.check_not_muted(
                member, site_muted_until=people.site_muted_until(actor_id), now=timezone.now()
            )
        changes = {field: value for field, value in wanted.items() if getattr(room, field) != value}
        if not changes:
            return room
        entries = _entries(room, changes)
        for field, value in changes.items():
            setattr(room, field, value)
        room.look = look(room.name)
        if not changes.keys().isdisjoint(("name", "archived_at")):
            _check_name_is_free(room)
        for action, details in entries:
            log(action, actor_id=actor_id, reason=reason, room=room, details=details)
        save_room(heads, room)
    return room


def _check_not_muted(actor_id: int) -> None:
    """Raise ``Muted``: a user who may not post may not write names and topics, nor begin to."""
    policies.check_not_muted(
        None, site_muted_until=people.site_muted_until(actor_id), now=timezone.now()
    )


def _create(room: Room, actor_id: int) -> Membership:
    owner = people.active_user_by_id(actor_id)
    with changing(inbox(actor_id)) as heads:
        _check_not_muted(actor_id)
        policies.check_number_of_rooms(members.count_rooms(actor_id))
        _check_name_is_free(room)
        room.save()
        heads.created(payloads.stream(room.pk))
        save_room(heads, room)
        row = new_membership(room, owner, now=timezone.now())
        admit(heads, room, row, role=Role.OWNER)
    return row


def _slugs(name: str, kind: str) -> Iterator[str]:
    """Yield slugs for a name, the preferred one first."""
    stem = _stem(name)
    if kind == Room.Kind.PUBLIC:
        if stem not in policies.RESERVED_SLUGS:
            yield stem
        for number in range(2, MAX_NUMBERED_SLUGS + 1):
            yield f"{stem}-{number}"
    for _ in range(MAX_RANDOM_SLUGS):
        yield f"{stem}-{secrets.token_hex(RANDOM_SLUG_BYTES)}"


def _stem(name: str) -> str:
    """Return the part of a name that fits in a slug, with room for a suffix."""
    room_for_more = 2 * RANDOM_SLUG_BYTES + 1
    return (
        re.sub(r"[-_]+", "-", slugify(name))[: SLUG_MAX_LENGTH - room_for_more].strip("-") or "room"
    )


def _clean_name(name: str, actor_id: int) -> str:
    name = policies.clean(name, name="name", limit=NAME_MAX_LENGTH, required=True)
    is_official = names.is_reserved(name, of_room=True) and people.is_site_moderator(actor_id)
    return names.clean_room_name(name, may_be_reserved=is_official)


def _cleaned_words(
    room: Room, actor_id: int, *, name: str | None, topic: str | None
) -> dict[str, Any]:
    """Return the given name and topic. Those that stay as they are may be from before the rules."""
    wanted: dict[str, Any] = {}
    if name is not None:
        wanted["name"] = name if name == room.name else _clean_name(name, actor_id)
    if topic is not None:
        wanted["topic"] = topic if topic == room.topic else _clean_topic(topic)
    return wanted


def _clean_topic(topic: str) -> str:
    return names.clean_topic(policies.clean(topic, name="topic", limit=TOPIC_MAX_LENGTH))


def _check_name_is_free(room: Room) -> None:
    """Let one room of the directory have a name, also if two are saved at the same moment."""
    if room.kind != Room.Kind.PUBLIC or room.archived_at:
        return
    take_turns(f"room name {room.look}")
    if is_room_name_taken(room.name, but=room.pk):
        raise BadRequest(
            "{field}: a public room has this name, or one that looks like it",
            field="name",
            data={"field": "name"},
        )


def _checked(*, slow_mode: int | None, read_only: bool | None) -> dict[str, Any]:
    """Return the given fields with their validated values."""
    wanted: dict[str, Any] = {}
    if slow_mode is not None:
        policies.check_seconds(slow_mode, name="slow_mode", limit=policies.MAX_SLOW_MODE)
        wanted["slow_mode"] = slow_mode
    if read_only is not None:
        wanted["read_only"] = read_only
    return wanted


def _owners_choices(
    room: Room, *, archived: bool | None, read_receipts: bool | None
) -> dict[str, Any]:
    """Return the given fields that depend on the room as it is now."""
    wanted: dict[str, Any] = {}
    if archived is None:
        policies.check_not_archived(room)
    else:
        wanted["archived_at"] = (room.archived_at or timezone.now()) if archived else None
    if read_receipts is not None and read_receipts != room.has_receipts:
        if read_receipts:
            policies.check_receipts_fit(room)
        wanted["read_receipts"] = read_receipts
    return wanted


def _entries(
    room: Room, changes: dict[str, Any]
) -> list[tuple[ModerationLog.Action, dict[str, Any]]]:
    """Return the log entries for these changes."""
    entries: list[tuple[ModerationLog.Action, dict[str, Any]]] = []
    for field, action in (
        ("name", ModerationLog.Action.RENAME),
        ("topic", ModerationLog.Action.TOPIC),
    ):
        if field in changes:
            entries.append((action, {field: [getattr(room, field), changes[field]]}))
    if "slow_mode" in changes:
        entries.append((ModerationLog.Action.SLOW_MODE, {"seconds": changes["slow_mode"]}))
    if "read_receipts" in changes:
        entries.append((ModerationLog.Action.RECEIPTS, {"on": changes["read_receipts"]}))
    if "read_only" in changes:
        entries.append(
            (ModerationLog.Action.LOCK if changes["read_only"] else ModerationLog.Action.UNLOCK, {})
        )
    if "archived_at" in changes:
        entries.append(
            (
                ModerationLog.Action.ARCHIVE
                if changes["archived_at"]
                else ModerationLog.Action.UNARCHIVE,
                {},
            )
        )
    return entries
