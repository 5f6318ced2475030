"""Revoking access: of a session, a token or a whole account, on every node within a second.

A revocation is a hidden row of the user's personal stream, which every socket of the user watches.
So it is as safe as a message: it arrives through the broker or, without one, by the head check.
``access_ends`` finds what no row records: an expiry, or a change that sends no signal.
"""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from django.apps import apps
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_save, pre_delete, pre_save
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from realtime.auth.accounts import (
    Account,
    banned,
    password_fingerprint,
    session_credential,
    token_credential,
)
from realtime.auth.retries import retries
from realtime.core.heads import Heads, changing
from realtime.core.streams import Claim, Refusals, StreamKind, StreamName, kinds, register
from realtime.core.users import User, key_converter, user_id_of
from realtime.models import AccessToken, Revocation
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import NotFound
from realtime.protocol.page import AccessEnd, Event
from realtime.protocol.user_ids import UserId, wire_id

log = logging.getLogger("holdfast.revocation")

ACCOUNT: Final = "account"  # "account.7" has nothing but revocations
REASON_LENGTH: Final = 100  # characters; a close frame has room for 123 bytes
ACCOUNTS_PER_QUERY: Final = 1000
TOKEN: Final = token_credential("")  # the prefix of a token's credential
PRUNED_TOGETHER: Final = 500  # rows in one full head check: some 10 ms
_BEFORE: Final = "_holdfast_before"

# As the wire and the tables carry them; translated when shown.
LOGGED_OUT: Final = _("signed out")
PASSWORD_CHANGED: Final = _("the password was changed")
DEACTIVATED: Final = _("the account was deactivated")
TOKEN_REVOKED: Final = _("the token was revoked")
EXPIRED: Final = _("the session expired")
RENEWED: Final = _("the password was confirmed")
REVOKED: Final = _("the session ended")


def end_sessions(user_id: UserId, *, code: CloseCode, reason: str, credential: str = "") -> None:
    """Close the sockets of a user with ``code``, in a transaction of its own.

    With ``credential``, only those opened with this session or token.
    """
    with changing(personal_stream(user_id)) as heads:
        end_sessions_within(heads, user_id, code=code, reason=reason, credential=credential)


def end_sessions_within(
    heads: Heads, user_id: UserId, *, code: CloseCode, reason: str, credential: str = ""
) -> None:
    """Do the same in a transaction that has passed ``personal_stream(user_id)`` to ``changing``."""
    stream = personal_stream(user_id)
    row = Revocation.objects.create(
        user_id=user_id,
        seq=heads.next(stream),
        credential=credential,
        code=code,
        reason=reason[:REASON_LENGTH],
    )
    heads.record(stream, _event(row))


def delete_and_revoke(user_id: UserId, session_keys: Sequence[str]) -> None:
    """Delete the rows of sessions and close their sockets, in one transaction."""
    with changing(personal_stream(user_id)) as heads:
        Session.objects.filter(pk__in=session_keys).delete()
        revoke_sessions_within(heads, user_id, session_keys)


def revoke_sessions_within(heads: Heads, user_id: UserId, session_keys: Iterable[str]) -> None:
    """Close the sockets of sessions that are deleted."""
    for key in session_keys:
        end_sessions_within(
            heads,
            user_id,
            code=CloseCode.SESSION_ENDED,
            reason=LOGGED_OUT,
            credential=session_credential(key),
        )


def revocation_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the revocations of a personal stream: a source of rows for its kind of stream."""
    rows = Revocation.objects.filter(user_id=user_id_of(ident), seq__gt=after).order_by("seq")
    return [_event(row) for row in rows[:limit]]


def personal_stream(user_id: UserId) -> StreamName:
    """Return the stream that every socket of this user watches."""
    for kind in kinds():
        if kind.personal:
            return kind.name(user_id)
    raise LookupError("realtime is not in INSTALLED_APPS")


def register_account_streams() -> None:
    """Give every user a personal stream, where no other app (notifications) does."""
    if not any(kind.personal for kind in kinds()):
        register(
            StreamKind(
                ACCOUNT,
                _own_stream,
                [revocation_events],
                ident=key_converter(),
                personal=True,
                is_fallback=True,
            )
        )


def _own_stream(claims: Sequence[Claim]) -> Refusals:
    return {
        claim: NotFound("There is no such stream.")
        for claim in claims
        if claim.ident != str(claim.reader.user_id)
    }


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


def access_ends(accounts: Collection[Account]) -> dict[Account, AccessEnd]:
    """Return the connected accounts that have lost access, each with its end.

    The hub asks about all accounts once a minute, because sessions and tokens expire silently and
    ``QuerySet.update`` sends no signal. It asks again after a socket has begun to watch its
    personal stream, which closes the gap between the reads of the handshake and that moment.
    This takes two queries for a thousand accounts, and one for each connection check.
    """
    found: dict[Account, AccessEnd] = {}
    for chunk in _chunks(accounts):
        found.update(_access_ends(chunk))
    return found


def expired(account: Account) -> AccessEnd:
    """Return the end of an account whose session or token has expired."""
    return AccessEnd(account.user_id, account.credential, CloseCode.SESSION_ENDED, EXPIRED)


def stale(keep: timedelta) -> list[int]:
    """Return the ids of the oldest revocations that are older than ``keep``.

    A revocation matters as long as a session of its time could still exist.
    """
    rows = Revocation.objects.order_by("pk").values_list("pk", "created_at")[:PRUNED_TOGETHER]
    limit = timezone.now() - keep
    return [pk for pk, created_at in rows if created_at < limit]


def prune(ids: Collection[int]) -> None:
    """Delete the revocations that ``stale`` returned."""
    Revocation.objects.filter(pk__in=ids).delete()


def _access_ends(accounts: Sequence[Account]) -> dict[Account, AccessEnd]:
    now = time.time()
    ids = {account.user_id for account in accounts}
    users = User.objects.only("password", "is_active").in_bulk(ids)
    revoked = _revoked(accounts)
    bans = banned(ids)
    ends: dict[Account, AccessEnd] = {}
    for account in accounts:
        reason = _reason(account, users.get(account.user_id), now) or (
            REVOKED if account.credential in revoked else None
        )
        if reason is not None:
            ends[account] = AccessEnd(
                account.user_id, account.credential, CloseCode.SESSION_ENDED, reason
            )
        elif account.user_id in bans:
            ends[account] = AccessEnd(
                account.user_id, None, CloseCode.BANNED, str(bans[account.user_id])
            )
    return ends


def _revoked(accounts: Sequence[Account]) -> set[str]:
    """Return the credentials of ``accounts`` that are no longer valid.

    A session is invalid if it has a revocation, a token if its row is gone.
    """
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
    end = AccessEnd(row.user_id, row.credential or None, row.code, row.reason)
    return Event.hidden("revocation", row.pk, row.seq, end=end)


# Signals of django.contrib.auth, whose views and admin know nothing of sockets. Our own apps send
# each other none.


def connect_signals() -> None:
    """Listen for logouts and changes of users; called from ``AppConfig.ready``."""
    user_logged_out.connect(_logged_out, dispatch_uid="realtime.auth.revocation")
    # A proxy of the user model, and a model that inherits from it, send the signals as themselves.
    for model in [model for model in apps.get_models() if issubclass(model, User)]:
        pre_delete.connect(_hold, sender=model, dispatch_uid="realtime.auth.revocation")
        pre_save.connect(_remember, sender=model, dispatch_uid="realtime.auth.revocation")
        post_save.connect(_compare, sender=model, dispatch_uid="realtime.auth.revocation")


def _logged_out(sender: Any, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    session = getattr(request, "session", None)
    if user is None or session is None or not session.session_key:
        return
    # Django deletes the session after this signal. A socket that opens in between would come after
    # the revocation and outlive it, so the session is deleted here.
    session.delete(session.session_key)
    end_after_commit(user.pk, LOGGED_OUT, session_credential(session.session_key))


def _hold(sender: Any, instance: User, **_: Any) -> None:
    """Let nobody insert a row of an account while it is being deleted.

    Django first deletes what refers to the account. A revocation inserted after that would make
    the deletion of the account fail.
    """
    User.objects.select_for_update().filter(pk=instance.pk).first()


def _remember(
    sender: Any, instance: User, update_fields: Collection[str] | None, raw: bool, **_: Any
) -> None:
    """Keep what the database holds, to see after the save whether it changed.

    A login saves ``last_login`` alone, which costs no query.
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
        # The old tokens must not be valid again when the account is activated again.
        AccessToken.objects.filter(user=instance).delete()
        end_after_commit(instance.pk, DEACTIVATED)
    elif instance.password != password:
        end_after_commit(instance.pk, PASSWORD_CHANGED)


def end_after_commit(user_id: UserId, reason: str, credential: str = "") -> None:
    """Close sockets once the change is visible to handshakes, which follow at once.

    The admin saves inside a transaction of its own, in which no stream may be locked. A failure
    changes neither the answer nor other hooks, and is repeated. If the process dies in between,
    ``access_ends`` finds the change.
    """

    def end() -> None:
        end_sessions(user_id, code=CloseCode.SESSION_ENDED, reason=reason, credential=credential)

    def repeat() -> None:
        # An account that was deleted meanwhile has no sockets left.
        if User.objects.filter(pk=user_id).exists():
            end()

    # Not a partial, which has no name that Django could log (ticket 36487).
    def end_or_repeat() -> None:
        try:
            end()
        except Exception:
            log.exception("a revocation failed and is repeated", extra={"user": wire_id(user_id)})
            retries.add((user_id, credential), repeat)

    transaction.on_commit(end_or_repeat, robust=True)
