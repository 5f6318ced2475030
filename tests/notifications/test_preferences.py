"""The notifications that a user wants."""

from datetime import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from notifications import payloads, services
from notifications.services import Notice
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest
from tests.support.replay import Verify

NOTHING_CHOSEN: dict[str, Any] = {
    "inbox_off": [],
    "desktop_off": [],
    "quiet_from": None,
    "quiet_to": None,
}


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice, signed in."""
    client = Client()
    client.force_login(alice)
    return client


def patch(browser: Client, **choices: Any) -> Any:
    return browser.patch("/api/inbox/preferences", choices, content_type="application/json").json()


def test_a_choice_is_a_row_of_the_inbox_and_changes_once(verify: Verify, alice: User) -> None:
    with verify() as change:
        services.set_preferences(
            user_id=alice.pk, inbox_off=["reaction"], quiet=(time(22), time(7))
        )
        services.set_preferences(user_id=alice.pk, inbox_off=["reaction"])
        services.set_preferences(user_id=alice.pk, desktop_off=["broadcast", "message"])
    first, second = change.rows(f"inbox.{alice.pk}")
    assert first["kind"] == "preferences"
    assert first["data"] == {"id": first["data"]["id"], "seq": 1} | NOTHING_CHOSEN | {
        "inbox_off": ["reaction"],
        "quiet_from": "22:00",
        "quiet_to": "07:00",
    }
    assert second["data"] == first["data"] | {"seq": 2, "desktop_off": ["broadcast", "message"]}


def test_what_is_not_wanted_is_not_put_into_the_inbox(
    verify: Verify, alice: User, bob: User
) -> None:
    services.set_preferences(user_id=alice.pk, inbox_off=["mention"])
    notices = [
        Notice(user_id=user.pk, kind=kind, title="Hello")
        for user in (alice, bob)
        for kind in ("mention", "direct")
    ]
    with verify() as change, changing(payloads.inbox(alice.pk), payloads.inbox(bob.pk)) as heads:
        assert len(services.notify_many(heads, notices)) == 3
        assert services.notify(heads, notices[0]) is None
    assert [(data["kind"], data["unread"]) for data in change.data(f"inbox.{alice.pk}")] == [
        ("direct", 1)
    ]


def test_what_moderators_and_administrators_say_cannot_be_kept_out(alice: User) -> None:
    with pytest.raises(
        BadRequest,
        match="inbox_off: expected some of mention, reply, reaction, direct, message, invitation",
    ):
        services.set_preferences(user_id=alice.pk, inbox_off=["moderation"])
    services.set_preferences(user_id=alice.pk, desktop_off=["moderation", "broadcast"])


@pytest.mark.parametrize("quiet", [(time(22), None), (None, time(7)), (time(7), time(7))])
def test_quiet_hours_have_two_ends(alice: User, quiet: tuple[time | None, time | None]) -> None:
    with pytest.raises(BadRequest, match="quiet_from, quiet_to"):
        services.set_preferences(user_id=alice.pk, quiet=quiet)


def test_over_http_one_choice_leaves_the_others(browser: Client) -> None:
    chosen = browser.get("/api/inbox/preferences").json()["preferences"]
    assert {name: chosen[name] for name in NOTHING_CHOSEN} == NOTHING_CHOSEN
    patch(browser, quiet_from="22:00", quiet_to="07:30")
    chosen = patch(browser, inbox_off=["reaction"])["preferences"]
    assert (chosen["inbox_off"], chosen["quiet_from"], chosen["quiet_to"]) == (
        ["reaction"],
        "22:00",
        "07:30",
    )
    assert patch(browser, quiet_from=None, quiet_to=None)["preferences"]["quiet_from"] is None


@pytest.mark.parametrize(
    "choices",
    [
        {"inbox_off": ["love"]},
        {"inbox_off": ["x"] * 51},
        {"quiet_from": "22:00"},
        {"quiet_from": "25:00", "quiet_to": "07:00"},
        {"sound": 1},
    ],
)
def test_a_bad_choice_names_its_field(browser: Client, choices: dict[str, Any]) -> None:
    error = patch(browser, **choices)["error"]
    assert error["code"] == "bad_request"
    assert next(iter(choices)) in error["message"]


def test_nobody_chooses_for_others(client: Client, db: None) -> None:
    assert client.get("/api/inbox/preferences").status_code == 401
