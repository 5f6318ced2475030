"""Addresses of the JSON API of rooms, to be included at the root."""

from django.urls import path

from chat.api.views import members, messages, people, rooms

urlpatterns = [
    path("api/rooms/", rooms.rooms),
    path("api/rooms/direct", rooms.direct),
    path("api/rooms/directory", rooms.directory),
    path("api/rooms/mine", rooms.my_rooms),
    path("api/rooms/<int:room_id>/", rooms.room),
    path("api/rooms/<int:room_id>/messages", messages.messages),
    path("api/rooms/<int:room_id>/members", members.members),
    path("api/rooms/<int:room_id>/members/<int:user_id>", members.member),
    path("api/rooms/<int:room_id>/receipts", members.receipts),
    path("api/rooms/<int:room_id>/membership", members.my_membership),
    path("api/rooms/<int:room_id>/owner", members.owner),
    path("api/rooms/<int:room_id>/invitations", members.invitations),
    path("api/rooms/<int:room_id>/invitations/<int:link_id>", members.invitation),
    path("api/invitations/", members.my_invitations),
    path("api/messages/<int:message_id>/", messages.message),
    path("api/search", messages.search),
    path("api/users/", people.users),
    path("api/blocks/", people.blocks),
    path("api/read-receipts/", people.my_receipts),
    path("api/display", people.my_display),
    path("api/site-mute/", people.my_site_mute),
    path("api/raid-mode/", people.raid),
    path("api/held-posts/", people.held_posts),
    path("api/users/<int:user_id>/moderation", people.moderation),
]
