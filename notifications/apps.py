"""The notifications app: inboxes, announcements, broadcasts."""

from importlib.util import find_spec

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Registers the two kinds of stream that every signed-in person has."""

    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make ``inbox`` and ``announcements`` known to the engine."""
        from notifications import payloads, policies, selectors
        from realtime.streams import Source, StreamKind, register

        sources: list[Source] = [selectors.notification_events, selectors.reading_events]
        if find_spec("realtime.revocation"):
            from realtime.revocation import revocation_events

            sources.append(revocation_events)
        register(StreamKind(payloads.INBOX, policies.may_read_inbox, sources, personal=True))
        register(
            StreamKind(
                payloads.ANNOUNCEMENTS,
                policies.may_read_announcements,
                [selectors.announcement_events],
                singleton=True,
                greeted=True,
            )
        )
