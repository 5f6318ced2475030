"""Posting, by group commit: one transaction for many messages of many authors in many rooms."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import IntegrityError

from chat import payloads, policies
from chat.errors import MutingWord
from chat.models import HeldPost, Membership, Mention, Message, Room
from chat.policies import Rank
from chat.queries import filter_cache, members
from chat.queries.blocks import Pair, blocked_pairs
from chat.services.messages import mention_rows, recipients
from chat.services.messages.admission import (
    BatchState,
    admit,
    as_it_was,
    known_messages,
    may_still_read,
    memberships,
    room_ids,
    slow_turns,
)
from chat.services.messages.muting import mute_by_filter
from chat.services.messages.post import Acceptance, Post, Posted
from chat.services.messages.recipients import Planned
from chat.services.messages.rendering import RenderJob, Text
from chat.services.messages.review import holding
from chat.services.messages.review.reports import flag
from chat.services.messages.site_limits import rendered_within_limits
from chat.services.traces import note_texts
from chat.text.filters import FilterSet
from chat.text.rate_limit import post_rate_limit
from notifications.payloads import inbox
from notifications.services import Notice, notify_many
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import HoldfastError
from realtime.protocol.page import Event


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

    1. Before the lock: find everyone who may have to be notified. The texts are rendered already,
       except where the caller has left that to this function.
    2. Lock the rooms and the inboxes of these recipients.
    3. Read everything that the decisions depend on, once for all posts.
    4. Decide post by post, in order. Accepted posts take the next numbers.
    5. Write all of them at once.
    """
    if not posts:
        return []
    texts = _texts(posts)
    rooms = Room.objects.in_bulk(
        {post.room_id for post, text in zip(posts, texts, strict=True) if isinstance(text, Text)}
        & room_ids(posts)
    )
    originals = _messages_replied_to(posts)
    planned = [
        Planned(rooms[post.room_id], text, _other_author(originals, post.reply_to, post.author_id))
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
        batch = _Batch.read(posts, {plan.room.pk for plan in planned}, originals, people, held)
        answers = [batch.decide(heads, post, text) for post, text in zip(posts, texts, strict=True)]
        notices = batch.notices(people)
        batch.write(heads)
        if notices:
            notify_many(heads, notices)
    for post, text in zip(posts, texts, strict=True):
        slow_turns.release(post)
        if isinstance(text, MutingWord):
            mute_by_filter(user_id=post.author_id, filter_text=text.filter)
    return [batch.answer(answer) for answer in answers]


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

    state: BatchState
    rooms: dict[int, Room]
    members: dict[tuple[int, int], Membership]  # (room, author)
    known: dict[tuple[int, UUID], Message]  # (author, key): posted before, or earlier in this batch
    originals: Mapping[int | None, _Original]
    blocked: frozenset[Pair]  # among authors and possible recipients
    held: dict[tuple[int, UUID], HeldPost]  # (author, key): before, or earlier in this batch
    accepted: list[tuple[Message, Text]] = field(default_factory=list)
    acceptances: list[tuple[Acceptance, Message]] = field(default_factory=list)
    # Payloads of the accepted messages.
    data: dict[tuple[int, UUID], dict[str, Any]] = field(default_factory=dict)
    # Memberships in rooms with slow mode, whose time of posting is stored.
    slowed: dict[int, Membership] = field(default_factory=dict)
    mentions: list[Mention] = field(default_factory=list)

    @classmethod
    def read(
        cls,
        posts: Sequence[Post],
        ids: set[int],
        originals: Mapping[int | None, _Original],
        people: recipients.Candidates,
        held: Collection[tuple[int, UUID]],
    ) -> "_Batch":
        """Read with one query for each table."""
        rooms = Room.objects.in_bulk(ids)
        blocked = _blocked(posts, rooms, people)
        return cls(
            state=BatchState.read(posts, rooms, blocked),
            rooms=rooms,
            members=memberships(posts, ids),
            known=known_messages(posts),
            originals=originals,
            blocked=blocked,
            held=holding.held_before(held),
        )

    def decide(
        self, heads: Heads, post: Post, text: Text | Posted | HoldfastError
    ) -> _Decision | HoldfastError:
        """Accept or refuse one post. A refused post takes no number."""
        before = self.known.get((post.author_id, post.key))
        if before is not None:
            if not may_still_read(before, self.rooms, self.members):
                self.data[post.author_id, post.key] = as_it_was(before, post)
            return _Decision(before, duplicate=True)
        try:
            message = self._accept(heads, post, text)
        except HoldfastError as error:
            return error
        self.known[post.author_id, post.key] = message
        return _Decision(message, duplicate=False)

    def _accept(self, heads: Heads, post: Post, text: Text | Posted | HoldfastError) -> Message:
        if refusal := post.refusal or (text if isinstance(text, HoldfastError) else None):
            raise refusal
        now, raid = self.state.now, self.state.raid
        room = self.rooms.get(post.room_id)
        if room is None or not isinstance(text, Text):  # a message cannot go, but its room can
            raise policies.no_such_room()
        member = self.members.get((post.room_id, post.author_id))
        member = policies.check_may_write(
            room, member, site_muted_until=members.site_muted_until(member), now=now
        )
        self.state.check_contact(room, post.author_id)
        original = self.originals.get(post.reply_to)
        if post.reply_to is not None and (original is None or original.room_id != room.pk):
            raise policies.no_such_message()
        if original is not None:
            policies.check_kept(room, original.number)
        if post.acceptance is not None:
            policies.check_links(text.html, member, now=now)
            holding.check_waiting(post.acceptance)
        else:
            is_refused = raid.refuse_links and post.author_id in self.state.new
            policies.check_links(text.html, member, now=now, is_refused=is_refused)
            self._hold_or_count(heads, post, text, room, member)
        room.last_number += 1
        message = Message(
            room_id=room.pk,
            number=room.last_number,
            seq=heads.next(payloads.stream(room.pk)),
            author=member.user,
            key=post.key,
            body=text.body,
            html=text.html,
            search_text=text.words,
            created_at=now,
            reply_to_id=post.reply_to,
            mentions=list(text.mentions),
            is_public=room.kind == Room.Kind.PUBLIC,
        )
        self.accepted.append((message, text))
        if post.acceptance is not None:
            self.acceptances.append((post.acceptance, message))
        return message

    def _hold_or_count(
        self, heads: Heads, post: Post, text: Text, room: Room, member: Membership
    ) -> None:
        """Count a post against the limits of its author. Raises ``Held`` if a filter holds it."""
        if before := self.held.get((post.author_id, post.key)):
            raise holding.answer(before)
        self._count(post, text, room, member)
        if text.held:
            row = holding.hold(heads, post, text, author=member.user, room=room, now=self.state.now)
            self.held[post.author_id, post.key] = row
            raise holding.answer(row)

    def _count(self, post: Post, text: Text, room: Room, member: Membership) -> None:
        """Count a post against the limits of its author, and against slow mode."""
        least = self.state.raid.slow_mode
        policies.check_slow_mode(room, member, now=self.state.now, at_least=least)
        if policies.rank(member) < Rank.MODERATOR:
            now = time.monotonic()
            if not post.admitted:
                post_rate_limit.check(post.author_id, post.key, post.body, now)
            post_rate_limit.check_mentions(post.author_id, post.key, len(text.mentions), now)
        if room.slow_mode or policies.slow_seconds(room, member, at_least=least):
            member.last_posted_at = self.state.now
            self.slowed[member.pk] = member

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
        if self.slowed:
            _lock_memberships(self.slowed)
            Membership.objects.bulk_update(self.slowed.values(), ["last_posted_at"])
        if not self.accepted:
            return
        Message.objects.bulk_create([message for message, _ in self.accepted])
        Room.objects.bulk_update(
            {self.rooms[message.room_id] for message, _ in self.accepted}, ["last_number"]
        )
        mention_rows.note(self.mentions)
        for message, _ in self.accepted:
            data = self.data[message.author_id, message.key] = payloads.message(message)
            heads.record(
                payloads.stream(message.room_id), Event.of("message", message.pk, message.seq, data)
            )
        flag([(message, reason) for message, text in self.accepted for reason in text.flags])
        for acceptance, message in self.acceptances:
            holding.accept(heads, acceptance, message)
        note_texts((row.author_id, row.body) for row, text in self.accepted if text.flags)

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


def _lock_memberships(ids: Collection[int]) -> None:
    """Lock rows in the order of their keys, as ``services.reading`` does, to rule out deadlocks.

    Reading holds the locks of inboxes, not of rooms, so both can run at the same moment.
    """
    list(Membership.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
