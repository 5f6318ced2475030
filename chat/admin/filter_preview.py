"""A filter applied to a sample and to recent messages. Nothing is stored or blocked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext_lazy

from chat.models import Message, Room
from chat.text.filters import FilterAction, FilterSet, Rule, mask, merged

MAX_MESSAGES: Final = 1000
# Messages read to find those, as direct conversations and deleted messages are left out.
MAX_SCANNED: Final = 3000
MAX_EXAMPLES: Final = 10
CONTEXT: Final = 40  # characters on each side of a match
# Of actions after which the message is not posted.
_OUTCOMES: Final = {
    FilterAction.HOLD: gettext_lazy("Held for a moderator"),
    FilterAction.BLOCK: gettext_lazy("Blocked"),
    FilterAction.MUTE: gettext_lazy("Blocked, and its author is muted"),
}


class PreviewPart(NamedTuple):
    """A piece of a text, matched or not."""

    text: str
    is_match: bool


class Example(NamedTuple):
    """A message that the filter matches."""

    message: Message
    parts: list[PreviewPart]


@dataclass(frozen=True, slots=True)
class Preview:
    sample: list[PreviewPart]  # empty without a sample
    sample_after: str  # the text that others would read; empty if it would not be posted
    outcome: Any  # then what happens instead
    checked: int
    matches: int
    examples: list[Example]
    total_ms: float
    slowest_ms: float


def preview(rule: Rule, sample: str) -> Preview:
    """Apply a valid rule to a sample, and to the last messages of its room or of all rooms."""
    book = FilterSet([rule])
    spans = _spans(book, sample, rule.room_id)
    messages = _recent_messages(rule.room_id)
    examples: list[Example] = []
    matches, slowest = 0, 0.0
    started = time.perf_counter()
    for message in messages:
        before = time.perf_counter()
        found = _spans(book, message.body, rule.room_id)
        slowest = max(slowest, time.perf_counter() - before)
        if found:
            matches += 1
            if len(examples) < MAX_EXAMPLES:
                examples.append(Example(message, _parts(message.body, found, near=CONTEXT)))
    return Preview(
        sample=_parts(sample, spans),
        sample_after=_after(rule, sample, spans),
        outcome=_OUTCOMES.get(FilterAction(rule.action), ""),
        checked=len(messages),
        matches=matches,
        examples=examples,
        total_ms=(time.perf_counter() - started) * 1000,
        slowest_ms=slowest * 1000,
    )


def _spans(book: FilterSet, body: str, room_id: int | None) -> list[tuple[int, int]]:
    return merged(span for hit in book.hits(body, room_id) for span in hit.spans)


def _after(rule: Rule, sample: str, spans: Sequence[tuple[int, int]]) -> str:
    if spans and rule.action in _OUTCOMES:
        return ""
    return mask(sample, spans) if rule.action == FilterAction.MASK else sample


def _recent_messages(room_id: int | None) -> list[Message]:
    rows = Message.objects.select_related("room", "author").filter(deleted_at=None)
    if room_id is not None:
        rows = rows.filter(room_id=room_id).exclude(room__kind=Room.Kind.DIRECT)
        return list(rows.order_by("-number")[:MAX_MESSAGES])
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    recent = rows.filter(pk__gt=newest - MAX_SCANNED).order_by("-pk")[:MAX_SCANNED]
    return [row for row in recent if not row.room.is_direct][:MAX_MESSAGES]


def _parts(
    body: str, spans: Sequence[tuple[int, int]], near: int | None = None
) -> list[PreviewPart]:
    """Return a text in pieces; with ``near``, only that many characters around the first match."""
    is_cut = near is not None and bool(spans)
    start = max(0, spans[0][0] - (near or 0)) if is_cut else 0
    end = min(len(body), spans[0][1] + (near or 0)) if is_cut else len(body)
    parts, position = [PreviewPart("…" if start else "", is_match=False)], start
    for first, last in spans:
        if first >= end:
            break
        parts.append(PreviewPart(body[position:first], is_match=False))
        parts.append(PreviewPart(body[first:last], is_match=True))
        position = last
    parts.append(PreviewPart(body[position : max(position, end)], is_match=False))
    parts.append(PreviewPart("…" if end < len(body) else "", is_match=False))
    return [part for part in parts if part.text]
