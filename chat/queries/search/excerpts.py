"""The part of a message that matches a search, split into matching and other parts.

The parts are plain text, so that the page can mark matches without HTML.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from chat.queries.search.query import Term
from chat.text.plain_text import BREAK, broken
from chat.text.search_words import indexed

LENGTH: Final = 240  # characters of an excerpt
LEAD: Final = 70  # characters before the first match
GAP: Final = "…"

Span = tuple[int, int]


class ExcerptPart(NamedTuple):
    text: str
    match: bool


def excerpt(body: str, html: str, terms: Sequence[Term]) -> list[ExcerptPart]:
    """Return the excerpt of a message.

    It includes the addresses of links and the language of code only if a term matches nothing else.
    """
    text = broken(body, html)
    spans_by_term = _spans_of(text, terms)
    if html and not all(spans_by_term):
        fuller = broken(body, html, unseen=True)
        if sum(map(bool, found := _spans_of(fuller, terms))) > sum(map(bool, spans_by_term)):
            text, spans_by_term = fuller, found
    spans = _joined(spans_by_term)
    start, end = _window(text, spans[0][0] if spans else 0)
    parts = _parts(text, start, end, spans)
    return [
        *([ExcerptPart(GAP, match=False)] if start else []),
        *parts,
        *([ExcerptPart(GAP, match=False)] if end < len(text) else []),
    ]


def _spans_of(text: str, terms: Sequence[Term]) -> list[list[Span]]:
    """Return the matches of each term."""
    found = indexed(text)
    words = [token.text for token in found]
    return [
        [
            (
                found[first].start,
                min(found[last].end, found[last].start + partial) if partial else found[last].end,
            )
            for first, last, partial in _matches(words, term)
        ]
        for term in terms
    ]


def _joined(spans_by_term: Sequence[list[Span]]) -> list[Span]:
    """Return all spans in order, with those that touch joined."""
    joined: list[Span] = []
    for start, end in sorted(span for each in spans_by_term for span in each):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _matches(words: list[str], term: Term) -> Iterator[tuple[int, int, int]]:
    """Yield the first and last word of each match, and the matched letters of the last word.

    The letters are 0 if the whole word matches.
    """
    wanted = term.tokens
    for first in range(len(words) - len(wanted) + 1):
        last = first + len(wanted) - 1
        if words[first:last] != wanted[:-1]:
            continue
        if words[last] == wanted[-1]:
            yield first, last, 0
        elif term.is_prefix and words[last].startswith(wanted[-1]):
            yield first, last, len(wanted[-1])


def _window(text: str, first: int) -> tuple[int, int]:
    """Return start and end of the part to show, at word boundaries."""
    if len(text) <= LENGTH:
        return 0, len(text)
    start = max(0, min(first - LEAD, len(text) - LENGTH))
    if start:
        blank = text.find(" ", start, first)
        start = blank + 1 if blank >= 0 else start
    end = min(len(text), start + LENGTH)
    if end < len(text):
        blank = text.rfind(" ", first + 1, end)
        end = blank if blank > start else end
    return start, end


def _parts(text: str, start: int, end: int, spans: list[Span]) -> Iterator[ExcerptPart]:
    done = start
    for first, last in spans:
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        yield from _part(text[done:first], match=False)
        yield from _part(text[first:last], match=True)
        done = last
    yield from _part(text[done:end], match=False)


def _part(text: str, *, match: bool) -> Iterator[ExcerptPart]:
    shown = text.replace(BREAK, "")
    if shown:
        yield ExcerptPart(shown, match)
