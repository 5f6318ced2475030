"""Every HTTP request gets an id, and is counted and timed by the pattern of its address.

A WebSocket is no HTTP request here: its handshakes and commands have metrics of their own.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from realtime.auth.clients import SCOPE_KEY
from realtime.core import metrics
from realtime.core.monitoring import request_ids, tracing
from realtime.site.middleware import GetResponse

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ADDRESS: Final = "none"  # the pattern of an address that does not exist
_OBSERVATION: Final = "holdfast.observation"  # its key in the META of a request
ABORTED: Final = "aborted"  # the client left before the response


class ObservedRequest:
    """One request from its arrival to the start of its response."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._started = time.monotonic()
        self._waited = 0.0
        self.id = request_ids.accepted(request.headers.get(request_ids.HEADER, ""))
        metrics.http_in_flight.inc()
        request.META[_OBSERVATION] = self

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Leave out a wait that the client asked for: neither in flight nor slow."""
        began = time.monotonic()
        metrics.http_in_flight.dec()
        try:
            yield
        finally:
            metrics.http_in_flight.inc()
            self._waited += time.monotonic() - began

    def finish(self, response: HttpResponseBase | None, describe: tracing.Describe) -> None:
        """Count the request, and name its id in the response; None: the client has left."""
        metrics.http_in_flight.dec()
        self._identify()
        match = self._request.resolver_match
        view = NO_ADDRESS if match is None else f"/{match.route}"
        method = self._request.method or ""
        metrics.http_requests.labels(
            method if method in METHODS else "other",
            view,
            ABORTED if response is None else f"{response.status_code // 100}xx",
        ).inc()
        metrics.http_request_seconds.labels(view).observe(
            time.monotonic() - self._started - self._waited
        )
        if response is not None:
            response.headers[request_ids.HEADER] = self.id
            describe({"http.route": view, "http.response.status_code": str(response.status_code)})

    def _identify(self) -> None:
        """Let later requests with the same cookie count as this account, if it was looked up."""
        client = getattr(self._request, "scope", {}).get(SCOPE_KEY)
        user = getattr(self._request, "_cached_user", None)
        if client is not None and user is not None and user.is_authenticated:
            client.identified(user.pk)


@sync_and_async_middleware
def observed(get_response: GetResponse) -> GetResponse:
    """Observe every request. The first of all middlewares, so that it sees the final response."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            observation, response = ObservedRequest(request), None
            # Never reset: the task of this request ends with it, and the body of an event stream
            # is made after this function has returned.
            request_ids.serve((observation.id,))
            with tracing.span("http", method=request.method or "") as describe:
                try:
                    response = await answer(request)
                    return response
                finally:
                    observation.finish(response, describe)

        return middleware

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        observation, response = ObservedRequest(request), None
        token = request_ids.serve((observation.id,))
        with tracing.span("http", method=request.method or "") as describe:
            try:
                response = answer_now(request)
                return response
            finally:
                request_ids.done(token)
                observation.finish(response, describe)

    return sync_middleware


@contextmanager
def waiting(request: HttpRequest) -> Iterator[None]:
    """Leave a wait that the client asked for out of the metrics of its request."""
    observation: ObservedRequest = request.META[_OBSERVATION]
    with observation.waiting():
        yield
