"""Chat as a Django app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Rooms, memberships and messages."""

    name = "chat"
    verbose_name = "Chat"
    default_auto_field = "django.db.models.BigAutoField"
