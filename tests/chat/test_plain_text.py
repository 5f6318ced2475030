"""A message as it reads in one paragraph, and the part of it that a search shows."""

import pytest

from chat.queries.search.excerpts import GAP, LENGTH, excerpt
from chat.queries.search.query import parse
from chat.text.markdown import render
from chat.text.plain_text import plain

PEOPLE = {"bob": 8}


def html(body: str) -> str:
    return render(body, PEOPLE).html


def shown(body: str, q: str) -> str:
    """The excerpt of a message in a search for ``q``, with matches in brackets."""
    return "".join(
        f"[{part.text}]" if part.match else part.text
        for part in excerpt(body, html(body), parse(f"{q} ").terms)
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("nothing  special\nhere", "nothing special here"),
        ("**loud** and ~~gone~~ `code`", "loud and gone code"),
        ("so **bold**face", "so boldface"),
        ("see [the docs](https://example.org/path)", "see the docs"),
        ("- one\n- two\n\n> quoted\n\nyes, @bob", "one two quoted yes, @bob"),
        ("```python\nx = 1 < 2\n```\nthen", "x = 1 < 2 then"),
        ("*a*\nb", "a b"),
        (r"\*x\* & `<b>`", "*x* & <b>"),
        ("<b>no</b> tag of *mine*", "<b>no</b> tag of mine"),
    ],
)
def test_a_message_is_read_without_its_marks(body: str, expected: str) -> None:
    assert plain(body, html(body)) == expected


@pytest.mark.parametrize(
    ("body", "q", "expected"),
    [
        ("This is **loud**", "loud", "This is [loud]"),
        ("so **bold**face", "boldface", "so [boldface]"),  # one word, as it is drawn
        ("so **bold**face", "face", "so boldface"),
        ("see [the docs](https://example.org/path) now", "docs", "see the [docs] now"),
        (
            "see [the docs](https://example.org/path) now",
            "path",
            "see the docs (https://example.org/[path]) now",
        ),
        (
            "see [the docs](https://example.org/path) now",
            "docs path",
            "see the [docs] (https://example.org/[path]) now",
        ),
        ("see https://example.org/path **now**", "path", "see https://example.org/[path] now"),
        ("```python\nx = 1\n```", "x", "[x] = 1"),
        ("```python\nx = 1\n```", "python", "[python]: x = 1"),
        ("`<b>x</b>` **y**", "x", "<b>[x]</b> y"),
        ("**no** words are asked for", "has:link", "no words are asked for"),
    ],
)
def test_an_excerpt_reads_as_the_message_does(body: str, q: str, expected: str) -> None:
    assert shown(body, q) == expected


def test_an_excerpt_of_a_long_text_begins_before_what_was_found() -> None:
    body = f"{'*sea* ' * 200}**harbour** {'*bay* ' * 200}"
    text = shown(body, "harbour")
    assert text.startswith(f"{GAP}sea sea")
    assert "sea [harbour] bay" in text
    assert text.endswith(f"bay{GAP}")
    assert len(text) <= LENGTH + len("[]") + 2 * len(GAP)
