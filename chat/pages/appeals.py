"""Decisions of moderators about the user, and appeals against them; also for banned users."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chat import services
from chat.models import APPEAL_MAX_LENGTH, Case, Room
from chat.pages.views import ban_page
from chat.queries import appeals, members, rooms
from realtime.core.users import User
from realtime.protocol.errors import HoldfastError


@never_cache
@login_required
@require_GET
def decisions(request: HttpRequest) -> HttpResponse:
    """List decisions about the user that are in effect, each with its appeal."""
    user = _user(request)
    if refusal := ban_page(request, user):
        return refusal
    return _decisions_page(request, user)


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def removal(request: HttpRequest, message_id: int) -> HttpResponse:
    """Show one removed message and why, and take the appeal."""
    return _decision(
        request,
        partial(appeals.removal_of, message_id=message_id),
        partial(services.appeal_removal, message_id=message_id),
    )


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def refusal(request: HttpRequest, case_id: int) -> HttpResponse:
    """Show a held message that moderators refused and why, and take the appeal."""
    return _decision(
        request,
        partial(appeals.refusal_of, case_id=case_id),
        partial(services.appeal_refusal, case_id=case_id),
    )


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def room_mute(request: HttpRequest, room_id: int) -> HttpResponse:
    """Show the user's mute in a room, and take the appeal."""
    return _decision(
        request,
        partial(appeals.room_mute_of, room_id=room_id),
        partial(services.appeal_room_mute, room_id=room_id),
    )


def _decision(
    request: HttpRequest,
    find: Callable[[int], appeals.Decision | None],
    appeal: Callable[..., object],
) -> HttpResponse:
    user, error = _user(request), ""
    if refused := ban_page(request, user):
        return refused
    text = request.POST.get("text", "")
    if request.method == "POST":
        try:
            appeal(actor_id=user.pk, text=text)
        except HoldfastError as problem:
            error = problem.message
        else:
            return HttpResponseRedirect(request.path)
    found = find(user.pk)
    if found is None:
        return HttpResponseRedirect(reverse("decisions"))
    context: dict[str, Any] = {
        "decision": found,
        "text": text,
        "error": error,
        "max_length": APPEAL_MAX_LENGTH,
    }
    return render(request, "chat/account/appeal.html", context, status=400 if error else 200)


@never_cache
@login_required
@require_POST
def ban(request: HttpRequest) -> HttpResponse:
    """Take the appeal of a banned user; the page of the ban shows its state."""
    try:
        services.appeal_ban(actor_id=_user(request).pk, text=request.POST.get("text", ""))
    except HoldfastError as error:
        return ban_page(request, _user(request), error=error.message) or HttpResponseRedirect("/")
    return HttpResponseRedirect(reverse("home"))


@never_cache
@login_required
@require_POST
def mute(request: HttpRequest) -> HttpResponse:
    """Take the appeal of a muted user; the list of decisions shows its state."""
    user = _user(request)
    if refusal := ban_page(request, user):
        return refusal
    text = request.POST.get("text", "")
    try:
        services.appeal_mute(actor_id=user.pk, text=text)
    except HoldfastError as error:
        return _decisions_page(request, user, text=text, error=error.message)
    return HttpResponseRedirect(reverse("decisions"))


def _decisions_page(
    request: HttpRequest, user: User, *, text: str = "", error: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {
        "decisions": appeals.decisions_of(user.pk),
        "mute": appeals.mute_of(user.pk),
        "text": text,
        "error": error,
        "max_length": APPEAL_MAX_LENGTH,
    }
    return render(request, "chat/account/decisions.html", context, status=400 if error else 200)


@never_cache
@login_required
@require_GET
def room_reports(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the open reports of a room to its owners, without who reported."""
    user = _user(request)
    if refusal := ban_page(request, user):
        return refusal
    room = rooms.room_by_slug(slug)
    if room is None or not _owns(room, user.pk):
        raise Http404
    cases: list[Case] = appeals.reports_of_room(room.pk, user.pk)
    return render(request, "chat/room_reports.html", {"room": room, "cases": cases})


def _owns(room: Room, user_id: int) -> bool:
    row = members.membership(room.pk, user_id)
    return row is not None and row.role == "owner" and row.state == "active"


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
