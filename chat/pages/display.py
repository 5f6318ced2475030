"""How the signed-in user wants to see the site: applied to every page, and the page to choose it.

The choices are attributes of ``<html>`` (templates/base.html), so that the first paint has them.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils import translation
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from chat import services
from chat.models import ClockFace, Density, Display, Theme
from chat.pages.rendering import render
from chat.pages.views import page
from chat.queries import people
from realtime.core.database import guarded
from realtime.protocol.errors import BadRequest, Unavailable
from realtime.site import languages, time_zones
from realtime.site.middleware import GetResponse

# The API follows the cookies that pages set; the admin has the theme of Django.
NOT_PAGES: Final = ("/api/", "/admin/", "/ws/")


@sync_and_async_middleware
def displayed(get_response: GetResponse) -> GetResponse:
    """Render pages as the signed-in user wants to see them: ``request.display``."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            if request.path.startswith(NOT_PAGES):
                return await answer(request)
            chosen = await sync_to_async(_chosen)(request)
            _apply(request, chosen)
            return _kept(request, chosen, await answer(request))

        return middleware

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(NOT_PAGES):
            return answer_now(request)
        chosen = _chosen(request)
        _apply(request, chosen)
        return _kept(request, chosen, answer_now(request))

    return sync_middleware


def _chosen(request: HttpRequest) -> Display | None:
    """Return the user's choices; None without a user, or while the database does not answer."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    try:
        user_id = guarded(lambda: request.user.pk)
        return guarded(people.display, user_id) if user_id is not None else None
    except Unavailable:
        return None  # the view finds out as well, and its answer says so


def _apply(request: HttpRequest, chosen: Display | None) -> None:
    request.display = chosen  # type: ignore[attr-defined]
    if chosen is None:
        return
    if chosen.language:
        translation.activate(chosen.language)
        request.LANGUAGE_CODE = chosen.language
    if chosen.clock != ClockFace.DEVICE:
        time_zones.use_clock(twelve_hours=chosen.clock == ClockFace.TWELVE)


def _kept(
    request: HttpRequest, chosen: Display | None, response: HttpResponseBase
) -> HttpResponseBase:
    """Give a browser that asks for another language the cookie of the chosen one."""
    cookie = settings.LANGUAGE_COOKIE_NAME
    is_other = chosen is not None and chosen.language not in ("", request.COOKIES.get(cookie))
    if chosen is not None and is_other and cookie not in response.cookies:
        languages.keep(response, chosen.language)
    return response


@page
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show the choices, or save them."""
    assert request.user.pk is not None  # ensured by `page`
    error = ""
    if request.method == "POST":
        try:
            chosen = services.set_display(user_id=request.user.pk, **_posted(request.POST))
        except BadRequest as problem:
            error = problem.message
        else:
            messages.success(request, gettext("Saved"))
            response = redirect("preferences")
            languages.keep(response, chosen.language)
            return response
    values = {
        "chosen": people.display(request.user.pk),
        "themes": Theme.choices,
        "densities": Density.choices,
        "clocks": ClockFace.choices,
        "error": error,
    }
    return render(request, "chat/account/preferences.html", values, status=400 if error else 200)


def _posted(posted: QueryDict) -> dict[str, Any]:
    """Return what the form says. Browsers don't send an unticked box: it is then off."""
    named = {name: posted.get(name) for name in ("theme", "density", "clock", "language")}
    return {**named, "unread_first": posted.get("unread_first") == "yes"}
