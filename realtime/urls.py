"""All addresses of the site. Each app owns its own; this composes them."""

from django.contrib import admin
from django.urls import include, path, re_path

from chat import handlers
from realtime import languages, views

urlpatterns = [
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("metrics", views.prometheus),
    path("words/<str:language>-<str:version>.js", languages.catalogue, name="catalogue"),
    path("api/commands", views.command_view(handlers.commands)),
    path("api/streams/<str:stream>/events", views.events),
    path("admin/", admin.site.urls),
    path("", include("notifications.urls")),
    path("", include("chat.urls")),
    re_path(r"^api/", views.no_such_address),  # in JSON, like every answer below it
    path("", include("chat.page_urls")),
]
