"""Signing a user out on all devices: no session or token stays valid, and every socket closes."""

from collections.abc import Iterable
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db.models import QuerySet

from realtime.auth.attempts import record
from realtime.auth.revocation import (
    LOGGED_OUT,
    delete_and_revoke,
    end_sessions_within,
    revoke_sessions_within,
)
from realtime.core.heads import Heads
from realtime.models import AccessToken, UserSession
from realtime.protocol.codes import CloseCode
from realtime.protocol.user_ids import UserId, wire_id

READ_TOGETHER: Final = 1000  # sessions; the table has no index by user


def delete_sessions(user_id: UserId) -> list[str]:
    """Delete the sessions of a user, with their copies in the cache, and return their keys.

    This reads all sessions, which takes some 10 s per million. Sessions without a table (signed
    cookies, a cache alone) cannot be found.
    """
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(store, "get_model_class"):
        return []
    rows = store.get_model_class().objects.order_by("session_key")
    found: list[str] = []
    after = ""
    while page := list(rows.filter(session_key__gt=after)[:READ_TOGETHER]):
        after = page[-1].session_key
        found += [
            row.session_key for row in page if row.get_decoded().get(SESSION_KEY) == str(user_id)
        ]
    for key in found:
        store().delete(key)
    UserSession.objects.filter(user_id=user_id).delete()
    return found


def end_own_session(user_id: UserId, row_id: int) -> bool:
    """Sign one browser out, for the owner of its session. Returns whether there was one."""
    return _end_listed(user_id, UserSession.objects.filter(pk=row_id)) > 0


def end_other_sessions(user_id: UserId, *, but: str) -> int:
    """Sign all browsers out but the one with this key. Returns how many."""
    return _end_listed(user_id, UserSession.objects.exclude(session_id=but))


def _end_listed(user_id: UserId, rows: QuerySet[UserSession]) -> int:
    """End sessions: the rows and the revocations together, then the copies in the cache."""
    keys = [*rows.filter(user_id=user_id).values_list("session_id", flat=True)[:READ_TOGETHER]]
    if not keys:
        return 0
    delete_and_revoke(user_id, keys)
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for key in keys:
        store().delete(key)
        record("sessions", "ended", user=wire_id(user_id))
    return len(keys)


def sign_out_within(heads: Heads, user_id: UserId, sessions: Iterable[str]) -> None:
    """Revoke all tokens of a user whose ``sessions`` are deleted, and close all connections.

    The transaction must have passed the personal stream to ``changing``. Each session gets a
    revocation beside the one of the account: a socket whose handshake read the session before it
    was deleted may begin to watch after the account's revocation, and then asks for its credential
    (``revocation.access_ends``).
    """
    AccessToken.objects.filter(user_id=user_id).delete()
    end_sessions_within(heads, user_id, code=CloseCode.SESSION_ENDED, reason=LOGGED_OUT)
    revoke_sessions_within(heads, user_id, sessions)
