"""Hiding a message during a review: by a moderator, or because enough people reported it.

Both are the same for everyone: readers and the author see that moderators are reviewing the
message. All functions run under the lock of the room.
"""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from chat import policies
from chat.models import Case, Message, ModerationLog, Report
from chat.moderation import site_bans, traces
from chat.policies import Rank
from chat.queries import queue, rooms
from chat.services.messages import mention_rows
from chat.services.messages.review import queueing, withheld_text
from chat.services.persistence import log, save_message, system_user
from chat.services.rights import is_staff
from realtime.core.heads import Heads

MAX_REPORTS: Final = 200  # of one case that are looked at


def hide(
    heads: Heads,
    message: Message,
    *,
    actor_id: int,
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    withheld_text.hide(message, actor_id=actor_id)
    save_message(heads, message)
    mention_rows.forget(message)
    _log(ModerationLog.Action.HIDE, message, actor_id, reason, details)


def show(heads: Heads, message: Message, *, actor_id: int, reason: str = "") -> None:
    withheld_text.show(message)
    save_message(heads, message)
    mention_rows.note_again(message)
    _log(ModerationLog.Action.SHOW, message, actor_id, reason)


def hide_if_many_reported(heads: Heads, message: Message, case: Case) -> None:
    """Hide a message that enough trusted people have reported, and raise its case.

    Never one of a moderator, and never a text that a moderator has already decided to keep.
    """
    enough: int = settings.HOLDFAST_HIDE_AFTER_REPORTS
    if not enough or case.times < enough or message.is_hidden or message.is_deleted:
        return
    if _is_by_moderator(message) or _was_kept(message):
        return
    number = _people(case)
    if number < enough:
        return
    hide(heads, message, actor_id=system_user().pk, details={"reports": number})
    case.severity = max(case.severity, queue.HIDDEN_SEVERITY)
    queueing.place(case)


def _people(case: Case) -> int:
    """Return how many trusted people have reported: no fresh, banned or abusive accounts.

    Accounts that share a browser count as one.
    """
    before = timezone.now() - timedelta(days=settings.HOLDFAST_HIDE_REPORTER_DAYS)
    reporters = (
        Report.objects.filter(case=case, status=Report.Status.OPEN)
        .filter(reporter__date_joined__lte=before, reporter__is_active=True)
        .exclude(reporter=system_user())
        .order_by("pk")
    )
    ids = set(reporters.values_list("reporter", flat=True)[:MAX_REPORTS])
    ids -= set(site_bans.refusals(ids))
    return traces.apart(queue.without_abusive(ids))


def _is_by_moderator(message: Message) -> bool:
    room, member = rooms.room_access(message.room_id, message.author_id)
    in_room = not room.is_direct and policies.rank(member) >= Rank.MODERATOR
    return in_room or message.author_id == system_user().pk or is_staff(message.author_id)


def _was_kept(message: Message) -> bool:
    """Return whether a moderator has kept or shown the text as it is now."""
    written = message.edited_at or message.created_at
    kept = Case.objects.filter(
        message=message.pk, status=Report.Status.DISMISSED, closed_at__gt=written
    )
    shown = ModerationLog.objects.filter(
        Q(action=ModerationLog.Action.SHOW) | Q(action=ModerationLog.Action.RESTORE),
        message=message.pk,
        created_at__gt=written,
    )
    return kept.exists() or shown.exists()


def _log(
    action: ModerationLog.Action,
    message: Message,
    actor_id: int,
    reason: str,
    details: dict[str, Any] | None = None,
) -> None:
    log(
        action,
        actor_id=actor_id,
        reason=reason,
        room=rooms.room(message.room_id),
        subject_id=message.author_id,
        message=message,
        details=details,
    )
