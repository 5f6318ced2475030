"""Chat as a Django app."""

import re
from datetime import timedelta
from importlib.util import find_spec
from typing import Final

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

# Here, because the models import it: of the packages of the extra, the least usual one.
if find_spec("re2") is None:
    raise ImproperlyConfigured(
        "INSTALLED_APPS has chat, whose packages are missing: pip install holdfast[chat]"
    )

_USER_FIELDS: Final = (
    *("username", "first_name", "last_name", "groups"),
    *("is_staff", "is_superuser", "date_joined"),
)


class ChatConfig(AppConfig):
    """Registers what chat adds to the engine and to notifications."""

    name = "chat"
    verbose_name = _("Chat")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        _check_user_model()
        from chat import notification_kinds, payloads
        from chat.api import handlers
        from chat.moderation import site_bans
        from chat.queries import names as queried_names
        from chat.queries import notified_messages, room_lists, stream_sources
        from chat.services import (
            edit_system_message,
            post_system_message,
            recall_system_message,
        )
        from chat.services.moderation.bulk import unfinished_since
        from chat.services.moderation.moderators import ensure_after_migrate
        from chat.services.people import names
        from notifications.subjects import register_subjects
        from notifications.targets import register_excluded, register_target
        from realtime.auth import register_connection_check, register_usernames
        from realtime.auth.admission import register_slow_requests
        from realtime.core import streams
        from realtime.core.commands import site_commands
        from realtime.core.monitoring import jobs

        sources: list[streams.Source] = [
            stream_sources.message_events,
            stream_sources.membership_events,
            stream_sources.room_events,
        ]
        streams.register(
            streams.StreamKind(payloads.ROOM, stream_sources.authorise, sources, presence=True)
        )
        if payloads.INBOX not in {kind.prefix for kind in streams.kinds()}:
            raise ImproperlyConfigured(
                "INSTALLED_APPS: chat needs notifications before it, which has the inboxes"
            )
        streams.kind(payloads.INBOX).sources.extend(
            [
                stream_sources.inbox_events,
                stream_sources.block_events,
                stream_sources.site_mute_events,
                stream_sources.held_post_events,
                stream_sources.display_events,
            ]
        )
        site_commands.include(handlers.commands)
        register_connection_check(site_bans.refusals)
        register_usernames(queried_names.accounts_named)
        searches = re.compile(r"/(?:api/)?search")
        register_slow_requests("search", searches, setting="HOLDFAST_SEARCH_REQUESTS")
        exports = re.compile(r"/admin/.*/(?:evidence|own-data)/")
        register_slow_requests("export", exports, setting="HOLDFAST_EXPORT_REQUESTS")
        register_target(
            payloads.ROOM,
            room_lists.rooms_named,
            post_system_message,
            recall_system_message,
            edit_system_message,
        )
        register_excluded(site_bans.banned_users)
        notification_kinds.register_kinds()
        register_subjects(payloads.ROOM, notified_messages.texts)
        # It is to run each night; one may fail, or take until the next.
        jobs.expect("retention", within=timedelta(days=2))
        # The browser that began them continues them while its page is open.
        jobs.expect("bulk_resume", within=timedelta(hours=1), waiting_since=unfinished_since)
        names.connect_signals()
        post_migrate.connect(ensure_after_migrate, sender=self, dispatch_uid="chat.moderators")


def _check_user_model() -> None:
    """Refuse a user model without usernames or with keys that are no integers.

    Not as a check of Django: its admin would fail first, with a less helpful error.
    """
    from realtime.core.users import User, has_field, key_converter

    if key_converter() != "int" or not all(map(has_field, _USER_FIELDS)):
        raise ImproperlyConfigured(
            f"chat cannot use {User._meta.label}: it needs integer keys and the fields "
            f"{', '.join(_USER_FIELDS)}. Derive the user model from AbstractUser, or leave chat "
            "out of INSTALLED_APPS: realtime and notifications work with any user model."
        )
