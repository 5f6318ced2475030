"""Raid mode in a browser: the banner of moderators, and what a new member reads."""

import re

from playwright.sync_api import expect

from chat.models import RaidMode, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.browser.conftest import HEAD_CHECK_SECONDS, OpenPage
from tests.browser.screen import connected, say
from tests.conftest import People, make_user
from tests.support.server import Nodes


def test_mona_switches_on_raid_mode_and_bob_reads_why_his_link_is_refused(
    open_page: OpenPage, people: People, lab: Room, nodes: Nodes
) -> None:
    node = nodes.start(
        HOLDFAST_HEAD_CHECK_SECONDS=HEAD_CHECK_SECONDS, HOLDFAST_NEW_ACCOUNT_DAYS="3"
    )
    RaidMode.objects.get_or_create(pk=1)
    mona = make_user("mona")
    for name in ("mona", "alice"):
        appoint_moderator(username=name)
    bob = open_page(people.bob, "/rooms/lab/", at=node)
    alice = open_page(people.alice, "/rooms/lab/", at=node)
    for page in (bob, alice):
        connected(page)
    banner = alice.locator("[data-raid]")
    expect(banner).to_be_hidden()

    desk = open_page(mona, "/admin/chat/raidmode/1/change/", at=node)
    desk.get_by_role("link", name="Switch on raid mode").click()
    expect(desk.get_by_label("New accounts cannot post links")).to_be_checked()
    desk.get_by_label("Hours").fill("3")
    desk.get_by_label("Slow mode in all rooms").select_option("Off")
    desk.get_by_role("button", name="Switch on raid mode").click()
    expect(desk.get_by_text("Raid mode is on until")).to_be_visible()
    # The other moderator sees it at once, without a reload, and it leads to the switch.
    expect(banner).to_contain_text("Raid mode is on until")
    expect(banner.get_by_role("link")).to_have_attribute("href", re.compile("raidmode/1/change"))

    say(bob, "see https://elsewhere.example/")
    expect(bob.get_by_text("new accounts can't post links for now").first).to_be_visible()
    expect(bob.locator("[data-raid]")).to_have_count(0)

    desk.get_by_role("link", name="Change raid mode").first.click()
    desk.goto("/admin/chat/raidmode/1/change/")
    desk.get_by_role("link", name="Switch off raid mode").click()
    desk.get_by_role("button", name="Switch off raid mode").click()
    expect(banner).to_be_hidden()
