"""Signing a user out on all devices: no session or token stays valid, and every socket closes."""

from collections.abc import Iterable
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY

from realtime.auth import session_credential
from realtime.auth.revocation import LOGGED_OUT, end_sessions_within
from realtime.core.heads import Heads
from realtime.models import AccessToken
from realtime.protocol.codes import CloseCode

READ_TOGETHER: Final = 1000  # sessions; the table has no index by user


def delete_sessions(user_id: int) -> list[str]:
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
    return found


def sign_out_within(heads: Heads, user_id: int, sessions: Iterable[str]) -> None:
    """Revoke all tokens of a user whose ``sessions`` are deleted, and close all connections.

    The transaction must have passed the personal stream to ``changing``. Each session gets a
    revocation beside the one of the account: a socket whose handshake read the session before it
    was deleted may begin to watch after the account's revocation, and then asks for its credential
    (``revocation.access_ends``).
    """
    AccessToken.objects.filter(user_id=user_id).delete()
    end_sessions_within(heads, user_id, code=CloseCode.SESSION_ENDED, reason=LOGGED_OUT)
    for key in sessions:
        end_sessions_within(
            heads,
            user_id,
            code=CloseCode.SESSION_ENDED,
            reason=LOGGED_OUT,
            credential=session_credential(key),
        )
