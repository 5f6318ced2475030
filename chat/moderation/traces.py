"""Hints for moderators about accounts that share an address block, a browser or a text.

A trace is a digest with the site's key, never the address, the cookie or the text. Traces prove
nothing: households, offices and mobile networks share them. ``chat.services.traces`` stores
them, and each has an end (HOLDFAST_TRACE_DAYS).
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from chat.models import DIGEST_LENGTH, Message, SiteBan, Trace
from chat.moderation import site_bans
from chat.text.folding import folded
from realtime.auth.last_seen import address_block
from realtime.core.users import User

Kind = Trace.Kind
# Posts of younger accounts leave a trace of their text: those of someone who comes back. Of older
# accounts only what was reported or removed does, so that posting costs most people nothing.
TEXTS_FOR_DAYS: Final = 30
MIN_TEXT: Final = 12  # characters: greetings and "thank you" connect nobody
MAX_TEXT: Final = 500  # characters that are compared
MAX_OWN: Final = 50  # newest traces of a kind that are looked up
MAX_SHARING: Final = 1000  # newest rows of others that are read for them
MAX_PEOPLE: Final = 5  # that a hint names, banned ones first


class NewTrace(NamedTuple):
    """A trace that an account leaves."""

    user_id: int
    kind: str
    digest: str


def of_address(user_id: int, address: str) -> list[NewTrace]:
    """Return the trace of an address: of the network around it, /24 or /48.

    None if the address is unknown or this machine's own, which all clients of a proxy share.
    """
    block = address_block(address)
    if not block or ipaddress.ip_address(address).is_loopback:
        return []
    return [NewTrace(user_id, Kind.ADDRESS, _digest(Kind.ADDRESS, block))]


def of_device(user_id: int, name: str) -> list[NewTrace]:
    """Return the trace of a browser, by the name in its signed cookie."""
    return [NewTrace(user_id, Kind.DEVICE, _digest(Kind.DEVICE, name))] if name else []


def of_text(user_id: int, body: str) -> list[NewTrace]:
    """Return the trace of a text as filters compare it, if it is long enough."""
    text = folded(body[:MAX_TEXT]).text.strip()
    return [NewTrace(user_id, Kind.TEXT, _digest(Kind.TEXT, text))] if len(text) >= MIN_TEXT else []


def leaves_text(message: Message) -> bool:
    """Return whether a new message leaves a trace of its text.

    Only in public rooms, which moderators can read: no hint confirms a guess about a private text.
    """
    age = message.created_at - message.author.date_joined
    return (
        settings.HOLDFAST_TRACE_DAYS > 0
        and message.is_public
        and age < timedelta(days=TEXTS_FOR_DAYS)
    )


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that an account shares with others, and when the last of them used it."""

    kind: str
    accounts: int  # others
    banned: int  # of them, from the site
    is_cut: bool  # there may be more of both
    last_at: datetime
    people: list[User]

    @property
    def days(self) -> int:
        return int(settings.HOLDFAST_TRACE_DAYS)


def hints(user_id: int) -> list[Hint]:
    """Return what a person shares with other accounts, by kind."""
    found = [_hint(user_id, kind) for kind in (Kind.DEVICE, Kind.TEXT, Kind.ADDRESS)]
    return [hint for hint in found if hint is not None]


def apart(user_ids: Iterable[int]) -> int:
    """Return how many people these accounts may be: those of one browser count as one."""
    ids = set(user_ids)
    rows = _kept().filter(kind=Kind.DEVICE, user__in=ids).order_by("-seen_at")
    users: dict[str, set[int]] = defaultdict(set)
    for user_id, digest in rows.values_list("user", "digest")[:MAX_SHARING]:
        users[digest].add(user_id)
    return len(_groups(ids, (together for together in users.values() if len(together) > 1)))


def _groups(ids: set[int], shared: Iterable[set[int]]) -> list[set[int]]:
    """Join the accounts that share something with each other, directly or through others."""
    groups = [{user_id} for user_id in ids]
    for together in shared:
        touched = [group for group in groups if group & together]
        groups = [group for group in groups if not group & together] + [set().union(*touched)]
    return groups


def _hint(user_id: int, kind: str) -> Hint | None:
    own = _kept().filter(user=user_id, kind=kind).order_by("-seen_at")
    digests = list(own.values_list("digest", flat=True)[:MAX_OWN])
    if not digests:
        return None
    rows = _kept().filter(kind=kind, digest__in=digests).exclude(user=user_id)
    newest = rows.order_by("-seen_at").values_list("user", "seen_at")[: MAX_SHARING + 1]
    last: dict[int, datetime] = {}
    for other_id, seen_at in newest:
        last.setdefault(other_id, seen_at)
    # Also banned people beyond the newest rows: a moderator looks for them.
    bans = SiteBan.objects.filter(site_bans.in_effect(), user__in=rows.values("user"))
    banned = list(bans.values_list("user", flat=True)[:MAX_SHARING])
    if missing := set(banned) - set(last):
        seen = rows.filter(user__in=missing).values_list("user").annotate(at=Max("seen_at"))
        last |= dict(seen)
    if not last:
        return None
    return Hint(
        kind=kind,
        accounts=len(last),
        banned=len(banned),
        is_cut=len(newest) > MAX_SHARING,
        last_at=max(last.values()),
        people=_named(banned, sorted(last, key=lambda other: last[other], reverse=True)),
    )


def _named(banned: Sequence[int], others: Sequence[int]) -> list[User]:
    ids = list(dict.fromkeys([*banned, *others]))[:MAX_PEOPLE]
    people = User.objects.in_bulk(ids)
    return [people[user_id] for user_id in ids if user_id in people]


def _kept() -> "QuerySet[Trace]":
    """Return traces whose time has not passed, whether or not a run has deleted the others."""
    return Trace.objects.filter(seen_at__gt=cutoff(timezone.now()))


def cutoff(now: datetime) -> datetime:
    """Return the time before which a trace was last seen if it is no longer kept."""
    return now - timedelta(days=settings.HOLDFAST_TRACE_DAYS)


def _digest(kind: str, value: str) -> str:
    mac = salted_hmac(f"chat.traces.{kind}", value, algorithm="sha256")
    return mac.hexdigest()[:DIGEST_LENGTH]
