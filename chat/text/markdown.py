"""Renders Markdown to safe HTML, once for each message, on the server.

A maintained parser (markdown-it) with a short list of rules is followed by a maintained sanitiser
(nh3) with a short list of tags, so that one closes the gaps of the other. Raw HTML is shown as
text. Links go to the web or to a mailbox, and name their host if their text looks like another
one. Images are not rendered, because each would reveal the
reader to its host; if a site allows hosts of images, the client shows those beside their links.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chat.text import links

EVERYBODY: Final = "room"  # @room
# A quote is one level, a list is two. A text with more levels is shown as it was typed.
MAX_NESTING: Final = 20
MAX_NAMES: Final = 200  # candidates for mentions in one body; one query looks them up

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
    r"[*_`\[\]<>\\@]|~~|://|mailto:|^[ \t]*(?:[-+]|\d+[.)])(?:\s|$)", re.MULTILINE | re.IGNORECASE
)
# The characters of Django's usernames, not in the middle of a word.
_MENTION = re.compile(r"(?<![\w@.+-])@([\w.+-]+(?:@[\w.+-]+)?)")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as HTML, and the users that it mentions."""

    html: str  # empty if the text has no markup
    mentions: tuple[int, ...] = ()
    everybody: bool = False


@dataclass(slots=True)
class _Mentions:
    """The names that can be mentioned, and the mentions found so far."""

    people: Mapping[str, int]
    room: bool
    found: dict[int, None] = field(default_factory=dict)  # in the order of the text
    everybody: bool = False


def names(body: str) -> set[str]:
    """Return possible usernames of mentions in ``body``, as written and in lower case."""
    found: set[str] = set()
    for match in _MENTION.finditer(body):
        for name in _readings(match[1]):
            found |= {name, name.lower()}
        if len(found) >= MAX_NAMES:
            break
    return found


def has_markup(body: str) -> bool:
    """Return whether rendering has anything to do."""
    return _MARKUP.search(body) is not None


def render(body: str, people: Mapping[str, int], *, room: bool = False) -> Rendered:
    """Render ``body``. ``people`` has the users that can be mentioned, by name.

    ``room`` allows a mention of the whole room.
    """
    if not has_markup(body):
        return Rendered("")
    mentions = _Mentions(people, room)
    tokens = _parser.parse(body, {"mentions": mentions})
    if _is_plain(tokens, body) or _is_too_deep(tokens):
        return Rendered("")
    html = nh3.clean(
        _parser.renderer.render(tokens, _parser.options, {}),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        allowed_classes={"span": {"host", "mention"}},
        url_schemes=set(_SCHEMES),
        link_rel=_LINK_REL,
    )
    return Rendered(html.strip(), tuple(mentions.found), mentions.everybody)


def _readings(written: str) -> Iterator[str]:
    """Yield ``bob.``, then ``bob`` for ``@bob.``: the full stop may also end the sentence."""
    yield written
    shorter = written.rstrip(".+-")
    if shorter and shorter != written:
        yield shorter


def _mark_mentions(state: StateCore) -> None:
    """Split the text tokens at mentions, outside of links and code."""
    mentions = state.env.get("mentions")
    for block in state.tokens:
        if mentions is None or not block.children:
            continue
        children: list[Token] = []
        in_link = 0
        for token in block.children:
            in_link += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            if token.type == "text" and not in_link and "@" in token.content:
                children.extend(_split(token, mentions))
            else:
                children.append(token)
        block.children = children


def _finish_links(state: StateCore) -> None:
    for block in state.tokens:
        if block.children and any(child.type == "link_open" for child in block.children):
            block.children = links.finish(block.children, _host)


def _host(name: str) -> Token:
    return Token("host", "span", 0, content=f"({name})")


def _split(token: Token, mentions: _Mentions) -> Iterator[Token]:
    done = 0
    for match in _MENTION.finditer(token.content):
        mention = _resolve(match[1], mentions)
        if mention is None:
            continue
        yield _text(token.content[done : match.start()])
        yield mention
        done = match.start() + 1 + len(mention.content)
    yield _text(token.content[done:])


def _resolve(written: str, mentions: _Mentions) -> Token | None:
    for name in _readings(written):
        if name.lower() == EVERYBODY and mentions.room:
            mentions.everybody = True
            return Token("mention", "span", 0, content=name, attrs={"data-room": ""})
        user_id = mentions.people.get(name, mentions.people.get(name.lower()))
        if user_id is not None:
            mentions.found[user_id] = None
            return Token("mention", "span", 0, content=name, attrs={"data-user": str(user_id)})
    return None


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
    return f'<span class="mention"{renderer.renderAttrs(token)}>@{_escape(token.content)}</span>'


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
    parser.core.ruler.after("linkify", "mentions", _mark_mentions)
    parser.core.ruler.after("mentions", "finish_links", _finish_links)
    parser.add_render_rule("mention", _render_mention)
    parser.add_render_rule("host", _render_host)
    parser.add_render_rule("fence", _render_fence)
    # Absolute addresses only: a relative link could trigger something on this site by a click.
    parser.validateLink = links.may_link  # type: ignore[method-assign]
    # As typed. Decoded, "%E2%80%AE" would turn the rest of an address round.
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


_parser = _make_parser()
