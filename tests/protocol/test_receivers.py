"""Which users a signal is for, with the keys of any user model."""

from uuid import UUID

import pytest

from realtime.protocol.receivers import EVERYONE, Receivers, without
from realtime.protocol.user_ids import UserId, wire_id

KEY, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("key", "on_the_wire"), [(7, 7), (None, None), ("ada", "ada"), (KEY, str(KEY))]
)
def test_keys_travel_as_integers_or_text(key: UserId, on_the_wire: object) -> None:
    assert wire_id(key) == on_the_wire


@pytest.mark.parametrize(("user", "other"), [(1, 2), ("ada", "ben"), (KEY, OTHER)])
def test_receivers_know_users_of_any_key(user: UserId, other: UserId) -> None:
    only = Receivers(only_users=frozenset({wire_id(user)}))
    found = [each.has(who) for each in (EVERYONE, without(user), only) for who in (user, other)]
    assert found == [True, True, False, True, True, False]
