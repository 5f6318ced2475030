"""Holdfast as an installed app: the web app manifest and the service worker."""

import base64
import hashlib
import json
from functools import cache
from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.translation import get_language_bidi, gettext, override
from django.views.decorators.http import condition, require_safe

from chat.pages.single_file import script, source, style

WORKER: Final = "offline/worker.js"
PAPER: Final = "#ebf3f3"  # --ink-3 of css/base/tokens.css, in the light theme
ICONS: Final = (
    ("chat/favicon.svg", "any", "image/svg+xml", "any"),
    ("chat/icons/192.png", "192x192", "image/png", "any"),
    ("chat/icons/512.png", "512x512", "image/png", "any"),
    ("chat/icons/maskable.svg", "any", "image/svg+xml", "maskable"),
    ("chat/icons/maskable-512.png", "512x512", "image/png", "maskable"),
)


def _language(request: HttpRequest) -> str:
    """Return the language of the page, which is in the query of the address."""
    wanted = request.GET.get("language", "")
    return wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


@login_required
@require_safe
def install(request: HttpRequest) -> HttpResponse:
    """Return the steps that install the app, for each kind of device."""
    return render(request, "chat/account/install.html")


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    with override(language := _language(request)):
        values = {
            "id": "/",
            "name": settings.HOLDFAST_APP_NAME,
            "short_name": settings.HOLDFAST_APP_NAME,
            "description": gettext("Team chat in rooms, with reliable notifications."),
            "lang": language,
            "dir": "rtl" if get_language_bidi() else "ltr",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": PAPER,
            "theme_color": PAPER,
            "icons": [
                {"src": static(name), "sizes": sizes, "type": kind, "purpose": purpose}
                for name, sizes, kind, purpose in ICONS
            ],
            "shortcuts": [
                {"name": gettext("Inbox"), "url": "/inbox/"},
                {"name": gettext("Browse rooms"), "url": "/rooms/"},
            ],
        }
    response = JsonResponse(
        values, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False}
    )
    response.headers["Cache-Control"] = "no-cache"
    return response


def _tag(request: HttpRequest) -> str:
    return f'"{hashlib.sha256(_worker(_language(request)).encode()).hexdigest()[:16]}"'


@require_safe
@condition(etag_func=_tag)
def service_worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker with the offline page in one language.

    Its address is at the root, because a worker controls only pages at or below its own path.
    Browsers request it with every page; the ETag makes most responses empty.
    """
    text = _worker(_language(request))
    return HttpResponse(
        text, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


@cache
def _worker(language: str) -> str:
    with override(language):
        page = render_to_string("chat/offline.html")
    values = json.dumps({"page": page, "policy": _policy()}, ensure_ascii=False)
    return f"self.HOLDFAST = {values};\n{source(WORKER)}"


def _policy() -> str:
    """Return the Content-Security-Policy of the offline page, whose style and script are inline."""
    return (
        f"default-src 'none'; script-src {_hash(script())}; style-src {_hash(style())}; "
        "font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
