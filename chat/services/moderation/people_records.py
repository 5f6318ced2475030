"""Warnings, which the people concerned read, and notes, which only moderators read."""

from chat import policies
from chat.models import PERSON_NOTE_MAX_LENGTH, REASON_MAX_LENGTH, ModerationLog, PersonNote
from chat.queries import people
from chat.services import notices
from chat.services.persistence import log
from chat.services.rights import check_above_on_site
from notifications.payloads import inbox
from notifications.services import notify
from realtime.core.heads import changing


def warn(*, actor_id: int, user_id: int, reason: str) -> None:
    """Warn a user: they are notified of the reason, and their record has it."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH, required=True)
    people.user(user_id)
    check_above_on_site(actor_id, user_id)
    with changing(inbox(user_id)) as heads:
        action = ModerationLog.Action.WARN
        log(action, actor_id=actor_id, reason=reason, subject_id=user_id)
        notice = notices.moderation_notice(
            user_id, action, actor_id=actor_id, reason=reason, level="warning"
        )
        notify(heads, notice)


def write_note(*, actor_id: int, user_id: int, reason: str) -> PersonNote:
    """Note something about a user for other moderators. The log says that, but not what."""
    text = policies.clean(reason, name="note", limit=PERSON_NOTE_MAX_LENGTH, required=True)
    people.user(user_id)
    check_above_on_site(actor_id, user_id)
    with changing():
        log(ModerationLog.Action.NOTE, actor_id=actor_id, reason="", subject_id=user_id)
        return PersonNote.objects.create(subject_id=user_id, author_id=actor_id, text=text)
