"""Invitation links, and why one no longer works."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat import policies
from chat.models import InviteLink, Room
from realtime.protocol.errors import NotFound

MIN_SECONDS: Final = 3600
# Every link expires: archives keep links long after everyone has forgotten them.
MAX_SECONDS: Final = 30 * 24 * 3600
MAX_USES: Final = 1000
MAX_USABLE: Final = 50  # of one room
MAX_TOKEN_LENGTH: Final = 100


class Problem(StrEnum):
    """Why a link cannot be used."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    SPENT = "spent"
    ARCHIVED = "archived"


WORDS: Final[dict[Problem, str | Promise]] = {
    Problem.REVOKED: _("This invitation was revoked."),
    Problem.EXPIRED: _("This invitation has expired."),
    Problem.SPENT: _("This invitation has been used up."),
    Problem.ARCHIVED: _("The room of this invitation is archived."),
}


def digest(token: str) -> str:
    """Return the stored form of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def by_token(token: str) -> InviteLink:
    """Return the link with its room and creator. Raises ``NotFound``."""
    rows = InviteLink.objects.select_related("room", "created_by")
    found = rows.filter(digest=digest(token)).first() if len(token) <= MAX_TOKEN_LENGTH else None
    if found is None:
        raise NotFound("There is no such invitation.")
    return found


def by_id(link_id: int, *, room_id: int | None = None) -> InviteLink:
    """Return the link with its creator. Raises ``NotFound``, also for a link of another room."""
    rows = InviteLink.objects.select_related("created_by")
    found = rows.filter(pk=link_id).first() if 0 < link_id <= policies.MAX_ID else None
    if found is None or room_id not in (None, found.room_id):
        raise NotFound("There is no such invitation.")
    return found


def problem(link: InviteLink, room: Room, *, now: datetime) -> Problem | None:
    """Return why a link cannot be used; None if it can."""
    if link.revoked_at is not None:
        return Problem.REVOKED
    if room.archived_at is not None:
        return Problem.ARCHIVED
    if link.expires_at <= now:
        return Problem.EXPIRED
    return Problem.SPENT if link.uses >= link.max_uses else None


def usable(room_id: int, *, now: datetime | None = None) -> list[InviteLink]:
    """Return the links into a room that work, newest first."""
    rows = InviteLink.objects.filter(
        room_id=room_id,
        revoked_at=None,
        expires_at__gt=now or timezone.now(),
        uses__lt=F("max_uses"),
    )
    return list(rows.select_related("created_by").order_by("-pk")[:MAX_USABLE])
