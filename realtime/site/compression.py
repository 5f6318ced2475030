"""Pages and answers of the API are compressed by the node, so that every server sends them so.

Static files have compressed copies beside them (``staticfiles.py``). Event streams are not
compressed: a compressor would hold events back.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeGuard, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.decorators import sync_and_async_middleware
from django.utils.text import compress_string

from realtime.site.middleware import GetResponse

SMALLEST: Final = 1024  # bytes; less fits into one packet anyway
IN_A_THREAD: Final = 16_384  # bytes; more take longer than handing them to a thread

PADDING: Final = 100
"""At most so many random bytes, in the header of gzip (the attack "BREACH").

A page may hold messages beside a text of its address, such as a search. Someone who makes a browser
open it with many guesses, and sees the sizes on the network, could tell which guess occurs in a
message. Random sizes make that take far too many attempts. The CSRF token is another text on each
page, because Django masks it; the session is on no page.
"""

TYPES: Final = frozenset(
    {
        "text/html",
        "text/javascript",
        "text/plain",
        "application/json",
        "application/manifest+json",
        "image/svg+xml",
    }
)
_REFUSED: Final = re.compile(r"\bgzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)")


@sync_and_async_middleware
def compressed(get_response: GetResponse) -> GetResponse:
    """Compress what is worth it, for clients that accept it."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            response = await answer(request)
            if _is_worth_it(response, request):
                if len(response.content) > IN_A_THREAD:
                    await sync_to_async(_compress, thread_sensitive=False)(response)
                else:
                    _compress(response)
            return response

        return middleware

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        response = answer_now(request)
        if _is_worth_it(response, request):
            _compress(response)
        return response

    return sync_middleware


def _is_worth_it(response: HttpResponseBase, request: HttpRequest) -> TypeGuard[HttpResponse]:
    if not isinstance(response, HttpResponse) or response.has_header("Content-Encoding"):
        return False
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if kind not in TYPES or len(response.content) < SMALLEST:
        return False
    patch_vary_headers(response, ["Accept-Encoding"])
    accepted = request.headers.get("Accept-Encoding", "")
    return "gzip" in accepted and not _REFUSED.search(accepted)


def _compress(response: HttpResponse) -> None:
    response.content = compress_string(response.content, max_random_bytes=PADDING)
    response.headers["Content-Encoding"] = "gzip"
    if response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(response.content))
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):
        # Other bytes than those of the plain text, of the same contents (RFC 9110, 8.8.3).
        response.headers["ETag"] = f"W/{etag}"
