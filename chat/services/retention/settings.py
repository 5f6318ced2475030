"""How long a room keeps its messages, which only site moderators change."""

from chat import payloads, policies
from chat.models import REASON_MAX_LENGTH, ModerationLog, Room
from chat.queries import people, rooms
from chat.services.persistence import log, save_room
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, Forbidden


def set_retention(
    *, actor_id: int, room_id: int, retention_days: int | None, reason: str = ""
) -> Room:
    """Set for how many days a room keeps messages; 0: for ever, None: as the site.

    Nothing is removed before the next run of retention.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    if retention_days is not None and not 0 <= retention_days <= policies.MAX_RETENTION_DAYS:
        raise BadRequest(
            "{field}: expected 0 to {limit} days, got {value}",
            field="retention_days",
            limit=policies.MAX_RETENTION_DAYS,
            value=retention_days,
        )
    if not people.is_site_moderator(actor_id):
        raise Forbidden("Only site moderators can do that.")
    with changing(payloads.stream(room_id)) as heads:
        room = rooms.room(room_id)
        if room.retention_days == retention_days:
            return room
        log(
            ModerationLog.Action.RETENTION,
            actor_id=actor_id,
            reason=reason,
            room=room,
            details={"retention": [_shown(room.retention_days), _shown(retention_days)]},
        )
        room.retention_days = retention_days
        save_room(heads, room)
    return room


def _shown(days: int | None) -> str:
    return "" if days is None else str(days)
