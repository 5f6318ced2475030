"""Addresses of the sockets."""

from typing import Any

from django.urls import re_path

from tests.bench.stock_channels.chat.consumers import ChatConsumer, SavingConsumer

chat: Any = ChatConsumer.as_asgi()
saving: Any = SavingConsumer.as_asgi()

websocket_urlpatterns = [
    re_path(r"ws/chat/(?P<room_name>\w+)/$", chat),
    re_path(r"ws/saving/(?P<room_name>\w+)/$", saving),
]
urlpatterns: list[Any] = []
