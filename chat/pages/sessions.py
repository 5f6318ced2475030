"""The page on which people see where they are signed in, and end it with their password."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chat import policies
from realtime.auth import attempts, revocation, signing_out
from realtime.auth.confirmation import confirmed
from realtime.core.users import User
from realtime.models import AccessToken, UserSession

MAX_LISTED: Final = 100  # sessions, and tokens


@never_cache
@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    now = timezone.now()
    rows = UserSession.objects.filter(
        user_id=request.user.pk,
        session__expire_date__gt=now,
        created_at__gt=now - timedelta(days=settings.HOLDFAST_SESSION_DAYS),
    ).order_by("-last_seen_at", "-pk")
    tokens = AccessToken.objects.filter(user_id=request.user.pk)
    values = {
        "sessions": rows[:MAX_LISTED],
        "tokens": tokens[:MAX_LISTED],
        "current": request.session.session_key,
    }
    return render(request, "chat/account/sessions.html", values)


@login_required
@require_POST
@confirmed
def end_session(request: HttpRequest) -> HttpResponse:
    """End one session of the user, by the id of its row."""
    assert isinstance(request.user, User)
    if signing_out.end_own_session(request.user.pk, _number(request, "session")):
        messages.success(request, gettext("That browser has been signed out."))
    return redirect("sessions")


@login_required
@require_POST
@confirmed
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    key = request.session.session_key or ""
    count = signing_out.end_other_sessions(request.user.pk, but=key)
    text = ngettext(
        "%(count)d other browser has been signed out.",
        "%(count)d other browsers have been signed out.",
        count,
    )
    messages.success(request, text % {"count": count})
    return redirect("sessions")


@login_required
@require_POST
@confirmed
def revoke_token(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    token = AccessToken.objects.filter(
        user_id=request.user.pk, pk=_number(request, "token")
    ).first()
    if token is not None:
        revocation.revoke_token(token)
        attempts.record("token", "revoked", user=request.user.pk)
        messages.success(request, gettext("The token has been revoked."))
    return redirect("sessions")


def _number(request: HttpRequest, field: str) -> int:
    raw = request.POST.get(field, "")
    is_id = raw.isascii() and raw.isdecimal() and len(raw) < len(str(policies.MAX_ID))
    return int(raw) if is_id else 0
