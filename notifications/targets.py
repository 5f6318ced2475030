"""Places that a broadcast can be posted to, such as rooms.

The apps that own them register here, so that this one never imports theirs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol
from uuid import UUID

from django.db.models import QuerySet

SUGGESTIONS = 3  # close matches named for a wrong name


@dataclass(frozen=True, slots=True)
class Place:
    """One place, as its app found it."""

    ident: int  # what its app knows it by
    name: str  # what the operator typed
    people: int  # how many will see what is posted there


@dataclass(frozen=True, slots=True)
class Resolved:
    """The targets that an operator named, and the names that are wrong."""

    places: Sequence[Place]
    missing: Mapping[str, Sequence[str]]  # wrong name → close matches


class Sender(Protocol):
    """Posts a broadcast to a place, once for every ``key``; returns the ident of the post."""

    def __call__(
        self,
        ident: int,
        *,
        key: UUID,
        title: str,
        body: str,
        url: str,
        level: str,
        author_id: int | None,
    ) -> int: ...


class Editor(Protocol):
    """Gives a post, by its ident, another text. Returns whether there was something to change."""

    def __call__(self, ident: int, *, title: str, body: str, url: str, level: str) -> bool: ...


Resolver = Callable[[Sequence[str]], Resolved]
# Takes back what was posted, by its ident, and returns whether there was something left of it.
Recaller = Callable[[int], bool]
# The ids of accounts that no broadcast reaches now, such as banned ones.
Excluded = Callable[[], QuerySet[Any, int]]


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of place."""

    resolve: Resolver
    send: Sender
    recall: Recaller
    edit: Editor | None


_targets: dict[str, Target] = {}
_excluded: list[Excluded] = []


def register_target(
    name: str,
    resolver: Resolver,
    sender: Sender,
    recaller: Recaller,
    editor: Editor | None = None,
) -> None:
    """Make a kind of place known; called from ``AppConfig.ready``.

    ``room`` is what ``manage.py broadcast --room`` posts to. Without an editor, a post keeps its
    text when the broadcast is edited.
    """
    _targets[name] = Target(resolver, sender, recaller, editor)


def target(name: str) -> Target | None:
    """Return a kind of place, or None where the app that owns it is not installed."""
    return _targets.get(name)


def register_excluded(excluded: Excluded) -> None:
    """Leave out accounts that another app knows to be shut out; called from ``AppConfig.ready``."""
    _excluded.append(excluded)


def excluded() -> list[QuerySet[Any, int]]:
    """Return the queries for accounts that no broadcast reaches now."""
    return [query() for query in _excluded]


def close_matches(name: str, candidates: Iterable[str]) -> list[str]:
    """Return the candidates that are similar to ``name``."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    return [
        by_folded[match]
        for match in get_close_matches(name.casefold(), list(by_folded), n=SUGGESTIONS)
    ]
