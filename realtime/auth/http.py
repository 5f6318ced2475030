"""JSON views: authentication, bodies and errors."""

import math
import re
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import msgspec
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.views.decorators.csrf import csrf_exempt

from realtime.auth import attempts, last_seen
from realtime.auth.accounts import Account, Credentials, Identity, identify
from realtime.auth.clients import SCOPE_KEY
from realtime.auth.edges import beyond_range
from realtime.auth.handshake import bearer
from realtime.core import reads
from realtime.core.commands import Caller, describe_problem
from realtime.core.database import ERRORS, read, unavailable
from realtime.core.monitoring import refused_access
from realtime.core.users import User
from realtime.protocol.errors import (
    BadRequest,
    Forbidden,
    HoldfastError,
    NotAuthenticated,
    NotFound,
)

EPOCH_HEADER: Final = "Stream-Epoch"
# An escaped NUL in JSON, unless its backslash is escaped itself.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

P = ParamSpec("P")
Shape = TypeVar("Shape")
Answer = TypeVar("Answer", bound=HttpResponseBase)


class ApiRequest(HttpRequest):
    """The request of an identified caller, as a JSON view gets it."""

    caller: Caller
    account: Account
    user: User
    epoch: str  # of the history, as read with the caller


View = Callable[Concatenate[ApiRequest, P], HttpResponseBase]
AsyncView = Callable[Concatenate[ApiRequest, P], Coroutine[Any, Any, HttpResponseBase]]
DjangoView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
AsyncDjangoView = Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, HttpResponseBase]]


# Errors that become responses; Django logs all others.
REPORTED = (HoldfastError, Http404, PermissionDenied, *ERRORS)


class TooLarge(BadRequest):
    """A body above the limit."""

    status = 413


def api(*methods: str) -> Callable[[View[P]], DjangoView[P]]:
    """Return a decorator that makes JSON views for callers with a session or a token.

    Errors become ``{"error": …}`` with their status; responses name the epoch. With a session,
    unsafe methods need the CSRF token.
    """

    def decorate(view: View[P]) -> DjangoView[P]:
        @csrf_exempt  # checked below; not needed with a token
        @wraps(view)
        def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            epoch = None
            try:
                _check_scheme(request)
                _check_method(request, methods)
                identity, epoch = _look_up(
                    _http_credentials(request), attempts.client_address(request)
                )
                response = view(_known(request, identity, epoch), *args, **kwargs)
            except REPORTED as error:
                _note(request, error)
                response = error_response(error)
            except Exception as error:
                problem = beyond_range(error)
                if problem is None:
                    raise
                response = error_response(problem)
            return _finished(response, epoch)

        return cast(DjangoView[P], wrapped)

    return decorate


def async_api(*methods: str) -> Callable[[AsyncView[P]], AsyncDjangoView[P]]:
    """Do the same for an ``async`` view, which waits without holding a thread of the pool."""

    def decorate(view: AsyncView[P]) -> AsyncDjangoView[P]:
        @csrf_exempt
        @wraps(view)
        async def wrapped(
            request: HttpRequest, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            epoch = None
            try:
                _check_scheme(request)
                _check_method(request, methods)
                address = attempts.client_address(request)
                identity, epoch = await read(_look_up, _http_credentials(request), address)
                response = await view(_known(request, identity, epoch), *args, **kwargs)
            except REPORTED as error:
                _note(request, error)
                response = error_response(error)
            except Exception as error:
                problem = beyond_range(error)
                if problem is None:
                    raise
                response = error_response(problem)
            return _finished(response, epoch)

        return cast(AsyncDjangoView[P], wrapped)

    return decorate


def body(request: HttpRequest, shape: type[Shape]) -> Shape:
    """Decode the JSON body of a request.

    Raises ``BadRequest`` that names the field, ``TooLarge`` above the limit.
    """
    try:
        return msgspec.json.decode(raw_body(request), type=shape)
    except msgspec.ValidationError as error:
        raise BadRequest(describe_problem(str(error))) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadRequest("body: expected one JSON object") from error


def raw_body(request: HttpRequest) -> bytes:
    """Return the body of a JSON request, of bounded size."""
    if request.content_type != "application/json":
        raise BadRequest("Content-Type: expected application/json")
    limit: int = settings.HOLDFAST_MAX_MESSAGE_BYTES
    try:
        raw = request.body
    except RequestDataTooBig as error:
        raise TooLarge("body: expected at most {limit} bytes", limit=limit) from error
    if len(raw) > limit:
        raise TooLarge(
            "body: expected at most {limit} bytes, got {count}", limit=limit, count=len(raw)
        )
    if _NUL.search(raw):
        raise BadRequest("body: the character U+0000 is not allowed")
    return raw


def error_response(error: Exception) -> JsonResponse:
    """Return the response for one of ``REPORTED``."""
    match error:
        case HoldfastError():
            found = error
        case Http404():
            found = NotFound("Not found.")
        case PermissionDenied():
            found = Forbidden(str(error) or "You don't have permission to do that.")
        case _:
            found = unavailable(error)
    response = JsonResponse({"error": found.as_object()}, status=found.status)
    if isinstance(found, NotAuthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(found, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(found.allowed)
    return retry_header(response, found)


def retry_header(response: Answer, error: HoldfastError) -> Answer:
    """Set ``Retry-After``: whole seconds, rounded up."""
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    return response


class MethodNotAllowed(BadRequest):
    """The URL exists for other methods."""

    status = 405

    def __init__(self, method: str | None, allowed: tuple[str, ...]) -> None:
        super().__init__(f"Expected {' or '.join(allowed)}, got {method}.")
        self.allowed = allowed


class _CsrfCheck(CsrfViewMiddleware):
    """Django's check, as a function."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def _check_method(request: HttpRequest, methods: tuple[str, ...]) -> None:
    if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
        raise MethodNotAllowed(request.method, methods)


def _check_scheme(request: HttpRequest) -> None:
    """Refuse plain HTTP: behind a redirect a program would send its token readable, unnoticed."""
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise Forbidden("Use https:// for this address, and replace the token that you sent.")


def _http_credentials(request: HttpRequest) -> Credentials:
    return Credentials(
        bearer(request.headers.get("Authorization", "")),
        request.COOKIES.get(settings.SESSION_COOKIE_NAME),
    )


def _look_up(credentials: Credentials, address: str) -> tuple[Identity | None, str]:
    """Return the caller and the epoch.

    The epoch is read before the data, so that a client never takes old data for new history. Raises
    ``TooManyAttempts`` for a wrong token after many from the same address.
    """
    identity = identify(credentials)
    if identity is not None:
        last_seen.note_credentials(credentials)
    elif credentials.token is not None:
        attempts.miss("token", address)
    return identity, reads.epoch()


def _known(request: HttpRequest, identity: Identity | None, epoch: str) -> ApiRequest:
    """Attach the caller.

    Raises ``NotAuthenticated``, and ``Forbidden`` for banned accounts and forged forms.
    """
    if identity is None:
        raise NotAuthenticated("Sign in or send a valid token.")
    if identity.account.banned is not None:
        raise identity.account.banned
    if identity.account.credential.startswith("session:"):
        _check_csrf(request)
    if client := getattr(request, "scope", {}).get(SCOPE_KEY):
        client.identified(identity.account.user_id)
    known = cast(ApiRequest, request)
    known.caller, known.account, known.user = identity.caller, identity.account, identity.user
    known.epoch = epoch
    return known


def _note(request: HttpRequest, error: Exception) -> None:
    caller, match = getattr(request, "caller", None), request.resolver_match
    if caller is not None and match is not None:
        refused_access.note(caller.user_id, f"{request.method} /{match.route}", error)


def _check_csrf(request: HttpRequest) -> None:
    check = _CsrfCheck(lambda _: JsonResponse({}))
    check.process_request(request)
    reason = check.process_view(request, lambda *_: JsonResponse({}), (), {})
    if reason is not None:
        raise Forbidden("{reason} Reload the page and try again.", reason=reason)


def _finished(response: HttpResponseBase, epoch: str | None) -> HttpResponseBase:
    if epoch is not None:
        response.headers[EPOCH_HEADER] = epoch
    # Responses are private, and stale ones mislead.
    response.headers.setdefault("Cache-Control", "no-store")
    return response
