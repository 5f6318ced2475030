"""Lists stay fast: no counts, no offsets, and as many queries for 100 rows as for 5."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat.admin.lists import ROWS_PER_PAGE
from chat.models import Message, ReasonTemplate, Room
from tests.admin.rows import make_rows
from tests.chat.conftest import Say

LISTS = [
    "room",
    "membership",
    "message",
    "removedtext",
    "case",
    "moderationlog",
    "siteban",
    "filter",
    "person",
]
SEARCHES = {
    "room": "room1",
    "membership": "@person1 #room1",
    "message": "@person1 #room1",
    "removedtext": "@person1",
    "case": "@person1",
    "moderationlog": "@person1 #room1",
    "siteban": "@person1",
    "filter": "word",
    "person": "person1",
}


def address(model: str, query: str = "") -> str:
    return f"/admin/chat/{model}/{query}"


def queries_of(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in queries]


def shown(client: Client, url: str) -> list[int]:
    return [row.pk for row in client.get(url).context["cl"].result_list]


@pytest.mark.parametrize("model", LISTS)
def test_a_hundred_rows_cost_as_many_queries_as_five(desk: Client, model: str) -> None:
    make_rows(0, 5)
    queries_of(desk, address(model))  # notes the use of the session
    few = queries_of(desk, address(model))
    make_rows(5, 100)
    many = queries_of(desk, address(model))
    assert len(many) == len(few)
    assert len(many) <= 8


def test_accounts_of_superusers_too(root: Client) -> None:
    make_rows(0, 5)
    queries_of(root, "/admin/auth/user/")  # notes the use of the session
    few = queries_of(root, "/admin/auth/user/")
    make_rows(5, 100)
    many = queries_of(root, "/admin/auth/user/")
    assert len(many) == len(few)
    assert not [query for query in many if "COUNT(" in query.upper()]


@pytest.mark.parametrize("model", LISTS)
@pytest.mark.parametrize("query", ["", "?q={search}"])
def test_a_list_counts_nothing_and_skips_nothing(desk: Client, model: str, query: str) -> None:
    make_rows(0, 60)
    for sql in queries_of(
        desk,
        address(model, query.format(search=SEARCHES[model].replace("#", "%23").replace(" ", "+"))),
    ):
        assert "COUNT(" not in sql.upper()
        assert "OFFSET" not in sql.upper()


@pytest.mark.parametrize("model", LISTS)
def test_a_search_compares_whole_columns_or_their_beginnings(desk: Client, model: str) -> None:
    make_rows(0, 3)
    for sql in queries_of(
        desk, address(model, f"?q={SEARCHES[model].replace('#', '%23').replace(' ', '+')}")
    ):
        assert not re.search(r"LIKE '%|UPPER\(|REGEXP", sql)
    assert (
        len(
            shown(
                desk, address(model, f"?q={SEARCHES[model].replace('#', '%23').replace(' ', '+')}")
            )
        )
        >= 1
    )


@pytest.mark.parametrize("model", LISTS)
def test_pages_lead_through_all_rows_and_back(desk: Client, model: str) -> None:
    make_rows(0, 2 * ROWS_PER_PAGE + 7)
    first = desk.get(address(model)).context["cl"]
    assert len(first.result_list) == ROWS_PER_PAGE
    assert not first.previous_url
    second = desk.get(address(model, first.next_url)).context["cl"]
    third = desk.get(address(model, second.next_url)).context["cl"]
    assert third.next_url == ""
    pks = [row.pk for page in (first, second, third) for row in page.result_list]
    assert len(set(pks)) == len(pks) == first.queryset.count()
    assert shown(desk, address(model, third.previous_url)) == [row.pk for row in second.result_list]
    assert shown(desk, address(model, second.first_url)) == [row.pk for row in first.result_list]


@pytest.mark.parametrize(
    "place",
    ["?after=x", "?before=0", f"?after={10**30}", "?after=%00", "?before=9&after=9", "?after=-1"],
)
def test_a_place_that_is_none_is_no_error(desk: Client, place: str) -> None:
    make_rows(0, 2)
    assert desk.get(address("message", place)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "?body__contains=a",
        "?author__password__startswith=a",
        "?room__name=a",
        "?message__body__startswith=a",
        "?reporter__email=a",
    ],
)
@pytest.mark.parametrize("model", ["message", "case", "moderationlog"])
def test_an_address_cannot_filter_by_other_columns(desk: Client, model: str, query: str) -> None:
    assert desk.get(address(model, query)).status_code == 400


def test_messages_of_a_room_come_in_its_order(
    desk: Client, general: Room, secret: Room, alice: User, bob: User, say: Say
) -> None:
    for word in ("one", "two", "three"):
        say(alice, general, word)
        say(bob, secret, word)
    assert [
        row.body
        for row in desk.get(f"/admin/chat/message/?room={general.pk}").context["cl"].result_list
    ] == ["three", "two", "one"]
    assert [
        row.number for row in desk.get("/admin/chat/message/?q=%23secret").context["cl"].result_list
    ] == [3, 2, 1]


@pytest.mark.parametrize(
    "query",
    ["/rooms/general/2/", "https://chat.example.org/rooms/general/2/", "%23general @bob", "bob"],
)
def test_a_message_is_found(
    desk: Client, general: Room, alice: User, bob: User, say: Say, query: str
) -> None:
    say(alice, general, "one")
    wanted = say(bob, general, "two")
    assert shown(desk, f"/admin/chat/message/?q={query}") == [wanted.pk]


@pytest.mark.parametrize(
    "query",
    [
        "/rooms/general/99/",
        "/rooms/nowhere/1/",
        "@nobody",
        "%23nowhere",
        "99999999999999999999999",
        "%00",
        "²",
    ],
)
def test_what_is_not_there_is_not_found(
    desk: Client, general: Room, alice: User, say: Say, query: str
) -> None:
    say(alice, general, "one")
    assert desk.get(f"/admin/chat/message/?q={query}").status_code == 200
    if query != "%00":  # which Django refuses as a search, with a message
        assert shown(desk, f"/admin/chat/message/?q={query}") == []


def test_open_reports_come_first_and_the_oldest_of_them(desk: Client) -> None:
    make_rows(0, 3)
    Message.objects.earliest("pk").cases.update(status="dismissed")
    ids = list(Message.objects.order_by("pk").values_list("cases__pk", flat=True))
    assert shown(desk, "/admin/chat/case/") == ids[1:]
    assert shown(desk, "/admin/chat/case/?status=dismissed") == ids[:1]
    assert shown(desk, "/admin/chat/case/?status=all") == ids[::-1]


def test_every_filter_of_every_list_can_be_chosen(db: None, general: Room) -> None:
    client = Client()
    root = User.objects.create_superuser("root")
    client.force_login(root)
    make_rows(0, 5)
    for language in ("en", "de"):
        ReasonTemplate.objects.create(language=language, name="Spam", text="spam", changed_by=root)
    chosen = 0
    for model in admin.site._registry:
        page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        found = (client.get(page).context or {}).get("cl")
        for spec in found.filter_specs if found else ():
            for choice in spec.choices(found):
                assert client.get(page + choice["query_string"]).status_code == 200, page
                chosen += 1
    assert chosen > 50
