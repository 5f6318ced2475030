"""All addresses of the installed parts, to be included at the root of a project.

    urlpatterns = [path("", include("holdfast.urls"))]

The pages and the API of chat are among them if chat is installed.
"""

from collections.abc import Iterable

from django.apps import apps
from django.db.transaction import non_atomic_requests
from django.urls import URLPattern, URLResolver, include, path

from realtime.api import echo, views
from realtime.core.commands import site_commands
from realtime.site import languages

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("metrics", views.prometheus),
    path("doctor", echo.echo),
    path("words/<str:language>-<str:version>.js", languages.catalogue, name="catalogue"),
    path("api/commands", views.command_view(site_commands)),
    path("api/streams/<str:stream>/events", views.events),
]
if apps.is_installed("notifications"):
    urlpatterns.append(path("", include("notifications.api.urls")))
if apps.is_installed("chat"):
    urlpatterns += [path("", include("chat.api.urls")), path("", include("chat.pages.urls"))]


def _without_transaction(patterns: Iterable[URLPattern | URLResolver]) -> None:
    """Leave our views out of ``ATOMIC_REQUESTS``: services open transactions of their own."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            _without_transaction(pattern.url_patterns)
        else:
            pattern.callback = non_atomic_requests(pattern.callback)


_without_transaction(urlpatterns)
