"""Raid mode: switching it on and off, and telling moderators of the signs of a raid."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from chat import policies
from chat.models import RAID_CHOICES, REASON_MAX_LENGTH, ModerationLog, RaidMode
from chat.moderation import raid_mode
from chat.notification_kinds import RAID
from chat.payloads import moment
from chat.services.messages.site_limits import signs_of_raid
from chat.services.persistence import log, system_user
from chat.services.rights import check_site_moderator
from notifications.models import Level
from notifications.payloads import inbox
from notifications.services import Notice, notify_many
from realtime.auth import MODERATORS, attempts
from realtime.core.heads import Heads, changing
from realtime.core.users import User
from realtime.protocol.errors import BadRequest

DEFAULT_HOURS: Final = 2
MAX_HOURS: Final = 24 * 14
MAX_NOTIFIED: Final = 200  # moderators, each with a row in the transaction


def switch_on(
    *, actor_id: int | None, hours: int, reason: str = "", **choices: bool | int
) -> RaidMode:
    """Switch raid mode on for so many hours from now, or change what it does.

    ``choices`` are the fields of ``RaidMode``; those that are not given stay as they were. Without
    an actor, an operator does it. Raises ``Forbidden`` or ``BadRequest``.
    """
    if not 1 <= hours <= MAX_HOURS:
        raise BadRequest("hours: expected 1 to {limit}, got {value}", limit=MAX_HOURS, value=hours)
    policies.check_seconds(
        int(choices.get("slow_mode", 0)), name="slow_mode", limit=policies.MAX_SLOW_MODE
    )
    return _change(actor_id, reason, timezone.now() + timedelta(hours=hours), choices)


def switch_off(*, actor_id: int | None, reason: str = "") -> RaidMode:
    """End raid mode at once. Where it is off, nothing changes."""
    return _change(actor_id, reason, None, {})


def _change(
    actor_id: int | None, reason: str, until: datetime | None, choices: dict[str, bool | int]
) -> RaidMode:
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    if actor_id is None:
        actor_id = system_user().pk
    else:
        check_site_moderator(actor_id)
    # Also the actor: the pages of their chat show the banner when the notification arrives.
    notified = moderators()
    with changing(*map(inbox, notified)) as heads:
        RaidMode.objects.get_or_create(pk=1)
        row = RaidMode.objects.select_for_update().get(pk=1)
        if until is None and (row.until is None or row.until <= timezone.now()):
            return row
        for name, value in choices.items():
            setattr(row, name, value)
        row.until, row.changed_by_id = until, actor_id
        row.save()
        details: dict[str, Any] = {"raid": "off"}
        if until is not None:
            details = {"raid": "on", "until": moment(until), "choices": chosen(row)}
            if row.slow_mode:
                details["seconds"] = row.slow_mode
        action = ModerationLog.Action.RAID_MODE
        log(action, actor_id=actor_id, reason=reason, details=details)
        params = {"act": details["raid"], "until": details.get("until")}
        _notify(heads, notified, params, actor_id=actor_id)
    raid_mode.process.forget()
    return row


def chosen(row: RaidMode) -> list[str]:
    """Return the names of what is switched on, without slow mode."""
    return [name for name in RAID_CHOICES if getattr(row, name)]


def has_new_signs() -> bool:
    """Return whether moderators are to be notified now. At most once in a window."""
    if raid_mode.current().is_on or not signs():
        return False
    return attempts.first_use("raid signs", int(settings.HOLDFAST_SAME_SECONDS))


def signs() -> int:
    """Return how much the rules over all accounts have stopped recently; 0 if it is little."""
    most: int = settings.HOLDFAST_RAID_SIGNS
    refused = signs_of_raid() if most else 0
    return refused if refused >= most else 0


def tell_moderators() -> None:
    """Tell all moderators of the site, and the log, that a raid seems to go on."""
    refused, notified = signs_of_raid(), moderators()
    with changing(*map(inbox, notified)) as heads:
        details = {"refused": refused}
        log(ModerationLog.Action.RAID_SIGNS, actor_id=system_user().pk, reason="", details=details)
        _notify(heads, notified, {"act": "signs"}, level=Level.WARNING)


def moderators() -> list[int]:
    """Return the ids of the moderators of the site."""
    rights = Q(is_superuser=True) | Q(groups__name=MODERATORS)
    rows = User.objects.filter(rights, is_active=True).order_by("pk").distinct()
    return list(rows.values_list("pk", flat=True)[:MAX_NOTIFIED])


def _notify(
    heads: Heads,
    user_ids: list[int],
    params: dict[str, Any],
    *,
    actor_id: int | None = None,
    level: str = Level.INFO,
) -> None:
    notify_many(
        heads,
        [
            Notice(
                user_id=user_id,
                kind=RAID,
                params=params,
                url=reverse("admin:chat_raidmode_change", args=[1]),
                actor_id=actor_id,
                level=level,
            )
            for user_id in user_ids
        ],
    )
