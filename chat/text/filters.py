"""Checks messages against words and patterns, in time linear in the length of the text.

Both are compared with what a reader sees (``chat.text.folding``); patterns also with the text as it
was typed. Words are looked up by their beginning, so their number does not matter. Patterns are
matched by RE2, which never backtracks, so no pattern and no text can delay posting. (30 characters
are enough to keep Python's ``re`` busy for hours.)
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple

import re2
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.text.folding import Folded, folded
from realtime.protocol.errors import BadRequest

MASK: Final = "•••"
MAX_LENGTH: Final = 200  # characters of a word or a pattern
MAX_WORDS: Final = 5000  # switched on
MAX_PATTERNS: Final = 100  # switched on; one search tries all of them first
# Instructions of one pattern: a class of all letters has a few hundred, "\pL{100}" a hundred
# thousand.
MAX_PROGRAM: Final = 5000
MAX_PROGRAMS: Final = 50_000  # of all patterns that are switched on
# Bytes that RE2 may use for the states of one pattern. Beyond that it continues more slowly.
MAX_MEMORY: Final = 8 * 2**20

_RUN: Final = re.compile(r"\w+|[^\w\s]")


class FilterKind(TextChoices):
    WORD = "word", gettext_lazy("word or phrase")
    PATTERN = "pattern", gettext_lazy("pattern")


class FilterAction(TextChoices):
    """The action on a message that contains the text."""

    FLAG = "flag", gettext_lazy("flag")
    MASK = "mask", gettext_lazy("mask")
    BLOCK = "block", gettext_lazy("block")
    HOLD = "hold", gettext_lazy("hold")
    MUTE = "mute", gettext_lazy("mute")


@dataclass(frozen=True, slots=True)
class Rule:
    """A filter as plain values. It applies to all rooms if ``room_id`` is None."""

    text: str
    kind: str = FilterKind.WORD
    action: str = FilterAction.BLOCK
    room_id: int | None = None


class Hit(NamedTuple):
    """A rule, and where the text matches it."""

    rule: Rule
    spans: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class FilterResult:
    body: str  # with masks in place
    blocked: bool
    flags: tuple[str, ...]  # the filters that report the message to the moderators
    held: tuple[str, ...] = ()  # the filters that hold it until a moderator has decided
    muting: str | None = None  # the filter that mutes its author

    @property
    def is_clean(self) -> bool:
        """No filter does more than mask."""
        return not (self.blocked or self.flags or self.held or self.muting)


class FilterSet:
    """Compiled rules."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        by_room: dict[int | None, list[Rule]] = {}
        for rule in rules:
            by_room.setdefault(rule.room_id, []).append(rule)
        self._scopes = {room_id: _Scope(found) for room_id, found in by_room.items()}

    def __bool__(self) -> bool:
        return bool(self._scopes)

    def check(self, body: str, room_id: int) -> FilterResult:
        """Check a text against the rules of the site and those of the room."""
        if not self._scopes:
            return FilterResult(body, False, ())
        hits = self.hits(body, room_id)
        masked = [
            span for hit in hits if hit.rule.action == FilterAction.MASK for span in hit.spans
        ]
        return FilterResult(
            mask(body, masked) if masked else body,
            any(hit.rule.action == FilterAction.BLOCK for hit in hits),
            _of(hits, FilterAction.FLAG),
            _of(hits, FilterAction.HOLD),
            next(iter(_of(hits, FilterAction.MUTE)), None),
        )

    def hits(self, body: str, room_id: int | None) -> list[Hit]:
        scopes = [scope for key in {None, room_id} if (scope := self._scopes.get(key))]
        return [hit for scope in scopes for hit in scope.hits(body)]


def _of(hits: Iterable[Hit], action: FilterAction) -> tuple[str, ...]:
    return tuple(hit.rule.text for hit in hits if hit.rule.action == action)


def mask(body: str, spans: Iterable[tuple[int, int]]) -> str:
    """Replace each span with ``MASK``; overlapping spans become one mask."""
    parts, done = [], 0
    for start, end in merged(spans):
        parts += [body[done:start], MASK]
        done = end
    return "".join([*parts, body[done:]])


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans in order, with overlapping ones joined."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def check_pattern(text: str) -> int:
    """Return the size of the compiled pattern. Raises ``BadRequest`` that names the problem."""
    try:
        found = _compile(text)
    except re2.error as error:
        raise BadRequest(
            "text: this pattern is invalid: {problem}.", problem=_problem(error)
        ) from error
    size: int = found.programsize
    if size > MAX_PROGRAM:
        raise BadRequest(
            "text: this pattern is too large ({size} steps of {most})", size=size, most=MAX_PROGRAM
        )
    if found.search("") is not None:
        raise BadRequest(
            "text: this pattern matches every message, because it matches an empty text"
        )
    return size


def _problem(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    words = detail.decode() if isinstance(detail, bytes) else str(detail)
    if "perl operator" in words or (
        words.startswith("invalid escape sequence") and words[-1].isdigit()
    ):
        words += _(
            " (lookaheads and backreferences are not supported, because they can take too long)"
        )
    return words


def _options() -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MAX_MEMORY
    return options


@cache
def _shared_options() -> Any:
    return _options()


def _compile(text: str) -> Any:
    return re2.compile(text, _shared_options())


# -- one scope -------------------------------------------------------------------------------------


class _Scope:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._words = _Words([rule for rule in rules if rule.kind == FilterKind.WORD])
        self._patterns = [
            (rule, _compile(rule.text)) for rule in rules if rule.kind == FilterKind.PATTERN
        ]
        self._any = _any_of([rule.text for rule, _ in self._patterns])

    def hits(self, body: str) -> list[Hit]:
        return [*self._words.hits(body), *self._pattern_hits(body)]

    def _pattern_hits(self, body: str) -> Iterator[Hit]:
        if not self._patterns:
            return
        seen = folded(body)
        views = [Folded(body)] if seen.text == body else [Folded(body), seen]
        if self._any is not None:
            views = [view for view in views if self._any.search(view.text) is not None]
        for rule, pattern in self._patterns if views else ():
            spans = [
                view.span(*match.span())
                for view in views
                for match in pattern.finditer(view.text)
                if match.end() > match.start()
            ]
            if spans:
                yield Hit(rule, merged(spans))


def _any_of(texts: Sequence[str]) -> Any:
    """Return one pattern that matches whenever one of ``texts`` does.

    Nearly every message matches none, and is done after this one search. Returns None if the
    patterns cannot be joined.
    """
    if len(texts) < 2:
        return None
    try:
        return _compile("|".join(f"(?:{text})" for text in texts))
    except re2.error:  # two groups have the same name
        return None


@dataclass(slots=True)
class _Words:
    """Words and phrases, indexed by their first run of letters or first symbol.

    They match whole words, as a reader sees them.
    """

    rules: Sequence[Rule]
    _by_start: dict[str, list[tuple[str, Rule]]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_start = {}
        for rule in self.rules:
            word = folded(rule.text).text.strip()
            start = _RUN.search(word)
            if start is not None:
                self._by_start.setdefault(start[0], []).append((word, rule))

    def hits(self, body: str) -> list[Hit]:
        if not self._by_start:
            return []
        seen = folded(body)
        found: dict[Rule, list[tuple[int, int]]] = {}
        for run in _RUN.finditer(seen.text):
            for word, rule in self._by_start.get(run[0], ()):
                start, end = run.start(), run.start() + len(word)
                if seen.text.startswith(word, start) and not _continues(seen.text, start, end):
                    found.setdefault(rule, []).append(seen.span(start, end))
        return [Hit(rule, spans) for rule, spans in found.items()]


def _continues(text: str, start: int, end: int) -> bool:
    return (start > 0 and _in_word(text[start - 1])) or (end < len(text) and _in_word(text[end]))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
