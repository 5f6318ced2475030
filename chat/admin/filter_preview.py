"""What a filter would have done: held against a sample, and against what was said last. Nothing is stored, nobody is refused."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from chat.models import Message, Room
from chat.text.filters import MASK, FilterAction, FilterSet, Rule, mask, merged

MESSAGES: Final = 1000  # the last ones
# Among which they are looked for: direct conversations and deleted messages are left out.
LOOKED_AT: Final = 3000
EXAMPLES: Final = 10  # shown
CONTEXT: Final = 40  # characters on each side of what was found


class Part(NamedTuple):
    """A piece of a text, found or not."""

    text: str
    is_hit: bool


class Example(NamedTuple):
    """A message that the filter fits."""

    message: Message
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it."""

    sample: list[Part]  # empty: there was none
    sample_after: str  # what others would read of it; empty: nothing
    looked_at: int
    hits: int
    examples: list[Example]
    milliseconds: float  # for all of them
    longest: float  # of a single one


def trial(rule: Rule, sample: str) -> Trial:
    """Hold a rule that can be compiled against a sample and the last messages of its room, or of all."""
    book = FilterSet([rule])
    spans = _spans(book, sample, rule.room_id)
    said = _last_said(rule.room_id)
    found: list[Example] = []
    hits, longest = 0, 0.0
    started = time.perf_counter()
    for message in said:
        before = time.perf_counter()
        where = _spans(book, message.body, rule.room_id)
        longest = max(longest, time.perf_counter() - before)
        if where:
            hits += 1
            if len(found) < EXAMPLES:
                found.append(Example(message, _parts(message.body, where, near=CONTEXT)))
    spent = time.perf_counter() - started
    return Trial(
        _parts(sample, spans),
        _after(rule, sample, spans),
        len(said),
        hits,
        found,
        spent * 1000,
        longest * 1000,
    )


def _spans(book: FilterSet, body: str, room_id: int | None) -> list[tuple[int, int]]:
    return merged(span for hit in book.hits(body, room_id) for span in hit.spans)


def _after(rule: Rule, sample: str, spans: Sequence[tuple[int, int]]) -> str:
    if rule.action == FilterAction.BLOCK and spans:
        return ""
    return mask(sample, spans) if rule.action == FilterAction.MASK else sample


def _last_said(room_id: int | None) -> list[Message]:
    rows = Message.objects.select_related("room", "author")
    if room_id is not None:
        return list(
            rows.filter(room_id=room_id, deleted_at=None)
            .exclude(room__kind=Room.Kind.DIRECT)
            .order_by("-number")[:MESSAGES]
        )
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    near = rows.filter(pk__gt=newest - LOOKED_AT, deleted_at=None).order_by("-pk")[:LOOKED_AT]
    return [row for row in near if not row.room.is_direct][:MESSAGES]


def _parts(body: str, spans: Sequence[tuple[int, int]], near: int | None = None) -> list[Part]:
    """Return a text in pieces; with ``near`` only so many characters around the first that was found."""
    start = max(0, spans[0][0] - near) if near is not None and spans else 0
    end = min(len(body), spans[0][1] + near) if near is not None and spans else len(body)
    parts = [Part("…", is_hit=False)] if start else []
    done = start
    for found_at, found_to in spans:
        if found_at >= end:
            break
        parts += [
            Part(body[done:found_at], is_hit=False),
            Part(body[found_at:found_to], is_hit=True),
        ]
        done = found_to
    parts.append(Part(body[done : max(done, end)], is_hit=False))
    if end < len(body):
        parts.append(Part("…", is_hit=False))
    return [part for part in parts if part.text]


__all__ = ["MASK", "Trial", "trial"]
