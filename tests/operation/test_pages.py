"""Every response: the Content-Security-Policy, and middleware that holds no thread."""

import pytest
from django.conf import settings as project
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.utils.module_loading import import_string
from pytest_django import Settings

from realtime.site.security_headers import security_headers

MIDDLEWARE = project.MIDDLEWARE


def test_every_page_forbids_what_is_inline(client: Client, db: None) -> None:
    policy = client.get("/admin/login/").headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy


def test_images_come_from_here_and_from_hosts_that_the_site_allows(
    client: Client, db: None, settings: Settings
) -> None:
    assert (
        "img-src 'self' data:; " in client.get("/admin/login/").headers["Content-Security-Policy"]
    )
    settings.HOLDFAST_IMAGE_HOSTS = ["images.example.org", "localhost:8443"]
    policy = client.get("/admin/login/").headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://images.example.org https://localhost:8443; " in policy


def test_a_page_may_connect_to_its_own_sockets_only(client: Client, db: None) -> None:
    policy = client.get("/admin/login/", headers={"host": "localhost:8000"}).headers[
        "Content-Security-Policy"
    ]
    assert "connect-src 'self' ws://localhost:8000 wss://localhost:8000;" in policy


async def test_the_policy_reaches_async_views_and_leaves_theirs_alone() -> None:
    async def strict(request: HttpRequest) -> HttpResponse:
        return HttpResponse(
            headers={"Content-Security-Policy": "default-src 'none'"}
            if request.path == "/own"
            else {}
        )

    middleware = security_headers(strict)
    request = AsyncRequestFactory()
    own = await middleware(request.get("/own"))  # type: ignore[misc]
    assert own.headers["Content-Security-Policy"] == "default-src 'none'"
    plain = await middleware(request.get("/"))  # type: ignore[misc]
    assert "script-src 'self'" in plain.headers["Content-Security-Policy"]


def test_the_policy_reaches_sync_views() -> None:
    answer = security_headers(lambda request: HttpResponse())(RequestFactory().get("/"))
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]  # type: ignore[union-attr]


@pytest.mark.parametrize("debug", [True, False])
def test_only_the_error_pages_for_developers_may_be_inline(
    client: Client, db: None, settings: Settings, debug: bool
) -> None:
    settings.DEBUG = debug
    client.raise_request_exception = False
    missing, found = client.get("/nothing/here/"), client.get("/admin/login/")
    assert (missing.status_code, found.status_code) == (404, 200)
    assert (
        "style-src 'self' 'unsafe-inline'" in missing.headers["Content-Security-Policy"]
    ) == debug
    assert "unsafe" not in found.headers["Content-Security-Policy"]


@pytest.mark.parametrize("debug", [True, False])
def test_no_page_of_ours_can_be_taken_for_one_of_those(settings: Settings, debug: bool) -> None:
    settings.DEBUG = debug
    marked = HttpResponse('<meta name="robots" content="NONE,NOARCHIVE">')
    answer = security_headers(lambda request: marked)(RequestFactory().get("/"))
    assert "unsafe" not in answer.headers["Content-Security-Policy"]  # type: ignore[union-attr]


@pytest.mark.parametrize("path", MIDDLEWARE)
def test_all_middleware_is_async(path: str) -> None:
    assert import_string(path).async_capable
