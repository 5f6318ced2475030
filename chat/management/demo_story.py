"""The demo's story, as read from ``demo.toml``."""

import re
from datetime import timedelta
from pathlib import Path

import msgspec

_FILE = Path(__file__).with_name("demo.toml")
_AGO = re.compile(r"(?:(?P<days>\d+)d)? ?(?:(?P<hours>\d+)h)? ?(?:(?P<minutes>\d+)m)?")


class Person(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody with an account. ``note`` is printed with the login."""

    username: str
    first_name: str
    last_name: str
    note: str


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """One message. ``name`` is for those that answer it; ``first`` is what it said before it was edited."""

    ago: str
    who: str
    text: str
    name: str = ""
    answers: str = ""
    first: str = ""
    reactions: dict[str, list[str]] = {}
    deleted: bool = False

    @property
    def before(self) -> timedelta:
        """How long before now."""
        found = _AGO.fullmatch(self.ago)
        if found is None:
            raise ValueError(f"expected a time such as 2d 3h 5m, got {self.ago!r}")
        return timedelta(
            **{unit: int(number) for unit, number in found.groupdict(default="0").items()}
        )


class DemoRoom(msgspec.Struct, forbid_unknown_fields=True):
    """A room with its people and what they said. ``unread`` is how many of the last messages somebody has not seen."""

    slug: str
    name: str
    topic: str
    owner: str
    members: list[str]
    said: list[Said]
    private: bool = False
    read_only: bool = False
    unread: dict[str, int] = {}


class Conversation(msgspec.Struct, forbid_unknown_fields=True):
    """What two people say to each other."""

    people: tuple[str, str]
    said: list[Said]
    unread: dict[str, int] = {}


class Story(msgspec.Struct, forbid_unknown_fields=True):
    """All of it."""

    welcome: str
    people: list[Person]
    rooms: list[DemoRoom]
    conversations: list[Conversation]


def story() -> Story:
    """Read the story."""
    return msgspec.toml.decode(_FILE.read_bytes(), type=Story)
