"""The level/behind machine of one socket: what it is sent, what it skips, and when it is notified.

::

    answered, to == head                    answered, to < head
          │                                        │
          ▼      fall (slow, or the tail overflowed) ▼
        LEVEL ───────────────▶ BEHIND         NOTIFIED ◀── the client pulls when it is ready
          ▲                      │                ▲
          └── answered ──────────┴─ drained ──────┘  one `behind` object

A BEHIND socket is sent nothing, so its unsent bytes can only shrink. Once they have, it gets one
``behind`` per stream and pulls at its own pace. A page that reaches the head makes the subscription
level in the same step in which it is answered, so nothing can fall between the answer and the next
flush.
"""

from enum import Enum, auto

from realtime.protocol.page import Page


class DeliveryState(Enum):
    """The state of one subscription of a socket."""

    LEVEL = auto()  # has everything, is sent every event
    BEHIND = auto()  # misses events, has not been notified
    NOTIFIED = auto()  # knows that it has to pull, is sent nothing


class Backpressure(Enum):
    """How to treat a socket, by its unsent bytes."""

    SEND = auto()
    SKIP = auto()  # above the soft mark: let its subscriptions fall
    CLOSE = auto()  # above the hard mark: not even control frames drain (4003)


class Delivery:
    """The subscriptions of one socket. ``soft`` and ``hard`` are marks in unsent bytes."""

    __slots__ = ("_hard", "_low", "_soft", "subscriptions")

    def __init__(self, soft: int, hard: int) -> None:
        if not 0 < soft < hard:
            raise ValueError(
                f"expected a soft mark above 0 and below the hard mark, got {soft} and {hard}"
            )
        self._soft = soft
        self._hard = hard
        # Notified below half of the mark; else one page would exceed the mark again.
        self._low = soft // 2
        self.subscriptions: dict[str, DeliveryState] = {}

    def answered(self, stream: str, page: Page) -> None:
        """Note the page of a reply: it decides whether the subscription is level."""
        self.subscriptions[stream] = (
            DeliveryState.LEVEL if page.to == page.head else DeliveryState.NOTIFIED
        )

    def left(self, stream: str) -> None:
        """Forget a subscription, whether the client or the server ended it."""
        self.subscriptions.pop(stream, None)

    def is_level(self, stream: str) -> bool:
        """Whether the socket is sent the stream's events."""
        return self.subscriptions.get(stream) is DeliveryState.LEVEL

    def backpressure(self, unsent: int) -> Backpressure:
        """Decide by the unsent bytes before the socket is sent anything it did not ask for."""
        if unsent <= self._soft:
            return Backpressure.SEND
        return Backpressure.SKIP if unsent <= self._hard else Backpressure.CLOSE

    def fall(self, stream: str) -> None:
        """Exclude a level subscription from flushes: it was skipped, or the tail overflowed."""
        if self.subscriptions.get(stream) is DeliveryState.LEVEL:
            self.subscriptions[stream] = DeliveryState.BEHIND

    def drained(self, unsent: int) -> list[str]:
        """Return the streams to send ``behind`` for now; empty while too much is still unsent."""
        if unsent > self._low:
            return []
        notified = [
            stream for stream, state in self.subscriptions.items() if state is DeliveryState.BEHIND
        ]
        for stream in notified:
            self.subscriptions[stream] = DeliveryState.NOTIFIED
        return notified
