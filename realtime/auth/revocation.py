"""Taking away the right to be connected: of a session, a token or a whole account, on every node within a second.

A revocation is a hidden row of the user's personal stream, which every socket of the user watches.
So it is as safe as a message: it arrives through the broker, or, without one, by the head check.
What no row tells (an expiry, a change past Django's signals) is found by ``lapsed``.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_save, pre_save
from django.http import HttpRequest
from django.utils.translation import gettext_noop as _

from realtime.auth.accounts import (
    Account,
    banned,
    password_fingerprint,
    session_credential,
    token_credential,
)
from realtime.auth.revocation_timing import start
from realtime.core.heads import Heads, changing
from realtime.core.streams import StreamName, kinds
from realtime.models import AccessToken, Ending, Revocation
from realtime.protocol.codes import CloseCode
from realtime.protocol.page import End, Event

REASON_LENGTH: Final = 100  # characters; a close frame has room for 123 bytes
ACCOUNTS_PER_QUERY: Final = 1000
TOKEN: Final = token_credential("")  # the prefix of a token's name
_BEFORE: Final = "_holdfast_before"

# As the wire and the tables carry them; who shows one says it in the reader's language.
LOGGED_OUT: Final = _("signed out")
PASSWORD_CHANGED: Final = _("the password was changed")
DEACTIVATED: Final = _("the account was deactivated")
TOKEN_REVOKED: Final = _("the token was revoked")
EXPIRED: Final = _("the session expired")
REVOKED: Final = _("the session ended")


def end_sessions(user_id: int, *, code: CloseCode, reason: str, credential: str = "") -> None:
    """Close the sockets of a user, or only those opened with ``credential``, with ``code``.

    Opens its own transaction.
    """
    with changing(personal_stream(user_id)) as heads:
        end_sessions_within(heads, user_id, code=code, reason=reason, credential=credential)


def end_sessions_within(
    heads: Heads, user_id: int, *, code: CloseCode, reason: str, credential: str = ""
) -> Ending | None:
    """Do the same inside a transaction that has named ``personal_stream(user_id)`` to ``changing``.

    Returns the stopwatch, which is started where the whole account is meant.
    """
    stream = personal_stream(user_id)
    row = Revocation.objects.create(
        user_id=user_id,
        seq=heads.next(stream),
        credential=credential,
        code=code,
        reason=reason[:REASON_LENGTH],
    )
    heads.record(stream, _event(row))
    return None if credential else start(heads, stream, row.seq, user_id=user_id, reason=reason)


def revocation_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the revocations of a personal stream: a source of rows for its kind."""
    rows = Revocation.objects.filter(user_id=int(ident), seq__gt=after).order_by("seq")[:limit]
    return [_event(row) for row in rows]


def personal_stream(user_id: int) -> StreamName:
    """Return the stream that every socket of this user watches, whatever it is called."""
    for kind in kinds():
        if kind.personal:
            return kind.name(user_id)
    raise LookupError("no app has registered a personal kind of stream")


def revoke_token(token: AccessToken) -> None:
    """Delete a token and close the sockets that were opened with it."""
    with changing(personal_stream(token.user_id)) as heads:
        token.delete()
        credential = token_credential(token.digest)
        end_sessions_within(
            heads,
            token.user_id,
            code=CloseCode.SESSION_ENDED,
            reason=TOKEN_REVOKED,
            credential=credential,
        )


def lapsed(accounts: Collection[Account]) -> dict[Account, End]:
    """Return those of the connected accounts whose right has gone without an event that says so, each with its end.

    The hub asks about everybody once a minute: sessions and tokens expire silently, and
    ``QuerySet.update`` sends no signal. Asked once more after a socket has begun to watch its
    personal stream, it closes the gap between the handshake's reads and that moment. Two queries a
    thousand accounts, and one for each gate.
    """
    found: dict[Account, End] = {}
    for chunk in _chunks(accounts):
        found.update(_lapsed(chunk))
    return found


def _lapsed(accounts: Sequence[Account]) -> dict[Account, End]:
    now = time.time()
    ids = {account.user_id for account in accounts}
    users = User.objects.only("password", "is_active").in_bulk(ids)
    revoked = _revoked(accounts)
    bans = banned(ids)
    ends: dict[Account, End] = {}
    for account in accounts:
        reason = _reason(account, users.get(account.user_id), now) or (
            REVOKED if account.credential in revoked else None
        )
        if reason is not None:
            ends[account] = End(
                account.user_id, account.credential, CloseCode.SESSION_ENDED, reason
            )
        elif account.user_id in bans:
            ends[account] = End(account.user_id, None, CloseCode.BANNED, bans[account.user_id])
    return ends


def _revoked(accounts: Sequence[Account]) -> set[str]:
    """Return the credentials among these that are no longer good: sessions by their revocation, tokens also where the row is just gone."""
    tokens = {account.credential for account in accounts if account.credential.startswith(TOKEN)}
    sessions = {account.credential for account in accounts} - tokens
    revoked: set[str] = set()
    if sessions:
        ids = {account.user_id for account in accounts}
        revoked.update(
            Revocation.objects.filter(user_id__in=ids, credential__in=sessions).values_list(
                "credential", flat=True
            )
        )
    if tokens:
        digests = [token.removeprefix(TOKEN) for token in tokens]
        kept = AccessToken.objects.filter(digest__in=digests).values_list("digest", flat=True)
        revoked |= tokens - {token_credential(digest) for digest in kept}
    return revoked


def _reason(account: Account, user: User | None, now: float) -> str | None:
    if user is None or not user.is_active:
        return DEACTIVATED
    if password_fingerprint(user) != account.password_fingerprint:
        return PASSWORD_CHANGED
    if account.expires_at is not None and account.expires_at <= now:
        return EXPIRED
    return None


def _chunks(accounts: Iterable[Account]) -> Iterator[list[Account]]:
    rest = iter(accounts)
    while chunk := list(islice(rest, ACCOUNTS_PER_QUERY)):
        yield chunk


def _event(row: Revocation) -> Event:
    end = End(row.user_id, row.credential or None, row.code, row.reason)
    return Event.hidden("revocation", row.pk, row.seq, end=end)


# Django's signals: not between our own apps, but from django.contrib.auth, whose views and admin
# know nothing of sockets.


def connect_signals() -> None:
    """Listen to logins that end and users that change; called from ``AppConfig.ready``."""
    user_logged_out.connect(_logged_out, dispatch_uid="realtime.auth.revocation")
    pre_save.connect(_remember, sender=User, dispatch_uid="realtime.auth.revocation")
    post_save.connect(_compare, sender=User, dispatch_uid="realtime.auth.revocation")


def _logged_out(sender: Any, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    session = getattr(request, "session", None)
    if user is None or session is None or not session.session_key:
        return
    # Django deletes the session after this signal: a socket that opens in between would come too
    # late for the revocation and outlive it.
    session.delete(session.session_key)
    _end_after_commit(user.pk, LOGGED_OUT, session_credential(session.session_key))


def _remember(
    sender: Any, instance: User, update_fields: Collection[str] | None, raw: bool, **_: Any
) -> None:
    """Keep what the database holds, to see after the save whether it changed.

    A login saves ``last_login`` alone and costs nothing.
    """
    watched = update_fields is None or not {"password", "is_active"}.isdisjoint(update_fields)
    if watched and instance.pk and not raw:
        setattr(
            instance,
            _BEFORE,
            User.objects.filter(pk=instance.pk).values_list("password", "is_active").first(),
        )


def _compare(sender: Any, instance: User, **_: Any) -> None:
    before = instance.__dict__.pop(_BEFORE, None)
    if before is None:
        return
    password, was_active = before
    if was_active and not instance.is_active:
        # An account that comes back does not bring its old tokens with it.
        AccessToken.objects.filter(user=instance).delete()
        _end_after_commit(instance.pk, DEACTIVATED)
    elif instance.password != password:
        _end_after_commit(instance.pk, PASSWORD_CHANGED)


def _end_after_commit(user_id: int, reason: str, credential: str = "") -> None:
    """End sockets when the change is visible to those who reconnect.

    The admin saves inside a transaction of its own, in which no stream's lock may be taken. If the
    process dies in between, ``lapsed`` finds it.
    """
    end = partial(
        end_sessions, user_id, code=CloseCode.SESSION_ENDED, reason=reason, credential=credential
    )
    transaction.on_commit(end, robust=True)
