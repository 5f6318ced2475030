"""Filters: created, changed, turned on and off, deleted.

They are in no stream; every process notices a change by the version.
"""

from uuid import uuid4

from chat import policies
from chat.models import Filter, FilterVersion, ModerationLog, Room
from chat.queries import people, rooms
from chat.services.persistence import log
from chat.text import filters
from chat.text.filters import FilterAction, FilterKind
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, TooMany


def save_filter(
    *,
    actor_id: int,
    text: str,
    kind: str,
    action: str,
    room_id: int | None = None,
    is_on: bool = False,
    filter_id: int | None = None,
) -> Filter:
    """Create a filter, or change the one with ``filter_id``. For site moderators."""
    text = clean_filter(text, kind)
    if action not in FilterAction.values:
        raise BadRequest("action: expected one of {values}", values=", ".join(FilterAction.values))
    _check_moderates(actor_id)
    room = rooms.room(room_id) if room_id is not None else None
    with changing():
        _lock_filters()
        row = _locked(filter_id) if filter_id is not None else Filter(created_by_id=actor_id)
        row.text, row.kind, row.action, row.room, row.is_on = text, kind, action, room, is_on
        if is_on:
            _check_room_for(row)
        row.save()
        _note(row, actor_id, "changed" if filter_id is not None else "added")
    return row


def switch_filter(*, actor_id: int, filter_id: int, on: bool, reason: str = "") -> Filter:
    """Turn a filter on or off."""
    _check_moderates(actor_id)
    with changing():
        _lock_filters()
        row = _locked(filter_id)
        if row.is_on == on:
            return row
        row.is_on = on
        if on:
            _check_room_for(row)
        row.save()
        _note(row, actor_id, "on" if on else "off", reason)
    return row


def delete_filter(*, actor_id: int, filter_id: int, reason: str = "") -> None:
    _check_moderates(actor_id)
    with changing():
        row = _locked(filter_id)
        _note(row, actor_id, "deleted", reason)
        row.delete()


def clean_filter(text: str, kind: str) -> str:
    """Return the text of a filter as it is compared. Raises ``BadRequest`` with the reason."""
    if kind not in FilterKind.values:
        raise BadRequest("kind: expected one of {values}", values=", ".join(FilterKind.values))
    if kind == FilterKind.WORD:
        return policies.clean(
            text, name="text", limit=filters.MAX_LENGTH, required=True
        ).casefold()[: filters.MAX_LENGTH]
    policies.check_is_text(text, name="text")
    if not 0 < len(text) <= filters.MAX_LENGTH:
        raise BadRequest(
            "text: expected 1 to {most} characters, got {length}",
            most=filters.MAX_LENGTH,
            length=len(text),
        )
    filters.check_pattern(text)
    return text


def _lock_filters() -> None:
    """Let one moderator at a time switch filters on, so that the limits hold for all of them."""
    FilterVersion.objects.get_or_create(pk=1, defaults={"stamp": uuid4().hex})
    FilterVersion.objects.select_for_update().get(pk=1)


def _locked(filter_id: int) -> Filter:
    row = (
        Filter.objects.select_for_update(of=("self",))
        .select_related("room")
        .filter(pk=filter_id)
        .first()
    )
    if row is None:
        raise NotFound("There is no such filter.")
    return row


def _check_room_for(row: Filter) -> None:
    """Raise ``TooMany`` if so many filters are on that posting would become slow."""
    others = Filter.objects.filter(is_on=True, kind=row.kind).exclude(pk=row.pk)
    most = filters.MAX_WORDS if row.kind == FilterKind.WORD else filters.MAX_PATTERNS
    texts = list(others.values_list("text", flat=True)[:most])
    if len(texts) >= most:
        raise TooMany(
            "{most} filters of this kind are on, the most allowed. Turn one off first.",
            most=most,
        )
    if row.kind == FilterKind.PATTERN:
        size = sum(map(filters.check_pattern, [row.text, *texts]))
        if size > filters.MAX_PROGRAMS:
            raise TooMany("The patterns that are on are too large together. Turn one off first.")


def _note(row: Filter, actor_id: int, what: str, reason: str = "") -> None:
    _new_version()
    room: Room | None = row.room
    details = {"filter": row.text, "as": str(row.action), "what": what}
    log(ModerationLog.Action.FILTER, actor_id=actor_id, reason=reason, room=room, details=details)


def _new_version() -> None:
    FilterVersion.objects.update_or_create(pk=1, defaults={"stamp": uuid4().hex})


def _check_moderates(actor_id: int) -> None:
    if not people.is_site_moderator(actor_id):
        raise Forbidden("Only site moderators can do that.")
