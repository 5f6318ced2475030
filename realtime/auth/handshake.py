"""The WebSocket handshake: the page's Origin and the caller's credentials."""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings

from realtime.auth import attempts, last_seen
from realtime.auth.accounts import Credentials, identify_each
from realtime.core import metrics
from realtime.core.database import read_together
from realtime.core.monitoring import request_ids
from realtime.protocol import frames
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import HoldfastError, Unavailable
from realtime.site.languages import language_of

SUBPROTOCOL: Final = "holdfast.v1"
BEARER_SUBPROTOCOL: Final = "bearer."
_REQUEST_ID: Final = request_ids.HEADER.lower()
RETRY_SECONDS: Final = 2.0  # after the database did not answer a handshake

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class SocketAuth:
    """ASGI middleware: checks the Origin; adds ``caller``, ``account``, ``language`` and ``zone``.

    A foreign Origin is refused with 403 before the upgrade. Callers without valid credentials pass
    with ``caller`` None: the consumer accepts and closes with 4501, because a browser cannot read
    the status of a refused handshake.
    """

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        headers = _headers(scope)
        # For all of this connection's life: each command adds its own number to it.
        request_ids.serve((request_ids.accepted(headers.get(_REQUEST_ID, [""])[0]),))
        credentials = socket_credentials(headers, scope.get("subprotocols", ()))
        by_cookie = credentials.token is None and credentials.session is not None
        if not origin_allowed(headers, scheme=scope.get("scheme", "ws"), by_cookie=by_cookie):
            metrics.handshakes.labels("origin").inc()
            await receive()
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        try:
            identity = await read_together(identify_each, credentials)
            if identity is None and credentials.token is not None:
                # A right token is never refused, so nobody at the same address is locked out.
                address = attempts.network((scope.get("client") or [""])[0])
                await sync_to_async(attempts.miss, thread_sensitive=False)("token", address)
        except (Unavailable, attempts.TooManyAttempts) as error:
            metrics.handshakes.labels(error.code).inc()
            await _send_away(scope, receive, send, error)
            return
        metrics.handshakes.labels("accepted" if identity else "not_authenticated").inc()
        if identity is not None:
            last_seen.note_socket(credentials)
        found = (
            {"caller": identity.caller, "account": identity.account}
            if identity
            else {"caller": None, "account": None}
        )
        await self._inner(
            {
                **scope,
                **found,
                "language": _language(headers),
                "zone": _cookie(headers, settings.TIME_ZONE_COOKIE_NAME),
            },
            receive,
            send,
        )


def subprotocol(offered: Iterable[str]) -> str | None:
    """Return ``holdfast.v1`` if the client offers it; a client that offers none is served too."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def socket_credentials(headers: Mapping[str, list[str]], offered: Iterable[str]) -> Credentials:
    """Return the credentials of a handshake.

    The order: ``Authorization``, the subprotocol ``bearer.TOKEN``, the session cookie.
    """
    token = bearer(headers.get("authorization", [""])[0])
    if token is None:
        token = next(
            (
                each.removeprefix(BEARER_SUBPROTOCOL)
                for each in offered
                if each.startswith(BEARER_SUBPROTOCOL)
            ),
            None,
        )
    return Credentials(token, _session_cookie(headers.get("cookie", [])))


def origin_allowed(headers: Mapping[str, list[str]], *, scheme: str, by_cookie: bool) -> bool:
    """Return whether a page of this Origin may open a socket.

    A browser sends the cookie from any page, so a cookie counts only with an allowed Origin. It
    never sends a token by itself, so a token needs no Origin; but an Origin that is present must be
    allowed.
    """
    origins = headers.get("origin", [])
    if not origins:
        return not by_cookie
    return len(origins) == 1 and (
        origins[0].lower() in settings.ALLOWED_ORIGINS
        or _own_origin(origins[0].lower(), headers, scheme)
    )


def _own_origin(origin: str, headers: Mapping[str, list[str]], scheme: str) -> bool:
    """Whether, with DEBUG, the page was served by this server on a loopback address."""
    if not settings.DEBUG:
        return False
    host = headers.get("host", [""])[0].lower()
    return origin == f"{'https' if scheme == 'wss' else 'http'}://{host}" and is_loopback(host)


def is_loopback(host: str) -> bool:
    """Return whether a Host is a name or address of this machine.

    The name is not resolved: any name in DNS may resolve to a loopback address.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def bearer(authorization: str) -> str | None:
    """Return the token of an ``Authorization: Bearer TOKEN`` header."""
    kind, _, token = authorization.partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _headers(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _session_cookie(headers: Iterable[str]) -> str | None:
    cookies: SimpleCookie = SimpleCookie()
    for header in headers:
        try:
            cookies.load(header)
        except CookieError:
            continue
    found = cookies.get(settings.SESSION_COOKIE_NAME)
    return found.value if found is not None and found.value else None


def _language(headers: Mapping[str, list[str]]) -> str:
    """Return the caller's language."""
    chosen = _cookie(headers, settings.LANGUAGE_COOKIE_NAME)
    return language_of(
        {settings.LANGUAGE_COOKIE_NAME: chosen}, headers.get("accept-language", [""])[0]
    )


def _cookie(headers: Mapping[str, list[str]], name: str) -> str:
    """Return a cookie, or an empty text. SimpleCookie is too slow for a storm of handshakes."""
    parts = [part.strip() for header in headers.get("cookie", []) for part in header.split(";")]
    return next(
        (part.removeprefix(f"{name}=") for part in parts if part.startswith(f"{name}=")), ""
    )


async def _send_away(
    scope: Mapping[str, Any], receive: Receive, send: Send, error: HoldfastError
) -> None:
    """Accept and close with a retry: a client that cannot be identified now is not signed out."""
    await receive()
    await send(
        {
            "type": "websocket.accept",
            "subprotocol": subprotocol(scope.get("subprotocols", ())),
            "headers": [],
        }
    )
    bye = frames.bye(error.code, error.retry_after or RETRY_SECONDS)
    await send({"type": "websocket.send", "text": bye.decode()})
    await send({"type": "websocket.close", "code": CloseCode.OVERLOADED, "reason": error.code})
