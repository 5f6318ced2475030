"""Mona reads held messages in the queue, with the same keys, and hints about people."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat import services
from chat.admin import log_sentences
from chat.errors import Held
from chat.models import HeldPost, Message, ModerationLog, Room
from chat.moderation import traces
from chat.services import traces as stored
from tests.admin.conftest import signed_in, told
from tests.chat.conftest import Say
from tests.conftest import make_user


@pytest.fixture
def held(general: Room, bob: User, mona: User, say: Say) -> HeldPost:
    services.save_filter(actor_id=mona.pk, text="coin", kind="word", action="hold", is_on=True)
    with pytest.raises(Held):
        say(bob, general, "My <b>new</b> coin")
    return HeldPost.objects.get()


def page_of(desk: Client, held: HeldPost) -> str:
    return desk.get(f"/admin/chat/case/{held.pk}/change/").content.decode()


def decide(desk: Client, held: HeldPost, decision: str, note: str = "") -> list[str]:
    answer = desk.post(
        f"/admin/chat/case/{held.pk}/decide/", {"decision": decision, "note": note}, follow=True
    )
    return [re.sub("<.*?>", "", line) for line in told(answer)]


def plain(page: str) -> str:
    return " ".join(re.sub("<.*?>", " ", page).split())


def test_the_case_shows_the_text_the_filter_and_two_keys(desk: Client, held: HeldPost) -> None:
    page = page_of(desk, held)
    assert "My &lt;b&gt;new&lt;/b&gt; coin" in page
    assert "A filter holds this message." in page
    assert '<span dir="auto">coin</span>' in page
    assert re.search('value="keep"[^>]*data-key="k">Accept message', page)
    assert re.search('value="remove"[^>]*data-key="r">Refuse message', page)
    assert 'value="abusive"' not in page


def test_the_case_shows_the_place_in_the_room(
    desk: Client, general: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    services.save_filter(actor_id=mona.pk, text="coin", kind="word", action="hold", is_on=True)
    said = [say(alice, general, f"before {number}") for number in range(8)]
    services.delete_message(actor_id=mona.pk, message_id=said[-1].pk, reason="insult")
    with pytest.raises(Held):
        say(bob, general, "My new coin", reply_to=said[0].pk)
    for number in range(8):
        say(alice, general, f"after {number}")
    held = HeldPost.objects.get()
    page = plain(page_of(desk, held))
    shown = re.findall(r"(?:before|after) \d|My new coin", page)
    before = [f"before {number}" for number in range(3, 8)]
    assert shown == [*before, "My new coin", *(f"after {number}" for number in range(5))]
    assert "removed by a moderator" in page
    assert "Reply to No. 1" in page
    further = plain(desk.get(f"/admin/chat/case/{held.pk}/change/?further=1").content.decode())
    assert "before 0" in further
    assert "after 7" in further
    decide(desk, held, "keep")
    assert "before 7" in plain(page_of(desk, held))


def test_the_queue_and_the_dashboard_say_how_many_wait(desk: Client, held: HeldPost) -> None:
    for address in ("/admin/", "/admin/chat/case/"):
        page = desk.get(address).content.decode()
        assert "1 held message" in plain(page), address
        assert "?kind__exact=held" in page, address
    rows = desk.get("/admin/chat/case/?kind__exact=held").content.decode()
    assert "Held message" in rows


def test_one_key_posts_it_and_it_stays_posted(desk: Client, held: HeldPost) -> None:
    assert decide(desk, held, "keep") == [f"Message accepted and posted. Case {held.pk} is closed."]
    assert Message.objects.get().body == "My <b>new</b> coin"
    page = page_of(desk, held)
    assert "Accepted by mona" in page
    assert "Reopen this case" not in page


def test_one_key_refuses_it_and_one_takes_that_back(desk: Client, held: HeldPost) -> None:
    assert decide(desk, held, "remove", "advert") == [f"Message refused. Case {held.pk} is closed."]
    assert "Refused by mona" in page_of(desk, held)
    desk.post(f"/admin/chat/case/{held.pk}/take-back/")
    held.refresh_from_db()
    assert held.state == "waiting"
    assert "Accept message" in page_of(desk, held)


def test_many_are_posted_at_once_from_the_list(
    desk: Client, held: HeldPost, general: Room, bob: User, say: Say
) -> None:
    with pytest.raises(Held):
        say(bob, general, "Another coin")
    ids = ",".join(str(pk) for pk in HeldPost.objects.values_list("pk", flat=True))
    desk.post("/admin/chat/case/action/keep/", {"ids": ids, "reason": ""})
    assert sorted(Message.objects.values_list("body", flat=True)) == [
        "Another coin",
        "My <b>new</b> coin",
    ]


def test_cleaning_up_refuses_what_waits(desk: Client, held: HeldPost) -> None:
    desk.post(
        f"/admin/chat/case/{held.pk}/clean-up/", {"messages": "on", "reason": "spam"}, follow=True
    )
    held.refresh_from_db()
    assert held.state == "refused"


def test_the_log_has_a_sentence_for_both(
    desk: Client, held: HeldPost, general: Room, bob: User, say: Say
) -> None:
    with pytest.raises(Held):
        say(bob, general, "Another coin")
    for row, decision, act in zip(
        HeldPost.objects.order_by("pk"), ("remove", "keep"), ("refused", "accepted"), strict=True
    ):
        decide(desk, row, decision)
        entry = log_sentences.plain(ModerationLog.objects.latest("pk"))
        assert entry == f"mona {act} a message by bob in #general, which a filter held"
    assert "which a filter held" in desk.get("/admin/chat/moderationlog/").content.decode()


@pytest.mark.parametrize(
    ("action", "outcome"), [("hold", "Held for a moderator"), ("mute", "its author is muted")]
)
def test_the_preview_of_a_filter_says_what_would_happen(
    desk: Client, action: str, outcome: str
) -> None:
    fields = {"kind": "word", "text": "coin", "action": action, "sample": "a coin"}
    page = desk.post("/admin/chat/filter/add/", {**fields, "do": "preview"}).content.decode()
    assert outcome in page


# -- hints and automatic hiding --------------------------------------------------------------------


def test_the_pages_of_a_person_and_of_a_case_show_what_accounts_share(
    desk: Client, mona: User, bob: User, charlie: User, general: Room, alice: User, say: Say
) -> None:
    for user in (bob, charlie):
        stored.note(traces.of_address(user.pk, "203.0.113.9"))
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    person = desk.get(f"/admin/chat/person/{charlie.pk}/change/").content.decode()
    assert "1 other account used this address block in the last 30 days · 1 of them is banned" in (
        plain(person)
    )
    assert f"/admin/chat/person/{bob.pk}/change/" in person
    assert "203.0.113" not in person
    services.join(actor_id=charlie.pk, room_id=general.pk)
    report = services.report(
        actor_id=alice.pk, message_id=say(charlie, general, "hello").pk, category="spam"
    )
    case = desk.get(f"/admin/chat/case/{report.case_id}/change/").content.decode()
    assert "1 other account used this address block" in plain(case)


def test_moderators_see_no_hints_about_themselves(desk: Client, mona: User, bob: User) -> None:
    for user in (bob, mona):
        stored.note(traces.of_address(user.pk, "203.0.113.9"))
    assert "address block" not in desk.get(f"/admin/chat/person/{mona.pk}/change/").content.decode()
    assert signed_in(bob).get(f"/admin/chat/person/{mona.pk}/change/").status_code == 302


def test_the_case_says_that_reports_have_hidden_the_message(
    desk: Client, general: Room, bob: User, say: Say, settings: Any
) -> None:
    settings.HOLDFAST_HIDE_AFTER_REPORTS = 2
    message = say(bob, general, "something vile")
    for number in range(2):
        user = make_user(f"member{number}")
        joined = timezone.now() - timedelta(days=30)
        User.objects.filter(pk=user.pk).update(date_joined=joined)
        report = services.report(actor_id=user.pk, message_id=message.pk, category="abuse")
    page = desk.get(f"/admin/chat/case/{report.case_id}/change/").content.decode()
    assert "Hidden automatically after 2 reports" in plain(page)
    assert "something vile" in page


def test_the_appeal_against_a_mute_is_read_and_accepted(
    desk: Client, bob: User, mona: User
) -> None:
    services.mute_by_filter(user_id=bob.pk, filter_text="slur")
    appeal = services.appeal_mute(actor_id=bob.pk, text="I quoted a song")
    page = desk.get(f"/admin/chat/case/{appeal.pk}/change/").content.decode()
    assert "Appeal against a mute in all rooms" in page
    assert "I quoted a song" in page
    desk.post(
        f"/admin/chat/case/{appeal.pk}/decide/", {"decision": "accept", "note": "It was a quote"}
    )
    services.create_room(actor_id=bob.pk, name="Songs")
