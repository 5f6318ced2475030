"""Which of the users that follow a stream a signal is for."""

from collections.abc import Collection
from typing import Final, NamedTuple

from realtime.protocol.user_ids import UserId, WireId, wire_id


class Receivers(NamedTuple):
    """Everyone, without one user, or only some of them."""

    except_user: WireId = None
    only_users: Collection[WireId] | None = None

    def has(self, user_id: UserId) -> bool:
        """Return whether a user is meant."""
        found = wire_id(user_id)
        return found != self.except_user and (self.only_users is None or found in self.only_users)


EVERYONE: Final = Receivers()


def without(user_id: UserId) -> Receivers:
    """Return everyone but this user."""
    return Receivers(except_user=wire_id(user_id))
