"""Inboxes to test with. Alice is the one who reads."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from notifications import payloads, services, targets
from notifications.models import Announcement, Notification
from notifications.policies import Words
from notifications.queries import Audience
from notifications.targets import Place, Resolved
from realtime.core.heads import changing
from tests.support.replay import verify

__all__ = ["verify"]

Notify = Callable[..., Notification]
Announce = Callable[..., Announcement]


@pytest.fixture
def notify(db: None) -> Notify:
    """Put one notification into an inbox: ``notify(alice, title="Hello")``."""

    def put(
        user: User, *, kind: str = "news", title: str = "Something happened", **fields: Any
    ) -> Notification:
        with changing(payloads.inbox(user.pk)) as heads:
            row = services.notify(
                heads, services.Notice(user_id=user.pk, kind=kind, title=title, **fields)
            )
        assert row is not None, f"{user} has turned off notifications of {kind}"
        return row

    return put


@pytest.fixture
def announce(db: None) -> Announce:
    """Announce something to all users: ``announce("Maintenance at six")``."""

    def put(body: str, **words: Any) -> Announcement:
        return services.broadcast(
            words=Words(body=body, **words), audience=Audience(everybody=True)
        ).announcement

    return put


class Rooms:
    """A fake app with places: rooms with names, ids, members and posts."""

    def __init__(self, members: Mapping[str, int]) -> None:
        self.places = {
            name: Place(ident, name, people)
            for ident, (name, people) in enumerate(members.items(), start=1)
        }
        self.posted: dict[int, dict[str, Any]] = {}

    def resolve(self, names: Sequence[str]) -> Resolved:
        missing = {
            name: targets.close_matches(name, self.places)
            for name in names
            if name not in self.places
        }
        return Resolved([self.places[name] for name in names if name in self.places], missing)

    def send(self, ident: int, *, key: UUID, **said: Any) -> int:
        for posted, message in self.posted.items():
            if message["key"] == key:
                return posted
        self.posted[len(self.posted) + 1] = {"room": ident, "key": key, **said}
        return len(self.posted)

    def register(self) -> None:
        targets.register_target("room", self.resolve, self.send, self.recall, self.edit)

    def edit(self, ident: int, **said: Any) -> bool:
        self.posted[ident] |= said
        return True

    def recall(self, posted: int) -> bool:
        was_there: bool = self.posted[posted]["body"] != ""
        self.posted[posted]["body"] = ""
        return was_there


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> Rooms:
    """The rooms general (12 members) and random (3)."""
    found = Rooms({"general": 12, "random": 3})
    monkeypatch.setattr(targets, "_targets", {})
    found.register()
    return found
