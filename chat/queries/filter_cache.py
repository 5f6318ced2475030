"""The filters as this process holds them: compiled once for each version, which a single query compares with the database's.

So who posts is held against what moderators switched on a moment ago, on every node, and nobody waits for a compiler.
"""

from typing import Final

from django.db import connection

from chat.models import BlockedWord, Filter
from chat.text.filters import MAX_PATTERNS, MAX_WORDS, Action, Kind, Rule, Rulebook

Version = tuple[object, ...]

_VERSION: Final = """
SELECT (SELECT stamp FROM chat_filterversion WHERE id = 1), COUNT(*), MAX(id), MAX(created_at)
FROM chat_blockedword WHERE taken_over_at IS NULL
"""

_held: tuple[Version, Rulebook] = ((), Rulebook())


def current() -> Rulebook:
    """Return the filters that are on; one query where nothing has changed."""
    global _held
    version = _version()
    known, book = _held
    if version != known:
        # The version was read first: what changes in between is compiled now, and once more with
        # the next version.
        book = Rulebook(rules())
        _held = (version, book)
    return book


def rules() -> list[Rule]:
    """Return the filters that are on, and the words that were not taken over."""
    on = (
        Filter.objects.filter(is_on=True)
        .order_by("pk")
        .values_list("text", "kind", "action", "room_id")[: MAX_WORDS + MAX_PATTERNS]
    )
    left = (
        BlockedWord.objects.filter(taken_over_at=None)
        .order_by("pk")
        .values_list("word", flat=True)[:MAX_WORDS]
    )
    return [*(Rule(*row) for row in on), *(Rule(word, Kind.WORD, Action.BLOCK) for word in left)]


def _version() -> Version:
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        return tuple(cursor.fetchone() or ())
