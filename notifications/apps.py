"""The notifications app: inboxes, announcements, broadcasts."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Registers the two kinds of stream that every signed-in person has."""

    name = "notifications"
    verbose_name = _("Notifications")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make ``inbox`` and ``announcements`` known to the engine."""
        from notifications import payloads, policies, queries
        from notifications.api import handlers
        from notifications.kinds import BROADCAST, RECALLED, Kind, in_language, register_kind
        from realtime.auth.revocation import revocation_events
        from realtime.core.commands import site_commands
        from realtime.core.monitoring import jobs
        from realtime.core.streams import StreamKind, register
        from realtime.core.users import key_converter

        site_commands.include(handlers.commands)
        mine = [
            queries.notification_events,
            queries.reading_events,
            queries.preferences_events,
            revocation_events,
        ]
        everybodys = [queries.announcement_events]
        register(
            StreamKind(
                payloads.INBOX,
                policies.may_read_inbox,
                [*mine],
                ident=key_converter(),
                personal=True,
            )
        )
        register(
            StreamKind(
                payloads.ANNOUNCEMENTS,
                policies.may_read_announcements,
                [*everybodys],
                singleton=True,
                greeted=True,
            )
        )
        # Its timer comes each minute; a large one takes some.
        jobs.expect(
            "send_broadcasts",
            within=timedelta(minutes=15),
            waiting_since=queries.unfinished_since,
        )
        register_kind(
            Kind(
                name=BROADCAST,
                sentence=lambda notice: (
                    in_language(notice, notice["params"].get("texts", {}))["title"]
                    or gettext("A message from the administrators")
                ),
                detail=lambda notice: str(
                    in_language(notice, notice["params"].get("texts", {}))["body"]
                ),
                icon="megaphone",
                label=_("Messages from the administrators"),
                help=_("Sent to you, but not to everyone"),
                optional=False,
            )
        )
        register_kind(
            Kind(name=RECALLED, sentence=lambda _notice: gettext("This message was taken back."))
        )
