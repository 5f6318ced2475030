"""The queue in front of the forms that hash a password. A request that waits has no thread yet.

Django gives each request a thread of its own, which takes about 1 MiB for its stack, its connection
and the C library's memory pool. A hundred sign-ins at once are a few threads and a hundred waiting
requests here.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from io import BytesIO
from typing import Any, Final, cast

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string

from realtime.auth.attempts import network, record
from realtime.auth.handshake import Application, Receive, Send
from realtime.auth.passwords.hashing import too_busy
from realtime.auth.refusals import refusal_page
from realtime.protocol.errors import Unavailable

# Those of Django's authentication, and sign-up. Other forms, such as the admin's for accounts, need
# rights, and have the queue of ``hashing`` alone.
VIEWS: Final = ("login", "admin:login", "signup", "password_change", "confirm")
# Beside those that hash, as many that read the database and render a page.
THREADS_PER_HASH: Final = 2
# The middlewares before this one need no database; they also serve the refusals.
_FIRST_WITH_DATABASE: Final = "realtime.auth.last_seen.sessions_seen"

_Refuse = Callable[[HttpRequest], HttpResponse]


class FairQueue:
    """Lets so many in at a time. The others wait, and the addresses take turns.

    When the queue is full, a newcomer takes the place of the last one of the address that has the
    most. So a flood from one address refuses its own requests, and others wait for a few at most.
    """

    def __init__(self, *, at_once: int, waiting: int, seconds: float) -> None:
        self._at_once = at_once
        self._most = waiting
        self._seconds = seconds
        self._running = 0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for a turn, and hold it. Raises ``Unavailable`` if the queue is full or slow."""
        if self._running < self._at_once:
            self._running += 1
        else:
            await self._wait(address)
        try:
            yield
        finally:
            self._next()

    async def _wait(self, address: str) -> None:
        self._free_a_place(address)
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(mine)
        try:
            async with asyncio.timeout(self._seconds):
                await mine
        except TimeoutError as error:
            self._leave(address, mine)
            raise too_busy() from error
        except asyncio.CancelledError:
            self._leave(address, mine)
            raise

    def _free_a_place(self, address: str) -> None:
        if sum(map(len, self._waiting.values())) < self._most:
            return
        largest = max(self._waiting, key=lambda each: len(self._waiting[each]), default=address)
        if len(self._waiting.get(largest, ())) <= len(self._waiting.get(address, ())):
            raise too_busy()
        last = self._waiting[largest].pop()
        self._drop_if_empty(largest)
        if not last.done():
            last.set_exception(too_busy())

    def _leave(self, address: str, mine: "asyncio.Future[None]") -> None:
        """Forget one who waits no longer. A turn given at the same moment goes to the next one."""
        if mine in self._waiting.get(address, ()):
            self._waiting[address].remove(mine)
            self._drop_if_empty(address)
        elif not mine.cancelled() and mine.done() and mine.exception() is None:
            self._next()

    def _next(self) -> None:
        """Give this turn to the first one of the next address, or end it."""
        while self._waiting:
            address = next(iter(self._waiting))
            first = self._waiting[address].popleft()
            self._waiting.move_to_end(address)
            self._drop_if_empty(address)
            if not first.done():
                first.set_result(None)
                return
        self._running -= 1

    def _drop_if_empty(self, address: str) -> None:
        if not self._waiting[address]:
            del self._waiting[address]


class PasswordGate:
    """ASGI middleware in front of Django: forms with a password wait for their turn."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in _paths():
            await self._inner(scope, receive, send)
            return
        address = network((scope.get("client") or [""])[0])
        try:
            async with _queue().turn(address):
                await self._inner(scope, receive, send)
        except Unavailable as error:
            record("password_form", "busy", address=address)
            await _refuse(error, scope, send)


@cache
def _paths() -> frozenset[str]:
    return frozenset(reverse(view) for view in VIEWS)


@cache
def _queue() -> FairQueue:
    """Return the queue of this process."""
    return FairQueue(
        at_once=settings.HOLDFAST_PASSWORD_HASHES * THREADS_PER_HASH,
        waiting=settings.HOLDFAST_PASSWORD_QUEUE,
        seconds=settings.HOLDFAST_PASSWORD_SECONDS,
    )


async def _refuse(error: Unavailable, scope: dict[str, Any], send: Send) -> None:
    """Send the page of a refusal, which takes no thread and no query."""
    request = ASGIRequest(scope, BytesIO())
    request.META["holdfast.refusal"] = error
    response = _refusing()(request)
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


@cache
def _refusing() -> _Refuse:
    """Return the page with what the first middlewares add: headers, metrics, the check of Host."""
    first = settings.MIDDLEWARE[: settings.MIDDLEWARE.index(_FIRST_WITH_DATABASE)]
    answer: Any = convert_exception_to_response(_page)
    for name in reversed(first):
        answer = convert_exception_to_response(import_string(name)(answer))
    return cast(_Refuse, answer)


def _page(request: HttpRequest) -> HttpResponse:
    request.get_host()  # or the refusal of this host
    with translation.override(translation.get_language_from_request(request)):
        return refusal_page(request, request.META["holdfast.refusal"])
