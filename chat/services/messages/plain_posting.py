"""Posts that notify nobody, in two round trips: most posts are of this kind.

``posting`` takes all others, by Django's ORM. Both ask ``batch`` what a post does.
"""

from collections.abc import Collection, Sequence

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from chat import payloads
from chat.moderation import raid_mode
from chat.moderation.new_accounts import new_accounts
from chat.policies import EVERYTHING_MAX_MEMBERS, MAX_ID
from chat.queries import filter_cache
from chat.services.messages.admission import BatchState
from chat.services.messages.batch import PostBatch
from chat.services.messages.post import Post, Posted
from chat.services.messages.post_statements import (
    PostRows,
    can_read_users,
    read,
    reading,
    writing,
)
from chat.services.messages.rendering import Text
from realtime.core import limits
from realtime.core.heads import TwoTrips, changing_in_two_trips
from realtime.protocol.errors import HoldfastError


def post_plain(
    posts: Sequence[Post], texts: Sequence[object]
) -> list[Posted | HoldfastError] | None:
    """Post, or return None if a post is not plain. Then nothing was changed or counted."""
    version, filters = filter_cache.held_version()
    plain = [text for text in texts if isinstance(text, Text) and text.filters is filters]
    if len(plain) < len(posts) or not all(map(_may_be_plain, posts, plain)):
        return None
    if limits.current().aside or not can_read_users():
        return None
    # These ask the database now and then, so before its two round trips.
    if raid_mode.current().is_on:
        return None
    new = new_accounts.among({post.author_id for post in posts})
    streams = sorted({payloads.stream(post.room_id) for post in posts})
    with changing_in_two_trips(streams, reading(posts)) as change:
        rows = [read(row) for row in change.rows]
        is_new_filter = any(each.filters != version for each in rows)
        if is_new_filter or len(change.heads.names) < len(streams) or not all(map(_is_plain, rows)):
            return None
        batch = _batch(posts, rows, new)
        decisions = [
            batch.decide(change.heads, post, text) for post, text in zip(posts, plain, strict=True)
        ]
        if batch.accepted:
            _write(change, batch)
    return [batch.answer(decision) for decision in decisions]


def _may_be_plain(post: Post, text: Text) -> bool:
    return (
        0 < post.room_id <= MAX_ID
        and post.reply_to is None
        and post.refusal is None
        and post.acceptance is None
        and not (text.mentions or text.everybody or text.held or text.flags)
    )


def _is_plain(rows: PostRows) -> bool:
    """Return whether a post of these rows reads and writes nothing else."""
    room = rows.room
    return (
        room is not None
        and not rows.is_known
        and not room.is_direct
        and not room.slow_mode
        and not (rows.is_followed and room.member_count <= EVERYTHING_MAX_MEMBERS)
    )


def _batch(posts: Sequence[Post], rows: Sequence[PostRows], new: Collection[int]) -> PostBatch:
    # Each post has its own copy of a room; those of one room must count on in one.
    rooms = {each.room.pk: each.room for each in rows if each.room is not None}
    members = {
        (post.room_id, post.author_id): each.member
        for post, each in zip(posts, rows, strict=True)
        if each.member is not None
    }
    state = BatchState(
        now=timezone.now(), blocked=(), raid=raid_mode.NO_RAID, new=set(new), unanswered=set()
    )
    return PostBatch(state=state, rooms=rooms, members=members)


def _write(change: TwoTrips, batch: PostBatch) -> None:
    messages = [message for message, _ in batch.accepted]
    rooms = {message.room_id: batch.rooms[message.room_id] for message in messages}
    stored = {
        (room_id, number): pk
        for room_id, number, pk in change.commit(*writing(messages, [*rooms.values()]))
    }
    for message in messages:
        message.pk = stored[message.room_id, message.number]
        message._state.adding, message._state.db = False, DEFAULT_DB_ALIAS
    batch.record(change.heads)
