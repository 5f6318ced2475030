"""The commands of an inbox (protocol.md §4)."""

from typing import Annotated, Any

import msgspec

from notifications import policies, queries, services
from realtime.api import handlers
from realtime.core.commands import Caller, Commands
from realtime.core.database import read
from realtime.core.writer import writer
from realtime.protocol.errors import BadRequest
from realtime.protocol.user_ids import UserId

commands = Commands(handlers.commands)

NotificationId = Annotated[int, msgspec.Meta(ge=1, le=policies.MAX_ID)]
NotificationIds = Annotated[list[NotificationId], msgspec.Meta(max_length=policies.MAX_IDS)]


class Read(msgspec.Struct):
    """Some notifications, or all of them."""

    notifications: NotificationIds | None = None
    all: bool = False


class Some(msgspec.Struct):
    """Some notifications."""

    notifications: NotificationIds


@commands("notification.read")
async def read_notifications(caller: Caller, fields: Read) -> dict[str, Any]:
    """Mark notifications as read."""
    if fields.all == (fields.notifications is not None):
        raise BadRequest("notifications: expected either ids or all: true")
    if fields.all:
        return {"unread": await _read_all(caller.user_id)}
    return {
        "unread": await writer().run(
            services.read, user_id=caller.user_id, ids=fields.notifications or ()
        )
    }


@commands("notification.archive")
async def archive_notifications(caller: Caller, fields: Some) -> dict[str, Any]:
    """Move notifications to the archive."""
    return {
        "unread": await writer().run(
            services.archive, user_id=caller.user_id, ids=fields.notifications
        )
    }


@commands("notification.unarchive")
async def unarchive_notifications(caller: Caller, fields: Some) -> dict[str, Any]:
    """Bring notifications back from the archive."""
    return {
        "unread": await writer().run(
            services.unarchive, user_id=caller.user_id, ids=fields.notifications
        )
    }


@commands("notification.unread")
async def mark_notifications_unread(caller: Caller, fields: Some) -> dict[str, Any]:
    """Mark notifications as unread."""
    return {
        "unread": await writer().run(
            services.mark_unread, user_id=caller.user_id, ids=fields.notifications
        )
    }


async def _read_all(user_id: UserId) -> int:
    """Mark everything as read, in batches between which the writer serves others."""
    newest = await read(queries.newest, user_id)
    while not (
        progress := await writer().run(services.read_up_to, user_id=user_id, newest=newest)
    ).done:
        pass
    return progress.unread
