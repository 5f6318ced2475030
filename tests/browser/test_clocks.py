"""The clock of the device may be wrong, and midnight may come while a page is open."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected
from tests.conftest import People


@pytest.mark.parametrize("minutes", [-10, 10])
def test_typing_is_shown_whatever_the_clock_of_the_reader_says(
    open_page: OpenPage, people: People, lab: Room, minutes: int
) -> None:
    reader, writer = open_page(people.bob, "/"), open_page(people.alice, "/rooms/lab/")
    reader.clock.install(time=datetime.now(UTC) + timedelta(minutes=minutes))
    reader.goto(reader.url.split("/rooms")[0].rstrip("/") + "/rooms/lab/")
    connected(reader)
    connected(writer)
    writer.get_by_label("Message", exact=True).press_sequentially("hm")
    expect(reader.locator("[data-slot=typing-words]")).to_contain_text("Alice")
    reader.clock.run_for(8000)
    expect(reader.locator("[data-slot=typing-words]")).to_have_text("")


def test_today_is_yesterday_after_midnight(open_page: OpenPage, people: People, lab: Room) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Good night")
    page = open_page(people.bob, "/rooms/lab/")
    page.clock.install()
    page.reload()
    connected(page)
    expect(page.locator(".day")).to_have_text("Today")
    page.clock.fast_forward("24:00:00")
    expect(page.locator(".day")).to_have_text("Yesterday")
