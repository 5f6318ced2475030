"""The reader's time zone and clock, which their browser names in a cookie, and dates in it.

The cookie is ``Europe/Berlin 24``: the second word says whether the reader's system counts 12 or 24
hours, which no language decides. Scripts write times so (static/realtime/lib/time_text.js).
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, cast
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware
from django.utils.formats import date_format
from django.utils.translation import pgettext, pgettext_lazy

from realtime.site.middleware import GetResponse

WHEN: Final = pgettext_lazy("a date format", "j M Y, H:i")
# There are some 600; a made-up name is looked up again and again, and that is all.
ZONES_REMEMBERED: Final = 512

_twelve_hours: ContextVar[bool] = ContextVar("holdfast_twelve_hours", default=False)


@sync_and_async_middleware
def in_the_readers_zone(get_response: GetResponse) -> GetResponse:
    """Show times in the zone that the reader's browser has named; in UTC until it has."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            with _zone(request):
                return await answer(request)

        return middleware

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        with _zone(request):
            return answer_now(request)

    return sync_middleware


def _zone(request: HttpRequest) -> AbstractContextManager[None]:
    return in_zone(request.COOKIES.get(settings.TIME_ZONE_COOKIE_NAME, ""))


@contextmanager
def in_zone(cookie: str) -> Iterator[None]:
    """Say times in the zone of a cookie; where it names none, as before."""
    name, _, hours = unquote(cookie).partition(" ")
    before = _twelve_hours.set(hours == "12")
    try:
        with timezone.override(zone_named(name) or timezone.get_current_timezone()):
            yield
    finally:
        _twelve_hours.reset(before)


def use_clock(*, twelve_hours: bool) -> None:
    """Say the times of the present request by this clock, whatever the cookie says."""
    _twelve_hours.set(twelve_hours)


def clock(at: datetime) -> str:
    """Format hour and minute by the reader's clock, in the reader's zone: 15:04, or 3:04 PM."""
    local = timezone.localtime(at)
    if not _twelve_hours.get():
        return f"{local:%H:%M}"
    # As browsers write it: Django has its own signs in some languages.
    half = pgettext("before noon", "AM") if local.hour < 12 else pgettext("after noon", "PM")
    return f"{local.hour % 12 or 12}:{local:%M} {half}"


@lru_cache(maxsize=ZONES_REMEMBERED)
def zone_named(name: str) -> ZoneInfo | None:
    """Return a time zone, or None where there is none of this name."""
    try:
        return ZoneInfo(name)
    except (
        # nothing of this name; a path, or an empty text; a directory of the database.
        KeyError,
        ValueError,
        OSError,
    ):
        return None


def spoken(at: datetime, *, seconds: bool = False) -> str:
    """Format a moment in the active language and time zone, or as UTC if no zone is known.

    The one form of a date with its time, on every page of operators and in every sentence.
    """
    form = str(WHEN)
    said = date_format(timezone.localtime(at), form.replace(":i", ":i:s") if seconds else form)
    return (
        said
        if timezone.get_current_timezone() != timezone.get_default_timezone()
        else f"{said} UTC"
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in an error, formatted for its reader."""

    at: datetime

    def __str__(self) -> str:
        return spoken(self.at)
