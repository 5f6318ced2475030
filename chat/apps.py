"""Chat as a Django app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    """Registers what chat adds to the engine and to notifications."""

    name = "chat"
    verbose_name = _("Chat")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add streams of rooms, and memberships, blocks and site mutes to inboxes; keep out who is banned; take broadcasts to rooms."""
        from chat import payloads
        from chat.moderation import site_bans
        from chat.queries import people, selectors
        from chat.services import post_system_message, recall_system_message
        from chat.services.moderators import ensure_after_migrate
        from notifications.targets import register_target
        from realtime.auth import register_connection_check
        from realtime.core import streams

        sources: list[streams.Source] = [
            selectors.message_events,
            selectors.membership_events,
            selectors.room_events,
        ]
        streams.register(
            streams.StreamKind(payloads.ROOM, selectors.authorise, sources, presence=True)
        )
        streams.kind(payloads.INBOX).sources.extend(
            [selectors.inbox_events, people.block_events, people.site_mute_events]
        )
        register_connection_check(site_bans.reasons)
        register_target(
            payloads.ROOM, selectors.rooms_named, post_system_message, recall_system_message
        )
        _register_kinds()
        post_migrate.connect(ensure_after_migrate, sender=self, dispatch_uid="chat.moderators")


def _register_kinds() -> None:
    from notifications.kinds import Kind, register_kind

    for kind in (
        Kind("mention", _("Mentions"), _("Somebody writes your name, or calls the whole room")),
        Kind("reply", _("Replies"), _("Somebody answers a message of yours")),
        Kind("reaction", _("Reactions"), _("Somebody reacts to a message of yours")),
        Kind("direct", _("Direct messages"), _("Somebody writes to you alone")),
        Kind(
            "message", _("All messages"), _("Of rooms in which you want to be told of everything")
        ),
        Kind("invitation", _("Invitations"), _("Somebody adds you to a room")),
        Kind(
            "moderation", _("Moderation"), _("What moderators do that concerns you"), optional=False
        ),
    ):
        register_kind(kind)
