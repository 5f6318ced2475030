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
        from chat import payloads
        from chat.moderation import site_bans
        from chat.queries import room_lists, stream_sources
        from chat.services import post_system_message, recall_system_message
        from chat.services.moderators import ensure_after_migrate
        from notifications.targets import register_target
        from realtime.auth import register_connection_check
        from realtime.core import streams

        sources: list[streams.Source] = [
            stream_sources.message_events,
            stream_sources.membership_events,
            stream_sources.room_events,
        ]
        streams.register(
            streams.StreamKind(payloads.ROOM, stream_sources.authorise, sources, presence=True)
        )
        streams.kind(payloads.INBOX).sources.extend(
            [
                stream_sources.inbox_events,
                stream_sources.block_events,
                stream_sources.site_mute_events,
            ]
        )
        register_connection_check(site_bans.reasons)
        register_target(
            payloads.ROOM, room_lists.rooms_named, post_system_message, recall_system_message
        )
        _register_kinds()
        post_migrate.connect(ensure_after_migrate, sender=self, dispatch_uid="chat.moderators")


def _register_kinds() -> None:
    from notifications.kinds import Kind, register_kind

    for kind in (
        Kind("mention", _("Mentions"), _("Someone mentions you or the whole room")),
        Kind("reply", _("Replies"), _("Someone replies to your message")),
        Kind("reaction", _("Reactions"), _("Someone reacts to your message")),
        Kind("direct", _("Direct messages"), _("Someone sends you a direct message")),
        Kind("message", _("All messages"), _("In rooms with the notification level “Everything”")),
        Kind("invitation", _("Invitations"), _("Someone adds you to a room")),
        Kind(
            "moderation",
            _("Moderation"),
            _("A moderator takes an action that affects you"),
            optional=False,
        ),
    ):
        register_kind(kind)
