"""Bulk actions and exports in a browser: counted, undone, downloaded and unpacked."""

import hashlib
import json
import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from chat import services
from chat.models import Message, ModerationLog, Report, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, place
from tests.browser.test_moderation import about
from tests.conftest import People, make_user

PHONE = {"width": 390, "height": 780}


@pytest.fixture
def mona(transactional_db: None) -> User:
    user = make_user("mona")
    appoint_moderator(username="mona")
    return user


@pytest.fixture
def watches(people: People, lab: Room) -> list[Message]:
    """Bob advertises three times, and says one thing that is not."""
    bodies = ["Buy my watches", "Watches, cheap", "Last watches today", "Good morning"]
    return [
        services.post_message(author_id=people.bob.pk, room_id=lab.pk, body=body).message
        for body in bodies
    ]


def test_mona_counts_what_would_go_lets_it_go_and_takes_it_back(
    open_page: OpenPage, people: People, mona: User, watches: list[Message]
) -> None:
    bob = open_page(people.bob, "/rooms/lab/")
    connected(bob)
    page = open_page(mona, f"/admin/chat/person/{people.bob.pk}/change/")
    page.get_by_role("link", name="Remove messages").click()
    expect(page.get_by_label("Messages by:")).to_have_value("bob")
    page.get_by_label("Containing:").fill("watches")
    page.get_by_label("Reason:").fill("Advertising")
    page.get_by_role("button", name="Count messages").click()
    expect(page.get_by_text("This will remove 3 messages.")).to_be_visible()
    expect(page.get_by_label("Confirm:")).to_be_focused()
    expect(message(bob, "Buy my watches")).to_be_visible()
    page.keyboard.type("3")
    page.get_by_role("button", name="Remove 3 messages").click()
    expect(page.get_by_text("3 of 3 messages")).to_be_visible()
    expect(bob.get_by_text("This message was deleted.")).to_have_count(3)
    expect(message(bob, "Good morning")).to_be_visible()
    page.get_by_label("Reason").fill("It was irony")
    page.get_by_role("button", name="Restore 3 messages").click()
    expect(page.get_by_role("heading", name="Restore messages")).to_be_visible()
    expect(page.get_by_text("3 of 3 messages")).to_be_visible()
    expect(message(bob, "Buy my watches")).to_be_visible()
    expect(bob.get_by_text("This message was deleted.")).to_have_count(0)


def test_evidence_comes_as_a_file_that_proves_itself(
    open_page: OpenPage, people: People, mona: User, watches: list[Message], tmp_path: Path
) -> None:
    reported = watches[0]
    assert isinstance(
        services.report(
            actor_id=people.alice.pk, message_id=reported.pk, category="spam", note="again"
        ),
        Report,
    )
    page = open_page(mona, f"/admin/chat/bulk/evidence/?message={reported.pk}", viewport=PHONE)
    expect(page.get_by_label("Message:")).to_have_value(str(reported.pk))
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.get_by_label("Reason:").fill("For the police")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download archive").click()
    file = tmp_path / "evidence.zip"
    downloading.value.save_as(file)
    assert re.fullmatch(r"evidence.*\.zip", downloading.value.suggested_filename)
    with ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        for name, sums in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == sums["sha256"]
        assert "Buy my watches" in archive.read("messages.html").decode()
        report = json.loads(archive.read("reports.jsonl").splitlines()[0])
        assert report["note"] == "again"
    assert ModerationLog.objects.latest("pk").reason == "For the police"


def test_mona_mutes_a_person_in_all_rooms_from_the_chat(
    open_page: OpenPage, people: People, mona: User, lab: Room
) -> None:
    services.join(actor_id=mona.pk, room_id=lab.pk)
    services.create_room(actor_id=people.bob.pk, name="Garden")
    bob, page = open_page(people.bob, "/rooms/garden/"), open_page(mona, "/rooms/lab/")
    connected(bob)
    connected(page)
    about(page, "Bob", "Mute in all rooms…")
    dialog = page.get_by_role("dialog", name="Mute Bob in all rooms")
    dialog.get_by_label("Reason").fill("A pause")
    dialog.get_by_role("button", name="Mute").click()
    expect(page.get_by_text("Bob muted in all rooms")).to_be_visible()
    expect(bob.get_by_text("You are muted in all rooms. You can post again in")).to_be_visible()
    expect(bob.get_by_label("Message", exact=True)).to_be_hidden()


def test_mona_bans_a_person_from_the_site_from_the_chat(
    open_page: OpenPage, people: People, mona: User, lab: Room
) -> None:
    services.join(actor_id=mona.pk, room_id=lab.pk)
    # Once banned, Bob's page asks for the reason, which comes with a 403.
    bob = open_page(people.bob, "/rooms/lab/", expected="status of 403")
    page = open_page(mona, "/rooms/lab/")
    connected(bob)
    connected(page)
    about(page, "Bob", "Ban from site…")
    dialog = page.get_by_role("dialog", name="Ban Bob from the site?")
    dialog.get_by_label("Reason").fill("Threats")
    dialog.get_by_role("button", name="Ban").click()
    expect(page.get_by_text("Bob banned from the site")).to_be_visible()
    expect(bob.locator(".connection")).to_contain_text(
        re.compile(r"You've been banned until .*\d\d?:\d\d.*\. Reason: Threats")
    )
    expect(place(page, "Lab")).to_be_visible()
    assert ModerationLog.objects.latest("pk").reason == "Threats"


def test_who_moderates_a_room_has_no_acts_for_the_site(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    page.locator(".bar__people").click()
    page.get_by_role("button", name="Actions for Bob").click()
    expect(page.get_by_role("menuitem", name="Ban from room")).to_be_visible()
    expect(page.get_by_role("menuitem", name=re.compile("all rooms|the site"))).to_have_count(0)
