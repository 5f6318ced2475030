"""Addresses in a text: which become links, in time linear in its length, and what they look like.

linkify-it decides where an address ends. It looks at each candidate anew, up to the end of the
text, so a text of hundreds of candidates would need time quadratic in its length. Here each one is
looked at once, within ``MAX_ADDRESS`` characters, and at most ``MAX_ADDRESSES`` of them.
"""

import re
import unicodedata
from collections.abc import Callable, MutableMapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, cast

from linkify_it import LinkifyIt
from linkify_it.main import Match
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.helpers import parseLinkDestination, parseLinkLabel
from markdown_it.rules_core import StateCore
from markdown_it.rules_core import linkify as linkify_texts
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from chat.text.address_ends import end_of_address, without_trailing
from realtime.protocol.web_address import web_host

MAX_ADDRESSES: Final = 100  # looked at in one text; further ones are shown as text
MAX_ADDRESS: Final = 2000  # characters; one of this length or more is shown as text
# Characters of labels that are read, for each character of the text. Only a text of brackets that
# are never closed needs more; the rest of it then has no links.
MAX_LABEL_READS: Final = 32

MAILBOX: Final = re.compile(r"mailto:[^\s\\]", re.IGNORECASE)

_SCHEME: Final = re.compile(r"(?<![a-z0-9.+-])(?:https?|mailto):\Z", re.IGNORECASE)
_CANDIDATE: Final = re.compile(r"(?<![\w.+-])(?:https?://|mailto:)", re.IGNORECASE)
_LONGEST_SCHEME: Final = len("https:") + 1  # and the character before it
# "bank.example" or "192.0.2.1", in any script, and with whatever people read as a dot.
_HOST_IN_TEXT: Final = re.compile(
    r"(?<![\w.-])(?:(?:[\w-]+\.)+(?:xn--[a-z0-9-]+|[^\W\d_]{2,})|(?:\d{1,3}\.){3}\d{1,3})(?![\w-])"
)
# Characters that look like a dot: of other scripts, in the middle, or a zero of Arabic.
_LIKE_DOTS: Final = "。．｡․‧·∙⋅・٠۰܁܂ꓸ꘎𐩐"
_DOTS: Final = str.maketrans(_LIKE_DOTS, "." * len(_LIKE_DOTS))

_HOST: Final = re.compile(r"(https?://)([^/?#]*)", re.IGNORECASE)
_HOST_DOTS: Final = str.maketrans("。．｡", "...")  # which browsers take for a dot
_NOT_IN_HOST: Final = re.compile(r"[\s/?#@\\%<>^|]")

ParserState = MutableMapping[str, Any]


def may_link(url: str) -> bool:
    """Tell whether an address may become a link: of the web, or of a mailbox."""
    return web_host(url) is not None or MAILBOX.match(url) is not None


class Addresses(LinkifyIt):
    """Finds full addresses only. Otherwise "main.py" would be a link to a site in Paraguay."""

    def __init__(self) -> None:
        super().__init__()
        self.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
        for scheme in ("http:", "https:"):
            self.add(scheme, {"validate": self._length})
        self.add("ftp:", None)
        self.add("//", None)

    def pretest(self, text: str) -> bool:
        return _CANDIDATE.search(text) is not None

    def test(self, text: str) -> bool:
        return self.pretest(text)

    def match(self, text: str) -> list[Match] | None:
        found: list[Match] = []
        done = looked_at = 0
        for candidate in _CANDIDATE.finditer(text):
            if candidate.start() < done:
                continue
            looked_at += 1
            if looked_at > MAX_ADDRESSES:
                break
            end, is_link = self.end_of(text, candidate.start())
            done = max(done, end)
            if is_link:
                scheme = text[candidate.start() : text.index(":", candidate.start()) + 1]
                found.append(self._create_match(text, scheme, candidate.start(), end))
        return found or None

    def end_of(self, text: str, start: int) -> tuple[int, bool]:
        """Return where the address that begins at ``start`` ends, and whether it is a link.

        Nothing in an address that is too long is looked at again.
        """
        near = text[start : start + MAX_ADDRESS]
        scheme = near.index(":") + 1
        length = int(self.test_schema_at(near, near[:scheme], scheme))
        end = start + scheme + length
        if text[start - 1 : start] == "'" and "'" in text[start:end]:
            end = without_trailing(text, start, text.index("'", start))
        return end, bool(length) and end - start < min(MAX_ADDRESS, len(text) - start + 1)

    def _length(self, text: str, pos: int) -> int:
        """Return the length of the address behind its scheme; 0 if there is none."""
        end = end_of_address(text, pos + 2) if text.startswith("//", pos) else 0
        return max(0, end - pos) if end > pos + 2 else 0


def normalized(url: str) -> str:
    """Return an address with its host as browsers read it: "BÜCHER.example" is "bücher.example".

    Empty if the host would become another address: "℀" is "a/c".
    """
    found = _HOST.match(url)
    if found is None or found[2].isascii():
        return normalizeLink(url)
    host = unicodedata.normalize("NFKC", found[2].translate(_HOST_DOTS)).lower()
    if _NOT_IN_HOST.search(host):
        return ""
    return normalizeLink(found[1] + host + url[found.end() :])


def linkify(state: StateInline, silent: bool) -> bool:
    """Make a link of a full address in a text, before its ``_`` and ``*`` become markup.

    It replaces the rule of the same name of markdown-it, which reads all of the text before each
    "://" again.
    """
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    before = state.src[max(0, state.pos + 1 - _LONGEST_SCHEME) : state.pos + 1]
    scheme = _SCHEME.search(before)
    env: ParserState = state.env
    looked_at = env.get("addresses", 0)
    if scheme is None or looked_at >= MAX_ADDRESSES or state.pos < env.get("too_long_until", 0):
        return False
    length = len(scheme[0]) - 1
    # A backslash before the address has already made text of its first letters.
    if not state.pending.endswith(scheme[0][:-1]):
        return False
    env["addresses"] = looked_at + 1
    start = state.pos - length
    end, is_link = cast(Addresses, state.md.linkify).end_of(state.src, start)
    if not is_link:
        env["too_long_until"] = end
        return False
    url = state.src[start:end]
    if not state.md.validateLink(state.md.normalizeLink(url)):
        return False
    if not silent:
        state.pending = state.pending[:-length]
        token = state.push("link_open", "a", 1)
        token.attrs = {"href": state.md.normalizeLink(url)}
        token.markup, token.info = "linkify", "auto"
        token = state.push("text", "", 0)
        token.content = url
        token = state.push("link_close", "a", -1)
        token.markup, token.info = "linkify", "auto"
    state.pos += len(url) - length
    return True


def linkify_rest(state: StateCore) -> None:
    """Make links of what ``linkify`` does not see: mailboxes."""
    if state.env.get("addresses", 0) < MAX_ADDRESSES:
        linkify_texts(state)


def _label_end(state: StateInline, start: int, disableNested: bool = False) -> int:  # noqa: N803
    """Return where the label of a link ends, as markdown-it does, within ``MAX_LABEL_READS``."""
    env: ParserState = state.env
    if env.get("label_reads", 0) > MAX_LABEL_READS * len(state.src):
        return -1
    end = parseLinkLabel(state, start, disableNested)
    env["label_reads"] = env.get("label_reads", 0) + (state.posMax if end < 0 else end) - start
    return end


def _no_title(_src: str, start: int, _end: int, _before: object = None) -> SimpleNamespace:
    """Refuse titles: nobody would see them, so a link with one is text."""
    return SimpleNamespace(ok=False, can_continue=False, pos=start, str="", marker=0)


helpers: Final = SimpleNamespace(
    parseLinkLabel=_label_end,
    parseLinkDestination=parseLinkDestination,
    parseLinkTitle=_no_title,
)


def finish(children: Sequence[Token], make_host: Callable[[str], Token]) -> list[Token]:
    """Add the real host behind each link whose text looks like another address.

    A link without an address, ``[x]()``, is text: it would lead to the page that it is on.
    """
    finished: list[Token] = []
    href, text = "", ""
    for token in children:
        if token.type == "link_open":
            href, text = str(token.attrs.get("href", "")), ""
            finished.append(token if href else _text("["))
        elif token.type == "link_close":
            finished.append(token if href else _text("]()"))
            if href and (host := _hidden_host(text, href)):
                finished.append(make_host(host))
        else:
            text += token.content
            finished.append(token)
    return finished


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _hidden_host(text: str, href: str) -> str | None:
    """Return the host that a link leads to, if its text looks like the address of another one."""
    host = web_host(href) or href.rpartition("@")[2].partition("?")[0].lower()
    shown = _as_read(text)
    if whole := web_host(shown):
        return None if _without_www(whole) == _without_www(host) else host
    names = {_without_www(name) for name in _HOST_IN_TEXT.findall(shown)}
    if names == {_without_www(host)} or not (names or "://" in shown):
        return None
    return host


def _without_www(host: str) -> str:
    return host.removeprefix("www.")


def _as_read(text: str) -> str:
    """Return a text as people read it: without characters that nobody sees, and in one form."""
    seen = "".join(
        character
        for character in text
        if unicodedata.category(character) != "Cf" and character != "\\"
    )
    return unicodedata.normalize("NFKC", seen.translate(_DOTS)).casefold().strip()
