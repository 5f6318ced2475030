"""Who posts too much: counted in memory by the process that takes the posts, so that it costs no query.

A person's sockets keep to one node while nothing fails, so a limit of a process is nearly one of the site; somebody who spreads over all
nodes on purpose gets it as often as there are nodes.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.conf import settings

from realtime.protocol.errors import RateLimited

PEOPLE: Final = 5000  # of whom something is remembered; the longest silent are forgotten first
TEXTS: Final = 32  # of one person, as hashes; some 5 KB


@dataclass(slots=True)
class _Lately:
    """What one person posted."""

    since: float
    posts: int = 0
    mentions: int = 0
    # When, and what as a hash; by key, so that none is compared.
    texts: dict[UUID, tuple[float, int]] = field(default_factory=dict)


class Flood:
    """Lets people post so many messages, mentions and repetitions, and then makes them wait."""

    def __init__(self) -> None:
        self._people: OrderedDict[int, _Lately] = OrderedDict()

    def check(self, author_id: int, key: UUID, body: str, mentions: int, now: float) -> None:
        """Count a message that is otherwise accepted. Raises ``RateLimited``; ``now`` is in seconds of a clock that never goes back.

        A message that comes again under its key (its transaction failed) counts once.
        """
        lately = self._of(author_id, now)
        if key in lately.texts:
            return
        text = hash(" ".join(body.casefold().split()))
        self._check_repeats(lately, text, now)
        self._check_amount(lately, mentions, now)
        lately.posts += 1
        lately.mentions += mentions
        lately.texts[key] = (now, text)
        if len(lately.texts) > TEXTS:
            del lately.texts[next(iter(lately.texts))]  # the oldest

    def _check_repeats(self, lately: _Lately, text: int, now: float) -> None:
        most, seconds = settings.HOLDFAST_REPEATS, settings.HOLDFAST_REPEAT_SECONDS
        same = [at for at, known in lately.texts.values() if known == text and at > now - seconds]
        if most and len(same) >= most:
            wait = same[-most] + seconds - now
            raise RateLimited(
                "You have written the same thing several times. Wait a moment, or write something else.",
                retry_after=wait,
            )

    def _check_amount(self, lately: _Lately, mentions: int, now: float) -> None:
        wait = lately.since + settings.HOLDFAST_POST_SECONDS - now
        if settings.HOLDFAST_POSTS and lately.posts >= settings.HOLDFAST_POSTS:
            raise RateLimited("You are writing very much. Wait a moment.", retry_after=wait)
        most = settings.HOLDFAST_POST_MENTIONS
        if most and mentions and lately.mentions + mentions > most:
            raise RateLimited(
                "You are mentioning very many people. Wait a moment.", retry_after=wait
            )

    def _of(self, author_id: int, now: float) -> _Lately:
        lately = self._people.get(author_id)
        if lately is None:
            lately = self._people[author_id] = _Lately(now)
            if len(self._people) > PEOPLE:
                self._people.popitem(last=False)
        self._people.move_to_end(author_id)
        if now - lately.since >= settings.HOLDFAST_POST_SECONDS:
            lately.since, lately.posts, lately.mentions = now, 0, 0
        return lately


flood: Final = Flood()  # of this process; used by the writer's thread
