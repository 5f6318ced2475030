"""The engine as a Django app."""

from django.apps import AppConfig
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext, gettext_lazy


class RealtimeConfig(AppConfig):
    """Streams, sockets and their tables."""

    name = "realtime"
    verbose_name = gettext_lazy("Connections")

    def ready(self) -> None:
        """Connect signals, register checks, and translate errors."""
        from realtime.auth import revocation
        from realtime.protocol.errors import HoldfastError
        from realtime.site import checks

        HoldfastError.translate = gettext
        checks.register_all()
        revocation.connect_signals()
        if settings.DEBUG:
            _keep_no_statements()


def _keep_no_statements() -> None:
    """Keep no log of SQL statements with DEBUG.

    Django clears the log at each request, but our threads serve none, so it would hold 9,000
    statements for each connection. On SQLite each statement would also cost a second one, to print
    its parameters. Tests that count queries ask for the log themselves.
    """
    BaseDatabaseWrapper.queries_logged = property(lambda self: self.force_debug_cursor)  # type: ignore[method-assign, assignment]
