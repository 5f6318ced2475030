"""Filters in the admin: previewed on a sample and on recent messages, and only then turned on."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.errors import BlockedWord
from chat.models import Filter, Room
from tests.admin.conftest import Act, told
from tests.chat.conftest import Say

ADD = "/admin/chat/filter/add/"


def fields(text: str, do: str, **more: str) -> dict[str, str]:
    return {
        "kind": "word",
        "text": text,
        "action": "mask",
        "room_id": "",
        "sample": "",
        "do": do,
        **more,
    }


def parts(found: Any) -> list[str]:
    return [part.text for part in found if part.is_match]


def test_a_preview_shows_its_matches_and_changes_nothing(
    desk: Client, general: Room, direct: Room, alice: User, bob: User, say: Say
) -> None:
    for body in ("Cheap PILLS here", "pillsbury", "no", "pills pills"):
        say(bob, general, body)
    say(alice, direct, "pills between us")
    page = desk.post(ADD, fields("  Pills ", "preview", sample="My pills, <b>"))
    found = page.context["preview"]
    assert (found.matches, found.checked) == (2, 4)
    assert [parts(example.parts) for example in found.examples] == [["pills", "pills"], ["PILLS"]]
    assert parts(found.sample) == ["pills"]
    assert found.sample_after == "My •••, <b>"
    assert found.total_ms >= 0
    text = page.content.decode()
    assert "2 matches in the last 4 messages" in text
    assert "<mark>PILLS</mark>" in text
    assert "between us" not in text
    assert "&lt;b&gt;" in text
    assert not Filter.objects.exists()


def test_it_is_turned_on_only_after_a_preview_of_exactly_this(desk: Client, mona: User) -> None:
    page = desk.post(ADD, fields("pills", "on"))
    assert not Filter.objects.exists()
    signature = page.context["signature"]
    desk.post(ADD, fields("other", "on", previewed=signature))
    assert not Filter.objects.exists()
    page = desk.post(ADD, fields("pills", "on", previewed=signature), follow=True)
    assert told(page) == ["Filter saved and turned on."]
    row = Filter.objects.get()
    assert (row.text, row.action, row.is_on, row.created_by) == ("pills", "mask", True, mona)


def test_it_can_be_stored_and_changed(desk: Client, general: Room) -> None:
    page = desk.post(ADD, fields("pills", "off"), follow=True)
    assert told(page) == ["Filter saved."]
    row = Filter.objects.get()
    address = f"/admin/chat/filter/{row.pk}/change/"
    assert 'value="pills"' in desk.get(address).content.decode()
    signature = desk.post(
        address, fields("pill+s", "preview", kind="pattern", room_id="#general")
    ).context["signature"]
    desk.post(
        address, fields("pill+s", "on", kind="pattern", room_id="#general", previewed=signature)
    )
    row.refresh_from_db()
    assert (row.text, row.kind, row.room_id, row.is_on) == ("pill+s", "pattern", general.pk, True)
    assert 'value="general"' in desk.get(address).content.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [("(", "missing )"), ("(?<=x)y", "lookaheads"), ("", "required"), ("a*", "an empty text")],
)
def test_an_error_in_a_pattern_is_shown_beside_it(desk: Client, text: str, said: str) -> None:
    page = desk.post(ADD, fields(text, "off", kind="pattern"))
    assert said in str(page.context["form"].errors["text"])
    assert not Filter.objects.exists()


def test_it_is_switched_off_and_deleted_from_the_list(
    act: Act, general: Room, alice: User, mona: User, say: Say
) -> None:
    row = services.save_filter(
        actor_id=mona.pk, text="pills", kind="word", action="block", is_on=True
    )
    with pytest.raises(BlockedWord):
        say(alice, general, "pills")
    assert told(act("filter", "off", row)) == ["1 filter turned off."]
    say(alice, general, "pills")
    assert told(act("filter", "delete", row, reason="no use")) == ["1 filter deleted."]
    assert not Filter.objects.exists()


def test_only_those_who_may_open_the_form(desk: Client, bob: User, root: Client) -> None:
    desk.post(ADD, fields("pills", "off"))
    row = Filter.objects.get()
    bob.is_staff = True
    bob.save()
    client = Client()
    client.force_login(bob)
    for address in (ADD, f"/admin/chat/filter/{row.pk}/change/", "/admin/chat/filter/"):
        assert client.get(address).status_code == 403
    assert desk.get("/admin/chat/filter/999/change/").status_code == 404
    assert root.get(ADD).status_code == 200


def test_a_preview_on_many_messages_costs_as_many_queries_as_on_few(
    desk: Client, general: Room, alice: User, say: Say
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.post(ADD, fields("pills", "preview")).status_code == 200
        return len(captured)

    say(alice, general, "pills")
    queries()  # notes the use of the session
    few = queries()
    for number in range(30):
        say(alice, general, f"pills {number}")
    assert queries() == few
