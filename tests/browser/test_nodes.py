"""The page of the nodes updates itself and fits on every screen."""

import os
import time

import pytest
from playwright.sync_api import Page, expect

from realtime.core.monitoring import node_reports
from tests.browser.conftest import OpenPage
from tests.conftest import People

STATEMENT = "UPDATE realtime_stream SET head = ? WHERE name = ? AND " + "very_long_name_" * 8
PICTURES = os.environ.get("TEST_PICTURES")  # a directory, for looking at the page


def report(people: People, commands: int = 900) -> None:
    """Have two nodes of a busy site report, beside the one of the test."""
    for number in (1, 2):
        facts = {
            "name": f"socket-{number}",
            "connections": 1200,
            "waiting": 3,
            "subscriptions": 6000,
            "behind": number,
            "streams": 240,
            "delivered_rate": 15000.0,
            "command_rate": 80.5,
            "handshake_rate": 2.0,
            "degraded": number == 2,
            "draining": False,
            "details": {
                "version": "0.1.0",
                "processor": 0.42,
                "memory": 210_000_000,
                "loop_lag": 0.012,
                "streams": [["room.42", 600, 700_000], ["announcements", 1, 2400]],
                "users": [[people.alice.pk, commands], [people.bob.pk, 60]],
                "addresses": [["2001:db8:0:1234:5678:9abc:def0:1234", 950]],
                "slow": [[STATEMENT, 2.5, time.time(), "5d1fa0c2b2f84c6f9d7e0a1b2c3d4e5f.17"]],
            },
        }
        node_reports._report(f"busy-{number}", facts)


def show(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def wider_than_the_screen(page: Page) -> bool:
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_of_the_nodes_fits_on_a_phone_and_on_a_screen(
    open_page: OpenPage, people: People, language: str
) -> None:
    people.alice.is_staff = people.alice.is_superuser = True
    people.alice.save()
    page = open_page(people.alice, "/admin/realtime/node/", locale=language)
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        report(people)  # again, because after 15 s a node is silent
        expect(page.get_by_text("room.42")).to_be_visible()
        show(page, f"nodes-{language}-{width}-{scheme}")
        assert not wider_than_the_screen(page)


def test_new_reports_appear_without_a_reload(open_page: OpenPage, people: People) -> None:
    people.alice.is_staff = people.alice.is_superuser = True
    people.alice.save()
    page = open_page(people.alice, "/admin/realtime/node/")
    page.evaluate("window.sameDocument = true")
    report(people, commands=4321)
    expect(page.get_by_text("8,642")).to_be_visible()
    assert page.evaluate("window.sameDocument")
