"""The part of a message in which something was found, as parts that are marked or not: what shows it needs no HTML of anybody."""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Final, NamedTuple

from django.utils.html import strip_tags

from chat.search.query import Term

LENGTH: Final = 240  # characters of an excerpt
LEAD: Final = 70  # characters before the first word that was found
GAP: Final = "…"

_TOKEN = re.compile(r"[^\W_]+")


class Part(NamedTuple):
    """Some text of an excerpt."""

    text: str
    match: bool


def excerpt(body: str, html: str, terms: Sequence[Term]) -> list[Part]:
    """Return what to show of a message: its text without markup, or as it was typed where only the markup has the words."""
    plain = " ".join((unescape(strip_tags(html)) if html else body).split())
    spans = _spans(plain, terms)
    if terms and not spans and html:
        plain = " ".join(body.split())
        spans = _spans(plain, terms)
    start, end = _window(plain, spans[0][0] if spans else 0)
    parts = _parts(plain, start, end, spans)
    return [*([Part(GAP, match=False)] if start else []), *parts, *([Part(GAP, match=False)] if end < len(plain) else [])]


def _spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Return where the terms stand, in order, those that touch joined."""
    places = list(_TOKEN.finditer(text))
    words = [place[0].lower() for place in places]
    found = sorted(
        (places[first].start(), places[last].end() if not partial else places[last].start() + partial)
        for term in terms
        for first, last, partial in _matches(words, term)
    )
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _matches(words: list[str], term: Term) -> Iterator[tuple[int, int, int]]:
    """Yield first and last word of each place of a term, and how many letters of the last one it has if not all."""
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
    """Return the part of a text to show, at the edges of words."""
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


def _parts(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> Iterator[Part]:
    done = start
    for first, last in spans:
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        if done < first:
            yield Part(text[done:first], match=False)
        yield Part(text[first:last], match=True)
        done = last
    if done < end:
        yield Part(text[done:end], match=False)
