"""The headers that tell browsers what a response may do: own files only, nothing inline.

Two kinds of pages are exempt from a part of it. Django's error pages for developers have their
style and script inline. Django's admin brings jQuery and Select2, which write strings as markup
while they load, so its pages have no Trusted Types.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import rotate_token
from django.utils.decorators import sync_and_async_middleware

from realtime.core.monitoring.hidden_secrets import has_secret
from realtime.site.middleware import GetResponse

_POLICY: Final = (
    "default-src 'none'; script-src 'self'{inline}; style-src 'self'{inline}; "
    "img-src 'self' data:{images}; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "connect-src 'self'{sockets}; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'"
)
"""``connect-src`` names the WebSocket too: for Safari before 15.4 ``'self'`` excludes ``wss:``."""

_TRUSTED_TYPES: Final = "; require-trusted-types-for 'script'; trusted-types holdfast"
"""The policy of ``realtime/static/realtime/lib/trusted.js``, and no other."""

_PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "camera",
        "display-capture",
        "encrypted-media",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
        "xr-spatial-tracking",
    )
)
"""No page of the site uses these, so no script that got in, and no frame, may ask for them."""

_OTHERS: Final = {
    "Permissions-Policy": _PERMISSIONS,
    # Nothing of a person stays in a cache; what may be kept says so itself.
    "Cache-Control": "no-store",
    # Keeps answers of the API out of pages of other sites, which would load them as an image.
    "Cross-Origin-Resource-Policy": "same-origin",
    # Django sets these too, but not where its own middleware answers: the redirect to HTTPS.
    "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
}

_TECHNICAL: Final = b'<meta name="robots" content="NONE,NOARCHIVE">'
"""In Django's error pages for developers (django/views/templates/technical_*.html) only."""

_CHANGED: Final = "_holdfast_person_changed"
_SIGNED_OUT: Final = "_holdfast_signed_out"


@sync_and_async_middleware
def security_headers(get_response: GetResponse) -> GetResponse:
    """Add the headers to every response, except those that the response sets itself."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            return _protected(request, await answer(request))

        return middleware

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        return _protected(request, answer_now(request))

    return sync_middleware


def connect_signals() -> None:
    """Follow sign-ins and sign-outs, of every form that has them; called when apps are ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="realtime.site.security_headers")
    user_logged_out.connect(_signed_out, dispatch_uid="realtime.site.security_headers")


def _signed_in(sender: Any, request: HttpRequest | None, **_: Any) -> None:
    # Django renews the CSRF token itself.
    setattr(request, _CHANGED, True)


def _signed_out(sender: Any, request: HttpRequest | None, **_: Any) -> None:
    if request is None:
        return
    # The next person must not know a token of this one.
    rotate_token(request)
    setattr(request, _CHANGED, True)
    setattr(request, _SIGNED_OUT, True)


def _protected(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", _policy(request, response))
    if has_secret(request.get_full_path()):
        # Or every file of the page would be asked for with it. Not "no-referrer": browsers would
        # then send no origin with forms.
        response.headers["Referrer-Policy"] = "strict-origin"
    for name, value in _OTHERS.items():
        response.headers.setdefault(name, value)
    if hasattr(request, _CHANGED):
        for name in settings.PERSONAL_COOKIES:
            response.delete_cookie(name, samesite="Lax")
    if hasattr(request, _SIGNED_OUT) and request.is_secure():
        # The page clears it before it signs out; this also covers pages without scripts. Not
        # "cookies": that would also sign the person out of other sites of the domain.
        response.headers["Clear-Site-Data"] = '"storage"'
    return response


def _policy(request: HttpRequest, response: HttpResponseBase) -> str:
    technical = _is_for_developers(response)
    try:
        host = request.get_host()
        sockets = f" ws://{host} wss://{host}"
    except DisallowedHost:
        # The answer is the refusal of this host.
        sockets = ""
    policy = _POLICY.format(
        sockets=sockets,
        inline=" 'unsafe-inline'" if technical else "",
        images="".join(f" https://{host}" for host in settings.HOLDFAST_IMAGE_HOSTS),
    )
    match = request.resolver_match
    if technical or (match is not None and "admin" in match.app_names):
        return policy
    return policy + _TRUSTED_TYPES


def _is_for_developers(response: HttpResponseBase) -> bool:
    """Whether this is an error page of Django's for DEBUG, whose style and script are inline."""
    if not settings.DEBUG or response.status_code < 400 or not isinstance(response, HttpResponse):
        return False
    return _TECHNICAL in response.content
