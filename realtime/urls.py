"""All URLs of the site, composed from those of the apps."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from realtime.api import echo, views
from realtime.core.commands import site_commands
from realtime.site import languages

urlpatterns = [
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("metrics", views.prometheus),
    path("doctor", echo.echo),
    path("words/<str:language>-<str:version>.js", languages.catalogue, name="catalogue"),
    path("api/commands", views.command_view(site_commands)),
    path("api/streams/<str:stream>/events", views.events),
    # Django's own form would let the old password be guessed without end.
    path("admin/password_change/", RedirectView.as_view(pattern_name="password_change")),
    path("admin/", admin.site.urls),
    path("", include("notifications.api.urls")),
    path("", include("chat.api.urls")),
    re_path(r"^api/", views.no_such_address),  # in JSON, like all responses below it
    path("", include("chat.pages.urls")),
]
