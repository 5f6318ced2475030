"""Filters compare texts as a reader sees them, in messages and in names."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.errors import BlockedWord
from chat.models import Room
from chat.text.filters import MASK, FilterAction, FilterKind, FilterSet, Rule
from tests.chat.conftest import BlockWord, Say

SEEN_ALIKE = [
    "vi\u200bagra",
    "via\u00adgra",
    "\uff56\uff49\uff41\uff47\uff52\uff41",  # wide
    "v\u0456agra",  # Cyrillic
    "VI\u2060AGRA",
    "vi\ufe0fagra",
    "\U0001d42f\U0001d422\U0001d41a\U0001d420\U0001d42b\U0001d41a",  # mathematical
    "v\u034fiagra",
]


@pytest.mark.parametrize("text", SEEN_ALIKE)
@pytest.mark.parametrize("kind", [FilterKind.WORD, FilterKind.PATTERN])
def test_a_word_is_found_however_it_is_spelt(text: str, kind: str) -> None:
    book = FilterSet([Rule("viagra", kind)])
    assert book.check(text, 1).blocked
    assert book.check(f"Buy {text}, now", 1).blocked
    masks = FilterSet([Rule("viagra", kind, FilterAction.MASK)])
    assert masks.check(f"Buy {text}, é now", 1).body == f"Buy {MASK}, é now"


@pytest.mark.parametrize(
    "text",
    [
        "crypto  airdrop",
        "crypto\nairdrop",
        "crypto\u00a0airdrop",
        "crypto \u200b airdrop",
        "Crypto\t\n AIRDROP",
    ],
)
def test_white_space_makes_no_difference_to_a_phrase(text: str) -> None:
    assert FilterSet([Rule("crypto airdrop")]).check(f"free {text}!", 1).blocked


@pytest.mark.parametrize("text", ["corn", "viagrant", "an accent: viágra", "v i a g r a"])
def test_what_looks_different_is_different(text: str) -> None:
    assert not FilterSet([Rule("com"), Rule("viagra")]).check(text, 1).blocked


def test_lookalikes_are_an_option(settings: Any) -> None:
    settings.HOLDFAST_FILTER_CONFUSABLES = False
    book = FilterSet([Rule("viagra"), Rule("сор")])
    assert not book.check("v\u0456agra", 1).blocked
    assert book.check("vi\u200bagra", 1).blocked
    assert book.check("это сор", 1).blocked
    assert not book.check("a cop", 1).blocked


def test_a_composed_letter_is_the_same_as_its_parts() -> None:
    assert FilterSet([Rule("caf\u00e9")]).check("cafe\u0301", 1).blocked
    assert (
        FilterSet([Rule("\ud55c\uae00")]).check("\u1112\u1161\u11ab\u1100\u1173\u11af", 1).blocked
    )


# -- other texts that people read --------------------------------------------------------------


def test_names_and_topics_of_rooms_are_filtered(
    general: Room, alice: User, block_word: BlockWord, say: Say
) -> None:
    block_word("blub")
    for fields in ({"name": "Big blub"}, {"name": "Fine", "topic": "ｂｌｕｂ"}):
        with pytest.raises(BlockedWord):
            services.create_room(actor_id=alice.pk, **fields)
    changes: list[dict[str, Any]] = [{"name": "Blub"}, {"topic": "all about blub"}]
    for change in changes:
        with pytest.raises(BlockedWord):
            services.change_room(actor_id=alice.pk, room_id=general.pk, **change)
    services.change_room(actor_id=alice.pk, room_id=general.pk, name="Blubber")


def test_names_of_people_are_filtered(alice: User, block_word: BlockWord, client: Client) -> None:
    block_word("blub")
    with pytest.raises(BlockedWord):
        services.rename(user_id=alice.pk, first_name="Blub")
    form = {
        "username": "dora",
        "first_name": "BLUB",
        "password1": "a long and unusual one 7",
        "password2": "a long and unusual one 7",
    }
    answer = client.post("/accounts/signup/", form)
    assert answer.status_code == 400
    assert b"allowed here" in answer.content
    assert not User.objects.filter(username="dora").exists()
