"""When a session ends: after some days without use, and at the latest some days after the sign-in.

The row's ``expire_date`` is the end without use; pages, requests of the API and handshakes move it
(``last_seen``). The absolute end follows from the time of the sign-in, which the session holds, so
a shorter ``HOLDFAST_SESSION_DAYS`` counts at once. The same time says how long ago the password was
given: sensitive changes ask for it again (``chat.pages.confirmation``).
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from realtime.models import UserSession

SIGNED_IN: Final = "signed_in_at"  # POSIX seconds, in the session
CONFIRMED: Final = "confirmed_at"  # the same, of the password
# The end moves by at least this much, so that a session in use costs a write an hour.
MOVED_BY: Final = timedelta(hours=1)
DAY: Final = 24 * 3600


def connect_signals() -> None:
    """Note the time of each sign-in; called from ``AppConfig.ready``."""
    user_logged_in.connect(_signed_in, dispatch_uid="realtime.auth.session_ends")


def absolute_end(started: object) -> datetime | None:
    """Return the time at which a session ends however much it is used, from its ``SIGNED_IN``.

    None for one of before this was noted (``prolong``).
    """
    if not isinstance(started, int):
        return None
    return datetime.fromtimestamp(started + settings.HOLDFAST_SESSION_DAYS * DAY, UTC)


def end(started: object, unused: datetime) -> datetime:
    """Return the end of a session whose row ends at ``unused``."""
    last = absolute_end(started)
    return min(unused, last) if last is not None else unused


def prolong(rows: "QuerySet[Session]") -> None:
    """Move the end of sessions that were used. One that has ended stays so.

    Also for sessions that do not know their sign-in, the first page of theirs sets a last time.
    """
    now = timezone.now()
    until = now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    oldest = now - timedelta(days=settings.HOLDFAST_SESSION_DAYS)
    young = UserSession.objects.filter(session_id=OuterRef("pk"), created_at__gt=oldest)
    rows.filter(Exists(young), expire_date__gt=now, expire_date__lt=until - MOVED_BY).update(
        expire_date=until
    )


def confirm(request: HttpRequest) -> None:
    """Note that the user has just given the password."""
    request.session[CONFIRMED] = int(time.time())


def is_confirmed(request: HttpRequest) -> bool:
    """Return whether the password was given within ``HOLDFAST_CONFIRM_MINUTES``."""
    at = request.session.get(CONFIRMED)
    limit: int = settings.HOLDFAST_CONFIRM_MINUTES * 60
    return isinstance(at, int) and 0 <= time.time() - at < limit


def _signed_in(sender: Any, request: HttpRequest | None, **_: Any) -> None:
    if request is not None and hasattr(request, "session"):
        request.session[SIGNED_IN] = int(time.time())
        confirm(request)
