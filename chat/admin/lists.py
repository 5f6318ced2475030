"""Lists that stay fast on a million rows: pages by key, nothing counted, and only what an index finds.

Django's own list counts the table twice and skips rows with OFFSET; its search scans every row for a substring.
"""

from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from chat.admin import formatting
from chat.models import Room
from chat.policies import MAX_ID

ROWS_PER_PAGE: Final = 50
MAX_WORDS: Final = 4  # of a search; each is a query of its own
MOST_LOOKED_AT: Final = 50_000  # rows behind a list that leaves some out; some 0.2 s
AFTER: Final = "after"  # the key of the last row of the page before
BEFORE: Final = "before"  # the key of the first row of the page after

NOTHING: Final = Q(pk__in=())


class KeysetList(ChangeList):
    """A page of rows, and whether there are more on either side."""

    has_later = False
    has_earlier = False

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Return the rows of all pages. The place in the list is no filter, and a new search starts at the beginning."""
        for name in (AFTER, BEFORE):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        return self._admin.listed(self, super().get_queryset(request, exclude_parameters))

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the one order that an index gives."""
        return [self._order]

    def get_results(self, request: HttpRequest) -> None:
        """Read one page, and one row more to know whether it is the last."""
        after, before = self._key(request, AFTER), self._key(request, BEFORE)
        rows = self.queryset
        if before is not None:
            rows = rows.filter(
                **{f"{self._column}__{'gt' if self._falls else 'lt'}": before}
            ).reverse()
        elif after is not None:
            rows = rows.filter(**{f"{self._column}__{'lt' if self._falls else 'gt'}": after})
        found = list(rows[: self.list_per_page + 1])
        is_cut = len(found) > self.list_per_page
        self.result_list = found[: self.list_per_page]
        if before is not None:
            self.result_list.reverse()
        self.has_earlier = is_cut if before is not None else after is not None
        self.has_later = before is not None or is_cut
        # Equal numbers keep Django's templates from showing either, and from offering "all pages"
        # to an action.
        self.result_count = self.full_result_count = len(self.result_list)
        self.can_show_all, self.multi_page = False, False
        self.show_admin_actions = bool(self.result_list)

    @property
    def earlier_url(self) -> str:
        """The address of the page before this one, or nothing."""
        return self._page(BEFORE, 0) if self.has_earlier and self.result_list else ""

    @property
    def later_url(self) -> str:
        """The address of the page after this one, or nothing."""
        return self._page(AFTER, -1) if self.has_later and self.result_list else ""

    @property
    def first_url(self) -> str:
        """The address of the first page."""
        return self.get_query_string()

    def _key(self, request: HttpRequest, name: str) -> Any:
        """Return a key from the address; what can be none is none."""
        field: Any = self.opts.pk if self._column == "pk" else self.opts.get_field(self._column)
        try:
            return field.to_python(request.GET[name].replace("\0", ""))
        except (KeyError, ValidationError):
            return None

    def _page(self, name: str, index: int) -> str:
        return self.get_query_string({name: getattr(self.result_list[index], self._column)})

    @property
    def _admin(self) -> "KeysetAdmin":
        assert isinstance(self.model_admin, KeysetAdmin)
        return self.model_admin

    @property
    def _order(self) -> str:
        return self._admin.keyset(self)

    @property
    def _column(self) -> str:
        return self._order.removeprefix("-")

    @property
    def _falls(self) -> bool:
        return self._order.startswith("-")


class KeysetAdmin(admin.ModelAdmin[Any]):
    """A list of ``KeysetList``, found by words: a number, ``@person``, ``#room``.

    ``people`` and ``room`` name the indexed columns that such words are compared with; ``narrowed_by`` the columns that the address may
    filter by. Everything else in an address is refused: it could scan the table, or guess at texts letter by letter.
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = ROWS_PER_PAGE
    sortable_by = ()
    search_fields = ("pk",)  # not used as such: that there are any shows the field

    people: tuple[str, ...] = ()
    room = ""
    narrowed_by: tuple[str, ...] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that does not count."""
        return KeysetList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list under the name of what it lists."""
        title = capfirst(str(self.opts.verbose_name_plural))
        answer: HttpResponse = super().changelist_view(
            request, {"title": title, **(extra_context or {})}
        )
        return answer

    def keyset(self, found: ChangeList) -> str:
        """Return the unique, indexed column in whose order the rows come: newest first."""
        return "-pk"

    def listed(self, found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the rows that the list shows."""
        return rows

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the declared columns and filters."""
        filters = {
            f"{each}__exact" if isinstance(each, str) else getattr(each, "parameter_name", "")
            for each in self.list_filter
        }
        return lookup in self.narrowed_by or lookup in filters

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that fit every word."""
        for word in search_term.split()[:MAX_WORDS]:
            queryset = queryset.filter(self.found_by(word))
        return queryset, False

    def found_by(self, word: str) -> Q:
        """Return the rows that a word means."""
        if word.startswith("#"):
            room = room_id(word) if self.room else None
            return Q(**{self.room: room}) if room else NOTHING
        if is_id(word):
            return self.found_by_id(int(word))
        person = person_id(word) if self.people else None
        return (
            Q(*[(column, person) for column in self.people], _connector=Q.OR) if person else NOTHING
        )

    def found_by_id(self, ident: int) -> Q:
        """Return the rows that a number means."""
        return Q(pk=ident)

    def is_narrowed_to_room(self, found: ChangeList) -> bool:
        """Tell whether a list is of one room and of nobody in particular."""
        words = found.query.split()
        is_of_somebody = any(column in found.params for column in self.people) or not all(
            word.startswith("#") for word in words
        )
        return (self.room in found.params or bool(words)) and not is_of_somebody


class ShownAdmin(KeysetAdmin):
    """Shows rows and changes none by a form: rows of a stream have numbers, which only a service gives."""

    @admin.display(description=gettext_lazy("when"))
    def when(self, row: Any) -> SafeString | str:
        """Return when it was made."""
        return formatting.moment(row.created_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a row, and beside it what one has to know of it."""
        row = self.get_object(request, object_id) if self.has_view_permission(request) else None
        beside = self.beside(request, row) if row is not None else {}
        return super().change_view(
            request, object_id, form_url, {**beside, **(extra_context or {})}
        )

    def beside(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the template of the page needs beside the row."""
        return {"title": self.name(row), "subtitle": None}

    def name(self, row: Any) -> str:
        """Return what a row is called."""
        return capfirst(str(row))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse, for the same reason. What moderators do is an act (``chat.admin.actions``)."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: a deleted row would be missing from the replay."""
        return False


def without_direct(found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Leave out what belongs to direct conversations: two names in a row, and everybody knew who talks to whom.

    A subquery for each row, not a join: a database may begin a join with the rooms, and would then sort all rows of all of them. And where
    nobody has searched, only the newest rows are looked at: the newest hundred thousand may all be of direct conversations.
    """
    if not found.query and not found.params:
        newest = rows.model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        rows = rows.filter(pk__gt=newest - MOST_LOOKED_AT)
    kind = Room.objects.filter(pk=OuterRef("room_id")).values("kind")
    others: QuerySet[Any] = rows.alias(room_kind=Subquery(kind)).filter(
        room_kind__in=[Room.Kind.PUBLIC, Room.Kind.PRIVATE]
    )
    return others


def is_id(word: str) -> bool:
    """Tell whether a word can be the id of a row."""
    return (
        word.isascii()
        and word.isdecimal()
        and len(word) <= len(str(MAX_ID))
        and int(word) <= MAX_ID
    )


def person_id(word: str) -> int | None:
    """Return whom ``name`` or ``@name`` means."""
    return User.objects.filter(username=word.removeprefix("@")).values_list("pk", flat=True).first()


def room_id(word: str) -> int | None:
    """Return which room ``slug`` or ``#slug`` means."""
    return Room.objects.filter(slug=word.removeprefix("#")).values_list("pk", flat=True).first()
