"""The Content-Security-Policy of every page: our own files, and nothing inline."""

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; "
    "connect-src 'self' ws://{host} wss://{host}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""``connect-src`` names the socket's address as well: Safari before 15.4 does not count ``wss:`` as ``'self'``."""

GetResponse = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def content_security_policy(get_response: GetResponse) -> GetResponse:
    """Add the policy to every answer that has none of its own."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            return _protected(request, await answer(request))

        return middleware

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        return _protected(request, answer_now(request))

    return sync_middleware


def _protected(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", _POLICY.format(host=request.get_host()))
    return response
