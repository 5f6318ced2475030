"""The words of stored messages for the search, made again.

A release without them, or with other rules, may have stored some; see ``chat.text.search_words``.
"""

from collections.abc import Generator
from typing import Final, NamedTuple

from django.db import transaction

from chat.models import Message
from chat.text.search_words import stored_words

ROWS: Final = 1000  # of one transaction, whose rows nobody can edit meanwhile
ROWS_PER_STATEMENT: Final = 200


class WordBatch(NamedTuple):
    """The messages that one transaction has looked at."""

    looked_at: int
    changed: int
    oldest: int  # the id of the last one: continue before it


def make_words_again(*, before_id: int | None = None) -> Generator[WordBatch]:
    """Make the words of all messages, or of those before an id, from the newest one back.

    Only rows whose words differ are changed, so it may run twice, and while people post.
    """
    while True:
        batch = _batch(before_id)
        if batch is None:
            return
        yield batch
        before_id = batch.oldest


@transaction.atomic
def _batch(before_id: int | None) -> WordBatch | None:
    rows = Message.objects.exclude(body="").order_by("-pk")
    if before_id is not None:
        rows = rows.filter(pk__lt=before_id)
    found = list(rows.select_for_update().only("pk", "body", "html", "search_text")[:ROWS])
    if not found:
        return None
    changed: list[Message] = []
    for row in found:
        words = stored_words(row.body, row.html)
        if words != row.search_text:
            row.search_text = words
            changed.append(row)
    Message.objects.bulk_update(changed, ["search_text"], batch_size=ROWS_PER_STATEMENT)
    return WordBatch(len(found), len(changed), found[-1].pk)
