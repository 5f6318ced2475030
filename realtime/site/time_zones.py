"""The reader's time zone, which their browser names in a cookie, and dates in it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
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
from django.utils.translation import pgettext_lazy

from realtime.site.middleware import GetResponse

WHEN: Final = pgettext_lazy("a date format", "j M Y, H:i")
# There are some 600; a made-up name is looked up again and again, and that is all.
ZONES_REMEMBERED: Final = 512


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


def in_zone(cookie: str) -> AbstractContextManager[None]:
    """Say times in the zone of a cookie; where it names none, as before."""
    zone = zone_named(unquote(cookie))
    return (
        cast(AbstractContextManager[None], timezone.override(zone))
        if zone is not None
        else nullcontext()
    )


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
