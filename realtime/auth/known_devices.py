"""Browsers in which someone has signed in before: a signed cookie, for one account and password.

Their attempts are counted by the cookie alone (``attempts``), so the owner gets in while strangers
guess. A new password makes all older cookies worthless.
"""

from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import constant_time_compare, get_random_string, salted_hmac

from realtime.core.users import User
from realtime.protocol.user_ids import wire_id

COOKIE: Final = "device"
SECONDS: Final = 365 * 24 * 3600
NAME_LENGTH: Final = 22  # of a browser, in random letters and digits: 131 bits
_SALT: Final = "holdfast.device"


def remember(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Give a browser that has signed in its cookie."""
    device = _read(request).get("device") or get_random_string(NAME_LENGTH)
    values = {"user": wire_id(user.pk), "password": _password(user), "device": device}
    response.set_cookie(
        _cookie(),
        signing.dumps(values, salt=_SALT),
        max_age=SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def known(request: HttpRequest, account: str) -> str:
    """Return the name of a browser that knows this account's password of now, or nothing.

    ``account`` is the username in any case. One query, and none without a cookie that we signed.
    """
    values = _read(request)
    user = User.objects.filter(pk=values["user"]).first() if values else None
    if (
        user is None
        or user.get_username().casefold() != account
        or not constant_time_compare(values["password"], _password(user))
    ):
        return ""
    return str(values["device"])


def name(request: HttpRequest) -> str:
    """Return the name of a browser in which anyone has signed in before, or nothing."""
    return _read(request).get("device", "")


def _read(request: HttpRequest) -> dict[str, str]:
    try:
        values = signing.loads(request.COOKIES.get(_cookie(), ""), salt=_SALT, max_age=SECONDS)
    except signing.BadSignature:
        return {}
    # One of before the password was part of it is a list.
    return values if isinstance(values, dict) else {}


def _password(user: User) -> str:
    """Return what changes with the password, and does not reveal its hash."""
    return salted_hmac(_SALT, user.password).hexdigest()


def _cookie() -> str:
    """Return the name of the cookie. Over HTTPS no other host of the domain can set it."""
    return f"__Host-{COOKIE}" if settings.SESSION_COOKIE_SECURE else COOKIE
