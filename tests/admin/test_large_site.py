"""Pages of moderators stay fast on a large site: they read along an index, and count exactly.

`make bench-admin` measures the same pages with a million messages.
"""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import services
from chat.admin import lists
from chat.admin.cases import case_context
from chat.models import Case, Report, Room
from tests.admin.rows import make_rows
from tests.chat.conftest import Say

TABLES = ("chat_report", "chat_case", "chat_revision", "chat_moderationlog")


def plans(client: Client, url: str) -> Iterator[str]:
    """Yield how the database reads each of our tables for a page."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code in (200, 302)
    for query in queries:
        sql = query["sql"]
        # On PostgreSQL a comment with the id of the request may come first.
        if re.match(r"(/\*.*?\*/\s*)?SELECT", sql) and any(table in sql for table in TABLES):
            yield _plan(sql)


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # With a hundred rows a scan is cheapest; the question is whether there is an index.
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}")
            found = "\n".join(row[0] for row in cursor.fetchall())
            cursor.execute("RESET enable_seqscan")
            return found
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(row[3] for row in cursor.fetchall())


def scans(plan: str) -> list[str]:
    """Return the tables of ours that are read whole, without an index."""
    tables = "|".join(TABLES)
    if connection.vendor == "postgresql":
        return re.findall(rf"Seq Scan on ({tables})", plan)
    return re.findall(rf"SCAN ({tables}|U0)(?! USING)\b", plan)


@pytest.fixture
def large(db: None) -> Case:
    """The first of a hundred open cases."""
    make_rows(0, 100)
    return Case.objects.order_by("pk")[0]


PAGES = (
    "/admin/",
    "/admin/chat/case/",
    "/admin/chat/case/?category__exact=spam",
    "/admin/chat/case/?kind__exact=message",
    "/admin/chat/case/?status=mine",
    "/admin/chat/case/?q=@person7",
    "/admin/chat/case/next/",
    "/admin/chat/case/{case}/change/",
    "/admin/chat/person/{person}/change/",
    "/admin/chat/message/{message}/change/",
)


def test_no_page_reads_all_reports_cases_or_entries(desk: Client, large: Case) -> None:
    for page in PAGES:
        url = page.format(case=large.pk, person=large.author_id, message=large.message_id)
        found = list(plans(desk, url))
        assert found, page
        # The newest entries of the log are read backwards along its primary key.
        read = [each for plan in found for each in scans(plan) if each != "chat_moderationlog"]
        assert read == [], page


def test_the_queue_of_fifty_cases_costs_a_few_queries(desk: Client, large: Case) -> None:
    # The cases, whether a report has none yet, and how many are held messages.
    assert len(list(plans(desk, "/admin/chat/case/"))) == 3
    with CaptureQueriesContext(connection) as queries:
        desk.get("/admin/chat/case/")
    assert len(queries) <= 9


def test_a_record_counts_everything_and_says_where_it_stops(
    desk: Client,
    general: Room,
    alice: User,
    bob: User,
    charlie: User,
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    messages = [say(bob, general, f"text {number}") for number in range(4)]
    for message in messages:
        services.report(actor_id=alice.pk, message_id=message.pk, category="abuse")
    services.report(actor_id=charlie.pk, message_id=messages[0].pk, category="abuse")
    # Many others have been reported since.
    Report.objects.filter(message=messages[0]).update(created_at=timezone.now())
    assert case_context.totals(bob.pk)[:5] == (4, 0, 5, 0, 0)
    monkeypatch.setattr(case_context, "MAX_RECORD", 3)
    monkeypatch.setattr(case_context, "MAX_ROWS", 2)
    monkeypatch.setattr(case_context, "MAX_COUNTED", 2)
    report = Report.objects.order_by("pk")[0]
    page = desk.get(f"/admin/chat/case/{report.case_id}/change/").content.decode()
    assert "2+" in page
    assert "3+" in page
    page = desk.get(f"/admin/chat/person/{bob.pk}/change/").content.decode()
    assert "The 2 newest cases are shown." in page
    assert f"?author={bob.pk}" in page
    listed = desk.get(f"/admin/chat/case/?author={bob.pk}&status=all").context["cl"]
    assert len(listed.result_list) == 4


def test_a_list_says_where_it_stops(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_rows(0, 3)
    address = "/admin/chat/message/"
    assert "rows are listed" not in desk.get(address).content.decode()
    monkeypatch.setattr(lists, "MAX_SCANNED", 2)
    assert "Only the newest 2 rows are listed" in desk.get(address).content.decode()
    page = desk.get(f"{address}?q=one+two+three+four+five").content.decode()
    assert "Only the first 4 words are searched for" in page


def test_reports_are_found_by_the_author_of_the_message(
    desk: Client, general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(bob, general, "text")
    report = services.report(actor_id=alice.pk, message_id=message.pk, category="abuse")
    for name in ("bob", "alice"):
        found = desk.get(f"/admin/chat/case/?q=@{name}").context["cl"].result_list
        assert [row.pk for row in found] == [report.case_id]
