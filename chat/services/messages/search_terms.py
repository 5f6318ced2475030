"""Words of deleted messages leave the search index.

FTS5 (SQLite) only marks what is deleted, and keeps the words until their lists are merged. This
merges all lists, in short transactions. PostgreSQL removes them with ``VACUUM``, which it runs by
itself.
"""

import time
from typing import Any, Final

from django.db import connection

from realtime.core.heads import changing

PAGES_PER_TRANSACTION: Final = 250  # of the index, about 1 MiB: some 20 ms
_SQL: Final = "INSERT INTO chat_search (chat_search, rank) VALUES ('merge', %s)"


def forget_deleted_words() -> None:
    """Merge the lists of the search index until no word of a deleted text is left."""
    if connection.vendor != "sqlite":
        return
    # A negative number puts all lists on one level first, so that they become one.
    pages = -PAGES_PER_TRANSACTION
    started = time.monotonic()
    while _merge(pages):
        pages = PAGES_PER_TRANSACTION
        # Others write meanwhile: it rests as long as it works.
        time.sleep(time.monotonic() - started)
        started = time.monotonic()


def _merge(pages: int) -> bool:
    """Returns whether there is more to merge: a step with nothing to do changes one row."""
    with changing(), connection.cursor() as cursor:
        before = _changes(cursor)
        cursor.execute(_SQL, [pages])
        return _changes(cursor) - before >= 2 or pages < 0


def _changes(cursor: Any) -> int:
    cursor.execute("SELECT total_changes()")
    found: int = cursor.fetchone()[0]
    return found
