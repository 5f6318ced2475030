"""The Content-Security-Policy of every page: own files, images of allowed hosts, nothing inline.

Only Django's error pages for developers are exempt.
"""

from collections.abc import Awaitable, Callable
from typing import Final, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from realtime.site.middleware import GetResponse

_POLICY: Final = (
    "default-src 'none'; script-src 'self'{inline}; style-src 'self'{inline}; "
    "img-src 'self' data:{images}; font-src 'self'; manifest-src 'self'; "
    "connect-src 'self' ws://{host} wss://{host}; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""``connect-src`` names the WebSocket too: for Safari before 15.4 ``'self'`` excludes ``wss:``."""

_TECHNICAL: Final = b'<meta name="robots" content="NONE,NOARCHIVE">'
"""In Django's error pages for developers (django/views/templates/technical_*.html) only."""


@sync_and_async_middleware
def content_security_policy(get_response: GetResponse) -> GetResponse:
    """Add the policy to every response that does not set its own."""
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
    inline = " 'unsafe-inline'" if _is_for_developers(response) else ""
    images = "".join(f" https://{host}" for host in settings.HOLDFAST_IMAGE_HOSTS)
    response.headers.setdefault(
        "Content-Security-Policy",
        _POLICY.format(host=request.get_host(), inline=inline, images=images),
    )
    return response


def _is_for_developers(response: HttpResponseBase) -> bool:
    """Whether this is an error page of Django's for DEBUG, whose style and script are inline."""
    if not settings.DEBUG or response.status_code < 400 or not isinstance(response, HttpResponse):
        return False
    return _TECHNICAL in response.content
