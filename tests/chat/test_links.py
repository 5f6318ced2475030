"""Links in messages: which addresses become one, and that a link says where it leads."""

from html import escape

import pytest

from chat.text.markdown import render
from chat.text.plain_text import plain

REL = 'rel="noopener noreferrer nofollow"'


def html(body: str) -> str:
    return render(body, {}).html


DISGUISED = [
    "[https://bank.example](https://evil.example)",
    "[https://bank.example/login?x=1](https://evil.example/bank.example)",
    "[HTTPS://BANK.EXAMPLE](https://evil.example)",
    "[bank.example](https://evil.example)",
    "[www.bank.example](https://evil.example)",
    "[go to bank.example now](https://evil.example)",
    "[bank.example](https://EVIL.example:8443/)",
    "[**bank**.example](https://evil.example)",
    "[`bank.example`](https://evil.example)",
    "[ｂａｎｋ．ｅｘａｍｐｌｅ](https://evil.example)",
    "[bank。example](https://evil.example)",
    "[bankꓸexample](https://evil.example)",
    "[bank٠example](https://evil.example)",
    "[bank\n.example](https://evil.example)",
    "[bank\\.example](https://evil.example)",
    "[//bank.example](https://evil.example)",
    "[192.0.2.1](https://evil.example)",
    "[\u202emoc.elpmaxe.knab](https://evil.example)",
    "[bank\u200b.exa\u00admple](https://evil.example)",
    "[evil.example.bank.example](https://evil.example)",
    "[https://localhost](https://evil.example)",
    "[https://evil.example@bank.example](https://evil.example)",
    "[help@bank.example](mailto:help@evil.example)",
    "[help@bank.example](https://evil.example)",
]


@pytest.mark.parametrize("body", DISGUISED)
def test_a_link_that_looks_like_another_address_names_its_host(body: str) -> None:
    assert '</a> <span class="host">(evil.example)</span>' in html(body)


def test_an_address_with_letters_of_other_scripts_names_its_host_as_computers_read_it() -> None:
    assert '<span class="host">(xn--80ak6aa92e.com)</span>' in html("https://аррӏе.com/login")
    assert '<span class="host">(xn--bcher-kva.example)</span>' in html(
        "[bücher.example](https://bücher.example)"
    )


@pytest.mark.parametrize(
    "body",
    [
        "https://bank.example/x",
        "<https://bank.example>",
        "[https://bank.example](https://bank.example/login)",
        "[bank.example](https://www.bank.example)",
        "[WWW.Bank.Example](https://bank.example)",
        "[our bank](https://bank.example)",
        "[version 1.2.3](https://bank.example)",
        "[version 2.0, e.g. this](https://bank.example)",
        "[@alice](https://bank.example)",
        "mailto:help@bank.example",
        "[help@bank.example](mailto:help@bank.example?subject=x)",
    ],
)
def test_an_honest_link_is_left_alone(body: str) -> None:
    assert "<a " in html(body)
    assert "host" not in html(body)


def test_excerpts_and_notifications_name_the_host_too() -> None:
    body = "[https://bank.example](https://evil.example)"
    assert plain(body, html(body)) == "https://bank.example (evil.example)"


@pytest.mark.parametrize(
    "body",
    [
        "[x](https://bank.example@evil.example)",
        "[x](https://user:password@evil.example)",
        "https://user@evil.example/",
        "<https://user:password@evil.example/>",
        "[x](https:evil.example)",
        "[x](https:///evil.example)",
        "[x](https:\\\\evil.example)",
        "[x](//evil.example)",
        "[x](/accounts/)",
        "[x](javascript:alert(1))",
        "[x]()",
        "[x](<>)",
        "<ftp://a.org/>",
    ],
)
def test_an_address_that_could_deceive_or_act_here_is_no_link(body: str) -> None:
    assert "<a " not in html(body)


def test_an_address_is_shown_as_it_was_typed() -> None:
    """Decoded, the text would read ``exe.jpg``."""
    address = "https://example.org/%E2%80%AEgpj.exe"
    assert html(address) == f'<p><a href="{address}" {REL}>{address}</a></p>'


def test_a_link_without_an_address_stays_as_it_was_typed() -> None:
    assert html("[x]() **y**") == "<p>[x]() <strong>y</strong></p>"


# -- where an address ends -------------------------------------------------------------------------

KIBANA = (
    "https://kibana.example/app#/?_g=(filters:!(),refreshInterval:(pause:!t,value:0),"
    "time:(from:now-15m,to:now))&_a=(columns:!(message),query:(language:kuery,query:''),"
    "sort:!(!('@timestamp',asc)))"
)
ENDS = [
    ("詳しくは{https://example.org/a}。次へ", None),
    ("请看{https://example.org}，谢谢", None),
    ("“{https://example.org/a}”", None),
    ("«{https://example.org/a}»", None),
    ("「{https://example.org/a}」", None),
    ("（{https://example.org/a}）", None),
    ("انظر {https://example.org/a}، شكرا", None),
    ("{https://example.org/a}؟", None),
    ("{https://example.org/a}।", None),
    ("see {https://example.org/a}: it works", None),
    ("({https://example.org/a})", None),
    ("({https://example.org/a(b)c})", None),
    ("[{https://example.org/a[1]}]", "https://example.org/a%5B1%5D"),
    ("{https://example.org/a}(b", None),
    ("{https://example.org/a}...", None),
    ("{https://example.org/a}!?", None),
    ('"{https://example.org/a}", he wrote', None),
    ("'{https://example.org/a}','b'", None),
    ("{https://example.org/a}<br>", None),
    ("{https://example.org/a}—and so on", None),
    ("{https://example.org/a}…", None),
    ("{https://example.org/a}\u200b", None),
    ("**{https://example.org/a}**", None),
    ("_{https://example.org/a_b}_", None),
    ("~~{https://example.org/a}~~", None),
    ("{https://example.org/?a=1&b=%20#c-d_e}", None),
    (
        "{https://fr.wikipedia.org/wiki/L’Équipe}’",
        "https://fr.wikipedia.org/wiki/L%E2%80%99%C3%89quipe",
    ),
    ("{https://BÜCHER.example/x}", "https://xn--bcher-kva.example/x"),
    ("{https://ｂａｎｋ．ｅｘａｍｐｌｅ/}", "https://bank.example/"),
    ("{https://[::1]:8000/x}", None),
    ("{" + KIBANA + "}", None),
    ("{https://example.org/" + "(" * 300 + "x" + ")" * 300 + "}.", None),
]


@pytest.mark.parametrize(("text", "href"), ENDS)
def test_an_address_ends_where_people_end_it(text: str, href: str | None) -> None:
    shown = text[text.index("{") + 1 : text.rindex("}")]
    body = text[: text.index("{")] + shown + text[text.rindex("}") + 1 :]
    link = f'<a href="{escape(href or shown, quote=False)}" {REL}>{escape(shown, quote=False)}</a>'
    assert link in html(body)


@pytest.mark.parametrize(
    "body",
    [
        "https://",
        "https://...",
        "http://1.2.3.256/",
        "http://example.1/",
        "http://%65xample.org/",
        "https://example.org:99999/",
        "https://example.org:8o/",
        "http://[::1",
        "https://℀.example/",
    ],
)
def test_what_no_browser_takes_for_an_address_is_text(body: str) -> None:
    assert "<a " not in html(body)


def test_a_link_has_a_text_to_click_on_and_no_title_that_nobody_sees() -> None:
    assert html("[](https://a.org)").startswith("<p>[](<a ")
    assert html("[\u200b](https://a.org)").startswith("<p>[")
    assert '"secret")</p>' in html('[x](https://a.org "secret")')
