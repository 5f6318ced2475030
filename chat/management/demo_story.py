"""The content of the demo, as read from ``demo.toml``."""

import re
from datetime import timedelta
from pathlib import Path

import msgspec

_FILE = Path(__file__).with_name("demo.toml")
_AGO = re.compile(r"(?:(?P<days>\d+)d)? ?(?:(?P<hours>\d+)h)? ?(?:(?P<minutes>\d+)m)?")


class DemoPerson(msgspec.Struct, forbid_unknown_fields=True):
    """An account. ``note`` is printed with the login."""

    username: str
    first_name: str
    last_name: str
    note: str


class DemoMessage(msgspec.Struct, forbid_unknown_fields=True):
    """A message. ``name`` is for those that reply to it; ``before_edit`` is its original text."""

    ago: str
    author: str
    text: str
    name: str = ""
    reply_to: str = ""
    before_edit: str = ""
    reactions: dict[str, list[str]] = {}
    deleted: bool = False

    @property
    def age(self) -> timedelta:
        found = _AGO.fullmatch(self.ago)
        if found is None:
            raise ValueError(f"expected a time such as 2d 3h 5m, got {self.ago!r}")
        return timedelta(
            **{unit: int(number) for unit, number in found.groupdict(default="0").items()}
        )


class DemoRoom(msgspec.Struct, forbid_unknown_fields=True):
    """A room. ``unread`` has the number of unread messages of some members."""

    slug: str
    name: str
    topic: str
    owner: str
    members: list[str]
    messages: list[DemoMessage]
    private: bool = False
    read_only: bool = False
    unread: dict[str, int] = {}


class Conversation(msgspec.Struct, forbid_unknown_fields=True):
    people: tuple[str, str]
    messages: list[DemoMessage]
    unread: dict[str, int] = {}


class Story(msgspec.Struct, forbid_unknown_fields=True):
    welcome: str
    people: list[DemoPerson]
    rooms: list[DemoRoom]
    conversations: list[Conversation]


def story() -> Story:
    return msgspec.toml.decode(_FILE.read_bytes(), type=Story)
