"""The bodies of requests."""

from typing import Annotated, Final

import msgspec

from chat import policies

AFew: Final = msgspec.Meta(max_length=100)  # more than a group may have: the service says how many


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request. Unknown fields are refused, because they may be misspelt ones."""


class NewRoom(Body):
    name: str
    kind: str
    topic: str = ""
    slug: str = ""


class Companions(Body):
    """The other users of a direct room, by id or by username. One field is given."""

    user: policies.RowId | None = None
    username: str | None = None
    users: Annotated[list[policies.RowId], AFew] | None = None
    usernames: Annotated[list[str], AFew] | None = None


class RoomChanges(Body):
    name: str | None = None
    topic: str | None = None
    slow_mode: int | None = None
    read_only: bool | None = None
    read_receipts: bool | None = None
    archived: bool | None = None
    reason: str = ""


class Invitation(Body):
    username: str


class NewOwner(Body):
    user: policies.RowId


class NewLink(Body):
    """An invitation link: its lifetime in seconds, and how many people may use it."""

    seconds: int
    max_uses: int


class MemberChange(Body):
    """A change of a member: one of the first three fields. ``banned_for`` goes with a ban."""

    role: str | None = None
    state: str | None = None
    muted_for: int | None = None
    banned_for: int | None = None
    reason: str = ""


class PersonChange(Body):
    """A change by a site moderator: a mute (0 unmutes) or a ban.

    A ban without ``banned_for`` lasts until it is lifted.
    """

    muted_for: int | None = None
    banned: bool | None = None
    banned_for: int | None = None
    reason: str = ""


class ReceiptChoice(Body):
    """Whether the user gives read receipts, and so gets them."""

    on: bool


class DisplayChange(Body):
    """A change of how the user sees the site. The language "" is the browser's."""

    theme: str | None = None
    density: str | None = None
    clock: str | None = None
    language: str | None = None
    folded: list[str] | None = None
    unread_first: bool | None = None


class MyChange(Body):
    """A change of the user's own membership: one of the first three fields.

    ``quiet_for`` is in seconds; 0 ends it. ``favourite_order`` goes with ``favourite``.
    """

    involvement: str | None = None
    quiet_for: int | None = None
    favourite: bool | None = None
    favourite_order: float | None = None
