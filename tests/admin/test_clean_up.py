"""From a case in one step: messages, mute, ban, warning and decision, with one reason."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.models import Bulk, Case, Message, ModerationLog, PersonNote, ReasonTemplate, Room
from chat.moderation import site_bans
from realtime.site.languages import remember
from tests.admin.conftest import Act, told
from tests.chat.conftest import Say
from tests.conftest import PASSWORD

LIST = "/admin/chat/case/"


@pytest.fixture
def case(general: Room, secret: Room, alice: User, bob: User, say: Say) -> Case:
    """One of Bob's five messages in two rooms is reported."""
    for number in range(3):
        say(bob, general, f"watches {number}")
    say(bob, secret, "watches in secret")
    message = say(bob, general, "watches again")
    services.report(actor_id=alice.pk, message_id=message.pk, category="spam")
    return Case.objects.get()


def test_everything_that_is_chosen_happens_and_the_page_shows_what_will_go(
    desk: Client, case: Case, bob: User
) -> None:
    url = f"/admin/chat/case/{case.pk}/clean-up/"
    assert url in desk.get(f"/admin/chat/case/{case.pk}/change/").content.decode()
    page = desk.get(url).content.decode()
    for expected in ("5 messages would be removed", "#general", "#secret", "watches 0"):
        assert expected in page
    fields = {"messages": "on", "decide": "on", "warn": "on", "mute": "3600", "ban": "0"}
    answer = desk.post(url, {**fields, "reason": "advertising"}, follow=True)
    assert told(answer) == [
        "Banned from the site.",
        "Muted in all rooms.",
        "Warned.",
        "The case is closed.",
    ]
    assert not Message.objects.filter(author=bob, deleted_at=None).exists()
    assert site_bans.current_ban(bob.pk) is not None
    case.refresh_from_db()
    assert (case.status, case.reason) == ("resolved", "advertising")
    actions = set(ModerationLog.objects.filter(subject=bob).values_list("action", flat=True))
    assert actions >= {"site_ban", "site_mute", "warn", "resolve", "bulk"}
    assert Bulk.objects.get().expected == 4


def test_what_is_not_chosen_does_not_happen(desk: Client, case: Case, bob: User) -> None:
    url = f"/admin/chat/case/{case.pk}/clean-up/"
    nothing = desk.post(url, {"reason": "advertising"})
    assert "Choose at least one action." in nothing.content.decode()
    no_reason = desk.post(url, {"warn": "on"})
    assert "reason" in no_reason.context["form"].errors
    answer = desk.post(url, {"warn": "on", "reason": "advertising"})
    assert answer["Location"] == f"/admin/chat/case/{case.pk}/change/"
    assert Case.objects.get().is_open
    assert Message.objects.filter(author=bob, deleted_at=None).count() == 5


def test_only_who_may_cleans_up(desk: Client, case: Case, alice: User, mona: User) -> None:
    alice.is_staff = True
    alice.save()
    client = Client()
    client.login(username="alice", password=PASSWORD)
    assert client.get(f"/admin/chat/case/{case.pk}/clean-up/").status_code == 403
    Case.objects.update(author=mona)
    assert desk.get(f"/admin/chat/case/{case.pk}/clean-up/").status_code == 404


def test_words_alone_choose_messages_in_all_rooms(desk: Client, case: Case) -> None:
    add = "/admin/chat/bulk/add/"
    fields = {"author_id": "", "room_id": "", "words": "WATCHES", "reason": "spam"}
    counted = desk.post(add, fields)
    page = counted.content.decode()
    assert counted.context["found"] == 5
    assert "5 messages would be removed" in page
    assert "#secret" in page
    desk.post(add, {**fields, "do": "remove", "number": "5"}, follow=True)
    assert not Message.objects.filter(deleted_at=None).exists()
    assert Case.objects.get().status == "resolved"
    short = desk.post(add, {**fields, "words": "ab"}).context["form"].errors
    assert "at least 3 characters" in str(short)


def test_moderators_search_texts_reports_and_the_log(
    desk: Client, case: Case, general: Room, direct: Room, alice: User, bob: User, say: Say
) -> None:
    wanted = say(bob, general, "FREE CRYPTO for everyone")
    say(bob, direct, "free crypto between us")
    services.delete_message(
        actor_id=User.objects.get(username="mona").pk, message_id=wanted.pk, reason="Fraud again"
    )
    other = say(alice, general, "Crypto is free speech")

    def found(path: str) -> list[int]:
        return [row.pk for row in desk.get(f"/admin/chat/{path}").context["cl"].result_list]

    assert found("message/?q=FREE+CRYPTO") == [other.pk]
    assert found("message/?q=crypto+@bob") == []
    assert found("message/?q=crypto+%23general") == [other.pk]
    for query in ("@bob", "@alice", "watches", "%23general"):
        assert found(f"case/?q={query}") == [case.pk]
    assert found("case/?q=boats") == []
    entry = ModerationLog.objects.get(reason="Fraud again")
    assert found("moderationlog/?q=fraud") == [entry.pk]
    assert found("moderationlog/?q=fraud+to:bob") == [entry.pk]
    assert found("moderationlog/?q=theft") == []


def test_people_are_warned_and_noted(desk: Client, act: Act, bob: User, case: Case) -> None:
    assert told(act("person", "warn", bob, reason="Be kind")) == ["1 person warned."]
    act("person", "note", bob, reason="Third time this week")
    assert PersonNote.objects.get().text == "Third time this week"
    for page in (f"person/{bob.pk}", f"case/{case.pk}"):
        assert "Third time this week" in desk.get(f"/admin/chat/{page}/change/").content.decode()
    entry = ModerationLog.objects.get(action="note")
    assert "Third" not in f"{entry.reason}{entry.details}"
    assert bob.notifications.latest("pk").params["act"] == "warn"


def test_templates_are_edited_at_the_desk_and_offered_in_the_language_of_the_person(
    desk: Client, case: Case, bob: User
) -> None:
    add = "/admin/chat/reasontemplate/add/"
    for language, text in (("en", "No advertising"), ("de", "Keine Werbung")):
        fields = {"language": language, "name": "Ads", "text": text}
        desk.post(add, fields)
    assert "already" in desk.post(add, fields).content.decode()
    page = f"/admin/chat/case/{case.pk}/change/"
    assert "No advertising" in desk.get(page).content.decode()

    remember(bob.pk, "de")
    shown = desk.get(page).content.decode()
    assert "Keine Werbung" in shown
    assert "No advertising" not in shown
    row = ReasonTemplate.objects.get(language="de")
    change = f"/admin/chat/reasontemplate/{row.pk}/change/"
    desk.post(change, {"language": "de", "name": "Ads", "text": "Bitte keine Werbung"})
    assert ReasonTemplate.objects.get(pk=row.pk).text == "Bitte keine Werbung"
    desk.post(change, {"delete": "yes"})
    assert ReasonTemplate.objects.count() == 1
    assert ModerationLog.objects.filter(action="template").count() == 4
