"""The engine as a Django app."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """Streams, sockets and their tables."""

    name = "realtime"
    verbose_name = "Connections"
