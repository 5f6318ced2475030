"""Renders Markdown to safe HTML, once for each message, on the server.

A maintained parser (markdown-it) with a short list of rules is followed by a maintained sanitiser
(nh3) with a short list of tags, so that one closes the gaps of the other. Raw HTML is shown as
text. Links go to the web or to a mailbox, and name their host if their text looks like another
one. Images are links, because each would reveal the reader to its host; if a site allows hosts of
images, the client shows those beside their links.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chat.text import links, markup_rules, mention_rules
from chat.text.mention_rules import Mentions
from chat.text.mentions import AT

# A quote is one level, a list is two. A text with more levels is shown as it was typed.
MAX_NESTING: Final = 20

_RULES: Final = (
    "autolink",
    "backticks",
    "blockquote",
    "emphasis",
    "escape",
    "fence",
    "heading",
    "link",
    "linkify",
    "list",
    "newline",
    "strikethrough",
    "table",
)
_TAGS: Final = frozenset(
    {
        *("a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "li", "ol", "p", "pre"),
        *("s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
    }
)
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": set(),
    "a": {"href"},
    "code": {"data-language"},
    "li": {"value"},
    "td": {"data-align"},
    "th": {"data-align"},
    "ol": {"start"},
    "span": {"data-user", "data-room"},
}
# Which blocks end where another one begins, without an empty line (as in markdown-it).
_INTERRUPTS: Final = {
    "blockquote": ["paragraph", "reference", "blockquote", "list"],
    "fence": ["paragraph", "reference", "blockquote", "list"],
    "heading": ["paragraph", "reference", "blockquote"],
    "list": ["paragraph", "reference", "blockquote"],
    "table": ["paragraph", "reference"],
}
_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")  # of a code block: "python", "c++", "objective-c"
_LINK_REL: Final = "noopener noreferrer nofollow"

# Every markup contains one of these. Most messages contain none and are not parsed at all.
_MARKUP = re.compile(
    r"[*_`\[\]<>\\@＠﹫|]|~~|://|mailto:|^[ \t]*(?:[-+]|\d+[.)]|#{1,6})(?:\s|$)",
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
    found = Mentions(people, outside, room)
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

    It is not rendered as a class, which could be one of our own. Words that name no language are
    the first line of the code.
    """
    token = tokens[index]
    info = token.info.strip()
    language = _LANGUAGE.fullmatch(info)
    named = f' data-language="{_escape(language[0].lower())}"' if language else ""
    first = f"{info}\n" if info and not language else ""
    return f"<pre><code{named}>{_escape(first + token.content)}</code></pre>\n"


def _escape(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt(
        "zero", {"html": False, "linkify": True, "breaks": True, "maxNesting": MAX_NESTING}
    )
    parser.enable(list(_RULES))
    for name, rule in (
        ("blockquote", markup_rules.quote_with_text),
        ("fence", markup_rules.fence_with_text),
        ("heading", markup_rules.heading),
        ("list", markup_rules.list_with_text),
        ("table", markup_rules.table_of_all_cells),
    ):
        parser.block.ruler.at(name, rule, {"alt": _INTERRUPTS[name]})
    parser.block.ruler.before(
        "paragraph", "end_of_lines", markup_rules.end_of_lines, {"alt": ["paragraph", "blockquote"]}
    )
    parser.inline.ruler.at("backticks", markup_rules.code_with_text)
    parser.inline.ruler.at("escape", markup_rules.escape)
    parser.inline.ruler.at("link", markup_rules.link_with_text)
    parser.inline.ruler.before("link", "image_as_link", markup_rules.image_as_link)
    parser.linkify = links.Addresses()
    parser.helpers = links.helpers  # type: ignore[assignment]
    parser.inline.ruler.at("linkify", links.linkify)
    parser.core.ruler.at("linkify", links.linkify_rest)
    for sign in AT:
        parser.inline.add_terminator_char(sign)
    parser.inline.ruler.before("backticks", "mention", mention_rules.mention)
    parser.core.ruler.after("inline", "mentions", mention_rules.check_mentions)
    parser.core.ruler.after("linkify", "finish_links", _finish_links)
    parser.core.ruler.push("finish_blocks", markup_rules.finish_blocks)
    parser.add_render_rule("mention", _render_mention)
    parser.add_render_rule("host", _render_host)
    parser.add_render_rule("fence", _render_fence)
    # Absolute addresses only: a relative link could trigger something on this site by a click.
    parser.validateLink = links.may_link  # type: ignore[method-assign]
    # As typed. Decoded, "%E2%80%AE" would turn the rest of an address round.
    parser.normalizeLink = links.normalized  # type: ignore[method-assign]
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


_parser = _make_parser()
