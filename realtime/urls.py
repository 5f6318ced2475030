"""All addresses of the site. Each app owns its own; this composes them."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("notifications.urls")),
    path("", include("chat.urls")),
    path("", include("chat.page_urls")),
]
