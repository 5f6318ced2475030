"""Addresses of the JSON API of inboxes and announcements, to be included at the root."""

from django.urls import path

from notifications.api import views

urlpatterns = [
    path("api/inbox/", views.inbox),
    path("api/inbox/excerpts", views.excerpts),
    path("api/inbox/preferences", views.preferences),
    path("api/announcements/", views.announcements),
    path("api/announcements/<int:announcement_id>/read", views.read_announcement),
]
