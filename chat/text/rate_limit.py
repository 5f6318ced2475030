"""Limits how fast one user can post. Counted in memory, so a check costs no query.

The counts belong to the process that takes the posts. ``chat.services.messages.site_limits`` adds
up what one user posts through several nodes.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from uuid import UUID

from django.conf import settings

from realtime.protocol.errors import RateLimited
from realtime.protocol.limits import SlidingCount

MAX_AUTHORS: Final = 5000  # that are remembered; those silent for longest are forgotten first
MAX_TEXTS: Final = 32  # remembered of one author, as hashes; some 5 KB


@dataclass(slots=True)
class _Recent:
    """The recent posts of one author."""

    posts: SlidingCount
    mentions: SlidingCount
    # By the key of the message.
    texts: dict[UUID, "_CountedText"] = field(default_factory=dict)


@dataclass(slots=True)
class _CountedText:
    at: float
    hash: int
    mentions: int = 0


class PostRateLimit:
    """Limits messages, mentions and repeated texts, for each author. Threads may share it."""

    def __init__(self) -> None:
        self._authors: OrderedDict[int, _Recent] = OrderedDict()
        self._lock = Lock()

    def check(self, author_id: int, key: UUID, body: str, now: float) -> bool:
        """Count a message before it is rendered. Raises ``RateLimited``.

        A message that is retried with its key, because its transaction failed, counts once; then
        False is returned. ``now`` is in seconds of a monotonic clock.
        """
        text = hash(" ".join(body.casefold().split()))
        with self._lock:
            recent = self._of(author_id, now)
            if key in recent.texts:
                return False
            self._check_repeats(recent, text, now)
            self._check_amount(recent, now)
            recent.posts.current += 1
            recent.texts[key] = _CountedText(now, text)
            if len(recent.texts) > MAX_TEXTS:
                del recent.texts[next(iter(recent.texts))]  # the oldest
            return True

    def give_back(self, author_id: int, key: UUID) -> None:
        """Forget a message that was refused for another reason. The next try is checked again."""
        with self._lock:
            recent = self._authors.get(author_id)
            if recent is not None and key in recent.texts:
                del recent.texts[key]
                recent.posts.current = max(recent.posts.current - 1, 0)

    def check_mentions(self, author_id: int, key: UUID, mentions: int, now: float) -> None:
        """Count the people that a message mentions. Raises ``RateLimited``."""
        if not mentions:
            return
        with self._lock:
            recent = self._of(author_id, now)
            counted = recent.texts.get(key)
            new = mentions - (counted.mentions if counted is not None else 0)
            most, seconds = settings.HOLDFAST_POST_MENTIONS, settings.HOLDFAST_POST_SECONDS
            if most and new > 0 and recent.mentions.total(now, seconds) + new > most:
                raise RateLimited(
                    "You're mentioning too many people. Wait a moment.",
                    retry_after=recent.mentions.wait(now, seconds, most, new),
                )
            recent.mentions.current += max(new, 0)
            if counted is not None:
                counted.mentions = mentions

    def _check_repeats(self, recent: _Recent, text: int, now: float) -> None:
        most, seconds = settings.HOLDFAST_REPEATS, settings.HOLDFAST_REPEAT_SECONDS
        same = [
            known.at
            for known in recent.texts.values()
            if known.hash == text and known.at > now - seconds
        ]
        if most and len(same) >= most:
            raise RateLimited(
                "You've sent the same message several times. Wait a moment, or change the text.",
                retry_after=same[-most] + seconds - now,
            )

    def _check_amount(self, recent: _Recent, now: float) -> None:
        most, seconds = settings.HOLDFAST_POSTS, settings.HOLDFAST_POST_SECONDS
        if most and recent.posts.total(now, seconds) >= most:
            raise RateLimited(
                "You're sending messages too fast. Wait a moment.",
                retry_after=recent.posts.wait(now, seconds, most),
            )

    def _of(self, author_id: int, now: float) -> _Recent:
        recent = self._authors.get(author_id)
        if recent is None:
            recent = _Recent(SlidingCount(now), SlidingCount(now))
            self._authors[author_id] = recent
            if len(self._authors) > MAX_AUTHORS:
                self._authors.popitem(last=False)
        self._authors.move_to_end(author_id)
        for count in (recent.posts, recent.mentions):
            count.move(now, settings.HOLDFAST_POST_SECONDS)
        return recent


post_rate_limit: Final = PostRateLimit()  # of this process
