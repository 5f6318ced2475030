"""A line in the log for everything that someone asked for and may not have.

Of one user and one kind of request at most one line a minute, so that nobody fills the log.
"""

import logging
from typing import Final

from django.core.cache.backends.locmem import LocMemCache

from realtime.protocol.errors import Forbidden, NotFound
from realtime.protocol.user_ids import UserId, wire_id

log = logging.getLogger("holdfast.access")

REPEAT_SECONDS: Final = 60
REMEMBERED: Final = 10_000  # users and kinds of requests

_recent = LocMemCache("holdfast-refused-access", {"OPTIONS": {"MAX_ENTRIES": REMEMBERED}})


def note(user_id: UserId, asked: str, error: Exception) -> None:
    """Note an error that was sent to a user. ``asked`` is a command, or the pattern of an address.

    Things that a user may not see are answered as if they did not exist, so that is noted too.
    """
    if not isinstance(error, Forbidden | NotFound):
        return
    key = f"{user_id}:{error.code}:{asked}".replace(" ", ":")
    if _recent.add(key, True, REPEAT_SECONDS):
        fields = {"user": wire_id(user_id), "asked": asked, "code": error.code}
        log.info("access refused", extra=fields)
