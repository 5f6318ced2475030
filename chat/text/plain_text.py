"""The text of a message in one paragraph, without markup, for quotes and excerpts. Not escaped."""

import re
from html.parser import HTMLParser
from typing import Final

# Marks where markup splits a word in two, as the search does. No message contains it.
BREAK: Final = "\0"

# Begins only at the first of several breaks: a search from each of them would be quadratic.
_GAP = re.compile(rf"(?<!{BREAK}){BREAK}*\s[\s{BREAK}]*")


def plain(body: str, html: str) -> str:
    """Return the text of a message; ``html`` is empty if the message has no markup."""
    return broken(body, html).replace(BREAK, "")


def plain_for_search(body: str, html: str) -> str:
    """Return the text as it is drawn, with addresses of links and languages of code."""
    return broken(body, html, unseen=True).replace(BREAK, "") if html else body


def broken(body: str, html: str, *, unseen: bool = False) -> str:
    """Return the text with a ``BREAK`` inside each word that markup splits.

    ``unseen`` adds what the search finds though a page does not show it as text: the address of a
    link after its words, and the language before a block of code.
    """
    if not html:
        return " ".join(body.split())
    reader = _Reader(unseen=unseen)
    reader.feed(html)
    reader.close()
    return _GAP.sub(" ", "".join(reader.parts)).strip(f" {BREAK}")


class _Reader(HTMLParser):
    """Collects the text of HTML made by ``chat.text.markdown``."""

    def __init__(self, *, unseen: bool) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen = unseen
        self._href = ""
        self._link_start = 0  # index of the first part of the current link

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append(BREAK)
        values = dict(attrs)
        if tag == "a":
            self._href, self._link_start = values.get("href") or "", len(self.parts)
        if self._unseen and values.get("data-language"):
            self.parts.append(f"{values['data-language']}: ")

    def handle_endtag(self, tag: str) -> None:
        if self._unseen and tag == "a" and self._href != "".join(self.parts[self._link_start :]):
            self.parts.append(f" ({self._href})")
        self.parts.append(BREAK)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
