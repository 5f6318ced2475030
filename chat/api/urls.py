"""Addresses of the JSON API of rooms, to be included at the root."""

from django.urls import path

from chat.api import views

urlpatterns = [
    path("api/rooms/", views.rooms),
    path("api/rooms/direct", views.direct),
    path("api/rooms/directory", views.directory),
    path("api/rooms/<int:room_id>/", views.room),
    path("api/rooms/<int:room_id>/messages", views.messages),
    path("api/rooms/<int:room_id>/members", views.members),
    path("api/rooms/<int:room_id>/members/<int:user_id>", views.member),
    path("api/rooms/<int:room_id>/membership", views.my_membership),
    path("api/rooms/<int:room_id>/owner", views.owner),
    path("api/rooms/<int:room_id>/invitations", views.invitations),
    path("api/rooms/<int:room_id>/invitations/<int:link_id>", views.invitation),
    path("api/messages/<int:message_id>/", views.message),
    path("api/search", views.search),
    path("api/users/", views.users),
    path("api/blocks/", views.blocks),
    path("api/site-mute/", views.my_site_mute),
    path("api/users/<int:user_id>/moderation", views.moderation),
]
