"""Words and patterns that messages are held against: pure, compiled once, and linear in the length of the text.

Words are looked up by what they begin with, so their number does not matter. Patterns are RE2's: an engine that cannot backtrack, so no
pattern and no text can hold up those who post (Python's ``re`` can be made to think for hours by 30 characters).
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

from realtime.protocol.errors import BadRequest

MASK: Final = "•••"
MAX_LENGTH: Final = 200  # characters of a word or a pattern
MAX_WORDS: Final = 5000  # that are on
MAX_PATTERNS: Final = 100  # that are on; a text is held against all of them at once first
# Instructions of one pattern: a class of all letters has some hundred, "\pL{100}" a hundred
# thousand.
MAX_PROGRAM: Final = 5000
MAX_PROGRAMS: Final = 50_000  # of all that are on
# Bytes that RE2 may take for the states of one pattern; beyond that it goes on more slowly.
MAX_MEMORY: Final = 8 * 2**20

_RUN: Final = re.compile(r"\w+|[^\w\s]")


class Kind(TextChoices):
    """What the text of a filter is."""

    WORD = "word", gettext_lazy("word or phrase")
    PATTERN = "pattern", gettext_lazy("pattern")


class Action(TextChoices):
    """What becomes of a message that has it."""

    FLAG = "flag", gettext_lazy("flag")
    MASK = "mask", gettext_lazy("mask")
    BLOCK = "block", gettext_lazy("block")


@dataclass(frozen=True, slots=True)
class Rule:
    """A filter, as plain values. ``room_id`` None: it holds everywhere."""

    text: str
    kind: str = Kind.WORD
    action: str = Action.BLOCK
    room_id: int | None = None


class Hit(NamedTuple):
    """A rule, and where in the text it was found."""

    rule: Rule
    spans: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the filters make of a text."""

    body: str  # with what is masked
    blocked: bool
    flags: tuple[str, ...]  # the texts of the filters that want a moderator to look


class Rulebook:
    """All rules that are on, compiled."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        by_room: dict[int | None, list[Rule]] = {}
        for rule in rules:
            by_room.setdefault(rule.room_id, []).append(rule)
        self._scopes = {room_id: _Scope(found) for room_id, found in by_room.items()}

    def check(self, body: str, room_id: int) -> Outcome:
        """Hold a text for a room against the rules of the site and those of the room."""
        if not self._scopes:
            return Outcome(body, False, ())
        hits = self.hits(body, room_id)
        masked = [span for hit in hits if hit.rule.action == Action.MASK for span in hit.spans]
        return Outcome(
            mask(body, masked) if masked else body,
            any(hit.rule.action == Action.BLOCK for hit in hits),
            tuple(hit.rule.text for hit in hits if hit.rule.action == Action.FLAG),
        )

    def hits(self, body: str, room_id: int | None) -> list[Hit]:
        """Return the rules that fit, each with where."""
        scopes = [scope for key in {None, room_id} if (scope := self._scopes.get(key))]
        return [hit for scope in scopes for hit in scope.hits(body)]


def mask(body: str, spans: Iterable[tuple[int, int]]) -> str:
    """Put ``MASK`` where the spans are; those that overlap are one."""
    parts, done = [], 0
    for start, end in merged(spans):
        parts += [body[done:start], MASK]
        done = end
    return "".join([*parts, body[done:]])


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in order, those that overlap as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def check_pattern(text: str) -> int:
    """Return the size of a pattern's program. Raises ``BadRequest`` that says what is wrong with it."""
    try:
        found = _compile(text)
    except re2.error as error:
        raise BadRequest(
            "text: this pattern cannot be read: {problem}.", problem=_problem(error)
        ) from error
    size: int = found.programsize
    if size > MAX_PROGRAM:
        raise BadRequest(
            "text: this pattern is too large ({size} steps of {most})", size=size, most=MAX_PROGRAM
        )
    if found.search("") is not None:
        raise BadRequest("text: this pattern fits every message, because it fits an empty text")
    return size


def _problem(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    words = said.decode() if isinstance(said, bytes) else str(said)
    if "perl operator" in words or (
        words.startswith("invalid escape sequence") and words[-1].isdigit()
    ):
        words += _(" (there is no looking ahead and no reference back: they can take for ever)")
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
    """The rules of one room, or of the site."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._words = _Words([rule for rule in rules if rule.kind == Kind.WORD])
        self._patterns = [
            (rule, _compile(rule.text)) for rule in rules if rule.kind == Kind.PATTERN
        ]
        self._any = _gate([rule.text for rule, _ in self._patterns])

    def hits(self, body: str) -> list[Hit]:
        return [*self._words.hits(body), *self._pattern_hits(body)]

    def _pattern_hits(self, body: str) -> Iterator[Hit]:
        if not self._patterns or (self._any is not None and self._any.search(body) is None):
            return
        for rule, pattern in self._patterns:
            spans = [
                match.span() for match in pattern.finditer(body) if match.end() > match.start()
            ]
            if spans:
                yield Hit(rule, spans)


def _gate(texts: Sequence[str]) -> Any:
    """Return one pattern for all: nearly every text fits none, and is through after one search. None where they cannot be joined."""
    if len(texts) < 2:
        return None
    try:
        return _compile("|".join(f"(?:{text})" for text in texts))
    except re2.error:  # two groups of one name
        return None


@dataclass(slots=True)
class _Words:
    """Words and phrases by the first run of letters, or the first sign, that they have. Whole words, in any case of their letters."""

    rules: Sequence[Rule]
    _by_start: dict[str, list[tuple[str, Rule]]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_start = {}
        for rule in self.rules:
            word = rule.text.casefold()
            start = _RUN.search(word)
            if start is not None:
                self._by_start.setdefault(start[0], []).append((word, rule))

    def hits(self, body: str) -> list[Hit]:
        if not self._by_start:
            return []
        folded, origin = _fold(body)
        found: dict[Rule, list[tuple[int, int]]] = {}
        for run in _RUN.finditer(folded):
            for word, rule in self._by_start.get(run[0], ()):
                start, end = run.start(), run.start() + len(word)
                if folded.startswith(word, start) and not _goes_on(folded, start, end):
                    found.setdefault(rule, []).append(
                        (start, end) if origin is None else (origin[start], origin[end - 1] + 1)
                    )
        return [Hit(rule, spans) for rule, spans in found.items()]


def _fold(body: str) -> tuple[str, list[int] | None]:
    """Return a text without case, and where each character of it came from, if that is not where it stands ("ß" becomes "ss")."""
    folded = body.casefold()
    if len(folded) == len(body):
        return folded, None
    return folded, [index for index, character in enumerate(body) for _ in character.casefold()]


def _goes_on(text: str, start: int, end: int) -> bool:
    return (start > 0 and _in_word(text[start - 1])) or (end < len(text) and _in_word(text[end]))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
