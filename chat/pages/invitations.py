"""The page of a link into a room: who invites whereto, for people who are signed in and for those who are not yet.

A token cannot be found by guessing (192 bits); that few guesses are answered keeps the noise out of the database.
"""

from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat import payloads, policies, services
from chat.errors import LinkOver
from chat.models import InviteLink
from chat.pages.page_data import Values
from chat.pages.views import told_banned
from chat.queries import invite_links, members
from realtime.protocol.errors import Forbidden, HoldfastError, NotFound

MAX_MISSES: Final = 20  # links that do not exist, from one address in so many seconds
MISSES_SECONDS: Final = 600


@never_cache
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation, or take it."""
    user = request.user if isinstance(request.user, User) else None
    if user is not None and (refusal := told_banned(request, user)):
        return refusal
    if cache.get(_misses(request), 0) >= MAX_MISSES:
        return _over(
            request,
            gettext("Too many invitations were tried from here. Wait some minutes."),
            status=429,
        )
    try:
        link = invite_links.by_token(token)
        if request.method == "POST" and user is not None:
            return redirect(
                services.join_by_link(actor_id=user.pk, token=token).room.get_absolute_url()
            )
    except NotFound:
        _missed(request)
        return _over(
            request,
            gettext("There is no such invitation. Perhaps a part of the address is missing."),
            status=404,
        )
    except (LinkOver, Forbidden) as error:
        return _over(request, error.message, status=error.status)
    except HoldfastError as error:
        return _over(request, error.message, status=error.status)
    return _show(request, link, user)


def _show(request: HttpRequest, link: InviteLink, user: User | None) -> HttpResponse:
    row = members.membership(link.room_id, user.pk) if user is not None else None
    if row is not None and policies.is_active(row):
        return redirect(link.room.get_absolute_url())
    if policies.is_banned(row):
        return _over(request, gettext("You are banned from this room."), status=403)
    problem = invite_links.problem(link, link.room, now=timezone.now())
    if problem is not None:
        return _over(request, str(invite_links.WORDS[problem]), status=LinkOver.status)
    values: Values = {
        "room": payloads.room(link.room),
        "member_count": link.room.member_count,
        "inviter": payloads.person(link.created_by),
        "expires_at": link.expires_at,
        "signed_in": user is not None,
        "signup_open": settings.HOLDFAST_SIGNUP,
    }
    return _page(request, values, status=200)


def _over(request: HttpRequest, words: str, *, status: int) -> HttpResponse:
    return _page(request, {"over": words}, status=status)


def _page(request: HttpRequest, values: Values, *, status: int) -> HttpResponse:
    """Answer with the page. Its address is a secret: no search engine keeps it (and ``Referrer-Policy`` tells no other site)."""
    response = render(request, "chat/account/invite.html", values, status=status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _misses(request: HttpRequest) -> str:
    return f"invite-misses:{request.META.get('REMOTE_ADDR', '')}"


def _missed(request: HttpRequest) -> None:
    """Count a guess. The count ends by itself; one that is lost with the cache costs nothing."""
    cache.add(_misses(request), 0, MISSES_SECONDS)
    try:
        cache.incr(_misses(request))
    except ValueError:  # it ended in between
        cache.set(_misses(request), 1, MISSES_SECONDS)
