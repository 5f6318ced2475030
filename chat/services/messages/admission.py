"""Refuses posts before their texts are rendered: rights, mutes, slow mode, rate limits, keys.

Everything here is a read, and the same for many posts at once. It is decided again under the lock,
except the rate limit, which has counted the post.
"""

import time
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from chat import payloads, policies
from chat.models import Membership, Message, Room
from chat.moderation import raid_mode, strangers
from chat.moderation.new_accounts import new_accounts
from chat.moderation.raid_mode import Raid
from chat.policies import Rank
from chat.queries import filter_cache, members
from chat.queries.blocks import Pair, blocked_pairs, check_no_block_in, partner_id
from chat.queries.rooms import room_access
from chat.services.messages.post import Post, Posted
from chat.services.messages.rendering import RawText, RenderJob, render_jobs
from chat.services.messages.site_limits import Author, check_posts
from chat.text.rate_limit import post_rate_limit
from realtime.protocol.errors import HoldfastError

MAX_SLOW_TURNS: Final = 10_000  # remembered; about 1 MB
# A post is committed or refused long before; then its row or `release` says so.
SLOW_TURN_SECONDS: Final = 30.0


def admit(posts: Sequence[Post]) -> list[RenderJob | Posted | HoldfastError]:
    """Return what is to be rendered, or the error of a post that is refused.

    A post whose key its author has used before has its first message as the result.
    """
    filters = filter_cache.current()
    known = known_messages(posts)
    rooms = Room.objects.in_bulk(room_ids(posts))
    found = memberships(posts, rooms)
    state = BatchState.read(posts, rooms)
    results: list[RawText | Posted | HoldfastError] = []
    counted: dict[int, tuple[Author, str]] = {}  # by the position in ``results``
    for post in posts:
        if before := known.get((post.author_id, post.key)):
            data = (
                payloads.message(before)
                if may_still_read(before, rooms, found)
                else as_it_was(before, post)
            )
            results.append(Posted(before, data, True))
            continue
        try:
            text = _admit(post, rooms.get(post.room_id), found, state)
            if _counts(post, text):
                author = Author(text.author_id, text.is_new, text.is_limited)
                counted[len(results)] = (author, post.body)
            results.append(text)
        except HoldfastError as error:
            results.append(error)
    for position, problem in zip(counted, check_posts([*counted.values()]), strict=True):
        if problem is not None:
            results[position] = problem
            post_rate_limit.give_back(posts[position].author_id, posts[position].key)
    jobs = iter(render_jobs([each for each in results if isinstance(each, RawText)], filters))
    return [next(jobs) if isinstance(each, RawText) else each for each in results]


def _admit(
    post: Post,
    room: Room | None,
    found: Mapping[tuple[int, int], Membership],
    state: "BatchState",
) -> RawText:
    if post.refusal is not None:
        raise post.refusal
    if room is None:
        raise policies.no_such_room()
    policies.check_text(post.body)
    member = found.get((post.room_id, post.author_id))
    member = policies.check_may_write(
        room, member, site_muted_until=members.site_muted_until(member), now=state.now
    )
    state.check_contact(room, post.author_id)
    if post.acceptance is not None:
        return RawText(post.author_id, room, post.body, is_accepted=True)
    policies.check_slow_mode(room, member, now=state.now, at_least=state.raid.slow_mode)
    if seconds := policies.slow_seconds(room, member, at_least=state.raid.slow_mode):
        slow_turns.take(post, seconds, is_raid=seconds > room.slow_mode)
    return RawText(
        post.author_id,
        room,
        post.body,
        post.flags,
        is_new=post.author_id in state.new,
        is_limited=policies.rank(member) < Rank.MODERATOR,
    )


def _counts(post: Post, text: RawText) -> bool:
    """Count a post in this process, and return whether other nodes have to count it as well.

    One that is retried with its key counts once. Raises ``RateLimited``.
    """
    if not text.is_limited:
        return text.is_new
    return post_rate_limit.check(post.author_id, post.key, post.body, time.monotonic())


@dataclass(frozen=True, slots=True)
class BatchState:
    """The facts about all posts of a batch, beside their rooms and memberships."""

    now: datetime
    blocked: Collection[Pair]
    raid: Raid
    new: set[int]  # authors whose accounts are new
    unanswered: set[tuple[int, int]]  # room and author, where raid mode refuses that

    @classmethod
    def read(
        cls,
        posts: Sequence[Post],
        rooms: Mapping[int, Room],
        blocked: Collection[Pair] | None = None,
    ) -> "BatchState":
        """Read it; ``blocked`` is given where it has been read already."""
        raid, new = raid_mode.current(), new_accounts.among({post.author_id for post in posts})
        places = [(post.room_id, post.author_id) for post in posts]
        return cls(
            now=timezone.now(),
            blocked=_blocks_in_direct_rooms(posts, rooms) if blocked is None else blocked,
            raid=raid,
            new=new,
            unanswered=strangers.unanswered(places, rooms, new, raid),
        )

    def check_contact(self, room: Room, author_id: int) -> None:
        """Raise why the author may not write to the other person of a direct conversation."""
        other_id = partner_id(room, author_id)
        if other_id is not None:
            check_no_block_in(self.blocked, author_id, other_id)
        if (room.pk, author_id) in self.unanswered:
            raise strangers.refusal()


class SlowTurns:
    """The posts in rooms with slow mode that are being rendered: one for each author and room.

    Without it, all posts of one moment would be rendered before the first of them is committed.
    """

    def __init__(self) -> None:
        self._turns: OrderedDict[tuple[int, int], tuple[UUID, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, post: Post, seconds: int, *, is_raid: bool = False) -> None:
        """Raise ``SlowMode`` while another post of the author has the turn."""
        place, now = (post.author_id, post.room_id), time.monotonic()
        with self._lock:
            key, since = self._turns.get(place, (post.key, now))
            if key != post.key and now - since < SLOW_TURN_SECONDS:
                raise policies.slow_mode_error(seconds, is_raid=is_raid)
            self._turns[place] = (post.key, now)
            self._turns.move_to_end(place)
            if len(self._turns) > MAX_SLOW_TURNS:
                self._turns.popitem(last=False)

    def release(self, post: Post) -> None:
        """End the turn of a post that was committed or refused."""
        with self._lock:
            place = (post.author_id, post.room_id)
            if self._turns.get(place, (None,))[0] == post.key:
                del self._turns[place]


slow_turns: Final = SlowTurns()  # of this process


def room_ids(posts: Sequence[Post]) -> set[int]:
    """Return the rooms of the posts that can exist."""
    return {post.room_id for post in posts if 0 < post.room_id <= policies.MAX_ID}


def memberships(
    posts: Sequence[Post], within: Collection[int]
) -> dict[tuple[int, int], Membership]:
    """Return the memberships of the authors in these rooms, by room and author."""
    authors: dict[int, set[int]] = {}
    for post in posts:
        if post.room_id in within:
            authors.setdefault(post.room_id, set()).add(post.author_id)
    if not authors:
        return {}
    pairs = Q()
    for room_id, user_ids in authors.items():
        pairs |= Q(room_id=room_id, user_id__in=user_ids)
    return {
        (row.room_id, row.user_id): row
        for row in members.with_site_mute(Membership.objects.filter(pairs).select_related("user"))
    }


def may_still_read(
    message: Message, rooms: Mapping[int, Room], found: Mapping[tuple[int, int], Membership]
) -> bool:
    """Return whether the author of an earlier message may read its room now."""
    room = rooms.get(message.room_id)
    member = found.get((message.room_id, message.author_id))
    if room is None:  # the key was used in another room
        room, member = room_access(message.room_id, message.author_id)
    state = policies.effective_state(member.state, member.banned_until) if member else None
    return policies.reading_problem(room.kind, state) is None


def as_it_was(message: Message, post: Post) -> dict[str, Any]:
    """Return a message for an author who is no longer in its room, without what happened to it.

    The position is left out as well, because it moves with every change.
    """
    later: dict[str, Any] = {"reactions": {}, "edited_at": None, "deleted_at": None, "seq": 0}
    data = payloads.message(message) | later
    data.pop("hidden_at", None)
    if not message.body:  # removed meanwhile: the author knows it anyway
        data["body"] = post.body
    return data


def known_messages(posts: Sequence[Post]) -> dict[tuple[int, UUID], Message]:
    """Return the messages that already exist, by author and key.

    The pairs are a list of rows in SQL, which both databases look up in the index one by one. The
    same pairs as ORed conditions took half of the time of a batch to build and parse.
    """
    key = Message._meta.get_field("key")
    pairs = {(post.author_id, post.key) for post in posts}
    rows = ", ".join(["(%s, %s)"] * len(pairs))
    values = [
        value
        for author_id, used in pairs
        for value in (author_id, key.get_db_prep_value(used, connection))
    ]
    sql = f"(chat_message.author_id, chat_message.key) IN (VALUES {rows})"
    listed = RawSQL(sql, values, BooleanField())  # noqa: S611  placeholders only
    return {
        (row.author_id, row.key): row
        for row in Message.objects.filter(listed).select_related("author")
    }


def _blocks_in_direct_rooms(posts: Sequence[Post], rooms: Mapping[int, Room]) -> frozenset[Pair]:
    """Return the blocks between the two people of direct rooms. No query without any."""
    both = {
        user_id
        for post in posts
        if (room := rooms.get(post.room_id)) is not None
        and (other_id := partner_id(room, post.author_id)) is not None
        for user_id in (post.author_id, other_id)
    }
    return blocked_pairs(both, both)
