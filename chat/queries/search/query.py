"""What somebody looks for, as they typed it: ``harbour "high tide" from:alice in:general after:2026-01-01 before:2026-02-01 has:link``.

Pure: names are resolved by ``index``. What is no operator is a word, so nothing that people type is an error but a date that is none.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from chat import policies
from realtime.protocol.errors import BadRequest

MAX_LENGTH: Final = 200  # characters
MAX_TERMS: Final = 12
MAX_FILTERS: Final = 10  # people and rooms that one search names
# The last word counts as a beginning from here on: with fewer letters half of all words would be
# found.
PREFIX_MIN_LENGTH: Final = 3

FROM, IN, BEFORE, AFTER, HAS = "from", "in", "before", "after", "has"
LINK: Final = "link"  # the only thing that a message can have

_PART = re.compile(
    r'(?P<name>from|in|before|after|has):(?P<value>\S*)|"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+)',
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W_]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Term(NamedTuple):
    """Words that stand one after the other: of a phrase, or of something like ``main.py``."""

    text: str
    is_phrase: bool = False
    is_prefix: bool = False  # the last word may go on

    @property
    def tokens(self) -> list[str]:
        """Its words, in lower case."""
        return tokens(self.text)

    def __str__(self) -> str:
        return f'"{self.text}"' if self.is_phrase else self.text


class Filter(NamedTuple):
    """An operator with its value."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}:{self.value}"


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: all of the terms, and all that the filters say; several people, or several rooms, are alternatives."""

    terms: tuple[Term, ...] = ()
    filters: tuple[Filter, ...] = ()
    before: date | None = None  # earlier than this day
    after: date | None = None  # on this day or later

    def __bool__(self) -> bool:
        return bool(self.terms or self.filters)

    def __str__(self) -> str:
        return " ".join(map(str, [*self.terms, *self.filters]))

    def values(self, name: str) -> list[str]:
        """Return what the filters of one kind say."""
        return [value for each, value in self.filters if each == name]

    def without(self, gone: Filter) -> str:
        """Return the query as text, without one of its filters."""
        return " ".join(map(str, [*self.terms, *(each for each in self.filters if each != gone)]))


def parse(typed: str) -> Query:
    """Read what somebody typed. Raises ``BadRequest`` that names the field."""
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


def joined(typed: str, filters: Iterable[tuple[str, str]]) -> str:
    """Return what somebody typed with the filters of a form behind it; those that are empty are left out."""
    said = (f"{name}:{''.join(value.split())}" for name, value in filters if value.strip())
    return (
        " ".join([*typed.split(), *said])
        if any(value.strip() for _name, value in filters)
        else typed
    )


def tokens(text: str) -> list[str]:
    """Return the words of a text, in lower case, as both databases cut them but for rare letters."""
    return [token.lower() for token in _TOKEN.findall(text)]


def _parts(typed: str) -> tuple[list[Term], list[Filter]]:
    terms: list[Term] = []
    filters: list[Filter] = []
    for part in _PART.finditer(typed):
        name, value = (part["name"] or "").lower(), part["value"] or ""
        if name and (name != HAS or value.lower() == LINK):
            if value:  # an operator alone is one that is being typed
                filters.append(Filter(name, value.lower() if name == HAS else value))
        elif part["phrase"] is not None:
            terms.append(Term(part["phrase"].strip(), is_phrase=True))
        else:
            terms.append(Term(part["word"] or part[0]))
    return [term for term in terms if term.tokens], filters


def _with_prefix(terms: list[Term], typed: str) -> tuple[Term, ...]:
    """Let the last word go on until a blank says that it is complete."""
    if (
        terms
        and not terms[-1].is_phrase
        and not typed[-1:].isspace()
        and len(terms[-1].tokens[-1]) >= PREFIX_MIN_LENGTH
    ):
        return (*terms[:-1], terms[-1]._replace(is_prefix=True))
    return tuple(terms)


def _date(said: Filter) -> date:
    try:
        if _DATE.fullmatch(said.value):
            return date.fromisoformat(said.value)
    except ValueError:
        pass
    raise BadRequest(
        "{name}: expected a date such as 2026-01-31, got “{value}”",
        name=said.name,
        value=said.value,
    )
