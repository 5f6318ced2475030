"""Sign-up: making an account for a visitor, deciding about one that waits, and the mode."""

from django.db import IntegrityError
from django.utils import timezone

from chat import policies
from chat.models import REASON_MAX_LENGTH, ModerationLog, SignUpRequest, SignUpSettings
from chat.queries import people
from chat.services.people.names import check_names, taken_error
from chat.services.persistence import log
from realtime.core.heads import changing
from realtime.core.users import User
from realtime.protocol.errors import Forbidden, NotFound

MAX_PER_HOUR = 1000


def create_account(
    *,
    username: str,
    first_name: str,
    last_name: str,
    password_hash: str,
    needs_approval: bool = False,
) -> User:
    """Return a new account. Raises ``BadRequest`` for a name against the rules.

    The password comes hashed, because hashing takes long and this is a transaction. An account that
    needs approval is inactive until a moderator accepts it.
    """
    user = User(password=password_hash, is_active=not needs_approval)
    wanted = {"username": username, "first_name": first_name, "last_name": last_name}
    for field, name in check_names(user, wanted).items():
        setattr(user, field, name)
    try:
        with changing():
            user.save()
            if needs_approval:
                SignUpRequest.objects.create(user=user)
    except IntegrityError as error:  # another request took the name meanwhile
        raise taken_error() from error
    return user


def discard_account(user: User) -> None:
    """Delete an account that has just been made, and has done nothing."""
    with changing():
        user.delete()


def accept_sign_up(*, actor_id: int, user_id: int, reason: str = "") -> None:
    """Activate an account that waits. Repeating it changes nothing."""
    _decide(actor_id, user_id, reason, accept=True)


def decline_sign_up(*, actor_id: int, user_id: int, reason: str) -> None:
    """Keep an account inactive. Its owner reads the reason when they try to sign in."""
    _decide(actor_id, user_id, reason, accept=False)


def change_sign_up(*, actor_id: int, mode: str, per_hour: int, reason: str = "") -> SignUpSettings:
    """Change who may sign up, on all nodes at once."""
    _check_may(actor_id)
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    with changing():
        row, _made = SignUpSettings.objects.select_for_update().get_or_create(pk=1)
        before, row.mode, row.per_hour = row.mode, SignUpSettings.Mode(mode), per_hour
        row.save()
        details = {"from": before, "to": str(row.mode), "signups": per_hour}
        action = ModerationLog.Action.SIGNUP_MODE
        log(action, actor_id=actor_id, reason=reason, details=details)
    return row


def _decide(actor_id: int, user_id: int, reason: str, *, accept: bool) -> None:
    _check_may(actor_id)
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH, required=not accept)
    people.user(user_id)
    with changing():
        row = SignUpRequest.objects.select_for_update().filter(pk=user_id).first()
        if row is None:
            raise NotFound("This account doesn't wait for approval.")
        if row.decided_at is not None and row.is_accepted == accept:
            return
        if row.is_accepted:
            raise Forbidden("This account has been approved. Deactivate it instead.")
        row.decided_at, row.is_accepted = timezone.now(), accept
        row.save()
        if accept:
            # Not ``save``: nothing of the account has to end.
            User.objects.filter(pk=user_id).update(is_active=True)
        action = ModerationLog.Action.APPROVE if accept else ModerationLog.Action.DECLINE
        log(action, actor_id=actor_id, reason=reason, subject_id=user_id)


def _check_may(actor_id: int) -> None:
    if not people.is_site_moderator(actor_id):
        raise Forbidden("Only site moderators can do that.")
