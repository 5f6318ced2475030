"""Limits how fast one user can post. Counted in memory, so a check costs no query.

The counts belong to the process that takes the posts. As a user's sockets stay on one node while
nothing fails, the limit of a process is nearly the limit of the site. A user who deliberately
spreads over all nodes can post as many times more as there are nodes.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.conf import settings

from realtime.protocol.errors import RateLimited

MAX_AUTHORS: Final = 5000  # that are remembered; those silent for longest are forgotten first
MAX_TEXTS: Final = 32  # remembered of one author, as hashes; some 5 KB


@dataclass(slots=True)
class _Recent:
    """The recent posts of one author."""

    since: float
    posts: int = 0
    mentions: int = 0
    # Time and hash of each text, by the key of the message.
    texts: dict[UUID, tuple[float, int]] = field(default_factory=dict)


class PostRateLimit:
    """Limits messages, mentions and repeated texts, for each author."""

    def __init__(self) -> None:
        self._authors: OrderedDict[int, _Recent] = OrderedDict()

    def check(self, author_id: int, key: UUID, body: str, mentions: int, now: float) -> None:
        """Count a message that is otherwise accepted. Raises ``RateLimited``.

        A message that is retried with its key, because its transaction failed, counts once. ``now``
        is in seconds of a monotonic clock.
        """
        recent = self._of(author_id, now)
        if key in recent.texts:
            return
        text = hash(" ".join(body.casefold().split()))
        self._check_repeats(recent, text, now)
        self._check_amount(recent, mentions, now)
        recent.posts += 1
        recent.mentions += mentions
        recent.texts[key] = (now, text)
        if len(recent.texts) > MAX_TEXTS:
            del recent.texts[next(iter(recent.texts))]  # the oldest

    def _check_repeats(self, recent: _Recent, text: int, now: float) -> None:
        most, seconds = settings.HOLDFAST_REPEATS, settings.HOLDFAST_REPEAT_SECONDS
        same = [at for at, known in recent.texts.values() if known == text and at > now - seconds]
        if most and len(same) >= most:
            raise RateLimited(
                "You've sent the same message several times. Wait a moment, or change the text.",
                retry_after=same[-most] + seconds - now,
            )

    def _check_amount(self, recent: _Recent, mentions: int, now: float) -> None:
        wait = recent.since + settings.HOLDFAST_POST_SECONDS - now
        if settings.HOLDFAST_POSTS and recent.posts >= settings.HOLDFAST_POSTS:
            raise RateLimited("You're sending messages too fast. Wait a moment.", retry_after=wait)
        most = settings.HOLDFAST_POST_MENTIONS
        if most and mentions and recent.mentions + mentions > most:
            raise RateLimited("You're mentioning too many people. Wait a moment.", retry_after=wait)

    def _of(self, author_id: int, now: float) -> _Recent:
        recent = self._authors.get(author_id)
        if recent is None:
            recent = self._authors[author_id] = _Recent(now)
            if len(self._authors) > MAX_AUTHORS:
                self._authors.popitem(last=False)
        self._authors.move_to_end(author_id)
        if now - recent.since >= settings.HOLDFAST_POST_SECONDS:
            recent.since, recent.posts, recent.mentions = now, 0, 0
        return recent


post_rate_limit: Final = PostRateLimit()  # of this process; used by the writer's thread
