"""Traces: what accounts share is a hint for moderators, and nobody can read it back."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from chat import services
from chat.models import Message, Room, Trace
from chat.moderation import traces
from chat.pages import traces as pages
from chat.services import traces as stored
from chat.services.moderation.bulk_selection import Choice
from chat.services.retention import run
from realtime.auth import issue_token
from tests.chat.conftest import Say
from tests.conftest import PASSWORD, People, make_user
from tests.support.server import Nodes
from tests.support.waiting import LOOK_SECONDS, PATIENCE_SECONDS

SPAM = "Get rich with my new coin today"


@pytest.fixture(autouse=True)
def nothing_noted_yet() -> Iterator[None]:
    pages._recent.clear()
    yield
    pages._recent.clear()


def sign_in(name: str, *, at: str, client: Client | None = None) -> Client:
    client = client or Client(REMOTE_ADDR=at)
    answer = client.post("/accounts/login/", {"username": name, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    client.get("/accounts/")
    return client


def hint(user: User, kind: str) -> traces.Hint | None:
    return next((found for found in traces.hints(user.pk) if found.kind == kind), None)


def post(user: User, room: Room, body: str) -> Message:
    """Post a message with the trace that ``submitting`` writes after the answer."""
    message = services.post_message(author_id=user.pk, room_id=room.pk, body=body).message
    if traces.leaves_text(message):
        stored.note(traces.of_text(user.pk, body))
    return message


def old(user: User, days: int = 100) -> User:
    User.objects.filter(pk=user.pk).update(date_joined=timezone.now() - timedelta(days=days))
    return user


def test_a_second_account_of_a_banned_person_shows_the_address_block(
    alice: User, bob: User, charlie: User, mona: User
) -> None:
    sign_in("bob", at="203.0.113.9")
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    sign_in("alice", at="203.0.113.200")
    found = hint(alice, "address")
    assert found is not None
    assert (found.accounts, found.banned, found.people) == (1, 1, [bob])
    sign_in("charlie", at="198.51.100.1")
    assert traces.hints(charlie.pk) == []


def test_a_network_of_ipv6_is_shared_by_its_48_bits(alice: User, bob: User) -> None:
    sign_in("bob", at="2001:db8:7:1::1")
    sign_in("alice", at="2001:db8:7:ffff::2")
    assert hint(alice, "address") is not None


def test_two_accounts_of_one_browser_are_connected_at_any_address(alice: User, bob: User) -> None:
    browser = sign_in("bob", at="203.0.113.9")
    browser.post("/accounts/logout/")
    browser.defaults["REMOTE_ADDR"] = "198.51.100.1"
    sign_in("alice", at="", client=browser)
    assert hint(alice, "address") is None
    for user, other in ((alice, bob), (bob, alice)):
        found = hint(user, "device")
        assert found is not None
        assert found.people == [other]


def test_an_invented_cookie_leaves_no_trace_and_calls_of_the_api_do(alice: User) -> None:
    client = Client(REMOTE_ADDR="203.0.113.9")
    client.cookies["device"] = "invented"
    token = issue_token(alice)
    client.get("/api/blocks/", headers={"Authorization": f"Bearer {token}"})
    assert [row.kind for row in Trace.objects.all()] == ["address"]


def test_the_same_line_connects_a_newcomer_with_someone_who_was_reported(
    general: Room, alice: User, bob: User, mona: User
) -> None:
    message = post(old(bob), general, SPAM)
    assert not Trace.objects.filter(kind="text").exists()  # posting costs members nothing
    services.report(actor_id=alice.pk, message_id=message.pk, category="spam")
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    evader = make_user("evader")
    services.join(actor_id=evader.pk, room_id=general.pk)
    post(evader, general, "get  RICH\nwith my n\u200bew с\u043ein today")  # Cyrillic с and о
    found = hint(evader, "text")
    assert found is not None
    assert (found.people, found.banned) == ([bob], 1)
    back = hint(bob, "text")
    assert back is not None
    assert back.people == [evader]


def test_a_text_that_a_moderator_removed_connects_as_well_and_greetings_do_not(
    general: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    first, second = say(old(bob), general, SPAM), say(bob, general, "Thank you!")
    services.delete_message(actor_id=mona.pk, message_id=first.pk)
    services.delete_message(actor_id=mona.pk, message_id=second.pk)
    third = say(bob, general, SPAM + " and tomorrow")
    bulk = services.begin_removal(
        actor_id=mona.pk, choice=Choice(author_id=bob.pk), expected=1, reason="spam"
    )
    services.run_bulk(bulk_id=bulk.pk, seconds=10)
    third.refresh_from_db()
    assert third.is_deleted
    assert Trace.objects.filter(kind="text").count() == 2


def test_a_text_that_moderators_cannot_read_leaves_no_trace(
    general: Room, secret: Room, direct: Room, bob: User, mona: User
) -> None:
    for room in (secret, direct):
        post(bob, room, SPAM)
    bulk = services.begin_removal(
        actor_id=mona.pk, choice=Choice(author_id=bob.pk), expected=2, reason="spam"
    )
    services.run_bulk(bulk_id=bulk.pk, seconds=10)
    assert not Trace.objects.filter(kind="text").exists()
    post(bob, general, SPAM)
    assert Trace.objects.filter(kind="text").exists()


def test_neither_an_address_nor_a_text_is_stored(bob: User, settings: Any) -> None:
    sign_in("bob", at="203.0.113.9")
    stored.note(traces.of_text(bob.pk, SPAM))
    rows = list(Trace.objects.values_list("kind", "digest"))
    assert {kind for kind, _ in rows} == {"address", "device", "text"}
    assert all(len(digest) == 32 and int(digest, 16) for _, digest in rows)
    before = traces.of_address(bob.pk, "203.0.113.9")
    settings.SECRET_KEY = "another key"
    assert traces.of_address(bob.pk, "203.0.113.9") != before


@pytest.mark.parametrize("address", ["", "127.0.0.1", "::1", "unix:"])
def test_the_address_of_a_proxy_connects_nobody(address: str) -> None:
    assert traces.of_address(1, address) == []


def test_a_trace_ends_after_its_days_and_is_deleted_by_later_ones(
    alice: User, bob: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HOLDFAST_TRACE_DAYS = 30
    monkeypatch.setattr(stored, "deletions", stored.Deletions())
    for name in ("alice", "bob"):
        sign_in(name, at="203.0.113.9")
    Trace.objects.filter(user=bob).update(seen_at=timezone.now() - timedelta(days=31))
    assert hint(alice, "address") is None
    stored.note(traces.of_device(alice.pk, "another"))
    assert Trace.objects.filter(user=bob).exists()  # a look was taken at the sign-in
    monkeypatch.setattr(stored, "deletions", stored.Deletions())
    stored.note(traces.of_device(alice.pk, "another"))
    assert not Trace.objects.filter(user=bob).exists()
    Trace.objects.update(seen_at=timezone.now() - timedelta(days=31))
    run.run()
    assert not Trace.objects.exists()


def test_a_site_can_keep_no_traces(bob: User, general: Room, say: Say, settings: Any) -> None:
    message = say(bob, general, SPAM)
    assert traces.leaves_text(message)
    settings.HOLDFAST_TRACE_DAYS = 0
    assert not traces.leaves_text(message)
    stored.note(traces.of_text(bob.pk, SPAM))
    services.delete_message(actor_id=bob.pk, message_id=message.pk)
    sign_in("bob", at="203.0.113.9")
    assert not Trace.objects.exists()


def test_an_account_is_noted_once_an_hour_and_a_failure_fails_no_page(
    bob: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = sign_in("bob", at="203.0.113.9")
    Trace.objects.all().delete()
    client.get("/accounts/")
    assert not Trace.objects.exists()
    pages._recent.clear()

    def locked(_: object) -> None:
        raise DatabaseError("locked")

    monkeypatch.setattr(stored, "note", locked)
    assert client.get("/accounts/").status_code == 200
    assert "the database refused" in caplog.text


def test_banned_people_are_named_first_and_the_others_counted(
    alice: User, mona: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "MAX_SHARING", 6)
    crowd = [make_user(f"user{number}") for number in range(9)]
    for user in (crowd[0], alice, *crowd[1:]):
        stored.note(traces.of_address(user.pk, "203.0.113.9"))
    services.site_ban(actor_id=mona.pk, user_id=crowd[0].pk, reason="spam")
    found = hint(alice, "address")
    assert found is not None
    assert found.is_cut
    assert found.banned == 1
    assert found.people[0] == crowd[0]  # though others were there later
    assert len(found.people) == traces.MAX_PEOPLE


def test_accounts_of_one_browser_count_as_one_person(alice: User, bob: User, mona: User) -> None:
    stored.note(traces.of_device(alice.pk, "one"))
    stored.note([*traces.of_device(bob.pk, "one"), *traces.of_device(bob.pk, "two")])
    assert traces.apart([alice.pk, bob.pk, mona.pk]) == 2
    stored.note(traces.of_device(mona.pk, "two"))
    assert traces.apart([alice.pk, bob.pk, mona.pk]) == 1
    assert traces.apart([]) == 0


def test_a_server_notes_them_after_its_response(nodes: Nodes, people: People) -> None:
    node = nodes.start(HOLDFAST_TRUST_PROXY="true")
    browser = Client()
    browser.force_login(people.bob)
    cookies = {"sessionid": browser.cookies["sessionid"].value}
    with httpx.Client(base_url=node.origin, cookies=cookies) as client:
        answer = client.get("/accounts/", headers={"X-Real-IP": "203.0.113.9"})
    assert answer.status_code == 200
    rows = Trace.objects.filter(user=people.bob, kind="address")
    async_to_sync(_some)(rows)
    assert rows.get().digest == traces.of_address(people.bob.pk, "203.0.113.200")[0].digest


async def _some(rows: "QuerySet[Trace]") -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await rows.aexists():  # noqa: ASYNC110  another process writes them
            await asyncio.sleep(LOOK_SECONDS)
