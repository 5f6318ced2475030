"""``make bench-admin``: how long the pages of the admin take on a large site.

With 10,000 open cases, a million messages and 50,000 people, 123 cases and 3,000 reports of which
are about one person (``admin_rows``). Each page is requested some times; the report has the median,
the slowest request and the time of its slowest query, again as the median.

Of each list, every way is tried in which it can be asked for: each filter and pairs of them, words
in the search, each order, the last page, and the pages of rows. The report has the slowest of each
kind. It is docs/benchmarks/admin.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any
from urllib.parse import urlencode

from tests.support.postgres import Postgres
from tests.support.server import ROOT

REPORT = ROOT / "docs" / "benchmarks" / "admin.md"
MESSAGES = 1_000_000
TIMES, TIMES_OF_A_WAY = 11, 3
WORDS = (  # of a search: people, rooms, ids, a word of every text, of none, several, a day
    *("@person0", "@person1", "#room-0", "1", "many", "nowhere", "message many", "person1"),
    *("@person0 many", "#room-0 @person1", "spam", "2026-01-01..2030-01-01", "name", "by:person1"),
)
MOST_PAIRS = 30  # of filters of one list
LAST_ROWS = 30  # on the last page of a list
LIMIT_MS = 100  # of a query

Sample = dict[str, dict[str, Any]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--only", choices=["postgresql", "sqlite"])
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        sys.stdout.write(json.dumps(_measure(options.messages)))
        return 0
    found: dict[str, Sample] = {}
    if options.only != "sqlite":
        with Postgres() as server:
            found["PostgreSQL"] = _child(server.url, options.messages)
    if options.only != "postgresql":
        with tempfile.TemporaryDirectory() as directory:
            found["SQLite"] = _child(f"sqlite:///{directory}/admin.sqlite3", options.messages)
    text = _report(found, options.messages)
    sys.stdout.write(text)
    if options.only is None and options.messages >= MESSAGES:
        REPORT.write_text(text)
    slow = [
        f"{page} on {database}"
        for database, sample in found.items()
        for page, row in sample.items()
        if row["query"] > LIMIT_MS
    ]
    if slow:
        sys.stdout.write(f"queries above {LIMIT_MS} ms: {', '.join(slow)}\n")
    return 1 if slow else 0


def _child(url: str, messages: int) -> Sample:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.admin_pages", "--measure", "--messages", str(messages)],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    found: Sample = json.loads(done.stdout.splitlines()[-1])
    return found


# -- in the process with the database --------------------------------------------------------------


def _measure(count: int) -> Sample:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests.bench.admin_rows import fill

    call_command("migrate", verbosity=0)
    fill(count)
    found = {name: _timed(path, TIMES) for name, path in _pages().items()}
    for name, path in _ways():
        row = _timed(path, TIMES_OF_A_WAY)
        if row["query"] > LIMIT_MS:
            sys.stderr.write(f"{connection.vendor} {row['query']:.0f} ms {path}\n  {row['sql']}\n")
        if name not in found or row["query"] > found[name]["query"]:
            found[name] = row
    return found


def _ways() -> Iterator[tuple[str, str]]:
    """Yield the ways in which each list can be asked for, by list and kind."""
    from django.contrib import admin
    from django.urls import reverse

    client = _client()
    for model, model_admin in admin.site._registry.items():
        page = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        address = reverse(f"{page}_changelist")
        answer = client.get(address)
        context: dict[str, Any] = getattr(answer, "context_data", None) or {}
        if "cl" not in context:
            continue  # a page instead of a list
        found = context["cl"]
        keys = model._default_manager.values_list("pk", flat=True)
        ends = {keys.order_by("pk").first(), keys.order_by("-pk").first()} - {None}
        ways = [
            ("first page", ""),
            ("last page", _last_page(model, model_admin, found)),
            *_filters(found),
            *_orders(found),
            *((f"row {key}", reverse(f"{page}_change", args=[key])) for key in ends),
        ]
        for way, query in ways:
            kind = "a row" if way.startswith("row") else way
            where = query if query.startswith("/") else address + query
            yield f"{model._meta.verbose_name_plural}: {kind}", where


def _filters(found: Any) -> Iterator[tuple[str, str]]:
    """Yield each filter of a list, pairs of them, and searches with and without one."""
    filters = [
        [choice["query_string"] for choice in spec.choices(found)] for spec in found.filter_specs
    ]
    yield from (("a filter", query) for each in filters for query in each)
    for one, other in combinations(filters, 2):
        pairs = [f"{first}&{second[1:]}" for first in one for second in other if second != "?"]
        yield from (("two filters", query) for query in pairs[:MOST_PAIRS])
    for word in WORDS if found.search_fields else ():
        query = urlencode({"q": word})
        yield "a search", f"?{query}"
        yield from (("search and filter", f"{each[-1]}&{query}") for each in filters)


def _orders(found: Any) -> Iterator[tuple[str, str]]:
    for index, column in enumerate(found.list_display):
        is_sortable = found.sortable_by is None or column in found.sortable_by
        if is_sortable and found.get_ordering_field(column):
            yield from (("an order", f"?o={sign}{index}") for sign in ("", "-"))


def _last_page(model: Any, model_admin: Any, found: Any) -> str:
    from chat.admin.lists import KeysetAdmin

    if not isinstance(model_admin, KeysetAdmin):
        return f"?p={found.paginator.num_pages}"
    order = model_admin.keyset(found)
    column = order.removeprefix("-")
    keys = model._default_manager.order_by(order).reverse().values_list(column, flat=True)
    return (
        "?" + urlencode({"after": keys[30] if len(keys[:31]) > 30 else keys[0]}) if keys[:1] else ""
    )


def _pages() -> Mapping[str, str]:
    from chat.models import Case, Message

    first = Case.objects.order_by("pk").values_list("pk", flat=True)[0]
    late = Case.objects.order_by("-pk").values_list("pk", flat=True)[0]
    person = Case.objects.get(pk=first).author_id
    message = Message.objects.order_by("pk").values_list("pk", flat=True)[0]
    desk = "/admin/chat"
    return {
        "dashboard": "/admin/",
        "queue": f"{desk}/case/",
        "queue of a category": f"{desk}/case/?category__exact=spam",
        "queue of one type": f"{desk}/case/?kind__exact=message",
        "own cases": f"{desk}/case/?status=mine",
        "all cases": f"{desk}/case/?status=all",
        "cases about a person": f"{desk}/case/?q=@person0",
        "cases by a word": f"{desk}/case/?q=nowhere",
        "the first case": f"{desk}/case/{first}/change/",
        "the last case": f"{desk}/case/{late}/change/",
        "next case": f"{desk}/case/next/",
        "next case of a category": f"{desk}/case/next/?_changelist_filters=category__exact%3Dspam",
        "clean up": f"{desk}/case/{first}/clean-up/",
        "log by a word": f"{desk}/moderationlog/?q=nowhere",
        "person": f"{desk}/person/{person}/change/",
        "message": f"{desk}/message/{message}/change/",
        "log of a person": f"{desk}/moderationlog/?q=to:person0",
    }


def _client() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    root, _made = User.objects.get_or_create(
        username="root", defaults={"is_superuser": True, "is_staff": True, "password": "!"}
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(root)
    return client


def _timed(path: str, times: int) -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = _client()
    whole, slowest = [], []
    for _ in range(times):
        with CaptureQueriesContext(connection) as queries:
            began = time.perf_counter()
            answer = client.get(path)
            whole.append((time.perf_counter() - began) * 1000)
        assert answer.status_code in (200, 302), (path, answer.status_code)
        worst = max(queries, key=lambda query: float(query["time"]))
        slowest.append(float(worst["time"]) * 1000)
    return {
        "median": statistics.median(whole[1:]),
        "slowest": max(whole[1:]),
        "queries": len(queries),
        "query": statistics.median(slowest[1:]),
        "sql": worst["sql"][:2000],
    }


# -- the report ------------------------------------------------------------------------------------


def _report(found: Mapping[str, Sample], messages: int) -> str:
    lines = [
        "# Pages of the admin on a large site",
        "",
        f"`make bench-admin` with {messages:,} messages, 50,000 people, 10,000 open cases (123 of",
        "them about one person) and 300,000 notifications. Milliseconds in one process, on 2 cores.",
        "Of each list the slowest way to ask for it: by each filter and pairs of them, words in the",
        "search, each order, the last page, and the page of a row.",
        f"The command fails if a query takes more than {LIMIT_MS} ms.",
        "",
        "| database | page | median | slowest | queries | slowest query |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {database} | {page} | {row['median']:.0f} | {row['slowest']:.0f} "
        f"| {row['queries']:.0f} | {row['query']:.0f} |"
        for database, sample in found.items()
        for page, row in sample.items()
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    raise SystemExit(main())
