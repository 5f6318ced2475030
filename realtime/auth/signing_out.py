"""Signing somebody out on all devices: what they came with is no longer good, and every socket closes."""

from collections.abc import Iterable
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY

from realtime.auth import session_credential
from realtime.auth.revocation import LOGGED_OUT, end_sessions_within
from realtime.core.heads import Heads
from realtime.models import AccessToken, Ending
from realtime.protocol.codes import CloseCode

READ_TOGETHER: Final = 1000  # sessions; no index knows whose they are


def delete_sessions(user_id: int) -> list[str]:
    """Delete the sessions of somebody, with their copies in the cache, and return their keys.

    Reads all sessions: some 10 s a million.

    Where sessions have no table (signed cookies, a cache alone) they cannot be found.
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


def sign_out_within(heads: Heads, user_id: int, sessions: Iterable[str]) -> Ending:
    """Close everything of a user whose ``sessions`` are deleted, in a transaction that has named the personal stream; the tokens go, too.

    Each session has a row of its own beside the one for the account: a socket whose handshake has
    read the session before it was deleted begins to watch after that one, and then asks for its
    credential (``revocation.lapsed``). The one for the account comes first: it is what the
    stopwatch measures, and a connection that another row has closed before is none that it counts.
    """
    AccessToken.objects.filter(user_id=user_id).delete()
    ending = end_sessions_within(heads, user_id, code=CloseCode.SESSION_ENDED, reason=LOGGED_OUT)
    assert ending is not None
    for key in sessions:
        end_sessions_within(
            heads,
            user_id,
            code=CloseCode.SESSION_ENDED,
            reason=LOGGED_OUT,
            credential=session_credential(key),
        )
    return ending
