"""The level/behind machine of one socket: what it is pushed, what it skips, and when it is told.

::

    answered, to == head                    answered, to < head
          │                                        │
          ▼      fall (slow, or the tail gave up)  ▼
        LEVEL ───────────────▶ BEHIND           TOLD ◀── the client pulls when it is ready
          ▲                      │                ▲
          └── answered ──────────┴─ drained ──────┘  one `behind` object

A socket that is BEHIND is sent nothing, so its unsent bytes can only shrink; when they have, it gets one ``behind`` per stream and pulls at
its own pace. A page that reaches the head makes the subscription level in the same step in which it is answered, so nothing can
fall between the answer and the next flush.
"""

from enum import Enum, auto

from realtime.protocol.page import Page


class State(Enum):
    """How a socket stands to one of its streams."""

    LEVEL = auto()  # has been sent everything, is pushed every event
    BEHIND = auto()  # fell, and does not know it yet
    TOLD = auto()  # knows that there is more to pull, is pushed nothing


class Verdict(Enum):
    """What to do with a socket that has so many unsent bytes."""

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
        # Told below half of the mark, else one page would push it over the mark again.
        self._low = soft // 2
        self.subscriptions: dict[str, State] = {}

    def answered(self, stream: str, page: Page) -> None:
        """Note that a page is being sent as the answer to a subscribe or pull: it decides whether the socket is level."""
        self.subscriptions[stream] = State.LEVEL if page.to == page.head else State.TOLD

    def left(self, stream: str) -> None:
        """Forget a subscription, whoever ended it."""
        self.subscriptions.pop(stream, None)

    def is_level(self, stream: str) -> bool:
        """Whether the socket is pushed the stream's events."""
        return self.subscriptions.get(stream) is State.LEVEL

    def verdict(self, unsent: int) -> Verdict:
        """Judge a socket by its unsent bytes before it is sent anything unasked."""
        if unsent <= self._soft:
            return Verdict.SEND
        return Verdict.SKIP if unsent <= self._hard else Verdict.CLOSE

    def fall(self, stream: str) -> None:
        """Take a level subscription out of the flushes: it was skipped, or the tail has given up what it should have been sent."""
        if self.subscriptions.get(stream) is State.LEVEL:
            self.subscriptions[stream] = State.BEHIND

    def drained(self, unsent: int) -> list[str]:
        """Return the streams whose one ``behind`` object is sent now; empty while too much is still unsent."""
        if unsent > self._low:
            return []
        told = [stream for stream, state in self.subscriptions.items() if state is State.BEHIND]
        for stream in told:
            self.subscriptions[stream] = State.TOLD
        return told
