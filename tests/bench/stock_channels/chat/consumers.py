"""The consumer of part 3 of Channels' tutorial; and the same with one save for each message."""

import json
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from tests.bench.stock_channels.chat.models import Message


class ChatConsumer(AsyncWebsocketConsumer):
    """Joins the room of its address."""

    async def connect(self) -> None:
        """Join the room's group."""
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave it."""
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Send a message to the room."""
        message = json.loads(text_data or "{}")["message"]
        await self.channel_layer.group_send(
            self.room_group_name, {"type": "chat.message", "message": message}
        )

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Receive a message from the room."""
        await self.send(text_data=json.dumps({"message": event["message"]}))


class SavingConsumer(ChatConsumer):
    """Saves each message before it is sent."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Save, then send."""
        message = json.loads(text_data or "{}")["message"]
        await database_sync_to_async(Message._default_manager.create)(
            room=self.room_name, body=message
        )
        await self.channel_layer.group_send(
            self.room_group_name, {"type": "chat.message", "message": message}
        )
