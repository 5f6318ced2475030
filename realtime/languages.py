"""The languages of the site: the scripts' catalogues, and the language and the time zone of a reader.

Texts stand in English in the code and in ``locale/`` in the other languages; ``make messages`` gathers and compiles them.
"""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, cast
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import get_language, override, to_locale
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog

OWN_APPS: Final = ["realtime"]  # not all that are installed: the admin brings a catalogue of its own to its own pages
FOR_EVER: Final = "public, max-age=31536000, immutable"
ZONE_COOKIE: Final = "timezone"  # set by static/realtime/zone.js
ZONES_REMEMBERED: Final = 512  # there are some 600; a made-up name is looked up again and again, and that is all

_catalogue = JavaScriptCatalog.as_view(packages=OWN_APPS)


def catalogue_url() -> str:
    """Return the address of the scripts' texts in the active language. It changes with the texts, so a browser may keep them for ever."""
    language = get_language() or settings.LANGUAGE_CODE
    return reverse("catalogue", args=[language, _version(language)])


@require_safe
def catalogue(request: HttpRequest, language: str, version: str) -> HttpResponse:
    """Answer with the scripts' texts in a language, as a script that defines ``gettext`` and its kin."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with override(language):
        response = cast(HttpResponse, _catalogue(request))
    # During a deploy a page of one version may ask a node of the other: it gets what there is, and does not keep it.
    response.headers["Cache-Control"] = FOR_EVER if version == _version(language) else "no-store"
    return response


@cache
def _version(language: str) -> str:
    texts = [Path(folder) / to_locale(language) / "LC_MESSAGES" / "djangojs.mo" for folder in settings.LOCALE_PATHS]
    return hashlib.sha256(b"".join(path.read_bytes() for path in texts if path.exists())).hexdigest()[:12]


GetResponse = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


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
    zone = zone_named(unquote(request.COOKIES.get(ZONE_COOKIE, "")))
    return cast(AbstractContextManager[None], timezone.override(zone)) if zone is not None else nullcontext()


@lru_cache(maxsize=ZONES_REMEMBERED)
def zone_named(name: str) -> ZoneInfo | None:
    """Return a time zone, or None where there is none of this name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # nothing of this name; a path, or an empty text; a directory of the database
        return None
