"""Every route with values at the edge of their types: an answer in words, never a 500.

The routes come from the resolver, so a new one is tried too. The names of parameters and fields
come from the forms of the pages, from the bodies that the API reads, and from the list below.
"""

import re
from collections.abc import Iterator
from random import Random
from typing import Any, Final
from urllib.parse import quote

import msgspec
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from chat import services
from chat.api import bodies  # noqa: F401  its fields are found through their base class
from tests.conftest import People

# Each is the last value of a type somewhere, or one beyond it.
EDGES: Final = (
    *("0", "-1", "2147483648", "9223372036854775807", "9223372036854775808", "9" * 5000, "²"),
    *(" ", "\0", "\ud800", "x" * 5000, "\u202e", "%_\\", "0001-01-01", "9999-12-31", "2026-02-30"),
    *("9999-12-31T23:59", "after:0001-01-01 x", "before:9999-12-31 x", "NaN", "1e400"),
)
JSON_EDGES: Final = (
    *("-1", str(2**63 - 1), str(2**63), "1" + "0" * 40, "1e308", "1.5", "true", "null", "[]", "{}"),
    *(r'"\u0000"', r'"\ud800"', '""', f'"{"x" * 5000}"', '"9999-12-31T23:59:59Z"', "[[]]", "[1]"),
)
NAMES: Final = (
    *(
        "q",
        "after",
        "before",
        "before_id",
        "after_user",
        "around",
        "limit",
        "number",
        "ids",
        "next",
    ),
    *(
        "next",
        "author",
        "room",
        "staff",
        "subjects",
        "tab",
        "epoch",
        "language",
        "from",
        "in",
        "has",
    ),
    *(
        "p",
        "o",
        "e",
        "all",
        "_changelist_filters",
        "state",
        "category",
        "kind",
        "user",
        "case",
        "id",
    ),
)
FORM: Final = "application/x-www-form-urlencoded"
PARTS: Final = {"slug": "lab", "uuid": "00000000-0000-4000-8000-000000000000"}
_PART: Final = re.compile(r"<(?:(\w+):)?\w+>")
_NAME: Final = re.compile(r'<(?:input|select|textarea|button)\b[^>]*?\sname="([^"]+)"')
# These would wait without an event loop, or end the session of the test.
_LEFT_OUT: Final = re.compile(
    r"streams/|api/commands|readyz|logout|password|/sessions/|erase|static|offline"
)


def routes() -> list[str]:
    found = sorted(set(_routes(get_resolver().url_patterns)))
    return [route for route in found if not _LEFT_OUT.search(route)]


def _routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield before + str(pattern.pattern)


def address(route: str, value: str | None = None) -> str:
    """Return the address of a route, with a usual value or this one for each of its parts."""
    bare = re.sub(r"\(\?P<\w+>[^)]*\)|[\^$?]|\\[.\w]", "", route.replace("(?P<url>.*)", "x"))
    return "/" + _PART.sub(
        lambda part: PARTS.get(part[1] or "", "1") if value is None else quoted(value), bare
    )


def quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def query(fields: dict[str, str]) -> str:
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in fields.items())


def body_fields() -> list[str]:
    """Return the names of all fields of JSON bodies."""
    found: set[str] = set()
    left: list[type] = [msgspec.Struct]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        found.update(getattr(kind, "__struct_fields__", ()))
    return sorted(found)


class Caller:
    """A superuser who asks, and what went wrong."""

    def __init__(self, client: Client, user: User) -> None:
        self._client, self._user = client, user
        self.faults: dict[str, str] = {}
        client.raise_request_exception = False
        client.force_login(user)

    def __call__(self, method: str, path: str, data: str = "", kind: str = FORM) -> Any:
        if method == "get":
            answer = self._client.get(path)
        else:
            answer = self._client.generic(method.upper(), path, data.encode(), kind)
        if answer.status_code == 500:
            error = getattr(answer, "exc_info", None)
            place = path.partition("?")[0][:80]
            asked = f"{method} {path[:200]} {data[:200]}"
            self.faults.setdefault(place, f"{asked}: {error and error[1]!r}")
        if "login" in answer.headers.get("Location", ""):
            self._client.force_login(self._user)
        return answer


@pytest.fixture
def ask(client: Client, people: People) -> Caller:
    room = services.create_room(actor_id=people.alice.pk, name="Lab").room
    services.add_members(room_id=room.pk, user_ids=[people.bob.pk])
    message = services.post_message(author_id=people.bob.pk, room_id=room.pk, body="@alice hello")
    services.report(actor_id=people.alice.pk, message_id=message.message.pk, category="spam")
    people.alice.is_superuser = people.alice.is_staff = True
    people.alice.save()
    return Caller(client, people.alice)


@pytest.mark.django_db
@pytest.mark.parametrize("route", routes())
def test_an_edge_is_answered_in_words(ask: Caller, route: str) -> None:
    """Each run tries a part of all pairs, the same one for a route each time."""
    usual, choose = address(route), Random(route)
    page = ask("get", usual)
    is_page = page.headers.get("Content-Type", "").startswith("text/html")
    fields = _NAME.findall(page.content.decode()) if is_page else []
    for value in choose.sample(EDGES, 4) if _PART.search(route) else ():
        ask("get", address(route, value))
        ask("post", address(route, value))
    for _ in range(6):
        names = choose.sample([*NAMES, *fields], 3)
        ask("get", f"{usual}?{query({name: choose.choice(EDGES) for name in names})}")
    for value in choose.sample(EDGES, 4):
        ask("post", usual, query(dict.fromkeys(fields, value)))
    if "/api/" in usual:
        _send_bodies(ask, usual, choose)
    assert ask.faults == {}


def _send_bodies(ask: Caller, path: str, choose: Random) -> None:
    names = body_fields()
    for method in ("post", "patch", "put", "delete"):
        for value in choose.sample(JSON_EDGES, 4):
            whole = "{" + ",".join(f'"{name}":{value}' for name in names) + "}"
            for data in (value, whole):
                ask(method, path, data, "application/json")
