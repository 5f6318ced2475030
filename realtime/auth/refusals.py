"""Pages for refusals that a view raises: 400, 429 and 503, in words and with ``Retry-After``."""

from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from realtime.auth.attempts import TooManyAttempts
from realtime.auth.edges import beyond_range
from realtime.auth.http import retry_header
from realtime.protocol.errors import HoldfastError, Unavailable


class RefusalPages:
    """Middleware that makes a page of ``TooManyAttempts``, ``Unavailable`` and ``beyond_range``."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on. In an async chain this returns its coroutine."""
        return self._get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Return the page, or None for other errors."""
        problem = (
            exception
            if isinstance(exception, TooManyAttempts | Unavailable)
            else beyond_range(exception)
        )
        return None if problem is None else refusal_page(request, problem)


def refusal_page(request: HttpRequest, error: HoldfastError) -> HttpResponse:
    """Return the page of one refusal."""
    values = {"status": error.status, "text": error.message, "back": request.path}
    response = render(request, "refused.html", values, status=error.status)
    response.headers["Cache-Control"] = "no-store"
    return retry_header(response, error)
