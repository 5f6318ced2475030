"""Links in messages: which addresses become one, and that a link says where it leads."""

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
