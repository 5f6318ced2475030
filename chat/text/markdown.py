"""Renders Markdown to safe HTML, once for each message, on the server.

A maintained parser (markdown-it) with a short list of rules is followed by a maintained sanitiser
(nh3) with a short list of tags, so that one closes the gaps of the other. Raw HTML is shown as
text. Links go to the web or to a mailbox, and name their host if their text looks like another
one. Images are not rendered, because each would reveal the
reader to its host; if a site allows hosts of images, the client shows those beside their links.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chat.text import links
from chat.text.mentions import (
    AT,
    EVERYBODY,
    MAX_LOOKED_AT,
    NEAR,
    find,
    may_begin,
    may_end,
    readings,
    same,
)

# A quote is one level, a list is two. A text with more levels is shown as it was typed.
MAX_NESTING: Final = 20

_RULES: Final = (
    "autolink",
    "backticks",
    "blockquote",
    "emphasis",
    "escape",
    "fence",
    "link",
    "linkify",
    "list",
    "newline",
    "strikethrough",
)
_TAGS: Final = frozenset(
    {"a", "blockquote", "br", "code", "em", "li", "ol", "p", "pre", "s", "span", "strong", "ul"}
)
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": set(),
    "a": {"href"},
    "code": {"data-language"},
    "ol": {"start"},
    "span": {"data-user", "data-room"},
}
_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")  # of a code block: "python", "c++", "objective-c"
_LINK_REL: Final = "noopener noreferrer nofollow"

# Every markup contains one of these. Most messages contain none and are not parsed at all.
_MARKUP = re.compile(
    r"[*_`\[\]<>\\@＠﹫]|~~|://|mailto:|^[ \t]*(?:[-+]|\d+[.)])(?:\s|$)",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as HTML, and the users that it mentions."""

    html: str  # empty if the text has no markup
    mentions: tuple[int, ...] = ()
    everybody: bool = False
    # Named, but not mentioned: people outside of the room, and the room itself by someone who may
    # not mention it.
    unreached: tuple[int, ...] = ()
    refused_everybody: bool = False


@dataclass(slots=True)
class _Mentions:
    """The names that can be mentioned, and the mentions found so far."""

    people: Mapping[str, int]
    outside: Collection[int]
    room: bool
    found: dict[int, None] = field(default_factory=dict)  # in the order of the text
    unreached: dict[int, None] = field(default_factory=dict)
    everybody: bool = False
    refused_everybody: bool = False

    def read(self, text: str, at: int) -> tuple[str, int, int | None] | None:
        """Return the name behind the sign at ``at``, its end, and the user that it means.

        None means the whole room. Someone who is in the room goes before someone who is not.
        """
        stranger = None
        for name, end in readings(text, at):
            user_id = find(name, self.people)
            if same(name) in EVERYBODY and (self.room or user_id is None):
                return name, end, None
            if user_id is not None and user_id not in self.outside:
                return name, end, user_id
            if user_id is not None and stranger is None:
                stranger = name, end, user_id
        return stranger

    def note(self, user_id: int | None) -> bool:
        """Note that the text names someone, and return whether that mentions them."""
        if user_id is None:
            self.everybody = self.everybody or self.room
            self.refused_everybody = self.refused_everybody or not self.room
            return self.room
        is_reached = user_id not in self.outside
        (self.found if is_reached else self.unreached)[user_id] = None
        return is_reached


def has_markup(body: str) -> bool:
    """Return whether rendering has anything to do."""
    return _MARKUP.search(body) is not None


def render(
    body: str, people: Mapping[str, int], *, outside: Collection[int] = (), room: bool = False
) -> Rendered:
    """Render ``body``. ``people`` has the users that can be named, by name (``mentions.find``).

    Those of ``outside`` are not in the room. ``room`` allows a mention of the whole room.
    """
    if not has_markup(body):
        return Rendered("")
    found = _Mentions(people, outside, room)
    tokens = _parser.parse(body, {"mentions": found})
    named = tuple(found.unreached), found.refused_everybody
    if _is_plain(tokens, body) or _is_too_deep(tokens):
        return Rendered("", (), False, *named)
    html = nh3.clean(
        _parser.renderer.render(tokens, _parser.options, {}),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        allowed_classes={"span": {"host", "mention"}},
        url_schemes=set(_SCHEMES),
        link_rel=_LINK_REL,
    )
    return Rendered(html.strip(), tuple(found.found), found.everybody, *named)


def _mention(state: StateInline, silent: bool) -> bool:
    """Read a name before its ``_`` becomes markup. ``_check_mentions`` decides what it is."""
    mentions: _Mentions | None = state.env.get("mentions")
    if state.src[state.pos] not in AT or mentions is None or state.linkLevel:
        return False
    looked_at = state.env.get("looked_at", 0)
    if looked_at >= MAX_LOOKED_AT:
        return False
    state.env["looked_at"] = looked_at + 1
    found = mentions.read(state.src, state.pos)
    if found is None:
        return False
    name, end, user_id = found
    if not silent:
        token = state.push("mention", "span", 0)
        token.content, token.meta = state.src[state.pos] + name, {"user": user_id}
    state.pos = end
    return True


def _check_mentions(state: StateCore) -> None:
    """Turn names into text where what is drawn around them makes them something else."""
    for block in state.tokens:
        if block.children and any(child.type == "mention" for child in block.children):
            block.children = _checked(block.children, state.env["mentions"])


def _checked(children: Sequence[Token], mentions: _Mentions) -> list[Token]:
    drawn = "".join(map(_drawn, children))
    checked: list[Token] = []
    end = in_link = 0
    for token in children:
        start, end = end, end + len(_drawn(token))
        in_link += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "mention":
            is_alone = may_begin(drawn[max(0, start - NEAR) : start]) and may_end(
                token.content[1:], drawn[end : end + NEAR]
            )
            user_id = token.meta["user"]
            if in_link or not is_alone or not mentions.note(user_id):
                token = _text(token.content)
            else:
                token.attrs = {"data-room": ""} if user_id is None else {"data-user": str(user_id)}
        if token.type == "text" and checked and checked[-1].type == "text":
            checked[-1] = _text(checked[-1].content + token.content)
        else:
            checked.append(token)
    return checked


def _drawn(token: Token) -> str:
    return "\n" if token.type in ("softbreak", "hardbreak") else token.content


def _finish_links(state: StateCore) -> None:
    for block in state.tokens:
        if block.children and any(child.type == "link_open" for child in block.children):
            block.children = links.finish(block.children, _host)


def _host(name: str) -> Token:
    return Token("host", "span", 0, content=f"({name})")


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _is_plain(tokens: Sequence[Token], body: str) -> bool:
    """Tell whether the result has only paragraphs, with all characters of the input."""
    if any(token.type not in ("paragraph_open", "inline", "paragraph_close") for token in tokens):
        return False
    children = [child for token in tokens for child in token.children or ()]
    if any(child.type not in ("text", "softbreak", "hardbreak") for child in children):
        return False
    return _visible("".join(child.content for child in children)) == _visible(body)


def _is_too_deep(tokens: Sequence[Token]) -> bool:
    """Tell whether the parser reached its limit, below which it drops the text."""
    return any(token.level >= MAX_NESTING - 1 for token in tokens)


def _visible(text: str) -> str:
    return "".join(text.split())


def _render_mention(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: EnvType,
) -> str:
    token = tokens[index]
    return f'<span class="mention"{renderer.renderAttrs(token)}>{_escape(token.content)}</span>'


def _render_host(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: EnvType,
) -> str:
    return f' <span class="host">{_escape(tokens[index].content)}</span>'


def _render_fence(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: EnvType,
) -> str:
    """Render a code block with the name of its language, which the client highlights by.

    It is not rendered as a class, which could be one of our own.
    """
    token = tokens[index]
    language = _LANGUAGE.fullmatch(token.info.strip().partition(" ")[0])
    named = f' data-language="{_escape(language[0].lower())}"' if language else ""
    return f"<pre><code{named}>{_escape(token.content)}</code></pre>\n"


def _escape(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt(
        "zero", {"html": False, "linkify": True, "breaks": True, "maxNesting": MAX_NESTING}
    )
    parser.enable(list(_RULES))
    parser.linkify = links.Addresses()
    parser.helpers = links.helpers  # type: ignore[assignment]
    parser.inline.ruler.at("linkify", links.linkify)
    parser.core.ruler.at("linkify", links.linkify_rest)
    for sign in AT:
        parser.inline.add_terminator_char(sign)
    parser.inline.ruler.before("backticks", "mention", _mention)
    parser.core.ruler.after("inline", "mentions", _check_mentions)
    parser.core.ruler.after("linkify", "finish_links", _finish_links)
    parser.add_render_rule("mention", _render_mention)
    parser.add_render_rule("host", _render_host)
    parser.add_render_rule("fence", _render_fence)
    # Absolute addresses only: a relative link could trigger something on this site by a click.
    parser.validateLink = links.may_link  # type: ignore[method-assign]
    # As typed. Decoded, "%E2%80%AE" would turn the rest of an address round.
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


_parser = _make_parser()
