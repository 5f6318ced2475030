"""Asking for the password again before something sensitive, where the last sign-in is a while ago.

A view that is ``confirmed`` answers with a page that asks for the password and holds the fields of
the form. The right password leads back with 307, so the browser sends the form again.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from realtime.auth import attempts, revocation, session_credential, session_ends
from realtime.core.users import is_user, user_id_of
from realtime.protocol.errors import Unavailable

PASSWORD: Final = "confirm_password"
NEXT: Final = "confirm_next"
METHOD: Final = "confirm_method"

P = ParamSpec("P")
FormView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class _SameMethod(HttpResponseRedirect):
    """A redirect after which the browser repeats the POST with its body."""

    status_code = 307


def confirmed(view: FormView[P], *, also_get: bool = False) -> FormView[P]:
    """Return a view whose POST needs a password given a short time ago.

    With ``also_get`` its page needs it too: a form in which people type passwords must not be lost.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        is_concerned = request.method == "POST" or also_get
        if not is_concerned or session_ends.is_confirmed(request):
            return view(request, *args, **kwargs)
        fields = [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if "password" not in name and name != "csrfmiddlewaretoken"
        ]
        return _page(request, request.get_full_path(), str(request.method), fields)

    return cast("FormView[P]", wrapped)


@sensitive_post_parameters(PASSWORD)
@never_cache
@login_required
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Check the password, and lead back to what was asked for."""
    back, method = request.POST.get(NEXT, ""), request.POST.get(METHOD, "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect("account")
    if _is_right(request):
        _renew(request)
        return _SameMethod(back) if method == "POST" else HttpResponseRedirect(back)
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in (PASSWORD, NEXT, METHOD, "csrfmiddlewaretoken")
    ]
    error = _("That isn't your password. Try again.")
    return _page(request, back, method, fields, error=error)


def _renew(request: HttpRequest) -> None:
    """Give the session a new key, as after a sign-in. Pages that are open reconnect with it."""
    user_id, former = user_id_of(request.session[SESSION_KEY]), request.session.session_key or ""
    session_ends.confirm(request)
    request.session.cycle_key()
    revocation.end_after_commit(user_id, revocation.RENEWED, session_credential(former))


@sensitive_variables()
def _is_right(request: HttpRequest) -> bool:
    """Count the attempt: a stranger at an open browser must not guess the password."""
    user = request.user
    assert is_user(user)
    attempt = attempts.begin("password", request, account=str(user.pk))
    try:
        is_right = user.check_password(request.POST.get(PASSWORD, ""))
    except Unavailable:
        attempt.cancelled()
        raise
    if is_right:
        attempt.succeeded(user_id=user.pk)
    else:
        attempt.failed()
    return is_right


def _page(
    request: HttpRequest, back: str, method: str, fields: list[tuple[str, str]], *, error: str = ""
) -> HttpResponse:
    values = {
        "fields": [*fields, (NEXT, back), (METHOD, method)],
        "password": PASSWORD,
        "error": error,
    }
    response = render(request, "registration/confirm.html", values, status=403)
    response.headers["Cache-Control"] = "no-store"
    return response
