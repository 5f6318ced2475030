"""Permission to read a stream, and the part of it that a fresh snapshot shows."""

from django.contrib.auth.models import User

from notifications import payloads, queries, services
from notifications.queries import Shelf
from realtime.auth.revocation import end_sessions, personal_stream
from realtime.core import streams
from realtime.core.reads import page
from realtime.core.streams import Claim, Reader
from realtime.protocol.codes import CloseCode
from tests.notifications.conftest import Notify
from tests.support.replay import Client, Verify


def test_alice_reads_her_inbox_and_bob_learns_that_there_is_none(alice: User, bob: User) -> None:
    kind, ident = streams.parse(payloads.inbox(alice.pk))
    assert kind.authorise([Claim(Reader(alice.pk), ident)]) == {}
    claim = Claim(Reader(bob.pk, is_moderator=True), ident)
    assert kind.authorise([claim])[claim].code == "not_found"


def test_everybody_reads_announcements(bob: User) -> None:
    kind, ident = streams.parse("announcements")
    assert kind.authorise([Claim(Reader(bob.pk), ident)]) == {}


def test_the_inbox_is_what_every_socket_of_its_owner_watches(alice: User) -> None:
    assert personal_stream(alice.pk) == payloads.inbox(alice.pk) == f"inbox.{alice.pk}"


def test_a_revocation_takes_a_number_of_the_inbox_and_is_shown_to_nobody(
    verify: Verify, notify: Notify, alice: User
) -> None:
    notify(alice)
    with verify() as change:
        end_sessions(alice.pk, code=CloseCode.SESSION_ENDED, reason="signed out")
    assert change.rows(payloads.inbox(alice.pk)) == []
    assert [end.code for end in change.ends(payloads.inbox(alice.pk))] == [CloseCode.SESSION_ENDED]
    assert queries.unread(alice.pk) == 1


def test_a_replay_from_the_beginning_holds_what_the_pages_of_the_inbox_hold(
    notify: Notify, alice: User
) -> None:
    rows = [notify(alice, title=f"Number {number}") for number in range(10)]
    services.archive(user_id=alice.pk, ids=[rows[3].pk, rows[8].pk])
    services.read(user_id=alice.pk, ids=[rows[5].pk])
    replayed = {
        ident: row["data"]
        for (_, ident), row in Client(payloads.inbox(alice.pk)).pull().rows.items()
    }
    shown: dict[int, object] = {}
    for shelf in (Shelf.INBOX, Shelf.ARCHIVED):
        before = None
        while True:
            found = queries.inbox_page(alice.pk, before=before, shelf=shelf, limit=3)
            shown |= {notice["id"]: notice for notice in found.notices}
            if not found.more:
                break
            before = found.notices[-1]["id"]
    assert shown == replayed
    assert (
        max(replayed.values(), key=lambda data: data["seq"])["unread"]
        == queries.unread(alice.pk)
        == 7
    )


def test_a_page_of_a_stream_costs_one_query_a_source_and_one_for_the_people(
    notify: Notify, alice: User, bob: User, django_assert_num_queries: object
) -> None:
    for _ in range(20):
        notify(alice, actor_id=bob.pk)
    kind = streams.kind(payloads.INBOX)
    with django_assert_num_queries(3 + len(kind.sources)):  # type: ignore[operator]
        assert len(page(payloads.inbox(alice.pk), 0).events) == 20
