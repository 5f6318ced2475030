"""The queue under two moderators: Mona and Omar never hold the same case."""

from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.utils import timezone

from chat import services
from chat.admin.cases import case_list
from chat.models import Case, Message, Report, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.admin.conftest import signed_in, told
from tests.chat.conftest import Say
from tests.conftest import make_user

NEXT, LIST = "/admin/chat/case/next/", "/admin/chat/case/"
SPAM = f"_changelist_filters={quote('category__exact=spam')}"


@pytest.fixture
def omar(mona: User) -> User:
    make_user("omar")
    appoint_moderator(username="omar")
    return User.objects.get(username="omar")


@pytest.fixture
def other(omar: User) -> Client:
    return signed_in(omar)


@pytest.fixture
def cases(general: Room, alice: User, bob: User, say: Say) -> list[Case]:
    """Four of Bob's, in the order of their reports: two of spam, a threat, something else."""
    found = []
    for category in ("spam", "spam", "illegal", "other"):
        message = say(bob, general, f"text of {category}")
        row = services.report(actor_id=alice.pk, message_id=message.pk, category=category)
        assert row.case is not None
        found.append(row.case)
    return found


def page(case: Case, query: str = "") -> str:
    return f"/admin/chat/case/{case.pk}/change/" + (f"?{query}" if query else "")


def decide(client: Client, case: Case, decision: str, **fields: object) -> str:
    """Take a step, and return the address that follows."""
    url = f"/admin/chat/case/{case.pk}/decide/"
    return str(client.post(url, {"decision": decision, "note": "", **fields})["Location"])


def holder(case: Case) -> int | None:
    return Case.objects.get(pk=case.pk).holder_id


def test_the_most_severe_comes_first_then_the_most_reported_then_the_oldest(
    desk: Client, cases: list[Case], charlie: User, general: Room
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    assert cases[1].message_id
    services.report(actor_id=charlie.pk, message_id=cases[1].message_id, category="spam")
    listed = [row.pk for row in desk.get(LIST).context["cl"].result_list]
    assert listed == [cases[2].pk, cases[3].pk, cases[1].pk, cases[0].pk]
    waiting = desk.get("/admin/").content.decode()
    assert waiting.index("text of illegal") < waiting.index("text of spam")


def test_two_moderators_get_different_cases_and_opening_one_claims_it(
    desk: Client, other: Client, cases: list[Case], mona: User, omar: User
) -> None:
    assert desk.get(NEXT)["Location"] == page(cases[2])
    assert other.get(NEXT)["Location"] == page(cases[3])
    assert (holder(cases[2]), holder(cases[3])) == (mona.pk, omar.pk)
    other.get(page(cases[0]))
    assert holder(cases[0]) == omar.pk
    assert decide(desk, cases[2], "keep") == page(cases[1])


def test_who_looks_at_the_case_of_another_takes_nothing_and_is_asked_before_deciding(
    desk: Client, other: Client, cases: list[Case], mona: User
) -> None:
    desk.get(page(cases[0]))
    seen = other.get(page(cases[0])).content.decode()
    assert "mona is reviewing this case" in seen
    assert holder(cases[0]) == mona.pk
    url = f"/admin/chat/case/{cases[0].pk}/decide/"
    asked = other.post(url, {"decision": "remove", "note": "spam"})
    assert asked.status_code == 200
    assert "mona is reviewing this case" in asked.content.decode()
    assert Case.objects.get(pk=cases[0].pk).is_open
    fields = {"note": asked.context["note"], "instead_of": asked.context["instead_of"]}
    decide(other, cases[0], "remove", **fields)
    assert Case.objects.get(pk=cases[0].pk).reason == "spam"


def test_a_claim_ends_by_itself_and_an_assignment_does_not(
    desk: Client, other: Client, cases: list[Case], mona: User, omar: User
) -> None:
    desk.get(page(cases[0]))
    Case.objects.update(claimed_until=timezone.now())
    other.get(page(cases[0]))
    assert holder(cases[0]) == omar.pk
    decide(desk, cases[1], "assign")
    desk.get(f"{NEXT}?after={cases[1].pk}")
    assert holder(cases[1]) == mona.pk
    desk.get(f"/admin/chat/case/queue/?after={cases[3].pk}")


def test_going_on_gives_the_case_back(desk: Client, cases: list[Case]) -> None:
    desk.get(page(cases[2]))
    assert desk.get(f"{NEXT}?after={cases[2].pk}")["Location"] == page(cases[3])
    assert holder(cases[2]) is None
    assert desk.get(f"/admin/chat/case/previous/?before={cases[3].pk}")["Location"] == page(
        cases[2]
    )
    assert holder(cases[3]) is None
    assert desk.get(f"/admin/chat/case/queue/?after={cases[2].pk}")["Location"] == LIST
    assert holder(cases[2]) is None


def test_the_filter_one_came_from_is_kept_through_every_step(
    desk: Client, cases: list[Case]
) -> None:
    listed = desk.get(f"{LIST}?category__exact=spam").content.decode()
    assert f"{page(cases[0])}?{SPAM}" in listed
    assert desk.get(f"{NEXT}?{SPAM}")["Location"] == page(cases[0], SPAM)
    shown = desk.get(page(cases[0], SPAM)).content.decode()
    for step in (f"{NEXT}?after={cases[0].pk}", f"/admin/chat/case/queue/?after={cases[0].pk}"):
        assert f"{step}&amp;{SPAM}" in shown
    filters = {"_changelist_filters": "category__exact=spam"}
    assert decide(desk, cases[0], "keep", **filters) == page(cases[1], SPAM)
    assert decide(desk, cases[1], "hide", **filters) == page(cases[1], SPAM)
    assert decide(desk, cases[1], "keep", **filters) == f"{LIST}?category__exact=spam"
    back = desk.get(f"/admin/chat/case/queue/?after={cases[1].pk}&{SPAM}")
    assert back["Location"] == f"{LIST}?category__exact=spam"


def test_a_search_is_kept_as_well_and_a_forged_filter_is_none(
    desk: Client, cases: list[Case]
) -> None:
    found = f"_changelist_filters={quote('q=spam')}"
    assert desk.get(f"{NEXT}?{found}")["Location"] == page(cases[0], found)
    forged = f"_changelist_filters={quote('author__password=x')}"
    assert desk.get(f"{NEXT}?{forged}")["Location"].startswith(page(cases[2]))


def test_nobody_sees_or_decides_a_case_about_themselves(
    desk: Client, other: Client, general: Room, mona: User, alice: User, bob: User, say: Say
) -> None:
    services.join(actor_id=mona.pk, room_id=general.pk)
    insult = say(mona, general, "you fool")
    report = services.report(actor_id=bob.pk, message_id=insult.pk, category="abuse", note="rude")
    assert report.case is not None
    answer = desk.get(page(report.case), follow=True)
    assert told(answer) == ["This case is about you. Another moderator must decide it."]
    assert "rude" not in answer.content.decode()
    assert list(desk.get(LIST).context["cl"].result_list) == []
    assert desk.get(NEXT)["Location"] == LIST
    assert "No open cases" in desk.get("/admin/").content.decode()
    for decision in ("keep", "remove", "hide", "assign"):
        decide(desk, report.case, decision)
    case = Case.objects.get(pk=report.case.pk)
    assert (case.status, case.assigned_to) == ("open", None)
    for shown in (f"message/{insult.pk}", f"person/{mona.pk}"):
        assert "bob" not in desk.get(f"/admin/chat/{shown}/change/").content.decode()
    assert other.get(NEXT)["Location"] == page(report.case)


def test_an_owner_neither_sees_nor_decides_reports_of_the_room(
    desk: Client, general: Room, mona: User, alice: User, bob: User
) -> None:
    services.join(actor_id=mona.pk, room_id=general.pk)
    services.set_role(
        actor_id=alice.pk, room_id=general.pk, user_id=mona.pk, role="owner", reason=""
    )
    report = services.report_room(actor_id=bob.pk, room_id=general.pk, category="abuse")
    assert report.case is not None
    assert list(desk.get(LIST).context["cl"].result_list) == []
    decide(desk, report.case, "keep")
    assert Case.objects.get().is_open


def test_who_reported_is_asked_before_deciding(
    desk: Client, general: Room, mona: User, bob: User, say: Say
) -> None:
    services.join(actor_id=mona.pk, room_id=general.pk)
    message = say(bob, general, "buy this")
    report = services.report(actor_id=mona.pk, message_id=message.pk, category="spam")
    assert report.case is not None
    url = f"/admin/chat/case/{report.case.pk}/decide/"
    asked = desk.post(url, {"decision": "remove", "note": ""})
    assert "You reported this yourself" in asked.content.decode()
    assert Case.objects.get().is_open
    decide(desk, report.case, "remove", instead_of=asked.context["instead_of"])
    assert not Case.objects.get().is_open


def test_a_decision_is_taken_back_with_one_key_for_some_seconds(
    desk: Client, cases: list[Case], bob: User, alice: User
) -> None:
    following = decide(desk, cases[2], "remove")
    shown = desk.get(following).content.decode()
    assert "Take it back" in shown
    assert 'data-key="u"' in shown
    answer = desk.post(f"/admin/chat/case/{cases[2].pk}/take-back/", follow=True)
    assert told(answer) == ["Taken back. The case is open again."]
    message = Message.objects.get(cases=cases[2])
    assert message.body == "text of illegal"
    assert Case.objects.get(pk=cases[2].pk).is_open
    assert "Take it back" not in desk.get(page(cases[0])).content.decode()
    decide(desk, cases[2], "keep")
    with override_settings(HOLDFAST_UNDO_SECONDS=0):
        assert "Take it back" not in desk.get(LIST).content.decode()
    assert "Reopen this case" in desk.get(page(cases[2])).content.decode()


def test_the_list_decides_nothing_that_another_moderator_reviews(
    desk: Client, other: Client, cases: list[Case]
) -> None:
    other.get(page(cases[0]))
    url = "/admin/chat/case/action/delete/"
    ids = f"{cases[0].pk},{cases[1].pk}"
    answer = desk.post(url, {"ids": ids, "reason": "spam"}, follow=True)
    assert any("Omar is already reviewing this case." in text for text in told(answer))
    assert Case.objects.get(pk=cases[0].pk).is_open
    assert not Case.objects.get(pk=cases[1].pk).is_open


def test_abusive_reports_are_in_the_record_of_their_reporter_and_count_less(
    desk: Client, cases: list[Case], alice: User, general: Room, bob: User, say: Say
) -> None:
    for case in cases[:3]:
        decide(desk, case, "abusive")
    assert Report.objects.filter(is_abusive=True).count() == 3
    assert "3 abusive reports" in desk.get(page(cases[3])).content.decode()
    late = services.report(
        actor_id=alice.pk, message_id=say(bob, general, "again").pk, category="illegal"
    )
    assert late.case is not None
    assert [row.pk for row in desk.get(LIST).context["cl"].result_list] == [
        cases[3].pk,
        late.case.pk,
    ]


def test_a_report_by_a_node_of_the_version_before_is_in_the_queue(
    desk: Client, cases: list[Case]
) -> None:
    Report.objects.filter(case=cases[2]).update(case=None, author=None)
    Case.objects.filter(pk=cases[2].pk).delete()
    assert desk.get(NEXT)["Location"] != page(cases[2])
    (first, *_rest) = desk.get(LIST).context["cl"].result_list
    assert (first.body, first.category) == ("text of illegal", "illegal")


def test_a_search_by_words_says_how_far_it_looks(
    desk: Client, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = "Texts and notes are searched in the newest 2 cases."
    assert told(desk.get(f"{LIST}?q=text")) == []
    monkeypatch.setattr(case_list, "MAX_SEARCHED", 2)
    assert told(desk.get(f"{LIST}?q=text")) == [bound]
    for query in ("@bob", "bob", "%23general", str(cases[0].message_id), ""):
        assert told(desk.get(f"{LIST}?q={query}")) == []
