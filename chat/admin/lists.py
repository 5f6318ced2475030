"""Lists that stay fast on a million rows: keyset pages, no counts, searches along an index.

Django's own list counts the table twice and skips rows with OFFSET. Its search scans every row.
"""

from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from chat.admin import formatting
from chat.models import Room
from chat.policies import MAX_ID
from chat.queries import names
from realtime.core.generics import ModelAdmin

ROWS_PER_PAGE: Final = 50
MAX_WORDS: Final = 4  # of a search; each is a query of its own
# Rows that a list without direct conversations reads; takes about 0.2 s.
MAX_SCANNED: Final = 50_000
AFTER: Final = "after"  # the key of the last row of the previous page
BEFORE: Final = "before"  # the key of the first row of the next page

NOTHING: Final = Q(pk__in=())


class KeysetList(ChangeList):
    """A page of rows, and whether there are more on either side."""

    model_admin: "KeysetAdmin"
    previous_url = next_url = ""
    scanned = 0  # rows that were looked at, if they are not all

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        # The position is not a filter, and a new search starts on the first page.
        for name in (AFTER, BEFORE):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        return self.model_admin.visible(self, super().get_queryset(request, exclude_parameters))

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return [self._order]

    def get_results(self, request: HttpRequest) -> None:
        """Read one page, and one row more to know whether it is the last."""
        after, before = self._key(request, AFTER), self._key(request, BEFORE)
        column, size = self._order.removeprefix("-"), self.list_per_page
        further, back = ("lt", "gt") if self._order.startswith("-") else ("gt", "lt")
        rows = self.queryset
        if before is not None:
            rows = rows.filter(**{f"{column}__{back}": before}).reverse()
        elif after is not None:
            rows = rows.filter(**{f"{column}__{further}": after})
        found = list(rows[: size + 1])
        is_cut, page = len(found) > size, found[:size]
        if before is not None:
            page.reverse()
        if page and (is_cut if before is not None else after is not None):
            self.previous_url = self.get_query_string({BEFORE: getattr(page[0], column)})
        if page and (is_cut or before is not None):
            self.next_url = self.get_query_string({AFTER: getattr(page[-1], column)})
        self.result_list = page
        # With equal counts Django's templates show neither, and offer no "select all pages".
        self.result_count = self.full_result_count = len(page)
        self.can_show_all, self.multi_page = False, False
        self.show_admin_actions = bool(page)

    @property
    def first_url(self) -> str:
        return self.get_query_string()

    def _key(self, request: HttpRequest, name: str) -> Any:
        """Return a key from the URL, or None where it is missing or malformed."""
        column = self._order.removeprefix("-")
        field: Any = self.opts.pk if column == "pk" else self.opts.get_field(column)
        try:
            return field.to_python(request.GET[name].replace("\0", ""))
        except (KeyError, ValidationError):
            return None

    @property
    def _order(self) -> str:
        return self.model_admin.keyset(self)


class KeysetAdmin(ModelAdmin[Any]):
    """A ``KeysetList`` with a search by words: an id, ``@username``, ``#room``.

    ``person_columns`` and ``room_column`` are the indexed columns that such words are compared
    with. ``url_columns`` are the columns that a URL may filter by; any other could scan the table
    or guess at texts letter by letter.
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = ROWS_PER_PAGE
    sortable_by = ()
    search_fields = ("pk",)  # shows the search field; ``get_search_results`` ignores it

    person_columns: tuple[str, ...] = ()
    room_column = ""
    url_columns: tuple[str, ...] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        title = capfirst(str(self.opts.verbose_name_plural))
        context = {"title": title, **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def keyset(self, found: ChangeList) -> str:
        """Return the unique, indexed column that orders the rows: newest first."""
        return "-pk"

    def visible(self, found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that the list may show."""
        return rows

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        filters = {
            name
            for each in self.list_filter
            for name in (
                # Django compares a column without choices by its bare name.
                (each, f"{each}__exact")
                if isinstance(each, str)
                else (getattr(each, "parameter_name", ""),)
            )
        }
        return lookup in self.url_columns or lookup in filters

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = search_term.split()
        if len(words) > MAX_WORDS:
            text = gettext("Only the first %(count)d words are searched for.")
            messages.warning(request, text % {"count": MAX_WORDS})
        for word in words[:MAX_WORDS]:
            queryset = queryset.filter(self.matching(word))
        return queryset, False

    def matching(self, word: str) -> Q:
        """Return the rows that match one word of a search."""
        if word.startswith("#"):
            room = room_id(word) if self.room_column else None
            return Q(**{self.room_column: room}) if room else NOTHING
        if is_id(word):
            return self.matching_id(int(word))
        person = person_id(word) if self.person_columns else None
        if person is None:
            return NOTHING
        return Q(*[(column, person) for column in self.person_columns], _connector=Q.OR)

    def matching_id(self, number: int) -> Q:
        return Q(pk=number)

    def is_one_room(self, found: ChangeList) -> bool:
        """Return whether a list is narrowed to a room, but not to a person."""
        words = found.query.split()
        if any(column in found.params for column in self.person_columns):
            return False
        only_rooms = all(word.startswith("#") for word in words)
        return only_rooms and (self.room_column in found.params or bool(words))


class ReadOnlyAdmin(KeysetAdmin):
    """Pages without a form. Rows belong to streams, whose positions only a service assigns."""

    @admin.display(description=gettext_lazy("when"))
    def when(self, row: Any) -> SafeString | str:
        return formatting.moment(row.created_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = self.page_context(request, row) if row is not None else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the page of a row shows beside its fields."""
        return {"title": self.page_title(row), "subtitle": None}

    def page_title(self, row: Any) -> str:
        return capfirst(str(row))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def without_direct(found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Leave out direct conversations: a list would show which people talk to each other.

    This is a subquery for each row, not a join: a database may begin a join with the rooms, and
    would then sort the rows of all of them. Without a search only the newest rows are read: the
    newest hundred thousand may all belong to direct conversations.
    """
    if not found.query and not found.params:
        newest = rows.model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        rows = rows.filter(pk__gt=newest - MAX_SCANNED)
        # The last page says so.
        if isinstance(found, KeysetList) and newest > MAX_SCANNED:
            found.scanned = MAX_SCANNED
    kind = Room.objects.filter(pk=OuterRef("room_id")).values("kind")
    others: QuerySet[Any] = rows.alias(room_kind=Subquery(kind)).filter(
        room_kind__in=[Room.Kind.PUBLIC, Room.Kind.PRIVATE]
    )
    return others


def is_id(word: str) -> bool:
    """Return whether a word can be the id of a row."""
    is_number = word.isascii() and word.isdecimal() and len(word) <= len(str(MAX_ID))
    return is_number and int(word) <= MAX_ID


def person_id(word: str) -> int | None:
    """Return the id of ``name`` or ``@name``."""
    user = names.user_named(word.removeprefix("@"))
    return user.pk if user is not None else None


def room_id(word: str) -> int | None:
    """Return the id of ``slug`` or ``#slug``."""
    return Room.objects.filter(slug=word.removeprefix("#")).values_list("pk", flat=True).first()
