"""The fixture ``verify``: *snapshot + pages + events == fresh snapshot*, for every service.

::

    def test_reading_is_replayed(verify, alice):
        with verify() as change:
            services.read(user_id=alice.pk, ids=[7])
        assert change.kinds("inbox.1") == ["notification"]

After the block every stream must be as a client of protocol.md §3 sees it: one that was level and
got the events, one that was away and pulls pages, and one that starts from nothing end with the
same rows; and each number belongs to exactly one event.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from realtime.core import publishing, reads
from realtime.models import Stream
from realtime.protocol.page import Event, Page
from tests.support.follower import Action, Follower

PAGE_EVENTS = 3  # small, so that every replay is cut in the middle

Rows = dict[tuple[str, int], dict[str, Any]]
"""The state of a stream: (kind, id) → the row as it came last, its seq included."""


@dataclass(slots=True)
class Client:
    """A client of one stream."""

    stream: str
    rows: Rows = field(default_factory=dict)
    follower: Follower = field(default_factory=lambda: Follower(0))

    def receive(self, event: Event) -> None:
        """Take a pushed event."""
        if self.follower.event(event.seq) is Action.APPLY:
            self._apply(event)

    def pull(self) -> "Client":
        """Pull pages until level."""
        while True:
            page: Page = reads.page(self.stream, self.follower.position, PAGE_EVENTS)
            _, again = self.follower.page(page.start, page.to, page.head)
            for event in page.events:
                self._apply(event)
            if not again:
                return self

    def copy(self) -> "Client":
        """Return a second client with the same rows and position."""
        return Client(self.stream, dict(self.rows), Follower(self.follower.position))

    def _apply(self, event: Event) -> None:
        if event.body is not None:
            row = msgspec.json.decode(event.body)
            assert row["seq"] == event.seq
            self.rows[row["kind"], row["data"]["id"]] = row


@dataclass(slots=True)
class Change:
    """The events published inside a ``verify`` block, by stream and in order."""

    published: dict[str, list[Event]] = field(default_factory=dict)

    def rows(self, stream: str) -> list[dict[str, Any]]:
        """Return the published rows of a stream as a client reads them, without hidden ones."""
        return [
            msgspec.json.decode(event.body)
            for event in self.published.get(stream, [])
            if event.body is not None
        ]

    def kinds(self, stream: str) -> list[str]:
        """Return their kinds."""
        return [row["kind"] for row in self.rows(stream)]

    def data(self, stream: str) -> list[dict[str, Any]]:
        """Return their contents."""
        return [row["data"] for row in self.rows(stream)]

    def ends(self, stream: str) -> list[Any]:
        """Return the rights that were taken away."""
        return [event.end for event in self.published.get(stream, []) if event.end is not None]

    @property
    def streams(self) -> list[str]:
        """The streams that changed."""
        return sorted(self.published)


Verify = Callable[[], AbstractContextManager[Change]]


@pytest.fixture
def verify(
    db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> Verify:
    """Check all streams across the changes that are made inside ``with verify():``."""

    @contextmanager
    def verified() -> Iterator[Change]:
        change = Change()

        def capture(changes: publishing.Changes) -> None:
            for name, events in changes.items():
                change.published.setdefault(name, []).extend(events)

        before = {
            name: Client(name).pull() for name in Stream.objects.values_list("name", flat=True)
        }
        with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
            patch.setattr(publishing, "publish", capture)
            yield change
        for name in Stream.objects.values_list("name", flat=True):
            _compare(before.get(name, Client(name)), change.published.get(name, []))

    return verified


def _compare(before: Client, published: Sequence[Event]) -> None:
    stream, start = before.stream, before.follower.position
    head, _ = reads.head_and_floor(stream)
    numbers = sorted(event.seq for event in published)
    assert numbers == list(range(start + 1, head + 1)), (
        f"{stream}: expected one event for each number after {start} up to {head}"
    )
    level = before.copy()
    for event in sorted(published, key=lambda event: event.seq):
        level.receive(event)
    fresh = Client(stream).pull()
    assert level.rows == fresh.rows, (
        f"{stream}: the events and a replay from the beginning tell different stories"
    )
    assert before.copy().pull().rows == fresh.rows, (
        f"{stream}: the pages after {start} and a replay from the beginning differ"
    )
