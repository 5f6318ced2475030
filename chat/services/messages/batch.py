"""A batch of posts: the rows that they depend on, and the decisions.

This is the one place that decides what a post does. ``posting`` fills it by Django's ORM,
``plain_posting`` from one statement.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from chat import payloads, policies
from chat.models import HeldPost, Membership, Mention, Message, Room
from chat.policies import Rank
from chat.queries import members
from chat.queries.blocks import Pair, blocked_pairs
from chat.services.messages import mention_rows, recipients
from chat.services.messages.admission import (
    BatchState,
    as_it_was,
    known_messages,
    may_still_read,
    memberships,
)
from chat.services.messages.post import Acceptance, Post, Posted
from chat.services.messages.rendering import Text
from chat.services.messages.review import holding
from chat.services.messages.review.reports import flag
from chat.services.traces import note_texts
from chat.text.rate_limit import post_rate_limit
from notifications.services import Notice
from realtime.core.heads import Heads
from realtime.protocol.errors import HoldfastError
from realtime.protocol.page import Event


class Original(NamedTuple):
    """A message that is replied to. No value ever changes, so it is read before the lock."""

    room_id: int
    author_id: int
    number: int


def other_author(
    originals: Mapping[int | None, Original], message_id: int | None, author_id: int
) -> int | None:
    """Return the author of the message that is replied to, unless it is ``author_id``."""
    found = originals.get(message_id)
    return found.author_id if found is not None and found.author_id != author_id else None


@dataclass(frozen=True, slots=True)
class PostDecision:
    message: Message
    duplicate: bool


@dataclass(slots=True)
class PostBatch:
    """The rows that the posts of a batch depend on, read under the lock, and the decisions."""

    state: BatchState
    rooms: dict[int, Room]
    members: dict[tuple[int, int], Membership]  # (room, author)
    # (author, key): posted before, or earlier in this batch.
    known: dict[tuple[int, UUID], Message] = field(default_factory=dict)
    originals: Mapping[int | None, Original] = field(default_factory=dict)
    blocked: frozenset[Pair] = frozenset()  # among authors and possible recipients
    # (author, key): before, or earlier in this batch.
    held: dict[tuple[int, UUID], HeldPost] = field(default_factory=dict)
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
        originals: Mapping[int | None, Original],
        people: recipients.Candidates,
        held: Collection[tuple[int, UUID]],
    ) -> "PostBatch":
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
    ) -> PostDecision | HoldfastError:
        """Accept or refuse one post. A refused post takes no number."""
        before = self.known.get((post.author_id, post.key))
        if before is not None:
            if not may_still_read(before, self.rooms, self.members):
                self.data[post.author_id, post.key] = as_it_was(before, post)
            return PostDecision(before, duplicate=True)
        try:
            message = self._accept(heads, post, text)
        except HoldfastError as error:
            return error
        self.known[post.author_id, post.key] = message
        return PostDecision(message, duplicate=False)

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
            answers = other_author(self.originals, message.reply_to_id, message.author_id)
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
        self.record(heads)
        flag([(message, reason) for message, text in self.accepted for reason in text.flags])
        for acceptance, message in self.acceptances:
            holding.accept(heads, acceptance, message)
        note_texts((row.author_id, row.body) for row, text in self.accepted if text.flags)

    def record(self, heads: Heads) -> None:
        """Record the stored messages, which are published after the commit."""
        for message, _ in self.accepted:
            data = self.data[message.author_id, message.key] = payloads.message(message)
            heads.record(
                payloads.stream(message.room_id), Event.of("message", message.pk, message.seq, data)
            )

    def answer(self, decision: PostDecision | HoldfastError) -> Posted | HoldfastError:
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
