"""A message as it reads, in one paragraph, without its markup: what quotes and excerpts show. Pure; what shows it escapes it."""

import re
from html.parser import HTMLParser
from typing import Final

# In no message: where markup stood inside a word, which is two words for the search.
BREAK: Final = "\0"

_GAP = re.compile(rf"{BREAK}*\s[\s{BREAK}]*")


def plain(body: str, html: str) -> str:
    """Return the text of a message; ``html`` is empty where it has no markup."""
    return broken(body, html).replace(BREAK, "")


def broken(body: str, html: str, *, unseen: bool = False) -> str:
    """Return the text with a ``BREAK`` inside each word that markup cuts.

    ``unseen``: with what can be found and does not show in the text: the address of a link behind its words, the language before its code.
    """
    if not html:
        return " ".join(body.split())
    reader = _Reader(unseen=unseen)
    reader.feed(html)
    reader.close()
    return _GAP.sub(" ", "".join(reader.parts)).strip(f" {BREAK}")


class _Reader(HTMLParser):
    """Collects the text of what ``chat.text.markdown`` has made."""

    def __init__(self, *, unseen: bool) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen = unseen
        self._href = ""
        self._words_from = 0  # where the words of the link begin

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append(BREAK)
        values = dict(attrs)
        if tag == "a":
            self._href, self._words_from = values.get("href") or "", len(self.parts)
        if self._unseen and values.get("data-language"):
            self.parts.append(f"{values['data-language']}: ")

    def handle_endtag(self, tag: str) -> None:
        if self._unseen and tag == "a" and self._href != "".join(self.parts[self._words_from :]):
            self.parts.append(f" ({self._href})")
        self.parts.append(BREAK)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
