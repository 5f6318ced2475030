"""Markup takes no text away: every character is drawn, or is markup with an effect."""

import re
from html import unescape

from hypothesis import example, given
from hypothesis import strategies as st

from chat.text.markdown import has_markup, render

PIECES = st.sampled_from(
    [
        *"ab1 x漢\n",
        *("*", "**", "_", "__", "~~", "`", "``", "```", "\\", "[", "]", "](", "(", ")", "<", ">"),
        *(
            "#",
            "# ",
            "- ",
            "-",
            "+ ",
            "1. ",
            "2)",
            "> ",
            "|",
            "\n|-|-|\n",
            "[ ] ",
            "[x] ",
            "!",
            "@",
        ),
        *(
            "[x](https://a.example)",
            "![x](https://a.example)",
            "https://b.example/c",
            "\n\n",
            "    ",
            "\t",
            ".",
            "ツ",
            "/",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=10).map("".join)
ADDRESS = re.compile(r"https://[ab]\.example(?:/c)?")
EFFECT = re.compile(r"<(?:em|strong|s|code|pre|blockquote|ul|ol|h\d|table|a) ?[^>]*>")
EMPTY = re.compile(r"<(em|strong|s|code|pre|blockquote|h\d|a|p)\b[^>]*>\s*</\1>")


@given(TEXTS)
@example("¯\\_(ツ)_/¯")
@example("> a\nb")
@example("- ")
@example("| a | b |\n|-|-|\n| 1 | 2 | 3 |")
def test_every_letter_is_drawn(body: str) -> None:
    html = render(body, {}).html
    if not html:
        return  # shown as it was typed
    assert not EMPTY.search(html), "markup of nothing"
    drawn = unescape(re.sub(r"<[^>]*>", "", html))
    assert _letters(ADDRESS.sub("", drawn)) == _letters(ADDRESS.sub("", _typed(body, html)))
    if not EFFECT.search(html):
        assert "".join(drawn.split()) == "".join(body.split()) or "\\" in body


def _typed(body: str, html: str) -> str:
    """Return the text without the languages of code, which style sheets draw."""
    if "<code data-language" in html:
        return re.sub(r"^[> ]*(`{3,}|~{3,})[ ]*\w+", "", body, flags=re.MULTILINE)
    return body


def _letters(text: str) -> str:
    """Return what is no sign of markup, and the "x" of a box that is ticked."""
    return "".join(each for each in text.replace("☑", "x") if each.isalpha())


@given(TEXTS)
def test_what_looks_like_no_markup_is_not_parsed(body: str) -> None:
    if not has_markup(body):
        assert render(body, {}).html == ""
