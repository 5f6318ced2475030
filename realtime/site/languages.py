"""The languages of the site: the catalogue for scripts, and which language a reader uses.

Texts are written in English in the code. Each app has its translations in ``locale/``, the site in
``templates/locale/``; ``make messages`` gathers and compiles them.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Final, cast

from django.apps import AppConfig, apps
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import get_language, get_language_from_request, override, to_locale
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog

from realtime.models import ReaderLanguage
from realtime.protocol.user_ids import UserId

DJANGO: Final = "django."  # the admin brings its own catalogue to its own pages
FOR_EVER: Final = "public, max-age=31536000, immutable"

_catalogue = JavaScriptCatalog.as_view()


def _apps() -> list[AppConfig]:
    """Return the installed apps whose texts the scripts of our pages may show."""
    return [app for app in apps.get_app_configs() if not app.name.startswith(DJANGO)]


def catalogue_url() -> str:
    """Return the URL of the texts for scripts in the active language.

    It changes with the texts, so browsers may cache them for ever.
    """
    language = get_language() or settings.LANGUAGE_CODE
    return reverse("catalogue", args=[language, _version(language)])


@require_safe
def catalogue(request: HttpRequest, language: str, version: str) -> HttpResponse:
    """Return the texts in a language, as a script that defines ``gettext`` and the like."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with override(language):
        response = cast(
            HttpResponse, _catalogue(request, packages="+".join(app.name for app in _apps()))
        )
    # During a deploy a page of one version may ask a node of the other: then it must not cache.
    response.headers["Cache-Control"] = FOR_EVER if version == _version(language) else "no-store"
    return response


@cache
def _version(language: str) -> str:
    folders = [*settings.LOCALE_PATHS, *(Path(app.path) / "locale" for app in _apps())]
    texts = [Path(at) / to_locale(language) / "LC_MESSAGES" / "djangojs.mo" for at in folders]
    return hashlib.sha256(
        b"".join(path.read_bytes() for path in texts if path.exists())
    ).hexdigest()[:12]


def remember(user_id: UserId, language: str) -> None:
    """Store the language that a user chose, for all their devices; "" is the browser's."""
    if language:
        ReaderLanguage.objects.update_or_create(user_id=user_id, defaults={"language": language})
    else:
        ReaderLanguage.objects.filter(user_id=user_id).delete()


def remembered(user_id: UserId) -> str | None:
    """Return the language that a user chose, if the site still has it."""
    row = ReaderLanguage.objects.filter(
        user_id=user_id, language__in=dict(settings.LANGUAGES)
    ).first()
    return row.language if row else None


def keep(response: HttpResponseBase, language: str) -> None:
    """Set the cookie that makes a browser ask for this language; "" is the browser's own."""
    if not language:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
        return
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def language_of(cookies: Mapping[str, str], accepted: str) -> str:
    """Return the language of a WebSocket handshake: its cookie, else ``Accept-Language``."""
    return get_language_from_request(
        cast(HttpRequest, SimpleNamespace(COOKIES=cookies, META={"HTTP_ACCEPT_LANGUAGE": accepted}))
    )
