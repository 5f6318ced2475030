"""Search in every script and form: a message, and the words that a reader would type."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from chat import services
from chat.models import Message, Room
from chat.queries.search.excerpts import excerpt
from chat.queries.search.query import parse
from chat.services.messages import search_index
from chat.text.search_words import stored_words, tokens
from tests.chat.conftest import Say
from tests.chat.search.conftest import Look, indexed

FOUND = [
    ("회의는 취소되었습니다", ["회의", "회의는", "취소", "되었", "회"]),
    ("昨日は東京に行きました", ["東京", "昨日", "東京に", "京", "行きました"]),
    ("请把报告交给张三处理", ["报告", "张三", "交给张三", "报"]),
    ("ฉันชอบกินข้าวผัด", ["ข้าว", "ข้าวผัด", "กิน"]),
    ("ខ្ញុំស្រឡាញ់ភាសា", ["ភាសា"]),
    ("မြန်မာဘာသာ", ["မြန်မာ"]),
    ("Café com açúcar", ["cafe", "Cafe\u0301", "açucar", "CAFÉ"]),
    ("autre Cafe\u0301 Blanc", ["Café", "cafe blanc", '"Café Blanc"']),
    ("ex\u00adtra zero\u200bwidth", ["extra", "zerowidth"]),
    ("ＡＢＣ １２３", ["abc", "123"]),
    ("the oﬃce of the ﬁrst", ["office", "first"]),
    ("un**believ**able", ["unbelievable"]),
    ("ΣΊΣΥΦΟΣ ο μύθος", ["σίσυφος", "Σισυφοσ", "μυθος"]),
    ("Straße und GRÖSSE", ["strasse", "STRASSE", "größe"]),
    ("İstanbul ve Diyarbakır", ["istanbul", "diyarbakir"]),
    ("الكِتَابُ في المدرسة", ["الكتاب", "المدرسه", "المدرسة", "كتاب", "مدرسة", "كتاب في"]),
    ("أحمد وإبراهيم", ["احمد", "أحمد", "وابراهيم", "إبراهيم"]),
    ("قرأت وبالكتاب الجديد", ["وبالكتاب", "بالكتاب", "الكتاب", "كتاب", '"وبالكتاب الجديد"']),
    ("شكرا للمعلم", ["معلم", "للمعلم"]),
    ("هذا كتابهم", ["كتاب", "كتابهم"]),
    ("وسيكتب غدا", ["سيكتب", "يكتب"]),
    ("שָׁלוֹם עולם", ["שלום"]),
    ("וכשבבית הגדול", ["בבית", "בית", "גדול", "הגדול"]),
    ("Ёлка и йод", ["елка", "йод"]),
    ("मैं हिन्दी बोलता हूँ", ["हिन्दी", "बोलता"]),
    ("I like C++ and C#", ["C++", "c#", "like"]),
    ("see #1234 and $HOME", ["#1234", "1234", "$HOME", "home"]),
    ("a && b => c", ["&&", "=>"]),
    ("50% off", ["50%", "50", "off"]),
    ("party 🎉 now 👍🏽 ❤️", ["🎉", "👍", "❤", "party"]),
    ("price €5 or 7 €", ["€"]),
    ("東京tower 見学", ["東京tower", "tower", "tower 見学"]),
    ("[click here](https://docs.example.org/guide)", ["click", "guide", "docs.example.org"]),
    ("𠮷野家で食事", ["𠮷野家", "𠮷", "野家"]),
    ("٣ كتب و 12", ["3", "12"]),
]
NOT_FOUND = [
    ("I like C and D", ["C++", "C#"]),
    ("1234 sheep", ["#1234"]),
    ("home alone", ["$HOME"]),
    ("東の京", ["東京"]),
    ("party", ["🎉"]),
    ("ولد", ["لد"]),
]


@pytest.mark.parametrize(("text", "typed"), FOUND, ids=[text for text, _typed in FOUND])
def test_a_text_is_found_by_what_a_reader_would_type(
    general: Room, alice: User, bob: User, say: Say, look: Look, text: str, typed: list[str]
) -> None:
    say(alice, general, "Something else, with nothing in common")
    say(alice, general, text)
    assert [each for each in typed if look(bob, f"{each} ") != [text]] == []
    assert [each for each in typed if look(bob, each) != [text] and len(each) > 2] == []


@pytest.mark.parametrize(("text", "typed"), NOT_FOUND, ids=[text for text, _typed in NOT_FOUND])
def test_another_word_is_not_found(
    general: Room, alice: User, bob: User, say: Say, look: Look, text: str, typed: list[str]
) -> None:
    say(alice, general, text)
    assert [each for each in typed if look(bob, f"{each} ")] == []


def test_an_excerpt_marks_what_was_found_as_it_was_typed() -> None:
    for body, typed, marked in (
        ("昨日は東京に行きました", "東京", ["東京"]),
        ("Un Café noir", "cafe", ["Café"]),
        ("I like C++", "C++", ["C++"]),
        ("ฉันกินข้าวผัด", "ข้าว", ["ข้าว"]),
        ("ex\u00adtra", "extra", ["ex\u00adtra"]),
        ("وَالكِتَاب", "كتاب", ["كِتَاب"]),
    ):
        parts = excerpt(body, "", parse(f"{typed} ").terms)
        assert [part.text for part in parts if part.match] == marked


# -- what is stored --------------------------------------------------------------------------------


def test_a_text_of_plain_words_is_stored_once(general: Room, alice: User, say: Say) -> None:
    assert say(alice, general, "Hello, world! See main.py, (a) 5 - 3; **bold**").search_text is None
    assert say(alice, general, "Grüße").search_text


def test_the_words_follow_the_text_through_every_change(
    general: Room, alice: User, mona: User, say: Say, look: Look
) -> None:
    message = say(alice, general, "東京の秘密")
    services.edit_message(actor_id=alice.pk, message_id=message.pk, body="Grüße aus Köln")
    assert (look(mona, "東京"), look(mona, "koln")) == ([], ["Grüße aus Köln"])
    services.delete_message(actor_id=mona.pk, message_id=message.pk, reason="x")
    message.refresh_from_db()
    assert (message.search_text, indexed("koln")) == (None, [])
    services.restore_message(actor_id=mona.pk, message_id=message.pk)
    assert look(mona, "KÖLN") == ["Grüße aus Köln"]


def test_words_that_an_older_node_did_not_store_are_made_in_batches(
    general: Room, alice: User, say: Say, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "ROWS", 2)
    texts = ["Grüße eins", "東京の秘密", "plain", "Grüße zwei", "والكتاب"]
    messages = [say(alice, general, text) for text in texts]
    Message.objects.update(search_text=None)
    assert look(alice, "東京 ") == []
    batches = search_index.make_words_again()
    assert next(batches) == (2, 2, messages[3].pk)
    batches.close()  # interrupted
    assert (look(alice, "كتاب "), look(alice, "東京 ")) == (["والكتاب"], [])
    out = StringIO()
    call_command("search_words", before=messages[3].pk, stdout=out)
    assert f"--before {messages[0].pk}" in out.getvalue()
    assert "Done: 3 messages read, 2 changed." in out.getvalue()
    assert look(alice, "東京 ") == ["東京の秘密"]
    call_command("search_words", stdout=out)
    assert "Done: 5 messages read, 0 changed." in out.getvalue()


def test_a_number_that_is_no_id_is_refused_by_name(db: None) -> None:
    with pytest.raises(CommandError, match="--before is 0: expected a number from 1"):
        call_command("search_words", before=0)


def test_words_of_a_text_that_something_else_changed_are_dropped(
    general: Room, alice: User, say: Say, look: Look
) -> None:
    message = say(alice, general, "東京の秘密")
    Message.objects.filter(pk=message.pk).update(body="Nothing")
    message.refresh_from_db()
    assert message.search_text is None
    assert (look(alice, "東京"), look(alice, "nothing")) == ([], ["Nothing"])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chat_message")
    assert indexed("nothing") == []


def test_a_change_of_case_alone_keeps_the_words(
    general: Room, alice: User, say: Say, look: Look
) -> None:
    message = say(alice, general, "grüße")
    services.edit_message(actor_id=alice.pk, message_id=message.pk, body="GRÜSSE é")
    services.edit_message(actor_id=alice.pk, message_id=message.pk, body="Grüsse É")
    assert look(alice, "grusse ") == ["Grüsse É"]


@example("ؠؠؠه")
@given(st.text(max_size=40))
def test_a_text_is_cut_alike_when_it_is_written_and_asked_for(text: str) -> None:
    found = tokens(text)
    assert all(token.text.isalnum() for token in found)
    assert all(0 <= token.start < token.end <= len(text) for token in found)
    stored = stored_words(text, "")
    # Words within words come after the others.
    assert stored is None or stored.split(" ")[: len(found)] == [token.text for token in found]


@pytest.mark.parametrize("typed", ["!", "( ) -", "\u200b"])
def test_a_query_of_nothing_that_is_a_word_says_why_it_is_not_answered(
    general: Room, alice: User, client: Client, typed: str
) -> None:
    client.force_login(alice)
    assert "can&#x27;t be searched for" in client.get("/search/", {"q": typed}).content.decode()
    answer = client.get("/api/search", {"q": typed}).json()
    assert answer["error"]["message"].startswith("q: ")
    assert "searched for" not in client.get("/search/", {"q": '"'}).content.decode()
