"""The security headers of every route: pages, API, admin, errors, probes and static files."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from chat import services
from realtime.auth import issue_token
from realtime.core.monitoring.hidden_secrets import has_secret
from realtime.site.security_headers import security_headers
from realtime.site.staticfiles import with_static_files
from tests.conftest import People

TRUSTED_TYPES = "require-trusted-types-for 'script'; trusted-types holdfast"

# Every response has these. The value is a part of the header.
EVERY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; ",
    "Permissions-Policy": "camera=(), ",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# A value for each kind of part of an address.
PARTS = {
    "slug": "lab",
    "int": "1",
    "str": "x",
    "path": "1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def routes() -> list[str]:
    """Return an address for every route of the site."""
    return sorted({"/" + path for path in _addresses(get_resolver().url_patterns)})


def _addresses(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield _filled(before + str(pattern.pattern))


def _filled(route: str) -> str:
    route = re.sub(r"<(?:(\w+):)?\w+>", lambda part: PARTS[part[1] or "str"], route)
    # A regular expression of Django's, or of ours for what has no route.
    return re.sub(r"\(\?P<\w+>[^)]*\)|[\^$?]|\\[.\w]", "", route.replace("(?P<url>.*)", "x"))


def expected(path: str) -> dict[str, str]:
    headers = dict(EVERY)
    if path in {"/service-worker.js", "/manifest.webmanifest"}:
        # Nothing of a person is in it.
        headers["Cache-Control"] = "no-cache"
    if not path.startswith("/admin/"):
        headers["Content-Security-Policy"] = TRUSTED_TYPES
    if has_secret(path):
        # No request for a file of the page names it.
        headers["Referrer-Policy"] = "strict-origin"
    return headers


def missing(path: str, headers: Any) -> list[str]:
    wanted = EVERY | expected(path)
    return [f"{path}: {name}" for name, part in wanted.items() if part not in headers.get(name, "")]


@pytest.fixture
def moderator(people: People) -> User:
    services.create_room(actor_id=people.alice.pk, name="Lab")
    people.alice.is_superuser = people.alice.is_staff = True
    people.alice.save()
    return people.alice


def test_every_route_has_the_headers(client: Client, moderator: User) -> None:
    client.raise_request_exception = False
    found = routes()
    assert len(found) > 80
    problems, statuses = [], set()
    for user in (None, moderator):
        client.logout()
        if user:
            client.force_login(user)
        for path in found:
            # Without an event loop these would wait.
            if path == "/api/streams/x/events":
                continue
            answer = client.get(path)
            statuses.add(answer.status_code)
            problems += missing(path, answer.headers)
    assert problems == []
    assert {200, 302, 401, 403, 404} <= statuses


async def test_an_async_view_has_them_too(async_client: AsyncClient, db: None) -> None:
    for path in ("/api/streams/x/events", "/healthz"):
        answer = await async_client.get(path)
        assert missing(path, answer.headers) == []


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/nothing/here/", "localhost", 404),
        ("/api/nothing", "localhost", 404),
        ("/", "evil.example", 400),
        ("/rooms/lab/" + "x" * 10, "localhost", 404),
    ],
)
def test_an_error_has_them(client: Client, db: None, path: str, host: str, status: int) -> None:
    answer = client.get(path, headers={"host": host})
    assert answer.status_code == status
    assert missing(path, answer.headers) == []


def test_the_redirect_to_https_has_them(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    redirect = client.get("/rooms/")
    assert redirect.status_code == 301
    assert missing("/", redirect.headers) == []


async def test_a_static_file_has_those_that_matter_for_it(
    tmp_path: Any, settings: Settings
) -> None:
    (tmp_path / "a.js").write_text("export {};")
    settings.STATIC_ROOT = tmp_path
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/static/a.js",
        "query_string": b"",
        "headers": [],
    }
    await with_static_files(None)(scope, receive, send)
    headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_the_headers_come_before_everything_that_answers() -> None:
    ours = f"{security_headers.__module__}.{security_headers.__name__}"
    assert project.MIDDLEWARE.index(ours) < project.MIDDLEWARE.index(
        "django.middleware.security.SecurityMiddleware"
    )


# -- sessions --------------------------------------------------------------------------------------


def test_signing_in_and_out_renews_the_token_and_forgets_the_last_room(
    client: Client, people: People
) -> None:
    services.create_room(actor_id=people.alice.pk, name="Lab")
    form = {"username": "alice", "password": "correct horse battery staple"}
    client.get("/accounts/login/", secure=True)
    tokens = [client.cookies["csrftoken"].value]
    client.cookies["last_room"] = "direct_2_3"
    entered = client.post("/accounts/login/", form, secure=True)
    assert entered.cookies["last_room"].value == ""
    assert "Clear-Site-Data" not in entered.headers
    tokens.append(client.cookies["csrftoken"].value)
    client.get("/rooms/lab/", secure=True)
    assert client.cookies["last_room"].value == "lab"
    left = client.post("/accounts/logout/", secure=True)
    assert left.cookies["last_room"].value == ""
    assert left.headers["Clear-Site-Data"] == '"storage"'
    tokens.append(left.cookies["csrftoken"].value)
    assert len(set(tokens)) == 3


def test_signing_out_of_the_administration_does_the_same(client: Client, moderator: User) -> None:
    client.force_login(moderator)
    client.cookies["last_room"] = "lab"
    left = client.post("/admin/logout/", secure=True)
    assert left.cookies["last_room"].value == ""
    assert left.headers["Clear-Site-Data"] == '"storage"'
    # Without HTTPS, browsers ignore the header.
    client.force_login(moderator)
    assert "Clear-Site-Data" not in client.post("/accounts/logout/").headers


def test_a_program_is_refused_without_https_and_not_led_on(
    client: Client, settings: Settings, bob: User
) -> None:
    """It would send its token in the clear each time, and nobody would notice."""
    settings.SECURE_SSL_REDIRECT = True
    header = {"authorization": f"Bearer {issue_token(bob)}"}
    answer = client.get("/api/rooms/", headers=header)
    assert answer.status_code == 403
    assert "Use https://" in answer.json()["error"]["message"]
    assert client.get("/api/rooms/", headers=header, secure=True).status_code == 200
