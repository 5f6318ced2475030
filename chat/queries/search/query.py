"""Parses search queries such as ``harbour "high tide" from:alice in:general has:link``.

Pure: ``index`` resolves the names. Anything that is not an operator is a word, so invalid dates are
the only syntax errors.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from chat import policies
from chat.text.search_words import tokens
from realtime.protocol.errors import BadRequest

MAX_LENGTH: Final = 200  # characters
MAX_TERMS: Final = 12
MAX_FILTERS: Final = 10  # people and rooms in one query
# A last word of this length also matches longer words. A shorter one would match half of all words.
PREFIX_MIN_LENGTH: Final = 3

FROM, IN, BEFORE, AFTER, HAS = "from", "in", "before", "after", "has"
LINK: Final = "link"  # the only value of `has:`

_PART = re.compile(
    r'(?P<name>from|in|before|after|has):(?P<value>\S*)|"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+)',
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Term(NamedTuple):
    """Consecutive words: a phrase, or the parts of something like ``main.py``."""

    text: str
    is_phrase: bool = False
    is_prefix: bool = False  # the last word also matches longer words

    @property
    def tokens(self) -> list[str]:
        """The words to look for, in this order."""
        found = tokens(self.text)
        # Whatever follows the last sign of a text that is cut into pairs: 東京 is found in 東京都.
        if len(found) > 1 and found[-1].is_rest and found[-2].end == found[-1].end:
            found.pop()
        return [token.text for token in found]

    def __str__(self) -> str:
        return f'"{self.text}"' if self.is_phrase else self.text


class Operator(NamedTuple):
    """An operator with its value, such as ``from:alice``."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}:{self.value}"


@dataclass(frozen=True, slots=True)
class Query:
    """All terms must match, and one value of each kind of operator."""

    terms: tuple[Term, ...] = ()
    filters: tuple[Operator, ...] = ()
    before: date | None = None  # earlier than this day
    after: date | None = None  # on this day or later

    def __bool__(self) -> bool:
        return bool(self.terms or self.filters)

    def __str__(self) -> str:
        return " ".join(map(str, [*self.terms, *self.filters]))

    def values(self, name: str) -> list[str]:
        return [value for each, value in self.filters if each == name]

    def without(self, removed: Operator) -> str:
        """Return the query as text, without one of its operators."""
        return " ".join(
            map(str, [*self.terms, *(each for each in self.filters if each != removed)])
        )


def parse(typed: str) -> Query:
    """Raises ``BadRequest`` that names the field."""
    policies.check_is_text(typed, name="q")
    if len(typed) > MAX_LENGTH:
        raise BadRequest(
            "{field}: expected at most {limit} characters, got {count}",
            field="q",
            limit=MAX_LENGTH,
            count=len(typed),
        )
    terms, filters = _parts(typed)
    if len(terms) > MAX_TERMS or len(filters) > MAX_FILTERS:
        raise BadRequest(
            "q: expected at most {terms} words and {filters} filters",
            terms=MAX_TERMS,
            filters=MAX_FILTERS,
        )
    dates = {
        name: [_date(each) for each in filters if each.name == name] for name in (BEFORE, AFTER)
    }
    return Query(
        _with_prefix(terms, typed),
        tuple(dict.fromkeys(filters)),
        before=min(dates[BEFORE], default=None),
        after=max(dates[AFTER], default=None),
    )


def check_words(typed: str) -> None:
    """Raise ``BadRequest`` for a text without any word, such as ``!``."""
    if typed.strip(' "') and not tokens(typed):
        raise BadRequest(
            "q: “{typed}” can't be searched for. Type a letter, a digit or a symbol such as 🎉.",
            typed=typed,
        )


def joined(typed: str, filters: Iterable[tuple[str, str]]) -> str:
    """Return a typed query followed by the filters of a form that have a value."""
    operators = (f"{name}:{''.join(value.split())}" for name, value in filters if value.strip())
    return (
        " ".join([*typed.split(), *operators])
        if any(value.strip() for _name, value in filters)
        else typed
    )


def _parts(typed: str) -> tuple[list[Term], list[Operator]]:
    terms: list[Term] = []
    filters: list[Operator] = []
    for part in _PART.finditer(typed):
        name, value = (part["name"] or "").lower(), part["value"] or ""
        if name and (name != HAS or value.lower() == LINK):
            # An operator without a value is still being typed.
            if value:
                filters.append(Operator(name, value.lower() if name == HAS else value))
        elif part["phrase"] is not None:
            terms.append(Term(part["phrase"].strip(), is_phrase=True))
        else:
            terms.append(Term(part["word"] or part[0]))
    return [term for term in terms if term.tokens], filters


def _with_prefix(terms: list[Term], typed: str) -> tuple[Term, ...]:
    """Make the last word a prefix, unless a space shows that it is complete."""
    terms = [term._replace(is_prefix=_is_one_sign(term)) for term in terms]
    if (
        terms
        and not terms[-1].is_phrase
        and not typed[-1:].isspace()
        and len(terms[-1].tokens[-1]) >= PREFIX_MIN_LENGTH
    ):
        return (*terms[:-1], terms[-1]._replace(is_prefix=True))
    return tuple(terms)


def _is_one_sign(term: Term) -> bool:
    """Tell whether a term ends with a lone sign of a text that is cut into pairs, such as 猫."""
    last = tokens(term.text)[-1]
    return last.is_rest and len(term.tokens) == len(tokens(term.text))


def _date(operator: Operator) -> date:
    try:
        if _DATE.fullmatch(operator.value):
            return date.fromisoformat(operator.value)
    except ValueError:
        pass
    raise BadRequest(
        "{name}: expected a date such as 2026-01-31, got “{value}”",
        name=operator.name,
        value=operator.value,
    )
