"""A text that shows nothing is no name and no message, and a name turns no sentence around it."""

import sys
import unicodedata
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.utils.translation import override

from chat import services
from chat.errors import Empty
from chat.models import Room
from chat.services.people.names import check_names
from realtime.protocol.errors import BadRequest
from realtime.site.visible_text import has_ink, is_blank, isolated
from tests.chat.conftest import Say, notices

# One for each kind: a filler, an inherent vowel, a pattern without dots, selectors, a tag, and
# characters of the categories Zs, Cf and Cc.
BLANK: Final = (
    "\u3164\uffa0\u115f\u17b4\u2800\ufe0f\U000e0100\U000e0041\u034f\u00a0\u200b\u202e\x1f"
)


@pytest.mark.parametrize("character", BLANK)
def test_a_character_without_ink_is_neither_message_nor_name(
    general: Room, alice: User, bob: User, say: Say, character: str
) -> None:
    message = say(bob, general, "Hello")
    for text in (character, f" {character}\n{character}"):
        with pytest.raises(Empty):
            say(bob, general, text)
        with pytest.raises(Empty):
            services.edit_message(actor_id=bob.pk, message_id=message.pk, body=text)
    with pytest.raises(BadRequest):
        services.create_room(actor_id=alice.pk, name=character)
    with pytest.raises(BadRequest):
        services.change_room(actor_id=alice.pk, room_id=general.pk, name=character)
    for field in ("username", "first_name", "last_name"):
        if character.isspace() and field != "username":
            assert check_names(bob, {field: character})[field] == "", "the username is shown"
            continue
        with pytest.raises(BadRequest):
            check_names(bob, {field: character})


def test_every_ignorable_character_of_a_common_plane_is_known() -> None:
    named = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if any(
            word in unicodedata.name(chr(code), "")
            for word in ("VARIATION SELECTOR", "HANGUL FILLER", "ZERO WIDTH", "PATTERN BLANK")
        )
    ]
    assert len(named) > 260
    assert [hex(ord(each)) for each in named if not is_blank(each)] == []
    assert all(map(has_ink, ("a", "\u0301", "\U0001f44d\ufe0f")))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Eve", "Eve"),
        ("\u202eevil", "\u2068evil\u2069"),
        ("\u05d3\u05df", "\u2068\u05d3\u05df\u2069"),
        ("a\u2069b", "\u2068ab\u2069"),
        ("", ""),
    ],
)
def test_a_name_that_could_turn_a_sentence_is_isolated(name: str, shown: str) -> None:
    assert isolated(name) == shown
    with override("ar"):
        assert isolated("Eve") == "\u2068Eve\u2069"


def test_a_notification_isolates_the_name_of_its_cause(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    User.objects.filter(pk=bob.pk).update(first_name="\u05d3\u05df", last_name="")
    say(User.objects.get(pk=bob.pk), general, "@alice")
    assert notices(alice) == [("mention", "\u2068\u05d3\u05df\u2069 mentioned you in General")]
