"""The filters that are on, compiled once in each process.

``current`` compares the version of the compiled filters with the database's in one query. So a
filter applies on every node as soon as a moderator has switched it on, and posting does not
compile patterns.
"""

from typing import Final

from chat.errors import BlockedWord
from chat.models import Filter, FilterVersion
from chat.text.filters import MAX_PATTERNS, MAX_WORDS, FilterAction, FilterSet, Rule


class FilterCache:
    """The compiled filters, with the version of the database that they were compiled from."""

    def __init__(self) -> None:
        # One value, because threads share it.
        self._held: tuple[str | None, FilterSet] = ("never read", FilterSet())

    def current(self) -> FilterSet:
        """Return the filters that are on; one query where nothing has changed."""
        version = FilterVersion.objects.filter(pk=1).values_list("stamp", flat=True).first()
        known, filters = self._held
        if version != known:
            # The version is read first: a change in between is compiled now, and once more with the
            # next version.
            filters = FilterSet(_rules())
            self._held = (version, filters)
        return filters

    @property
    def held(self) -> FilterSet:
        """The filters as of the last ``current``, without a query."""
        return self._held[1]

    @property
    def held_version(self) -> tuple[str | None, FilterSet]:
        """The filters as of the last ``current``, with their version in the database."""
        return self._held


def _rules() -> list[Rule]:
    on = Filter.objects.filter(is_on=True).order_by("pk")
    values = on.values_list("text", "kind", "action", "room_id")
    return [Rule(*row) for row in values[: MAX_WORDS + MAX_PATTERNS]]


_process: Final = FilterCache()
current = _process.current


def check_name(text: str, *, field: str, room_id: int | None = None) -> None:
    """Raise ``BlockedWord`` for a name or a topic with a word of a filter that does not only flag.

    A name cannot wait for a moderator, and it mutes nobody.
    """
    if not text:
        return
    actions = {hit.rule.action for hit in current().hits(text, room_id)}
    if actions - {FilterAction.FLAG}:
        raise BlockedWord(
            "{field}: it contains a word that is not allowed here. Choose another one.", field=field
        )


def held() -> FilterSet:
    """Return the filters as of the last ``current``, without a query."""
    return _process.held


def held_version() -> tuple[str | None, FilterSet]:
    """Return the filters as of the last ``current`` and their version, without a query."""
    return _process.held_version
