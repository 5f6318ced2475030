"""The one rule about addresses that become links."""

import pytest

from realtime.protocol.web_address import web_host


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.org/a?b#c", "example.org"),
        ("HTTP://example.org:8080", "example.org"),
        ("https://[::1]:8000/", "::1"),
        ("https://bücher.example/", "bücher.example"),
        ("https://a.org/@user", "a.org"),
        ("http://1.2.3.4/", "1.2.3.4"),
        ("http://2130706433/", "2130706433"),
        ("http://0x7f.1/", "0x7f.1"),
        ("http://a_b.example./", "a_b.example."),
    ],
)
def test_an_address_of_the_web_has_a_host(url: str, host: str) -> None:
    assert web_host(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/rooms/general/",
        "javascript:alert(1)",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https://user@evil.example",
        "https://user:password@evil.example",
        "https://@evil.example",
        "https://bank.example\\@evil.example",
        "https://bank.example\n.evil.example",
        "https://bank.example\u202e",
        " https://a.org",
        "https://a.org:port",
        "https://[half",
        "ftp://a.org",
        # No browser takes these for a host.
        "http://1.2.3.256/",
        "http://1.2.3.4.5/",
        "http://08.1/",
        "http://example.1/",
        "http://0xfffffffff/",
        "http://%65xample.org/",
        "http://a^b.example/",
        "http://../",
        "https://a.org:99999/",
    ],
)
def test_nothing_else_has_one(url: str) -> None:
    assert web_host(url) is None
