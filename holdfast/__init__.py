"""The public interface of Holdfast for Django teams. Everything else may change without notice.

    from holdfast import NotFound, StreamKind, changing, notify

Names are loaded when they are first used, so that a models module may import them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from holdfast.version import __version__

if TYPE_CHECKING:
    from chat.services import post_message
    from notifications.kinds import Kind as NotificationKind
    from notifications.kinds import register_kind as register_notification_kind
    from notifications.services.sending import send_notification as notify
    from realtime.core.commands import Caller, Commands
    from realtime.core.commands import site_commands as commands
    from realtime.core.heads import Heads, OpenTransaction, changing
    from realtime.core.publishing import hint
    from realtime.core.sealing.operations import AddStreamTrigger
    from realtime.core.sealing.rows import StreamRow
    from realtime.core.sealing.stamping import stamp
    from realtime.core.streams import Claim, Reader, StreamKind, StreamName
    from realtime.core.streams import register as register_stream
    from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound
    from realtime.protocol.page import AccessEnd, Event

_PLACES: Final = {
    "AccessEnd": "realtime.protocol.page",
    "AddStreamTrigger": "realtime.core.sealing.operations",
    "BadRequest": "realtime.protocol.errors",
    "Caller": "realtime.core.commands",
    "Claim": "realtime.core.streams",
    "Commands": "realtime.core.commands",
    "Event": "realtime.protocol.page",
    "Forbidden": "realtime.protocol.errors",
    "Heads": "realtime.core.heads",
    "HoldfastError": "realtime.protocol.errors",
    "NotFound": "realtime.protocol.errors",
    "NotificationKind": "notifications.kinds:Kind",
    "OpenTransaction": "realtime.core.heads",
    "Reader": "realtime.core.streams",
    "StreamKind": "realtime.core.streams",
    "StreamName": "realtime.core.streams",
    "StreamRow": "realtime.core.sealing.rows",
    "changing": "realtime.core.heads",
    "commands": "realtime.core.commands:site_commands",
    "hint": "realtime.core.publishing",
    "notify": "notifications.services.sending:send_notification",
    "post_message": "chat.services",
    "register_notification_kind": "notifications.kinds:register_kind",
    "register_stream": "realtime.core.streams:register",
    "stamp": "realtime.core.sealing.stamping",
}
"""Each public name with its module, and with its name there if that is another."""

__all__ = [
    "AccessEnd",
    "AddStreamTrigger",
    "BadRequest",
    "Caller",
    "Claim",
    "Commands",
    "Event",
    "Forbidden",
    "Heads",
    "HoldfastError",
    "NotFound",
    "NotificationKind",
    "OpenTransaction",
    "Reader",
    "StreamKind",
    "StreamName",
    "StreamRow",
    "__version__",
    "changing",
    "commands",
    "hint",
    "notify",
    "post_message",
    "register_notification_kind",
    "register_stream",
    "stamp",
]


def __getattr__(name: str) -> Any:
    """Load a public name, once."""
    if name not in _PLACES:
        raise AttributeError(f"holdfast has no public name {name!r}")
    module, _, own = _PLACES[name].partition(":")
    found = globals()[name] = getattr(import_module(module), own or name)
    return found
