"""All addresses of the site. Each app owns its own; this composes them."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
