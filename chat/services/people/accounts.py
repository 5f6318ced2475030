"""Access to an account: deactivation, activation and signing out, by site moderators.

Messages of the account stay.
"""

from django.utils import timezone

from chat import policies
from chat.models import REASON_MAX_LENGTH, SYSTEM_USERNAME, ModerationLog, SignUpRequest
from chat.queries import people
from chat.services import notices
from chat.services.people.erasure import is_erased
from chat.services.persistence import log
from chat.services.rights import check_above_on_site
from notifications.payloads import inbox
from notifications.services import notify
from realtime.auth.revocation import DEACTIVATED, end_sessions_within
from realtime.auth.signing_out import delete_sessions, sign_out_within
from realtime.core.heads import Heads, changing
from realtime.core.users import User
from realtime.models import AccessToken
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import Forbidden


def sign_out_everywhere(*, actor_id: int, user_id: int, reason: str) -> None:
    """End all sessions and tokens of a user, and close their sockets.

    They can sign in again at once.
    """
    reason = _required(reason)
    people.user(user_id)
    check_above_on_site(actor_id, user_id)
    sessions = delete_sessions(user_id)
    with changing(inbox(user_id)) as heads:
        sign_out_within(heads, user_id, sessions)
        _note(heads, ModerationLog.Action.SIGN_OUT, actor_id, user_id, reason)


def deactivate(*, actor_id: int, user_id: int, reason: str) -> None:
    """Deactivate an account until it is activated again.

    The user stays a member of their rooms.
    """
    reason = _required(reason)
    people.user(user_id)
    check_above_on_site(actor_id, user_id)
    with changing(inbox(user_id)) as heads:
        # Not ``save``: its signal would end the sessions a second time, in another transaction and
        # without a log entry.
        if not User.objects.filter(pk=user_id, is_active=True).update(is_active=False):
            return
        AccessToken.objects.filter(user_id=user_id).delete()
        end_sessions_within(heads, user_id, code=CloseCode.SESSION_ENDED, reason=DEACTIVATED)
        _note(heads, ModerationLog.Action.DEACTIVATE, actor_id, user_id, reason)
    delete_sessions(user_id)


def activate(*, actor_id: int, user_id: int, reason: str = "") -> None:
    """Activate an account. Its earlier sessions and tokens stay ended."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    user = people.user(user_id)
    check_above_on_site(actor_id, user_id)
    if user.username == SYSTEM_USERNAME or is_erased(user_id):
        raise Forbidden("This account can't be activated: it belongs to the system, or was erased.")
    delete_sessions(user_id)
    with changing(inbox(user_id)) as heads:
        if User.objects.filter(pk=user_id, is_active=False).update(is_active=True):
            SignUpRequest.objects.filter(pk=user_id, is_accepted=False).update(
                decided_at=timezone.now(), is_accepted=True
            )
            _note(heads, ModerationLog.Action.ACTIVATE, actor_id, user_id, reason)


def _required(reason: str) -> str:
    return policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH, required=True)


def _note(
    heads: Heads, action: ModerationLog.Action, actor_id: int, user_id: int, reason: str
) -> None:
    log(action, actor_id=actor_id, reason=reason, subject_id=user_id)
    level = "success" if action == ModerationLog.Action.ACTIVATE else "warning"
    notice = notices.moderation_notice(
        user_id, action, actor_id=actor_id, reason=reason, level=level
    )
    notify(heads, notice)
