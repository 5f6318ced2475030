"""Bounds the HTTP requests under way: of the process, of an account and of an address.

Django gives each request a thread before the first middleware runs, so this runs before Django. A
request waits here without a thread or a connection to the database. A refusal has the headers and
the language of any other response, from the middlewares that need no database.
"""

import asyncio
import re
import time
from dataclasses import replace
from functools import lru_cache, partial
from io import BytesIO
from typing import Any, Final, cast

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.module_loading import import_string
from django.utils.translation import get_language

from realtime.auth.clients import SCOPE_KEY, Client, client_of
from realtime.auth.handshake import Application
from realtime.auth.http import error_response, retry_header
from realtime.core import metrics
from realtime.core.bounds.budgets import budgets
from realtime.core.per_process import PerLoop
from realtime.protocol.admission import Admission, AdmissionLimits, Ticket, TicketState
from realtime.protocol.errors import HoldfastError, RateLimited, Unavailable

API: Final = "/api/"
# They share the threads that read. Event streams and long polls leave when they begin to wait.
_ASYNC: Final = re.compile(r"/api/(?:commands$|streams/)")
_PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
ASYNC_WAITING: Final = 2000  # commands and long polls; each takes some 20 KB
BUSY_SECONDS: Final = 2.0  # after which a client that was refused tries again
TOO_MANY_SECONDS: Final = 1.0
# Of a refusal: headers, the language and the request's id. None of these reads the database.
_MIDDLEWARES_OF_REFUSALS: Final = re.compile(
    r"^realtime\.site\.|\.SecurityMiddleware$|\.LocaleMiddleware$|\.XFrameOptionsMiddleware$"
)

# Kinds of slow requests: the pattern of their paths, and the setting of how many run.
_kinds: dict[str, tuple[re.Pattern[str], str]] = {}


def register_slow_requests(name: str, paths: re.Pattern[str], *, setting: str) -> None:
    """Give the requests of some paths a queue of their own; called from ``AppConfig.ready``.

    As many run at a time as ``setting`` says, and one of each client.
    """
    _kinds[name] = (paths, setting)


class Bounded:
    """ASGI middleware that lets a bounded number of requests pass."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve or refuse one request."""
        if scope["type"] != "http" or scope["path"] in _PROBES:
            await self._inner(scope, receive, send)
            return
        client = client_of(scope)
        scope = {**scope, SCOPE_KEY: client}
        try:
            _check_rates(client)
            queue = _queues.get().of(scope["path"])
            ticket = await queue.enter(client)
        except HoldfastError as error:
            await _refuse(scope, send, error)
            return
        client.leave = partial(queue.leave, ticket)
        try:
            await self._inner(scope, receive, send)
        finally:
            queue.leave(ticket)


def _check_rates(client: Client) -> None:
    """Count a request against the tokens of its account and address."""
    now, taken = time.monotonic(), budgets()
    wait = 0.0
    if client.address is not None:
        wait = taken.take_of_address(client.address, now)
    if wait <= 0 and client.user_id is not None:
        wait = taken.take_of_user(client.user_id, now)
    if wait > 0:
        raise _too_many(wait)


class RequestQueue:
    """The requests of one kind that run or wait in this process."""

    def __init__(self, name: str, limits: AdmissionLimits) -> None:
        self._name = name
        self._admission = Admission(limits)
        self._started: dict[Ticket, asyncio.Future[None]] = {}
        metrics.requests_running.labels(name).set_function(lambda: self._admission.running)
        metrics.requests_waiting.labels(name).set_function(lambda: self._admission.waiting)

    async def enter(self, client: Client) -> Ticket:
        """Return when the request may run. Raises ``RateLimited`` or ``Unavailable``."""
        ticket = self._admission.enter(client.key, client.place)
        match ticket.state:
            case TicketState.TOO_MANY:
                self._count("client")
                raise _too_many(TOO_MANY_SECONDS)
            case TicketState.FULL:
                self._count("process")
                raise _busy()
            case TicketState.WAITING:
                await self._wait(ticket)
        return ticket

    async def _wait(self, ticket: Ticket) -> None:
        started = self._started[ticket] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(settings.HOLDFAST_REQUEST_WAIT_SECONDS):
                await started
        except TimeoutError as error:
            self.leave(ticket)
            self._count("wait")
            raise _busy() from error
        except BaseException:
            self.leave(ticket)
            raise
        finally:
            self._started.pop(ticket, None)

    def leave(self, ticket: Ticket) -> None:
        """End a request, and let others run."""
        for each in self._admission.leave(ticket):
            started = self._started.get(each)
            if started is not None and not started.done():
                started.set_result(None)

    def _count(self, limit: str) -> None:
        metrics.refusals.labels(f"{self._name}_{limit}").inc()


class Queues:
    """The queue of each kind of request."""

    def __init__(self) -> None:
        self._default = RequestQueue("requests", _limits(settings.HOLDFAST_REQUESTS))
        # As many of an account wait as it has tokens for.
        self._async = RequestQueue(
            "async_requests",
            replace(
                _limits(
                    settings.HOLDFAST_ASYNC_REQUESTS, of_client=settings.HOLDFAST_ASYNC_PER_CLIENT
                ),
                waiting=ASYNC_WAITING,
                waiting_of_client=settings.HOLDFAST_COMMAND_BURST,
                waiting_of_address=ASYNC_WAITING // 2,
            ),
        )
        self._slow = {
            name: RequestQueue(f"{name}_requests", _limits(getattr(settings, setting), of_client=1))
            for name, (_, setting) in _kinds.items()
        }

    def of(self, path: str) -> RequestQueue:
        """Return the queue for a path."""
        if _ASYNC.match(path):
            return self._async
        for name, (pattern, _) in _kinds.items():
            if pattern.match(path):
                return self._slow[name]
        return self._default


def _limits(running: int, *, of_client: int | None = None) -> AdmissionLimits:
    return AdmissionLimits(
        running=running,
        waiting=settings.HOLDFAST_REQUEST_QUEUE,
        running_of_client=of_client or settings.HOLDFAST_REQUESTS_PER_CLIENT,
        waiting_of_client=settings.HOLDFAST_REQUEST_QUEUE_PER_CLIENT,
        # One address never has the whole process.
        running_of_address=max(running - 1, 1),
        waiting_of_address=settings.HOLDFAST_REQUEST_QUEUE // 2,
    )


def _too_many(wait: float) -> RateLimited:
    return RateLimited(
        "You are sending too many requests. Wait a moment, then try again.", retry_after=wait
    )


def _busy() -> Unavailable:
    return Unavailable("The server is busy; try again.", retry_after=BUSY_SECONDS)


async def _refuse(scope: dict[str, Any], send: Any, error: HoldfastError) -> None:
    body = BytesIO()
    request = ASGIRequest(scope, body)

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _refusal(request, error)

    for name in reversed(settings.MIDDLEWARE):
        if _MIDDLEWARES_OF_REFUSALS.search(name):
            answer = import_string(name)(answer)
    # A Host that is not ours is refused by the middlewares.
    response = cast(HttpResponseBase, convert_exception_to_response(answer)(request))
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": [
                *((k.encode("latin-1"), v.encode("latin-1")) for k, v in response.items()),
                *(
                    (b"Set-Cookie", cookie.OutputString().encode("latin-1"))
                    for cookie in response.cookies.values()
                ),
            ],
        }
    )
    await send({"type": "http.response.body", "body": getattr(response, "content", b"")})


def _refusal(request: HttpRequest, error: HoldfastError) -> HttpResponseBase:
    if request.path.startswith(API):
        response: HttpResponse = error_response(error)
    else:
        page = _page(get_language() or "", error.status, error.message)
        response = HttpResponse(page, status=error.status)
        retry_header(response, error)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Length"] = str(len(response.content))
    return response


@lru_cache(maxsize=64)
def _page(_language: str, status: int, text: str) -> str:
    """Return the page of a refusal. Rendering it for each of hundreds would stop the loop."""
    return render_to_string("refused.html", {"status": status, "text": text, "back": ""})


_queues: Final = PerLoop(Queues)
