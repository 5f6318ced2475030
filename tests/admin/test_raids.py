"""Raid mode in the admin: the switch, the banner, and the offer."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat.models import RaidMode
from chat.moderation import raid_mode
from chat.services.messages import site_limits
from chat.services.moderation import raids
from realtime.core.bounds.shared_counts import Count, shared_counts

PAGE = "/admin/chat/raidmode/1/change/"
ACTION = "/admin/chat/raidmode/action/{}/"
FORM = {
    "ids": "1",
    "hours": "3",
    "slow_mode": "30",
    "reason": "thirty accounts",
    "refuse_links": "on",
    "approve_sign_ups": "on",
}


def read(client: Client, path: str = "/admin/") -> str:
    answer = client.get(path, headers={"accept-language": "en"})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_switch_is_a_page_and_no_list(desk: Client) -> None:
    assert desk.get("/admin/chat/raidmode/")["location"] == PAGE


def test_a_person_without_the_right_finds_no_switch(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/admin/chat/raidmode/").status_code != 200
    assert client.get(PAGE).status_code != 200


def test_the_switch_goes_on_and_off(desk: Client) -> None:
    assert "Switch on raid mode" in read(desk, PAGE)
    shown = read(desk, ACTION.format("on") + "?ids=1")
    assert "New accounts cannot post links" in shown
    assert desk.post(ACTION.format("on"), FORM).status_code == 302
    row = RaidMode.objects.get()
    assert (row.refuse_links, row.refuse_contacts, row.slow_mode) == (True, False, 30)
    assert row.until is not None
    assert timedelta(hours=2.9) < row.until - timezone.now() <= timedelta(hours=3)
    banner = "Raid mode is on until"
    for path in ("/admin/", "/admin/chat/case/", PAGE):
        assert banner in read(desk, path)
    assert "changed raid mode" in read(desk, "/admin/chat/moderationlog/")
    assert "new accounts cannot post links" in read(desk, "/admin/chat/moderationlog/")
    off = {"ids": "1", "reason": ""}
    assert desk.post(ACTION.format("off"), off).status_code == 302
    assert banner not in read(desk)
    assert not raid_mode.current().is_on


def test_the_banner_offers_the_switch_where_there_are_signs(desk: Client, settings: Any) -> None:
    assert "Switch on raid mode" not in read(desk)
    seconds = settings.HOLDFAST_SAME_SECONDS
    shared_counts.add([Count(site_limits.SIGNS, seconds, 0, settings.HOLDFAST_RAID_SIGNS)])
    page = read(desk)
    assert "5 messages or sign-ups" in page
    assert "Switch on raid mode" in page


def test_a_wrong_number_of_hours_changes_nothing(desk: Client) -> None:
    answer = desk.post(ACTION.format("on"), FORM | {"hours": "0"})
    assert answer.status_code == 200
    assert RaidMode.objects.get().until is None


def test_others_see_neither_switch_nor_banner(db: None, mona: User) -> None:
    raids.switch_on(actor_id=mona.pk, hours=1)
    paula = User.objects.create_user("paula", is_staff=True)
    client = Client()
    client.force_login(paula)
    assert "Raid mode" not in read(client)
    assert client.get(PAGE).status_code in (302, 403)
    assert client.post(ACTION.format("off"), {"ids": "1"}).status_code == 403
