"""When two texts, or two links, count as the same. Hashed, so that no cache stores what people say.

Texts are compared as filters fold them, and by their letters alone: a number or a different
punctuation behind a sentence does not make another text of it.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from html import unescape
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from chat.text.folding import folded
from realtime.protocol.web_address import web_host

MAX_COMPARED: Final = 500  # characters; folding more would take milliseconds
# Letters of a text that many people write without having agreed on it: "hello", "thanks", "+1".
SHORT_TEXT: Final = 8
MAX_LINKS: Final = 10  # compared, of one message

_LINK: Final = re.compile(r'<a\shref="([^"]*)"')  # as nh3 writes it


class SameText(NamedTuple):
    """A text as it is compared."""

    digest: str
    is_short: bool


class SameLink(NamedTuple):
    """A link as it is compared: by its host, and by host and path."""

    host: str
    address: str


def same_text(body: str) -> SameText:
    """Return what a text is compared by."""
    seen = folded(body[:MAX_COMPARED]).text
    letters = "".join(character for character in seen if character.isalpha())
    is_short = len(letters) < SHORT_TEXT
    return SameText(digest(" ".join(seen.split()) if is_short else letters), is_short)


def same_links(html: str, *, but: Iterable[str] = ()) -> list[SameLink]:
    """Return the links of a rendered text to other sites, without those that it had before."""
    known = set(but)
    found: dict[str, SameLink] = {}
    for url in links(html):
        host = web_host(unescape(url))
        if url in known or host is None or host in settings.ALLOWED_HOSTS:
            continue
        host = host.removeprefix("www.").rstrip(".")
        path = urlsplit(unescape(url)).path.rstrip("/").casefold()
        found[url] = SameLink(digest(host), digest(host + path))
        if len(found) == MAX_LINKS:
            break
    return list(dict.fromkeys(found.values()))


def links(html: str) -> list[str]:
    """Return the addresses of the links in a rendered text, as it has them."""
    return _LINK.findall(html) if "<a " in html else []


def digest(text: str) -> str:
    """Return a short hash that only this site can compute."""
    data = text.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=12, key=settings.SECRET_KEY.encode()[:64]).hexdigest()
