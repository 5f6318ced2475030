"""The scripts' texts by language, and times in the zone that a browser has named."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from django.utils.translation import override

from realtime.auth import handshake
from realtime.protocol.errors import HoldfastError
from realtime.site.languages import catalogue_url
from realtime.site.time_zones import (
    Moment,
    clock,
    in_the_readers_zone,
    in_zone,
    zone_named,
)


def test_each_language_has_its_own_script_which_is_kept_for_ever(client: Client) -> None:
    for code, _ in settings.LANGUAGES:
        with override(code):
            answer = client.get(catalogue_url())
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert "immutable" in answer.headers["Cache-Control"]
        assert b"globals.gettext" in answer.content


def test_a_script_of_another_version_is_answered_and_not_kept(client: Client) -> None:
    answer = client.get("/words/de-ofanotherrelease.js")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


def test_a_language_that_nobody_speaks_here_has_no_script(client: Client) -> None:
    assert client.get("/words/xx-0.js").status_code == 404


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({"accept-language": ["de-AT,de;q=0.9,en;q=0.5"]}, "de"),
        ({"accept-language": ["de"], "cookie": ["sessionid=x; language=ar"]}, "ar"),
        (
            {"accept-language": ["de"], "cookie": ["sessionid=x", "my_language=ar; language=tlh"]},
            "de",
        ),
        ({"accept-language": ["tlh"]}, "en"),
        ({"cookie": ["language=../../etc/passwd"]}, "en"),
        ({}, "en"),
    ],
)
def test_a_socket_knows_the_language_of_whoever_opens_it(
    headers: dict[str, list[str]], language: str
) -> None:
    assert handshake._language(headers) == language


def test_a_socket_knows_the_zone_of_whoever_opens_it() -> None:
    headers = {"cookie": ["sessionid=x; timezone=Europe%2FBerlin"]}
    with in_zone(handshake._cookie(headers, "timezone")):
        assert timezone.get_current_timezone_name() == "Europe/Berlin"
    with in_zone(handshake._cookie({}, "timezone")):
        assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize(
    ("cookie", "language", "said"),
    [
        ("Europe%2FBerlin%2024", "en", "00:30"),
        ("Europe%2FBerlin%2012", "en", "12:30 AM"),
        ("America%2FNew_York%2012", "de", "6:30 PM"),
        ("Asia%2FRiyadh%2012", "ar", "2:30 ص"),
        ("Europe%2FBerlin", "en", "00:30"),
        ("Nowhere%2012", "en", "11:30 PM"),
        ("", "en", "23:30"),
    ],
)
def test_a_time_is_written_by_the_clock_of_its_reader(
    cookie: str, language: str, said: str
) -> None:
    at = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    with override(language), in_zone(cookie):
        assert clock(at) == said
    assert clock(at) == "23:30"


def test_a_moment_in_a_refusal_is_said_to_whoever_is_refused() -> None:
    error = HoldfastError(
        "Muted until {until}.", until=Moment(datetime(2026, 11, 24, 23, 30, tzinfo=UTC))
    )
    assert error.message == "Muted until 24 Nov 2026, 23:30 UTC."
    with override("de"), in_zone("Europe/Berlin"):
        assert error.message == "Muted until 25. Nov 2026, 00:30."


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Asia%2FKolkata", "Asia/Kolkata"),
        ("", "UTC"),
        ("Middle/Earth", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("America", "UTC"),
        ("a" * 5000, "UTC"),
    ],
)
def test_times_are_in_the_readers_zone(cookie: str, zone: str) -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(timezone.get_current_timezone_name())

    request = RequestFactory().get("/")
    request.COOKIES["timezone"] = cookie
    answer = in_the_readers_zone(view)(request)
    assert isinstance(answer, HttpResponse)
    assert answer.content.decode() == zone
    assert timezone.get_current_timezone_name() == "UTC", "the next request is someone else's"


def test_a_zone_is_found_by_its_name() -> None:
    assert zone_named("Europe/Berlin") is not None
    assert zone_named("\0") is None
