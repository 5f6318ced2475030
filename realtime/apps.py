"""The engine as a Django app."""

from django.apps import AppConfig
from django.conf import settings
from django.core.signals import got_request_exception
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate
from django.utils.translation import gettext, gettext_lazy

from realtime.site import defaults

# Here, because models and middleware read settings when they are loaded.
defaults.apply(settings)


class RealtimeConfig(AppConfig):
    """Streams, sockets and their tables."""

    name = "realtime"
    verbose_name = gettext_lazy("Connections")

    def ready(self) -> None:
        """Connect signals, register checks, and translate errors into the reader's language."""
        from realtime.api import handlers
        from realtime.auth import revocation, session_ends
        from realtime.core.commands import site_commands
        from realtime.core.database import note_failed_request
        from realtime.core.monitoring import certificate, statements, tracing
        from realtime.core.sealing.operations import restore_triggers
        from realtime.protocol.errors import HoldfastError
        from realtime.site import checks, private_files, security_headers

        HoldfastError.translate = gettext
        checks.register_all()
        site_commands.include(handlers.commands)
        revocation.register_account_streams()
        revocation.connect_signals()
        session_ends.connect_signals()
        security_headers.connect_signals()
        private_files.connect_signals()
        statements.connect_signals()
        certificate.register()
        post_migrate.connect(restore_triggers, dispatch_uid="realtime.core.sealing")
        tracing.start()
        got_request_exception.connect(note_failed_request, dispatch_uid="realtime.core.database")
        if settings.DEBUG:
            _keep_no_statements()


def _keep_no_statements() -> None:
    """Stop DEBUG from keeping the last 9000 statements of every connection.

    Django clears them at each request, but our threads see no requests. On SQLite it also runs a
    second statement for each one, to print its parameters. Tests that count queries turn the log on
    themselves.
    """
    BaseDatabaseWrapper.queries_logged = property(lambda self: self.force_debug_cursor)  # type: ignore[method-assign, assignment]
