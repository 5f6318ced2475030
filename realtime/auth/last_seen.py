"""When a session or a token was last used, for its owner.

Of a session also the browser and the network, but neither the full address nor the browser's whole
description. A process writes each of them at most once in ``SEEN_SECONDS``.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache.backends.locmem import LocMemCache
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware

from realtime.auth import session_ends
from realtime.auth.accounts import Credentials, digest
from realtime.core.database import ERRORS, read_together
from realtime.core.users import user_id_of
from realtime.models import AccessToken, UserSession
from realtime.protocol.errors import HoldfastError, Unavailable
from realtime.site.middleware import GetResponse

log = logging.getLogger("holdfast.access")

SEEN_SECONDS: Final = 300
REMEMBERED: Final = 10_000  # sessions and tokens of which a process knows that they were written
IPV4_BLOCK: Final = 24  # bits of the address that are kept
IPV6_BLOCK: Final = 48

# The first that occurs in the description counts: most browsers also name those they imitate.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)

_recent = LocMemCache("holdfast-last-seen", {"OPTIONS": {"MAX_ENTRIES": REMEMBERED}})
_writing: set[asyncio.Future[None]] = set()  # the loop itself keeps only weak references


@sync_and_async_middleware
def sessions_seen(get_response: GetResponse) -> GetResponse:
    """Note the sessions of pages. Outside of Django's middleware, which saves new sessions."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            response = await answer(request)
            if _is_due(request):
                await sync_to_async(_note_session)(request)
            return response

        return middleware

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        response = answer_now(request)
        if _is_due(request):
            _note_session(request)
        return response

    return sync_middleware


def note_credentials(credentials: Credentials) -> None:
    """Note the use of a valid token or session by a request of the API."""
    if _is_new(credentials):
        note_each([credentials])


def note_socket(credentials: Credentials) -> None:
    """Note that a socket was opened with a valid token or session, without letting it wait."""
    if _is_new(credentials):
        task = asyncio.ensure_future(_note_together(credentials))
        _writing.add(task)
        task.add_done_callback(_writing.discard)


def note_each(used: Sequence[Credentials]) -> Sequence[HoldfastError | None]:
    """Note the use of many, in three statements, and prolong their sessions."""
    now = timezone.now()
    tokens = [digest(each.token) for each in used if each.token is not None]
    sessions = [each.session for each in used if each.token is None]
    if tokens:
        rows = AccessToken.objects.filter(digest__in=tokens)
        _write(lambda: rows.update(last_used_at=now))
    if sessions:
        seen = UserSession.objects.filter(session_id__in=sessions)
        _write(lambda: seen.update(last_seen_at=now))
        _write(lambda: session_ends.prolong(Session.objects.filter(pk__in=sessions)))
    return [None] * len(used)


async def _note_together(credentials: Credentials) -> None:
    with suppress(Unavailable):
        await read_together(note_each, credentials)


def _is_new(credentials: Credentials) -> bool:
    secret = credentials.token or credentials.session
    return bool(secret) and bool(_recent.add(digest(secret or ""), True, SEEN_SECONDS))


def forget_ended() -> None:
    """Delete what is kept of sessions that have ended."""
    kept = Session.objects.filter(pk=OuterRef("session_id"))
    UserSession.objects.filter(~Exists(kept)).delete()


def browser_of(description: str) -> str:
    """Return the browser and the system of a ``User-Agent``, as far as they are known."""
    found = (
        next((name for mark, name in marks if mark in description), "")
        for marks in (_BROWSERS, _SYSTEMS)
    )
    return " · ".join(filter(None, found))


def address_block(raw: str) -> str:
    """Return the network around an address: enough for people to recognise their own provider."""
    try:
        address = ipaddress.ip_address(raw)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    bits = IPV4_BLOCK if isinstance(address, ipaddress.IPv4Address) else IPV6_BLOCK
    return str(ipaddress.ip_network((address, bits), strict=False))


def _is_due(request: HttpRequest) -> bool:
    """Return whether to write. Asks no session that the page has not read."""
    session: Any = getattr(request, "session", None)
    if not hasattr(session, "get_model_class") or not hasattr(session, "_session_cache"):
        return False
    key = session.session_key
    return bool(
        key
        and session.get_model_class() is Session
        and session.get(SESSION_KEY)
        and _recent.add(digest(key), True, SEEN_SECONDS)
    )


def _note_session(request: HttpRequest) -> None:
    user_id, key = user_id_of(request.session[SESSION_KEY]), request.session.session_key or ""
    values = {
        "browser": browser_of(request.headers.get("User-Agent", "")),
        "network": address_block(request.META.get("REMOTE_ADDR", "")),
        "last_seen_at": timezone.now(),
    }

    def write() -> None:
        session_ends.prolong(Session.objects.filter(pk=key))
        if UserSession.objects.filter(session_id=key, user_id=user_id).update(**values):
            return
        row = UserSession(session_id=key, user_id=user_id, **values)
        UserSession.objects.bulk_create([row], ignore_conflicts=True)

    _write(write)


def _write(work: Callable[[], object]) -> None:
    """Write, or leave it: nothing may fail because of it."""
    try:
        work()
    except ERRORS as error:
        log.warning("last use was not written", extra={"error": repr(error)})
