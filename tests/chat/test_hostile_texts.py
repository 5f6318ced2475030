"""Texts that strangers write to keep the server busy: work grows with the length, not faster.

Each text repeats one piece. It is measured at two lengths, of which the longer one is four times
the shorter: linear work takes 4 times as long, quadratic work 16 times.
"""

import time
from collections.abc import Callable

import pytest

from chat.text import links, plain_text
from chat.text.filters import FilterAction, FilterKind, FilterSet, Rule
from chat.text.markdown import render
from chat.text.mentions import names

SHORT, LONG = 2500, 10_000  # characters; the longer one is the limit of a message
MOST_GROWTH = 9
ENOUGH_SECONDS = 0.006  # shorter times say nothing, and hold up nobody
RUNS = 2  # the fastest one counts: others may use the processor meanwhile
TRIES = 4

FILTERS = FilterSet(
    [
        *(Rule(f"a a{number}", FilterKind.WORD, FilterAction.MASK) for number in range(20)),
        Rule("a", FilterKind.WORD, FilterAction.MASK),
        Rule("(a|a)*b", FilterKind.PATTERN, FilterAction.MASK),
    ]
)

HOSTILE = [
    *(
        "*",
        "_",
        "`",
        "~",
        "[",
        "]",
        "(",
        "<",
        ">",
        "\\",
        "@",
        "&",
        "!",
        "\n",
        "\t",
        " ",
        "-",
        "+",
        "#",
        "|",
    ),
    *(
        "**",
        "*a_ ",
        "**a ",
        "[a](",
        "![",
        "](",
        "[]",
        "[](",
        "> ",
        ">- ",
        "- ",
        "1. ",
        "1) ",
        "a@",
        "@a",
        "@a.",
        "*\n",
        "```\n",
        "`` ",
    ),
    *(
        "http://",
        "http://a.b/(",
        "mailto:",
        "mailto:a@",
        "<http://a ",
        "www.",
        "a**b",
        "*a **b ",
        "_a __b ",
        "[a](http://b.c) ",
        "[x](<",
    ),
    *(
        "\x00",
        "\u200b",
        "é",
        "🙂",
        "\n\n>",
        "- a\n  ",
        "~~a",
        '"',
        "'",
        "http://ü",
        "http://a/%",
        "@alice ",
    ),
    *(
        "<http://",
        "http://a/[[[",
        "http://[",
        "http://a-",
        "http://-",
        "http://@",
        "http://a:1",
        "https://a.",
        "http://a(",
        "http://a/?",
        "http://a。",
        "://",
        "a://",
        "//",
        "<mailto:a@",
        "**x ",
        "**[",
        "[~~",
        "[*",
        "![a",
        '[a](b "',
        "[](http://a)",
        *(
            "```\n\n",
            "|a|\n|-|\n",
            "|a|\n|-|\n|b|c|\n",
            "\\_",
            "\\[",
            "\\]",
            "\\\\",
            "\\@a",
            "# a\n",
        ),
        *("- [ ] a\n", "2. a\n", "@张", "@a@b", "https://a/((", "https://a/（", "> a\nb\n"),
        "[a.b](http://c.d)",
    ),
    *("@a ", "@a@", "@-.+", ":a", "&amp;", "<a><", "0x", "#a-", "``a`", "<!--", "- - ", "> - "),
]


def everything(body: str) -> None:
    """Do with a text what is done with the text of a message."""
    FILTERS.check(body, 1)
    names(body)
    html = render(body, {"a": 1}).html
    plain_text.plain(body, html)
    plain_text.broken(body, html, unseen=True)


def seconds(act: Callable[[str], None], body: str) -> float:
    best = float("inf")
    for _ in range(RUNS):
        started = time.thread_time()
        act(body)
        best = min(best, time.thread_time() - started)
    return best


def growth(act: Callable[[str], None], short: str, long: str) -> float:
    """Return how many times as long the longer text takes, or 0 if it takes no time."""
    least = float("inf")
    for _ in range(TRIES):
        slow = seconds(act, long)
        least = min(least, 0 if slow < ENOUGH_SECONDS else slow / seconds(act, short))
        if least < MOST_GROWTH:
            break
    return least


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_keeps_the_server_busy(piece: str) -> None:
    assert growth(everything, (piece * SHORT)[:SHORT], (piece * LONG)[:LONG]) < MOST_GROWTH
    assert len(render((piece * LONG)[:LONG], {}).html) < 200_000


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "".join("`" * run + " " for run in range(1, int((2 * n) ** 0.5))),
        lambda n: "(" * (n // 2) + ")" * (n // 2),
        lambda n: "*" + " " * (n - 2) + "*",
        lambda n: "http://" + "a." * (n // 2 - 4),
        lambda n: "[" * (n // 2) + "](http://a)" * (n // 22),
        lambda n: "a" * (n // 2) + "://" * (n // 6),
    ],
)
def test_no_clever_text_keeps_the_server_busy(make: Callable[[int], str]) -> None:
    assert growth(everything, make(SHORT), make(LONG)) < MOST_GROWTH


def test_quadratic_work_is_found() -> None:
    def quadratic(body: str) -> None:
        sum(body.count("a", at) for at in range(len(body)))

    # Eight times the length: a busy machine does not hide a growth of 64, and one of 8 is allowed.
    assert growth(quadratic, "a" * 2 * SHORT, "a" * 16 * SHORT) > MOST_GROWTH


def test_an_ordinary_text_may_have_many_links() -> None:
    body = "\n".join(f"https://a.org/{number}" for number in range(links.MAX_ADDRESSES + 5))
    assert render(body, {}).html.count("<a ") == links.MAX_ADDRESSES
    body = " ".join(f"[{number}](https://a.org/{number})" for number in range(150))
    assert render(body, {}).html.count("<a ") == 150


def test_an_address_of_any_length_is_whole_or_no_link() -> None:
    for length in (1000, links.MAX_ADDRESS - 1, links.MAX_ADDRESS, 3900):
        address = "https://a.org/".ljust(length, "x")
        html = render(f"see {address} now", {}).html
        assert (f'href="{address}"' in html) == (length < links.MAX_ADDRESS)
        assert length < links.MAX_ADDRESS or html == ""
