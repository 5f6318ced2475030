"""The engine as a Django app."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """Streams, sockets and their tables."""

    name = "realtime"
    verbose_name = "Connections"

    def ready(self) -> None:
        """Listen to logins that end and accounts that change, and check the settings."""
        from realtime import checks, revocation

        checks.register_all()
        revocation.connect_signals()
