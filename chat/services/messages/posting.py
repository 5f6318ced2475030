"""Posting, by group commit: one transaction for many messages of many authors in many rooms."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import IntegrityError, connection
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from chat import payloads, policies
from chat.models import Membership, Mention, Message, Room
from chat.policies import Rank
from chat.queries import filter_cache, members
from chat.queries.blocks import Pair, blocked_pairs, check_no_block_in, partner_id
from chat.services.messages import mention_rows, recipients
from chat.services.messages.recipients import Planned
from chat.services.messages.rendering import RawText, Text, render_texts
from chat.services.messages.reports import flag
from chat.text.rate_limit import post_rate_limit
from notifications.payloads import inbox
from notifications.services import Notice, notify_many
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import HoldfastError
from realtime.protocol.page import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    author_id: int
    room_id: int
    key: UUID
    body: str
    reply_to: int | None = None
    flags: tuple[str, ...] = ()  # reasons of hooks for a review
    # Set where a hook refuses the text. A key that was used before still gets its first message.
    refusal: HoldfastError | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A committed message, with its payload."""

    message: Message
    data: dict[str, Any]
    duplicate: bool


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
    """Plan, lock, check, write.

    1. Before the lock: render the texts and find everyone who may have to be notified.
    2. Lock the rooms and the inboxes of these recipients.
    3. Read everything that the decisions depend on, once for all posts.
    4. Decide post by post, in order. Accepted posts take the next numbers.
    5. Write all of them at once.
    """
    if not posts:
        return []
    rooms = Room.objects.in_bulk(
        {post.room_id for post in posts if 0 < post.room_id <= policies.MAX_ID}
    )
    texts = _render(posts, rooms)
    originals = _messages_replied_to(posts)
    planned = [
        Planned(rooms[post.room_id], text, _other_author(originals, post.reply_to, post.author_id))
        for post, text in zip(posts, texts, strict=True)
        if isinstance(text, Text)
    ]
    people = recipients.candidates(planned)
    streams = {payloads.stream(plan.room.pk) for plan in planned} | {
        inbox(user_id) for ids in people.values() for user_id in ids
    }
    with changing(*streams) as heads:
        batch = _Batch.read(posts, {plan.room.pk for plan in planned}, originals, people)
        answers = [batch.decide(heads, post, text) for post, text in zip(posts, texts, strict=True)]
        notices = batch.notices(people)
        batch.write(heads)
        if notices:
            notify_many(heads, notices)
    return [batch.answer(answer) for answer in answers]


def _render(posts: Sequence[Post], rooms: dict[int, Room]) -> list[Text | HoldfastError]:
    raw = [
        RawText(post.author_id, rooms[post.room_id], post.body, post.flags)
        for post in posts
        if post.room_id in rooms
    ]
    rendered = iter(render_texts(raw, filter_cache.current()))
    return [next(rendered) if post.room_id in rooms else policies.no_such_room() for post in posts]


class _Original(NamedTuple):
    """A message that is replied to. No value ever changes, so it is read before the lock."""

    room_id: int
    author_id: int
    number: int


def _messages_replied_to(posts: Sequence[Post]) -> dict[int | None, _Original]:
    """Return the messages that the posts reply to, by id. No query if there is no reply."""
    ids = {
        post.reply_to
        for post in posts
        if post.reply_to is not None and 0 < post.reply_to <= policies.MAX_ID
    }
    if not ids:
        return {}
    rows = Message.objects.filter(pk__in=ids).values_list("pk", "room_id", "author_id", "number")
    return {pk: _Original(*values) for pk, *values in rows}


def _other_author(
    originals: Mapping[int | None, _Original], message_id: int | None, author_id: int
) -> int | None:
    """Return the author of the message that is replied to, unless it is ``author_id``."""
    found = originals.get(message_id)
    return found.author_id if found is not None and found.author_id != author_id else None


@dataclass(frozen=True, slots=True)
class _Decision:
    message: Message
    duplicate: bool


@dataclass(slots=True)
class _Batch:
    """The rows that the posts of a batch depend on, read under the lock, and the decisions."""

    now: datetime
    rooms: dict[int, Room]
    members: dict[tuple[int, int], Membership]  # (room, author)
    known: dict[tuple[int, UUID], Message]  # (author, key): posted before, or earlier in this batch
    originals: Mapping[int | None, _Original]
    blocked: frozenset[Pair]  # blocks among authors and possible recipients
    accepted: list[tuple[Message, Text]] = field(default_factory=list)
    # Payloads of the accepted messages.
    data: dict[tuple[int, UUID], dict[str, Any]] = field(default_factory=dict)
    # Memberships in rooms with slow mode, whose time of posting is stored.
    slowed: dict[int, Membership] = field(default_factory=dict)
    mentions: list[Mention] = field(default_factory=list)

    @classmethod
    def read(
        cls,
        posts: Sequence[Post],
        room_ids: set[int],
        originals: Mapping[int | None, _Original],
        people: recipients.Candidates,
    ) -> "_Batch":
        """Read with one query for each table."""
        rooms = Room.objects.in_bulk(room_ids)
        return cls(
            now=timezone.now(),
            rooms=rooms,
            members=_members(posts, room_ids),
            known=_known(posts),
            originals=originals,
            blocked=_blocked(posts, rooms, people),
        )

    def decide(
        self, heads: Heads, post: Post, text: Text | HoldfastError
    ) -> _Decision | HoldfastError:
        """Accept or refuse one post. A refused post takes no number."""
        before = self.known.get((post.author_id, post.key))
        if before is not None:
            return _Decision(before, duplicate=True)
        try:
            message = self._accept(heads, post, text)
        except HoldfastError as error:
            return error
        self.known[post.author_id, post.key] = message
        return _Decision(message, duplicate=False)

    def _accept(self, heads: Heads, post: Post, text: Text | HoldfastError) -> Message:
        if post.refusal is not None:
            raise post.refusal
        if isinstance(text, HoldfastError):
            raise text
        room = self.rooms[post.room_id]
        member = self.members.get((post.room_id, post.author_id))
        member = policies.check_may_write(
            room, member, site_muted_until=members.site_muted_until(member), now=self.now
        )
        other_id = partner_id(room, post.author_id)
        if other_id is not None:
            check_no_block_in(self.blocked, post.author_id, other_id)
        original = self.originals.get(post.reply_to)
        if post.reply_to is not None and (original is None or original.room_id != room.pk):
            raise policies.no_such_message()
        if original is not None:
            policies.check_kept(room, original.number)
        policies.check_links(text.html, member, now=self.now)
        policies.check_slow_mode(room, member, now=self.now)
        if policies.rank(member) < Rank.MODERATOR:
            post_rate_limit.check(
                post.author_id, post.key, text.body, len(text.mentions), time.monotonic()
            )
        if room.slow_mode:
            member.last_posted_at = self.now
            self.slowed[member.pk] = member
        room.last_number += 1
        message = Message(
            room_id=room.pk,
            number=room.last_number,
            seq=heads.next(payloads.stream(room.pk)),
            author=member.user,
            key=post.key,
            body=text.body,
            html=text.html,
            created_at=self.now,
            reply_to_id=post.reply_to,
            mentions=list(text.mentions),
            is_public=room.kind == Room.Kind.PUBLIC,
        )
        self.accepted.append((message, text))
        return message

    def notices(self, people: recipients.Candidates) -> list[Notice]:
        """Return the notifications that the accepted messages make."""
        if not (self.accepted and people):
            return []
        preferences = recipients.preferences(people)
        found: list[Notice] = []
        for message, text in self.accepted:
            wanted = recipients.without_blocked(preferences, message.author_id, self.blocked)
            self.mentions += mention_rows.mentions(message, text, people, wanted)
            answers = _other_author(self.originals, message.reply_to_id, message.author_id)
            found += recipients.new_message_notices(
                message, self.rooms[message.room_id], text, people, wanted, answers
            )
        return found

    def write(self, heads: Heads) -> None:
        """Write the accepted messages with everything that belongs to them."""
        if not self.accepted:
            return
        Message.objects.bulk_create([message for message, _ in self.accepted])
        Room.objects.bulk_update(
            {self.rooms[message.room_id] for message, _ in self.accepted}, ["last_number"]
        )
        mention_rows.note(self.mentions)
        if self.slowed:
            _lock_memberships(self.slowed)
            Membership.objects.bulk_update(self.slowed.values(), ["last_posted_at"])
        for message, _ in self.accepted:
            data = self.data[message.author_id, message.key] = payloads.message(message)
            heads.record(
                payloads.stream(message.room_id), Event.of("message", message.pk, message.seq, data)
            )
        flag([(message, reason) for message, text in self.accepted for reason in text.flags])

    def answer(self, decision: _Decision | HoldfastError) -> Posted | HoldfastError:
        if isinstance(decision, HoldfastError):
            return decision
        message = decision.message
        data = self.data.get((message.author_id, message.key)) or payloads.message(message)
        return Posted(message, data, decision.duplicate)


def _blocked(
    posts: Sequence[Post], rooms: dict[int, Room], people: recipients.Candidates
) -> frozenset[Pair]:
    """Return the blocks between authors and recipients. No query if nobody may be notified.

    Both people of a direct room are candidates.
    """
    recipient_ids = {user_id for user_ids in people.values() for user_id in user_ids}
    in_direct = {
        user_id
        for room_id, user_ids in people.items()
        if rooms[room_id].is_direct
        for user_id in user_ids
    }
    return blocked_pairs(recipient_ids, {post.author_id for post in posts} | in_direct)


def _members(posts: Sequence[Post], room_ids: Collection[int]) -> dict[tuple[int, int], Membership]:
    authors: dict[int, set[int]] = {}
    for post in posts:
        if post.room_id in room_ids:
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


def _lock_memberships(ids: Collection[int]) -> None:
    """Lock rows in the order of their keys, as ``services.reading`` does, to rule out deadlocks.

    Reading holds the locks of inboxes, not of rooms, so both can run at the same moment.
    """
    list(Membership.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))


def _known(posts: Sequence[Post]) -> dict[tuple[int, UUID], Message]:
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
