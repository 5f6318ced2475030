"""Which accounts are new: younger than HOLDFAST_NEW_ACCOUNT_DAYS, without those of moderators.

Rules over all accounts count new ones only. A process remembers what it has read, so that usual
posts need no query: that an account is not new for ever, and that it is new for a minute.
"""

import time
from collections import OrderedDict
from collections.abc import Collection
from datetime import timedelta
from threading import Lock
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from realtime.auth import MODERATORS
from realtime.core.users import User

MAX_REMEMBERED: Final = 50_000  # accounts, about 8 MB
NEW_SECONDS: Final = 60.0  # for which "new" is believed; it can become a moderator meanwhile


class NewAccounts:
    """The knowledge of a process about accounts. Threads may share it."""

    def __init__(self) -> None:
        # Until when an account is known to be new; infinity is never: it is not new.
        self._known: OrderedDict[int, tuple[bool, float]] = OrderedDict()
        self._lock = Lock()

    def known(self, user_id: int) -> bool | None:
        """Return whether an account is new, without a query; None if that is not known."""
        if not settings.HOLDFAST_NEW_ACCOUNT_DAYS:
            return False
        is_new, until = self._known.get(user_id, (None, 0.0))
        return is_new if until > time.monotonic() else None

    def among(self, user_ids: Collection[int]) -> set[int]:
        """Return the new accounts among these, with one query at most."""
        known = {user_id: self.known(user_id) for user_id in user_ids}
        unknown = [user_id for user_id, is_new in known.items() if is_new is None]
        if unknown:
            found = set(_read(unknown))
            self._learn(unknown, found)
            known |= {user_id: user_id in found for user_id in unknown}
        return {user_id for user_id, is_new in known.items() if is_new}

    def forget(self) -> None:
        """Forget everything; for tests, whose users share their ids."""
        self._known.clear()

    def _learn(self, user_ids: Collection[int], new: Collection[int]) -> None:
        until = time.monotonic() + NEW_SECONDS
        with self._lock:
            for user_id in user_ids:
                is_new = user_id in new
                self._known[user_id] = (is_new, until if is_new else float("inf"))
            while len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)


def _read(user_ids: Collection[int]) -> list[int]:
    since = timezone.now() - timedelta(days=settings.HOLDFAST_NEW_ACCOUNT_DAYS)
    staff = Q(is_staff=True) | Q(is_superuser=True) | Q(groups__name=MODERATORS)
    rows = User.objects.filter(pk__in=user_ids, date_joined__gt=since).exclude(staff)
    return list(rows.values_list("pk", flat=True))


new_accounts: Final = NewAccounts()  # of this process
