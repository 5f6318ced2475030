"""Actions of moderators: each calls a service, needs a reason, is logged, and is replayed."""

from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat import services
from chat.models import Message, ModerationLog, Room, SiteBan
from tests.admin.conftest import Act, told
from tests.chat.conftest import Say, fresh, membership, notices
from tests.support.replay import Verify


def last_entry() -> ModerationLog:
    return ModerationLog.objects.latest("pk")


def test_mona_deletes_several_messages_with_one_reason(
    verify: Verify, act: Act, alice: User, bob: User, mona: User, general: Room, say: Say
) -> None:
    rows = [say(bob, general, "buy this"), say(alice, general, "buy that")]
    with verify() as change:
        answer = act("message", "delete", *rows, reason="Spam, as announced")
    assert told(answer) == [f'2 messages deleted. <a href="{undo(rows)}">Undo</a>']
    assert [row["body"] for row in change.data(f"room.{general.pk}")] == ["", ""]
    assert not Message.objects.exclude(body="").filter(room=general).exists()
    entries = ModerationLog.objects.order_by("pk")
    assert [
        (entry.action, entry.actor, entry.subject, entry.reason)
        for entry in entries.filter(message__isnull=False)
    ] == [
        ("delete", mona, bob, "Spam, as announced"),
        ("delete", mona, alice, "Spam, as announced"),
    ]
    assert notices(bob) == [
        ("moderation", "Mona, a site moderator, removed your message in General")
    ]


def undo(rows: list[Message]) -> str:
    ids = "%2C".join(str(row.pk) for row in rows)
    return f"/admin/chat/message/action/restore/?ids={ids}&amp;back=%2Fadmin%2Fchat%2Fmessage%2F"


def test_mona_restores_what_she_deleted(
    verify: Verify, act: Act, bob: User, general: Room, say: Say
) -> None:
    message = say(bob, general, "harmless")
    act("message", "delete", message, reason="spam")
    with verify() as change:
        act("message", "restore", message, reason="")
    assert [row["body"] for row in change.data(f"room.{general.pk}")] == ["harmless"]
    assert last_entry().action == "restore"


def test_the_list_of_removed_texts_restores_too(
    act: Act, bob: User, general: Room, say: Say
) -> None:
    message = say(bob, general, "harmless")
    act("message", "delete", message, reason="spam")
    act("removedtext", "restore", message, reason="")
    message.refresh_from_db()
    assert message.body == "harmless"


def test_mona_mutes_and_unmutes(verify: Verify, act: Act, bob: User, general: Room) -> None:
    with verify() as change:
        act("membership", "mute", membership(general, bob), seconds=3600, reason="calm down")
    assert change.kinds(f"room.{general.pk}") == ["membership"]
    until = membership(general, bob).muted_until
    assert until is not None
    assert 3500 < (until - timezone.now()).total_seconds() <= 3600
    assert last_entry().details.keys() == {"until"}
    with verify():
        act("membership", "unmute", membership(general, bob), reason="")
    assert membership(general, bob).muted_until is None


@pytest.mark.parametrize(("name", "state"), [("remove", "removed"), ("ban", "banned")])
def test_mona_bans_a_member_from_a_room(
    verify: Verify, act: Act, bob: User, general: Room, name: str, state: str
) -> None:
    with verify() as change:
        act("membership", name, membership(general, bob), reason="enough")
    assert membership(general, bob).state == state
    assert [(end.user, end.reason) for end in change.ends(f"room.{general.pk}")] == [
        (bob.pk, state)
    ]
    assert (last_entry().action, last_entry().reason) == (name, "enough")


def test_mona_lifts_a_ban_from_a_room(verify: Verify, act: Act, bob: User, general: Room) -> None:
    act("membership", "ban", membership(general, bob), reason="enough")
    with verify():
        act("membership", "unban", membership(general, bob), reason="")
    assert membership(general, bob).state == "left"


def test_mona_changes_a_role(verify: Verify, act: Act, bob: User, general: Room) -> None:
    with verify():
        act("membership", "role", membership(general, bob), role="moderator", reason="")
    assert membership(general, bob).role == "moderator"


def test_mona_bans_a_person_from_the_site_and_lifts_the_ban(
    verify: Verify, act: Act, bob: User, mona: User
) -> None:
    with verify() as change:
        act("person", "site-ban", bob, reason="threats")
    assert [(end.user, end.code) for end in change.ends(f"inbox.{bob.pk}")] == [(bob.pk, 4503)]
    assert SiteBan.objects.get(user=bob, lifted_at=None).created_by == mona
    with verify():
        act("siteban", "lift", SiteBan.objects.get(user=bob), reason="a mistake")
    assert not SiteBan.objects.filter(lifted_at=None).exists()
    act("person", "site-ban", bob, reason="again")
    act("person", "site-unban", bob, reason="")
    assert last_entry().action == "site_unban"


@pytest.mark.parametrize(
    ("name", "fields", "state"),
    [("mute", {"seconds": 600}, "active"), ("remove", {}, "removed"), ("ban", {}, "banned")],
)
def test_mona_acts_on_a_person_in_a_room_that_she_names(
    act: Act, bob: User, general: Room, name: str, fields: dict[str, Any], state: str
) -> None:
    act("person", name, bob, room_id="#general", reason="enough", **fields)
    assert membership(general, bob).state == state
    assert last_entry().action == name


def test_a_person_who_is_not_a_member_can_be_banned_from_a_room_and_unbanned(
    act: Act, charlie: User, general: Room
) -> None:
    act("person", "ban", charlie, room_id="general", reason="known elsewhere")
    assert membership(general, charlie).state == "banned"
    act("person", "unban", charlie, room_id="general", reason="")
    assert membership(general, charlie).state == "left"


@pytest.mark.parametrize(
    ("name", "fields", "column", "value", "action"),
    [
        ("lock", {}, "read_only", True, "lock"),
        ("slow", {"slow_mode": 30}, "slow_mode", 30, "slow_mode"),
        ("retention", {"retention_days": 90}, "retention_days", 90, "retention"),
        ("rename", {"name": "Lobby", "topic": ""}, "name", "Lobby", "rename"),
        ("rename", {"name": "General", "topic": "Hello"}, "topic", "Hello", "topic"),
    ],
)
def test_mona_changes_a_room(
    verify: Verify,
    act: Act,
    general: Room,
    name: str,
    fields: dict[str, Any],
    column: str,
    value: Any,
    action: str,
) -> None:
    with verify() as change:
        act("room", name, general, reason="a raid", **fields)
    assert change.kinds(f"room.{general.pk}") == ["room"]
    assert getattr(fresh(general), column) == value
    assert (last_entry().action, last_entry().reason) == (action, "a raid")


def test_a_room_is_unlocked_archived_and_opened_again(
    verify: Verify, act: Act, general: Room
) -> None:
    act("room", "lock", general, reason="a raid")
    with verify():
        act("room", "unlock", general, reason="")
    assert not fresh(general).read_only
    with verify() as change:
        act("room", "archive", general, reason="over")
    assert fresh(general).archived_at is not None
    assert [end.reason for end in change.ends(f"room.{general.pk}")] == ["archived"]
    with verify():
        act("room", "unarchive", general, reason="")
    assert fresh(general).archived_at is None


def test_mona_signs_people_out_and_deactivates_their_accounts(
    verify: Verify, act: Act, desk: Client, alice: User, bob: User
) -> None:
    with verify() as change:
        answer = act("person", "sign-out", alice, bob, reason="a leak")
    assert told(answer) == ["2 people signed out everywhere."]
    assert {name for name in change.streams if change.ends(name)} == {
        f"inbox.{alice.pk}",
        f"inbox.{bob.pk}",
    }
    answer = act("person", "deactivate", bob, reason="spam")
    assert ">Undo<" in told(answer)[0]
    names = [
        link.name for link in desk.get(f"/admin/chat/person/{bob.pk}/change/").context["actions"]
    ]
    assert "activate" in names
    assert not {"sign-out", "deactivate"} & set(names)
    assert "><bdi>bob</bdi></a>" in desk.get("/admin/chat/moderationlog/").content.decode()
    act("person", "activate", bob, reason="")
    bob.refresh_from_db()
    assert bob.is_active
    assert last_entry().action == "activate"


@pytest.mark.parametrize("name", ["sign-out", "deactivate", "activate"])
def test_mona_cannot_act_on_the_account_of_a_superior(act: Act, name: str) -> None:
    boss = User.objects.create_superuser("boss")
    answer = act("person", name, boss, reason="why not")
    assert answer.context["form"].non_field_errors() == [
        "You can't do that to a site moderator or an administrator. Remove their role first."
    ]
    assert User.objects.get(pk=boss.pk).is_active


def test_what_is_refused_is_said_and_keeps_nothing_else_from_happening(
    act: Act, alice: User, bob: User, mona: User
) -> None:
    answer = act("person", "site-ban", bob, mona, reason="enough")
    assert told(answer)[0].startswith("1 person banned from the site.")
    assert "You can't do that to yourself." in unescape(told(answer)[1])
    assert SiteBan.objects.get().user == bob


def test_what_is_refused_altogether_stays_on_the_page_with_its_reason(act: Act, mona: User) -> None:
    answer = act("person", "site-ban", mona, reason="enough")
    assert answer.redirect_chain == []
    assert answer.context["form"].non_field_errors() == ["You can't do that to yourself."]
    assert "enough" in answer.content.decode()


@pytest.mark.parametrize("fields", [{}, {"reason": ""}, {"reason": "x" * 501}, {"reason": "a\0b"}])
def test_nothing_is_taken_away_without_a_reason(
    act: Act, bob: User, general: Room, say: Say, fields: dict[str, str]
) -> None:
    message = say(bob, general, "hello")
    answer = act("message", "delete", message, **fields)
    assert answer.context["form"].errors.keys() == {"reason"}
    message.refresh_from_db()
    assert message.body == "hello"


def test_a_room_that_is_not_there_is_a_problem_of_the_field(act: Act, bob: User) -> None:
    assert act("person", "ban", bob, room_id="nowhere", reason="x").context["form"].errors == {
        "room_id": ["There is no room with this name."]
    }


def test_the_list_leads_to_the_page_of_the_act_with_the_chosen_rows(
    desk: Client, bob: User, general: Room, say: Say
) -> None:
    rows = [say(bob, general, "one"), say(bob, general, "two"), say(bob, general, "three")]
    chosen = {
        "action": ["delete", "restore"],
        "index": 0,
        "_selected_action": [rows[0].pk, rows[2].pk],
    }
    answer = desk.post("/admin/chat/message/?q=bob", chosen, follow=True)
    page = answer.content.decode()
    assert "one" in page
    assert "three" in page
    assert ">two" not in page
    assert "Applies to 2 items" in page
    assert answer.context["back"] == "/admin/chat/message/?q=bob"


def test_the_page_says_what_would_not_change(
    desk: Client, bob: User, general: Room, say: Say
) -> None:
    gone, standing = say(bob, general, "gone"), say(bob, general, "standing")
    services.delete_message(actor_id=bob.pk, message_id=gone.pk)
    page = desk.get(
        f"/admin/chat/message/action/delete/?ids={gone.pk},{standing.pk}"
    ).content.decode()
    assert "Already deleted" in page
    assert "Applies to 1 of 2 selected" in page
    page = desk.get(
        f"/admin/chat/message/action/restore/?ids={gone.pk},{standing.pk}"
    ).content.decode()
    assert "Deleted by its author: the text is gone" in page


@pytest.mark.parametrize("ids", ["", "0", "x", "1,,x", "99999999999999999999999", "%00"])
def test_nothing_chosen_is_no_error(desk: Client, ids: str) -> None:
    assert "Nothing was selected." in told(
        desk.get(f"/admin/chat/message/action/delete/?ids={ids}", follow=True)
    )


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_way_back_stays_on_this_site(
    act: Act, bob: User, general: Room, say: Say, back: str
) -> None:
    answer = act("message", "delete", say(bob, general, "x"), reason="x", back=back)
    assert answer.redirect_chain[0][0] == "/admin/chat/message/"


def test_an_act_that_is_none_is_not_found(desk: Client) -> None:
    assert desk.get("/admin/chat/message/action/explode/?ids=1").status_code == 404


def test_a_page_offers_only_what_would_change_the_row(
    desk: Client, bob: User, general: Room
) -> None:
    labels = [
        link.label
        for link in desk.get(
            f"/admin/chat/membership/{membership(general, bob).pk}/change/"
        ).context["actions"]
    ]
    assert labels == ["Mute", "Change role", "Remove from room", "Ban from room"]


def test_a_room_is_renamed_from_its_own_page_beginning_with_its_present_name(
    desk: Client, general: Room
) -> None:
    assert ">Rename<" not in desk.get("/admin/chat/room/").content.decode()
    assert ">Rename<" in desk.get(f"/admin/chat/room/{general.pk}/change/").content.decode()
    assert (
        'value="General"'
        in desk.get(f"/admin/chat/room/action/rename/?ids={general.pk}").content.decode()
    )
