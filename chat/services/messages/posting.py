"""Posting, by group commit: one transaction for many messages of many authors in many rooms."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from django.db import IntegrityError

from chat import payloads, policies
from chat.errors import MutingWord
from chat.models import Message, Room
from chat.queries import filter_cache
from chat.services.messages import recipients
from chat.services.messages.admission import (
    admit,
    room_ids,
    slow_turns,
)
from chat.services.messages.batch import Original, PostBatch, other_author
from chat.services.messages.muting import mute_by_filter
from chat.services.messages.plain_posting import post_plain
from chat.services.messages.post import Post, Posted
from chat.services.messages.recipients import Planned
from chat.services.messages.rendering import RenderJob, Text
from chat.services.messages.review import holding
from chat.services.messages.site_limits import rendered_within_limits
from chat.text.filters import FilterSet
from notifications.payloads import inbox
from notifications.services import notify_many
from realtime.core.heads import changing
from realtime.protocol.errors import HoldfastError


def post_messages(posts: Sequence[Post]) -> list[Posted | HoldfastError]:
    """Post many messages in one transaction. The result has the error of a post that is refused.

    A post whose key its author has used before gets the first message again, even if the author
    has left the room or the room is archived. The number of queries depends on what the posts
    contain, not on how many there are.
    """
    try:
        return _post(posts)
    except IntegrityError:
        # Two nodes posted the same key of one author into different rooms, so under different
        # locks. The second attempt finds the message of the first.
        return _post(posts)


def post_message(
    *, author_id: int, room_id: int, body: str, key: UUID | None = None, reply_to: int | None = None
) -> Posted:
    """Post one message. Raises why it is refused."""
    post = Post(
        author_id=author_id, room_id=room_id, key=key or uuid4(), body=body, reply_to=reply_to
    )
    answer = post_messages([post])[0]
    if isinstance(answer, HoldfastError):
        raise answer
    return answer


def _post(posts: Sequence[Post]) -> list[Posted | HoldfastError]:
    if not posts:
        return []
    ready = _rendered_before(posts)
    texts = ready or _texts(posts)
    answers = post_plain(posts, texts)
    if answers is None:
        texts = texts if ready is None else _texts(posts)
        answers = _post_any(posts, texts)
    for post, text in zip(posts, texts, strict=True):
        slow_turns.release(post)
        if isinstance(text, MutingWord):
            mute_by_filter(user_id=post.author_id, filter_text=text.filter)
    return answers


def _post_any(
    posts: Sequence[Post], texts: Sequence[Text | Posted | HoldfastError]
) -> list[Posted | HoldfastError]:
    """Plan, lock, check, write.

    1. Before the lock: find everyone who may have to be notified. The texts are rendered already,
       except where the caller has left that to this function.
    2. Lock the rooms and the inboxes of these recipients.
    3. Read everything that the decisions depend on, once for all posts.
    4. Decide post by post, in order. Accepted posts take the next numbers.
    5. Write all of them at once.
    """
    rooms = Room.objects.in_bulk(
        {post.room_id for post, text in zip(posts, texts, strict=True) if isinstance(text, Text)}
        & room_ids(posts)
    )
    originals = _messages_replied_to(posts)
    planned = [
        Planned(rooms[post.room_id], text, other_author(originals, post.reply_to, post.author_id))
        for post, text in zip(posts, texts, strict=True)
        if isinstance(text, Text) and post.room_id in rooms
    ]
    people = recipients.candidates(planned)
    held = holding.held_keys(zip(posts, texts, strict=True))
    deciding = {post.author_id for post in posts if post.acceptance is not None}
    streams = {payloads.stream(plan.room.pk) for plan in planned} | {
        inbox(user_id) for ids in people.values() for user_id in ids
    }
    streams |= {inbox(author_id) for author_id in deciding.union(each for each, _ in held)}
    with changing(*streams) as heads:
        batch = PostBatch.read(posts, {plan.room.pk for plan in planned}, originals, people, held)
        answers = [batch.decide(heads, post, text) for post, text in zip(posts, texts, strict=True)]
        notices = batch.notices(people)
        batch.write(heads)
        if notices:
            notify_many(heads, notices)
    return [batch.answer(answer) for answer in answers]


def _rendered_before(posts: Sequence[Post]) -> list[Text | Posted | HoldfastError] | None:
    """Return the texts if all are rendered, by the filters that were known last."""
    filters = filter_cache.held()
    texts = [post.text for post in posts if post.text and post.text.filters is filters]
    return [*texts] if len(texts) == len(posts) else None


def _texts(posts: Sequence[Post]) -> list[Text | Posted | HoldfastError]:
    """Return the rendered texts.

    A text that was checked against other filters than those of now is checked again: a moderator
    has just switched one on.
    """
    filters = filter_cache.current()
    texts = [
        post.text if post.text is not None and _passes(post, post.text, filters) else None
        for post in posts
    ]
    left = [post for post, text in zip(posts, texts, strict=True) if text is None]
    prepared = iter(_prepare(left) if left else ())
    return [text or next(prepared) for text in texts]


def _passes(post: Post, text: Text, filters: FilterSet) -> bool:
    if text.filters is filters:
        return True
    found = filters.check(post.body, post.room_id)
    return found.is_clean and found.body == text.body


def _prepare(posts: Sequence[Post]) -> list[Text | Posted | HoldfastError]:
    return [
        rendered_within_limits(found) if isinstance(found, RenderJob) else found
        for found in admit([replace(post, text=None) for post in posts])
    ]


def _messages_replied_to(posts: Sequence[Post]) -> dict[int | None, Original]:
    """Return the messages that the posts reply to, by id. No query if there is no reply."""
    ids = {
        post.reply_to
        for post in posts
        if post.reply_to is not None and 0 < post.reply_to <= policies.MAX_ID
    }
    if not ids:
        return {}
    rows = Message.objects.filter(pk__in=ids).values_list("pk", "room_id", "author_id", "number")
    return {pk: Original(*values) for pk, *values in rows}
