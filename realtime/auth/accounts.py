"""Identifying callers: accounts, tokens and sessions, read but never written.

A handshake must not flush a session (``channels.auth`` does, when another secret made the hash),
and a socket must not prolong one. The results are plain values, because they live as long as the
socket.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from realtime.auth import session_ends
from realtime.core.commands import Caller
from realtime.core.users import User, any_name, full_name, handle, moderators, user_id_of
from realtime.models import AccessToken, UserSession
from realtime.protocol.errors import Forbidden
from realtime.protocol.user_ids import UserId

MODERATORS: Final = "moderators"  # the group whose members moderate the site
TOKEN_PREFIX: Final = "hf_"  # lets scanners for leaked secrets recognise a token
TOKEN_BYTES: Final = 32  # 256 bits, 43 characters
# Characters that are drawn as nothing or turn the text round; not the joiners, which are spelling.
_HIDDEN: Final = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]"
)
MAX_CREDENTIAL_LENGTH: Final = 4096  # the longest real one is a signed-cookie session


@dataclass(frozen=True, slots=True)
class Account:
    """A caller, as of the moment of its identification."""

    user_id: UserId
    username: str  # empty where users sign in with an e-mail address
    name: str
    is_moderator: bool
    banned: Forbidden | None  # why the account may not connect; None: it may
    expires_at: float | None  # POSIX time at which the session or the token ends; None: never
    credential: str  # "session:…" or "token:…", as in Caller
    password_fingerprint: int  # changes with the password; valid only within this process


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a request. At most one is used, the token first."""

    token: str | None
    session: str | None


@dataclass(frozen=True, slots=True)
class Identity:
    """An account and its user."""

    account: Account
    user: User

    @property
    def caller(self) -> Caller:
        """The caller as command handlers get it."""
        return Caller(self.account.user_id, self.account.username, self.account.credential)


ConnectionCheck = Callable[[Collection[UserId]], Mapping[UserId, Forbidden]]
"""``check(user_ids)``: the refusal for each of these users who may not connect, in one query."""

_connection_checks: list[ConnectionCheck] = []


def register_connection_check(check: ConnectionCheck) -> ConnectionCheck:
    """Let an app refuse accounts, such as banned ones; called from ``AppConfig.ready``."""
    if check not in _connection_checks:
        _connection_checks.append(check)
    return check


def banned(user_ids: Collection[UserId]) -> dict[UserId, Forbidden]:
    """Return the users who may not connect, each with the refusal."""
    return {
        user_id: reason
        for check in reversed(_connection_checks)
        for user_id, reason in check(user_ids).items()
    }


def shown_name(user: User) -> str:
    """Return the name that others see: the full name without hidden characters, or the username.

    New names have none (chat.text.names), but older ones may.
    """
    return _HIDDEN.sub("", full_name(user)).strip() or any_name(user)


def password_fingerprint(user: User) -> int:
    """Return Python's hash of the stored password: small, and salted for each process."""
    return hash(user.password)


def issue_token(user: User, expires_at: datetime | None = None) -> str:
    """Create and return a bearer token. It cannot be shown again: only its digest is stored."""
    token = new_token()
    token_row(user, token, expires_at).save(force_insert=True)
    return token


def new_token() -> str:
    """Return a new token that is not stored yet."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def token_row(user: User, token: str, expires_at: datetime | None = None) -> AccessToken:
    """Return the unsaved row that makes ``token`` valid."""
    return AccessToken(
        user=user,
        digest=digest(token),
        auth_hash=user.get_session_auth_hash(),
        expires_at=expires_at,
    )


def digest(secret: str) -> str:
    """Return the SHA-256 digest that identifies a token or a session key without revealing it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def session_credential(session_key: str) -> str:
    """Return the name of a session, which does not reveal its key."""
    return f"session:{digest(session_key)}"


def token_credential(token_digest: str) -> str:
    """Name a token by its stored digest."""
    return f"token:{token_digest}"


def identify(credentials: Credentials) -> Identity | None:
    """Return the identity of these credentials, or None.

    At most two queries, and one for each connection check; nothing is written.
    """
    return identify_each([credentials])[0]


def identify_each(asked: Sequence[Credentials]) -> list[Identity | None]:
    """Do the same for many callers, with the same number of queries."""
    tokens = dict(_by_token({each.token for each in asked if each.token is not None}))
    sessions = dict(
        _by_session(
            {each.session for each in asked if each.token is None and each.session is not None}
        )
    )
    found = [
        tokens.get(each.token) if each.token is not None else sessions.get(each.session or "")
        for each in asked
    ]
    user_ids = {each.user.pk for each in found if each is not None}
    bans = banned(user_ids) if user_ids else {}
    return [_identity(each, bans) if each is not None else None for each in found]


class _Found(NamedTuple):
    """The user of some credentials."""

    user: User
    moderates: bool
    credential: str
    expires_at: datetime | None


def _by_token(tokens: Collection[str]) -> Iterator[tuple[str, _Found]]:
    digests = {digest(token): token for token in tokens if _plausible(token)}
    if not digests:
        return
    moderates = moderators("user_id", MODERATORS)
    now = timezone.now()
    for row in (
        AccessToken.objects.select_related("user")
        .annotate(moderates=moderates)
        .filter(digest__in=digests)
    ):
        expired = row.expires_at is not None and row.expires_at <= now
        if row.user.is_active and not expired and password_unchanged(row.user, row.auth_hash):
            yield (
                digests[row.digest],
                _Found(row.user, row.moderates, token_credential(row.digest), row.expires_at),
            )


def _by_session(keys: Collection[str]) -> Iterator[tuple[str, _Found]]:
    loaded = _load_sessions([key for key in keys if _plausible(key)])
    sessions = {key: session for key, session in loaded.items() if _backend_in_use(session[0])}
    if not sessions:
        return
    moderates = moderators("pk", MODERATORS)
    users = User.objects.annotate(moderates=moderates).filter(
        pk__in=set(_user_ids(data for data, _ in sessions.values())), is_active=True
    )
    by_id = {str(user.pk): user for user in users}
    for key, (data, expires_at) in sessions.items():
        user = by_id.get(str(data[SESSION_KEY]))
        if user is not None and password_unchanged(user, data.get(HASH_SESSION_KEY) or ""):
            yield key, _Found(user, user.moderates, session_credential(key), expires_at)


def _user_ids(sessions: Iterable[Mapping[str, Any]]) -> Iterator[UserId]:
    for data in sessions:
        # A session of another user model, from before the project changed it, is nobody's.
        with suppress(ValueError):
            yield user_id_of(data[SESSION_KEY])


def _backend_in_use(data: Mapping[str, Any]) -> bool:
    return (
        data.get(SESSION_KEY) is not None
        and data.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
    )


Session = tuple[Mapping[str, Any], datetime | None]


def _load_sessions(keys: Collection[str]) -> dict[str, Session]:
    """Return current sessions and the time at which each ends, without changing them.

    Sessions with a table are read from the table and not from a cache in front of it: the cache may
    hold a session that has just been deleted (a reader that missed stores it after the deletion),
    it does not know when the session expires, and it may be down.
    """
    if not keys:
        return {}
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(store, "get_model_class"):
        return {
            key: (session.load(), session.get_expiry_date())
            for key in keys
            for session in [store(key)]
        }
    rows = store.get_model_class().objects.filter(
        session_key__in=keys, expire_date__gt=timezone.now()
    )
    found = {
        key: (data, session_ends.end(data.get(session_ends.SIGNED_IN), expires))
        for key, raw, expires in rows.values_list("session_key", "session_data", "expire_date")
        for data in [store().decode(raw)]
    }
    return {key: each for key, each in found.items() if each[1] > timezone.now()}


def session_ends_of(accounts: Collection[Account]) -> dict[Account, float]:
    """Return the accounts whose session still lasts, with the time at which it ends by now."""
    rows = UserSession.objects.filter(user_id__in={each.user_id for each in accounts})
    keys = list(rows.values_list("session_id", flat=True))
    ends = {
        session_credential(key): expires.timestamp()
        for key, (_, expires) in _load_sessions(keys).items()
        if expires is not None
    }
    return {each: ends[each.credential] for each in accounts if each.credential in ends}


def password_unchanged(user: User, auth_hash: str) -> bool:
    """Return whether ``auth_hash`` belongs to the user's current password and a valid secret."""
    if constant_time_compare(auth_hash, user.get_session_auth_hash()):
        return True
    return any(
        constant_time_compare(auth_hash, each) for each in user.get_session_auth_fallback_hash()
    )


def _identity(found: _Found, bans: Mapping[UserId, Forbidden]) -> Identity:
    user = found.user
    account = Account(
        user_id=user.pk,
        username=handle(user),
        name=shown_name(user),
        is_moderator=found.moderates or getattr(user, "is_superuser", False),
        banned=bans.get(user.pk),
        expires_at=found.expires_at.timestamp() if found.expires_at is not None else None,
        credential=found.credential,
        password_fingerprint=password_fingerprint(user),
    )
    return Identity(account, user)


def _plausible(secret: str) -> bool:
    """Whether to query the database for it: no control characters, a sane length."""
    return 0 < len(secret) <= MAX_CREDENTIAL_LENGTH and secret.isascii() and secret.isprintable()
