"""Notes the address block and the browser of signed-in people, once an hour for each.

It runs after the response, in batches with the traces of other requests.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from chat.moderation import traces
from chat.moderation.traces import NewTrace
from chat.services.traces import note_each, note_soon
from realtime.auth import known_devices
from realtime.site.middleware import GetResponse

NOTED_SECONDS: Final = 3600
REMEMBERED: Final = 20_000  # traces of which a process knows that they were written

_recent = LocMemCache("holdfast-traces", {"OPTIONS": {"MAX_ENTRIES": REMEMBERED}})


@sync_and_async_middleware
def traces_noted(get_response: GetResponse) -> GetResponse:
    """Note the traces of pages and of the API. Outside of Django's middleware, as sign-ins are."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            response = await answer(request)
            if seen := _new(request):
                note_soon(lambda: seen)
            return response

        return middleware

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        response = answer_now(request)
        if seen := _new(request):
            note_each([lambda: seen])
        return response

    return sync_middleware


def _new(request: HttpRequest) -> list[NewTrace]:
    """Return the traces of a request that were not written in the last hour."""
    user_id = _user_id(request) if settings.HOLDFAST_TRACE_DAYS else None
    if user_id is None:
        return []
    found = [
        *traces.of_address(user_id, request.META.get("REMOTE_ADDR", "")),
        *traces.of_device(user_id, known_devices.name(request)),
    ]
    return [each for each in found if _recent.add(":".join(map(str, each)), True, NOTED_SECONDS)]


def _user_id(request: HttpRequest) -> int | None:
    """Return who is signed in, without a query: nothing of a session that was not read."""
    if account := getattr(request, "account", None):
        return int(account.user_id)
    session: Any = getattr(request, "session", None)
    if not hasattr(session, "_session_cache"):
        return None
    found = session.get(SESSION_KEY)
    return int(found) if found else None
