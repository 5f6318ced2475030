"""The grammar of mentions: one table for the server and the page, and a reference for any text."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat.text.confusables import scripts, skeletons
from chat.text.markdown import render
from chat.text.mentions import by_name, find, may_begin, names, readings, replaced, same

TABLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "js/chat/mentions.json").read_text("utf-8")
)
IDS = {name: number for number, name in enumerate(TABLE["people"], 1)}
PEOPLE = by_name(IDS.items())


@pytest.mark.parametrize(("text", "mentioned"), TABLE["texts"])
def test_a_text_mentions_whom_it_names(text: str, mentioned: list[str]) -> None:
    assert render(text, PEOPLE).mentions == tuple(IDS[name] for name in mentioned)
    assert {same(name) for name in mentioned} <= names(text), "names that nobody would look up"


@pytest.mark.parametrize(("text", "begun"), TABLE["begun"])
def test_what_is_completed_is_what_becomes_a_mention(text: str, begun: str | None) -> None:
    at = next((at for at, character in enumerate(text) if character in "@＠"), None)
    if begun is None:
        assert at is None or not may_begin(text[:at]) or text[at + 1] in "@ " or text[-1].isspace()
    else:
        assert at is not None
        assert text[at:] == begun
        assert may_begin(text[:at])


def test_names_are_the_same_whatever_their_case_composition_and_width() -> None:
    assert [pair for pair in TABLE["same"] if same(pair[0]) != same(pair[1])] == []
    assert [pair for pair in TABLE["different"] if same(pair[0]) == same(pair[1])] == []


def test_the_spelling_decides_between_old_accounts_whose_names_are_the_same() -> None:
    people = by_name([("Bob", 1), ("bob", 2), ("BOB", 3)])
    assert [find(name, people) for name in ("Bob", "bob", "BOB", "bOB")] == [1, 2, 3, 2]


# Letters of scripts that write words apart, together, and right to left; digits, marks and signs.
LETTERS = "abXßéσÀжАअबمعאב漢字かナ가각ไทยខ１２7३٣ｂ"
MARKS = "\u0301\u0327\u093f\u0e31"
SIGNS = "._-+@＠ ,。!*~`[]()<>#\n\\/:"
TEXTS = st.text(alphabet=LETTERS + MARKS + SIGNS, max_size=12)
USERNAMES = st.text(alphabet=LETTERS + "._-+", min_size=1, max_size=6)
JOINED = {"HAN", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "KHMER"}
PLAIN_SIGNS = "._-+ ,。!/:＠@\n"  # no markup


@given(st.text(alphabet=LETTERS + PLAIN_SIGNS, max_size=8), USERNAMES, st.text(max_size=6))
@example("", "bob", "")
@example("交给", "bob", "处理")
def test_a_mention_follows_the_rules(before: str, name: str, after: str) -> None:
    """The rules once more, in other words, for a text of one mention and no markup."""
    after = "".join(each for each in after if each not in "@＠﹫*_`~[]<>\\:\r\n#|-+")
    before = before.replace("_", "-").replace("@", "")
    text = f"x {before}@{name}{after}"
    found = render(text, by_name([(name, 1)])).mentions == (1,)
    assert found is (_begins(before) and _ends(name, after))


def _begins(before: str) -> bool:
    if before.endswith("."):
        return True
    if before.endswith("＠"):
        return False
    bare = before.rstrip("-+_" + MARKS)
    return not (
        bare and bare[-1].isalnum() and not (_scripts(bare[-1]) & (JOINED | {"ARABIC", "HEBREW"}))
    )


def _ends(name: str, after: str) -> bool:
    bare = after.lstrip("._+-．＋－＿﹢﹣")
    if not bare or not (bare[0].isalnum() or unicodedata.category(bare[0])[0] == "M"):
        return True
    if unicodedata.category(bare[0])[0] == "M":
        return bare != after
    last = next((each for each in reversed(name) if unicodedata.category(each)[0] != "M"), "")
    one, other = _scripts(last), _scripts(bare[0])
    joined = JOINED | {"BOPOMOFO", "YI", "LAO", "MYANMAR", "TIBETAN", "JAVANESE", "BALINESE"}
    joined |= {"TAI_LE", "NEW_TAI_LUE", "TAI_THAM", "TAI_VIET"}
    if one & joined or other & joined:
        return True
    return bare == after and bool(one and other) and not one & other


def _scripts(character: str) -> set[str]:
    return scripts(unicodedata.normalize("NFKC", character))


@given(TEXTS, USERNAMES, TEXTS)
def test_whatever_is_mentioned_was_looked_up(before: str, name: str, after: str) -> None:
    body = f"{before}@{name}{after}"
    people = by_name([(name, 1)])
    if render(body, people).mentions:
        assert same(name) in names(body)


@given(st.text(min_size=1, max_size=8))
def test_names_that_are_the_same_look_the_same(name: str) -> None:
    """The accounts are looked up by what their names look like (chat.queries.names)."""
    stored = unicodedata.normalize("NFKC", name)
    if not all(character.isalnum() or character in ".+-_@" for character in stored):
        return  # no username
    for spelling in {name, stored, stored.upper(), stored.lower(), stored.casefold()}:
        if same(spelling) == same(stored):
            assert skeletons(same(spelling))[0] == skeletons(stored)[0]


@given(TEXTS, USERNAMES)
def test_the_longest_reading_comes_first_and_ends_inside_the_text(text: str, name: str) -> None:
    found = list(readings(f"@{name}{text}", 0))
    assert [len(each.name) for each in found] == sorted(
        {len(each.name) for each in found}, reverse=True
    )
    assert all(0 < each.end <= len(name) + len(text) + 1 for each in found)


def test_a_name_is_replaced_in_every_spelling_and_nowhere_else() -> None:
    text = "@Bob and 交给@bob处理, ＠ｂｏｂ, not @bobby or mail@bob.example"
    assert (
        replaced(text, ["bob"], "@deleted-7")
        == "@deleted-7 and 交给@deleted-7处理, @deleted-7, not @bobby or mail@bob.example"
    )
