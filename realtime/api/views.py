"""The engine over HTTP: events by page, long poll and server-sent events; commands; probes.

Positions, objects and commands are the same as on a socket (docs/protocol.md). Apps have views of
their own for what they add.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final, cast

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from holdfast.version import __version__
from realtime.api import private
from realtime.api.consumers import OWN, Pull
from realtime.auth import Account, ApiRequest, async_api, raw_body, retry_header
from realtime.auth.clients import SCOPE_KEY
from realtime.auth.http import EPOCH_HEADER
from realtime.core import metrics, reads
from realtime.core.bounds.budgets import check_user
from realtime.core.commands import Commands, counted, parse_fields
from realtime.core.database import read
from realtime.core.drain import drain
from realtime.core.monitoring import activity
from realtime.core.outages import health
from realtime.core.streams import Reader
from realtime.core.writer import writer
from realtime.engine import hub as hubs
from realtime.engine.http_follower import AccessEnded, HttpFollower
from realtime.protocol import frames
from realtime.protocol.errors import (
    BadRequest,
    Forbidden,
    HoldfastError,
    NotFound,
    Reset,
    TooMany,
    Unavailable,
    UnknownCommand,
)
from realtime.protocol.page import Page
from realtime.protocol.user_ids import wire_id
from realtime.site.requests import waiting

log = logging.getLogger("holdfast.views")

EVENT_STREAM: Final = "text/event-stream"
HEARTBEAT_SECONDS: Final = 15.0  # proxies close a connection after 30 to 60 s of silence
RETRY_SECONDS: Final = 2.0  # after which a client reopens an event stream
MAX_POSITION: Final = 2**63 - 1
READY_SECONDS: Final = 2.0  # for the database to answer a probe


# Events -------------------------------------------------------------------------------------------


@async_api("GET")
async def events(request: ApiRequest, stream: str) -> HttpResponseBase:
    """Return what changed after a position: at once, by long poll or as server-sent events."""
    account = request.account
    after = _position(request.headers.get("Last-Event-ID") or request.GET.get("after"))
    wait = _seconds(request.GET.get("wait", "0"))
    hub = await hubs.started()
    epoch = await hub.at_epoch(request.epoch)
    page = await hub.resume(Reader(account.user_id, account.is_moderator), stream, after)
    _check_epoch(request, epoch, page)
    streaming = EVENT_STREAM in request.headers.get("Accept", "")
    if not streaming and (wait == 0 or _tells(page)):
        return _json(frames.page_body(stream, page))
    if hub.connections_of(account.user_id) >= settings.HOLDFAST_MAX_SOCKETS_PER_USER:
        raise TooMany(
            "At most {limit} connections of one account at a time.",
            limit=settings.HOLDFAST_MAX_SOCKETS_PER_USER,
        )
    if not streaming:
        _release(request)
        with waiting(request):
            page = await _poll(account, stream, page, wait, epoch)
        return _json(frames.page_body(stream, page))
    response = StreamingHttpResponse(
        _stream(request, stream, page, epoch), content_type=EVENT_STREAM
    )
    # Nginx would collect events until its buffer is full.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _tells(page: Page) -> bool:
    return page.to > page.start or page.to < page.head


def _check_epoch(request: ApiRequest, epoch: str, page: Page) -> None:
    """Raise ``Reset`` if the client names the epoch of its position and that is another one."""
    named = request.GET.get("epoch") or request.headers.get(EPOCH_HEADER)
    if named and named != epoch:
        raise Reset(
            "The position is of the epoch {named}, but this is {epoch}; load a snapshot.",
            named=named[:32],
            epoch=epoch,
            head=page.head,
        )


async def _poll(account: Account, stream: str, page: Page, wait: float, epoch: str) -> Page:
    """Wait for the page after ``page``; an empty one at the timeout or when the node drains."""
    hub = await hubs.started()
    try:
        async with hub.follow(account, stream, page.to, epoch=epoch) as follower:
            return await _next(follower, wait) or page
    except AccessEnded as ended:
        raise Forbidden("Your access has ended: {reason}.", reason=ended.reason) from ended


async def _stream(
    request: ApiRequest, stream: str, first: Page, epoch: str
) -> AsyncIterator[bytes]:
    """Yield server-sent events until the client leaves, loses access, or the node drains."""
    account = request.account
    _release(request)  # here, because the middlewares after the view have taken one again
    yield _retry(RETRY_SECONDS) + _shown(stream, first)
    try:
        async with (await hubs.started()).follow(
            account, stream, first.to, epoch=epoch
        ) as follower:
            while not drain.begun:
                page = await _next(follower, HEARTBEAT_SECONDS)
                yield b":\n\n" if page is None else _shown(stream, page)
        yield _goodbye("restart")
    except AccessEnded as ended:
        yield _data(frames.closed(stream, ended.reason))
    except Reset:
        yield _data(frames.closed(stream, Reset.code))
    except Unavailable as error:
        yield _goodbye(error.code)
    except HoldfastError as error:  # access ended between the first page and now
        yield _data(frames.closed(stream, error.code))


async def _next(follower: HttpFollower, seconds: float) -> Page | None:
    """Return the follower's next page, or None when the time is over or the drain begins."""
    if drain.begun:
        return None
    page = asyncio.ensure_future(follower.next(seconds))
    forget = drain.listen(page.cancel)
    try:
        return await page
    except asyncio.CancelledError:
        if cast("asyncio.Task[Any]", asyncio.current_task()).cancelling():
            raise  # the client left
        return None  # the node drains
    finally:
        forget()
        page.cancel()


def _shown(stream: str, page: Page) -> bytes:
    """Encode a page as single events if no number is missing, else as one page.

    Each carries the position after it as its id.
    """
    seqs = [event.seq for event in page.events if event.body is not None]
    if page.to == page.head and seqs and seqs == list(range(page.start + 1, page.to + 1)):
        return b"".join(_data(frames.event(stream, event), event.seq) for event in page.events)
    return _data(frames.page(stream, page), page.to)


def _data(payload: bytes, position: int | None = None) -> bytes:
    """Encode one server-sent event. JSON has no line breaks."""
    return (
        b"data: %b\n\n" % payload
        if position is None
        else b"id: %d\ndata: %b\n\n" % (position, payload)
    )


def _retry(seconds: float) -> bytes:
    return b"retry: %d\n\n" % round(seconds * 1000)


def _goodbye(reason: str) -> bytes:
    """Encode `bye` with a random moment at which the client reconnects."""
    slot = RETRY_SECONDS * random.random()  # noqa: S311
    return _retry(slot) + _data(frames.bye(reason, slot))


def _release(request: ApiRequest) -> None:
    """Release the thread that Django reserves for a request, and its place among those that run.

    A request that waits needs neither.

    asgiref stores it by the context of the request and creates another one when it is needed.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = (
        SyncToAsync.context_to_thread_executor.pop(context, None) if context is not None else None
    )
    if executor is not None:
        executor.shutdown(wait=False)
    client = getattr(request, "scope", {}).get(SCOPE_KEY)
    if client is not None and client.leave is not None:
        client.leave()


def _position(value: str | None) -> int | None:
    if value is None or value == "":
        return None
    if (
        not (value.isascii() and value.isdecimal())
        or len(value) > len(str(MAX_POSITION))
        or int(value) > MAX_POSITION
    ):
        raise BadRequest("after: expected a position, got {value!r}", value=value[:32])
    return int(value)


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise BadRequest("wait: expected a number of seconds, got {value!r}", value=value[:32])
    return min(seconds, settings.HOLDFAST_LONG_POLL_MAX_SECONDS)


# Commands -----------------------------------------------------------------------------------------


def command_view(commands: Commands) -> Callable[..., Coroutine[Any, Any, HttpResponseBase]]:
    """Return a view that runs one of ``commands``; its response is the reply object of a socket."""
    names = commands.names | OWN

    @async_api("POST")
    async def command(request: ApiRequest) -> HttpResponseBase:
        started = time.monotonic()
        try:
            raw = raw_body(request)
            fields = frames.decode(raw)
        except frames.BadFrame as error:
            raise BadRequest("body: expected a JSON object with an integer id") from error
        except frames.Unreadable as unreadable:
            return _refused(unreadable.id, unreadable.error)

        try:
            with counted(fields, names, started, user_id=request.account.user_id):
                activity.users.add(wire_id(request.account.user_id))
                activity.addresses.add(request.META.get("REMOTE_ADDR") or "unknown")
                _count(request, commands.cost(fields, len(raw)), started)
                return _json(await _reply(commands, request, fields))
        except HoldfastError as error:
            return _refused(fields["id"], error)

    return command


async def _reply(commands: Commands, request: ApiRequest, fields: dict[str, Any]) -> bytes:
    hub = await hubs.started()  # what a command changes is published by the hub of this process
    name = fields.get("command")
    if name == "pull":
        pull = parse_fields("pull", fields, Pull)
        reader = Reader(request.account.user_id, request.account.is_moderator)
        epoch = await hub.at_epoch(request.epoch)
        page = await hub.resume(reader, pull.stream, pull.after)
        _check_epoch(request, epoch, page)
        return frames.pulled(fields["id"], pull.stream, page)
    if name in OWN:
        raise UnknownCommand(
            "{name} needs a socket; over HTTP, GET /api/streams/STREAM/events reads.", name=name
        )
    return frames.reply(fields["id"], await commands.find(name).run(request.caller, fields))


def _count(request: ApiRequest, tokens: int, now: float) -> None:
    """Count a command. The first token of a known account was taken when it was admitted."""
    client = getattr(request, "scope", {}).get(SCOPE_KEY)
    if client is not None and client.user_id == request.account.user_id:
        tokens -= 1
    if tokens > 0:
        check_user(request.account.user_id, now, tokens)


def _refused(ident: frames.Id, error: HoldfastError) -> HttpResponse:
    return retry_header(_json(frames.refusal(ident, error), status=error.status), error)


def _json(payload: bytes, *, status: int = 200) -> HttpResponse:
    return HttpResponse(payload, content_type="application/json", status=status)


def no_such_address(request: HttpRequest) -> HttpResponse:
    """Return the error for an unknown address below ``/api/``."""
    return JsonResponse(
        {"error": NotFound("There is nothing at {path}.", path=request.path[:200]).as_object()},
        status=NotFound.status,
    )


# Probes -------------------------------------------------------------------------------------------


@require_safe
async def healthz(request: HttpRequest) -> HttpResponse:
    """Report that the event loop runs, with the version; for a supervisor.

    Uses neither database nor broker.
    """
    return HttpResponse(f"ok {__version__}\n", content_type="text/plain")


@require_safe
async def readyz(request: HttpRequest) -> HttpResponse:
    """Report whether to send clients here, to ``METRICS_NETWORKS`` and on a Unix socket.

    Without the broker a node is slower but ready.

    A node that cannot write is ready as well: its clients read, and would not fare better on
    another node of the same database. With ``?write=1`` it is ready only after a recent write, for
    deploys.
    """
    if refused := private.refusal(request, unix=True):
        return refused
    database = await _database()
    writable = health.proven if request.GET.get("write") == "1" else health.writable
    healthy = {
        "database": database == "ok",
        "writable": writable or request.GET.get("write") != "1",
        "draining": not drain.begun,
    }
    layer = _layer()
    down = [name for name, good in healthy.items() if not good]
    degraded = layer == "degraded" or not writable
    state = {
        "status": "not ready" if down else "degraded" if degraded else "ready",
        "down": down,
        "node": settings.HOLDFAST_NODE_NAME,
        "database": database,
        "writable": writable,
        "cause": None if database == "ok" and writable else health.cause,
        "oldest_write_seconds": round(writer().oldest_seconds, 1),
        "layer": layer,
        "draining": "draining" if drain.begun else "no",
    }
    return JsonResponse(state, status=503 if down else 200)


@require_safe
async def prometheus(request: HttpRequest) -> HttpResponse:
    """Return the metrics of this process to clients in ``METRICS_NETWORKS``."""
    if refused := private.refusal(request, unix=False):
        return refused
    return HttpResponse(metrics.render(), content_type=metrics.CONTENT_TYPE)


async def _database() -> str:
    try:
        await asyncio.wait_for(read(reads.epoch), READY_SECONDS)
    except (Unavailable, TimeoutError):
        return "down"
    return "ok"


def _layer() -> str:
    try:
        return "degraded" if hubs.hub().degraded else "ok"
    except LookupError:
        return "ok"  # the hub has not been started yet
