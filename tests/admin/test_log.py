"""The log in sentences, its search by person, room and date, and the dashboard."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat import services
from chat.admin import log_sentences
from chat.models import Bulk, Filter, ModerationLog, Room
from tests.admin.rows import make_rows
from tests.admin.test_lists import queries_of, shown
from tests.chat.conftest import Say

LOG = "/admin/chat/moderationlog/"


@pytest.fixture
def entries(general: Room, alice: User, bob: User, mona: User) -> list[int]:
    """Alice mutes Bob, Mona bans him from the room."""
    services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=600, reason="loud")
    services.ban(actor_id=mona.pk, room_id=general.pk, user_id=bob.pk, reason="louder")
    return list(ModerationLog.objects.order_by("-pk").values_list("pk", flat=True))


def test_an_entry_is_a_sentence_with_links(
    desk: Client, entries: list[int], bob: User, mona: User, general: Room
) -> None:
    page = desk.get(LOG).content.decode()

    def person(user: User) -> str:
        return f'<a href="/admin/chat/person/{user.pk}/change/"><bdi>{user.username}</bdi></a>'

    room = f'<a href="/admin/chat/room/{general.pk}/change/"><bdi>#general</bdi></a>'
    assert f"{person(mona)} banned {person(bob)} from {room}" in page


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("@bob", [0, 1]),
        ("to:bob", [0, 1]),
        ("by:alice", [1]),
        ("by:bob", []),
        ("%23general by:mona", [0]),
        ("by:nobody", []),
    ],
)
def test_an_entry_is_found_by_side_and_room(
    desk: Client, entries: list[int], query: str, places: list[int]
) -> None:
    assert shown(desk, f"{LOG}?q={query}") == [entries[place] for place in places]


def test_entries_are_found_by_their_days(desk: Client, entries: list[int]) -> None:
    today = timezone.now().date()
    before, after = today - timedelta(days=3), today + timedelta(days=1)
    assert shown(desk, f"{LOG}?q={today}") == entries
    assert shown(desk, f"{LOG}?q={before}..{after}") == entries
    assert shown(desk, f"{LOG}?q={before}") == []
    assert shown(desk, f"{LOG}?q=2026-99-99") == []
    assert shown(desk, f"{LOG}?days=7") == entries


def test_every_kind_of_entry_has_words(desk: Client, entries: list[int]) -> None:
    assert {*log_sentences._SENTENCES, "bulk"} == set(ModerationLog.Action)
    assert set(log_sentences._BULK) == set(Bulk.Act)
    page = desk.get(LOG).content.decode()
    assert "Unmuted in all rooms" in page
    assert "Site Unmute" not in page
    assert shown(desk, f"{LOG}?action__exact=ban") == entries[:1]
    assert shown(desk, f"{LOG}?action__exact=site_ban") == []


def test_the_first_page_shows_what_needs_attention(
    desk: Client, general: Room, alice: User, bob: User, entries: list[int], say: Say
) -> None:
    say(alice, general, "buy this")
    Filter.objects.create(text="pills", is_on=True)
    page = desk.get("/admin/").content.decode()
    for expected in (
        "Open cases",
        "Busiest rooms",
        "#general",
        "Recent bans",
        "louder",
        "pills",
    ):
        assert expected in page


def test_it_costs_as_many_queries_with_a_hundred_rows_as_with_five(desk: Client) -> None:
    make_rows(0, 5)
    queries_of(desk, "/admin/")  # notes the use of the session
    few = queries_of(desk, "/admin/")
    make_rows(5, 100)
    assert len(queries_of(desk, "/admin/")) == len(few)
