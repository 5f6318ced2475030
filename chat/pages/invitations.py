"""The page of an invite link, for visitors with and without an account.

Tokens have 192 bits and can't be guessed. Only invalid links are counted and refused.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat import payloads, policies, services
from chat.errors import LinkOver
from chat.models import InviteLink
from chat.pages.page_data import Values
from chat.pages.rendering import render
from chat.pages.views import ban_page
from chat.queries import invite_links, members
from chat.queries.sign_up import is_offered_with_invitation
from realtime.auth import attempts
from realtime.core.users import User
from realtime.protocol.errors import HoldfastError, NotFound


@never_cache
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation, or accept it."""
    user = request.user if isinstance(request.user, User) else None
    if user is not None and (refusal := ban_page(request, user)):
        return refusal
    try:
        link = invite_links.by_token(token)
        if request.method == "POST" and user is not None:
            return redirect(
                services.join_by_link(actor_id=user.pk, token=token).room.get_absolute_url()
            )
    except NotFound:
        # Only wrong links are refused, so that nobody else at this address is. ``RefusalPages``
        # makes a page of the error.
        attempts.miss("invitation", attempts.client_address(request))
        return _invalid(
            request,
            gettext("Check that you have the complete link."),
            status=404,
        )
    except HoldfastError as error:
        return _invalid(request, error.message, status=error.status)
    return _show(request, link, user)


def _show(request: HttpRequest, link: InviteLink, user: User | None) -> HttpResponse:
    row = members.membership(link.room_id, user.pk) if user is not None else None
    if row is not None and policies.is_active(row):
        return redirect(link.room.get_absolute_url())
    if policies.is_banned(row):
        return _invalid(request, gettext("You've been banned from this room."), status=403)
    problem = invite_links.problem(link, link.room, now=timezone.now())
    if problem is not None:
        return _invalid(request, str(invite_links.WORDS[problem]), status=LinkOver.status)
    values: Values = {
        "room": payloads.room(link.room),
        "member_count": link.room.member_count,
        "inviter": payloads.person(link.created_by),
        "expires_at": link.expires_at,
        "signed_in": user is not None,
        "signup_open": is_offered_with_invitation(),
    }
    return _page(request, values, status=200)


def _invalid(request: HttpRequest, problem: str, *, status: int) -> HttpResponse:
    return _page(request, {"problem": problem}, status=status)


def _page(request: HttpRequest, values: Values, *, status: int) -> HttpResponse:
    """Render the page. Its address is a secret, so search engines must not index it."""
    response = render(request, "chat/account/invite.html", values, status=status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
