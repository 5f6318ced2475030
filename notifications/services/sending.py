"""One notification to one user, for other apps: checked, and harmless to repeat with a key."""

from collections.abc import Mapping
from typing import Any

from notifications import payloads, policies
from notifications.kinds import known_kinds
from notifications.models import KEY_MAX_LENGTH, TITLE_MAX_LENGTH, Level, Notification
from notifications.services.inbox import Notice, notify
from realtime.core.heads import changing
from realtime.core.users import User, is_user, user_id_of
from realtime.protocol.errors import BadRequest, NotFound
from realtime.protocol.user_ids import UserId


def send_notification(
    user: User | UserId,
    *,
    kind: str,
    title: str = "",
    body: str = "",
    url: str = "",
    params: Mapping[str, Any] | None = None,
    actor: User | None = None,
    level: str = Level.INFO,
    key: str = "",
) -> Notification | None:
    """Notify a user, in a transaction of its own. None: the user has switched this kind off.

    With a ``key``, a repeated call returns the first notification of this user and key, so a task
    may be tried again.

    Raises ``BadRequest`` that names the field, or ``NotFound`` for a user who does not exist or is
    deactivated.
    """
    user_id = _key(user)
    _check(kind, title, body, url, level, key)
    with changing(payloads.inbox(user_id)) as heads:
        if not User.objects.filter(pk=user_id, is_active=True).exists():
            raise NotFound("user: there is no active user {user}", user=str(user_id))
        if key:
            # Under the lock of the inbox, so that two calls at once make one notification.
            sent = Notification.objects.filter(user_id=user_id, key=key).first()
            if sent is not None:
                return sent
        notice = Notice(
            user_id=user_id,
            kind=kind,
            params=params or {},
            title=title,
            body=body,
            url=url,
            actor_id=actor.pk if actor is not None else None,
            level=level,
            key=key,
        )
        return notify(heads, notice)


def _key(user: User | UserId) -> UserId:
    if is_user(user):
        return user.pk
    try:
        return user_id_of(user)
    except ValueError as error:
        raise NotFound("user: there is no active user {user}", user=str(user)) from error


def _check(kind: str, title: str, body: str, url: str, level: str, key: str) -> None:
    if kind not in known_kinds():
        raise BadRequest(
            "kind: expected one of {kinds}; register_notification_kind adds one",
            kinds=", ".join(known_kinds()),
        )
    if len(key) > KEY_MAX_LENGTH:
        raise BadRequest(
            "key: expected at most {limit} characters, got {count}",
            limit=KEY_MAX_LENGTH,
            count=len(key),
        )
    if level not in Level.values:
        raise BadRequest("level: expected one of {levels}", levels=", ".join(Level.values))
    policies.check_text("title", title, TITLE_MAX_LENGTH)
    policies.check_text("body", body, policies.BODY_MAX_LENGTH)
    policies.check_url(url)
