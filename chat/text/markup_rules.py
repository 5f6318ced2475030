"""Rules of Markdown for a chat: markup that would have no effect, or take text away, is text.

Each rule replaces one of markdown-it, and calls it where it applies.
"""

import re
import unicodedata
from typing import Final

from markdown_it.rules_block import StateBlock, blockquote, fence, table
from markdown_it.rules_block import list_block as list_rule
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline import backtick as backticks
from markdown_it.rules_inline import link as link_rule
from markdown_it.token import Token

from chat.text.mention_rules import named

_ITEM: Final = re.compile(r"(?:[-+*]|(?!0\d)\d{1,9}[.)])[ \t]+\S")
_HEADING: Final = re.compile(r"(#{1,6})[ \t]+(?=\S)")
_AUTOLINK: Final = re.compile(r"<(?:https?://|mailto:)[^<>\s]+>", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\s*\d{1,9}\Z")
_BACKSLASHES: Final = re.compile(r"\\+")
_ALIGN: Final = "text-align:"


# -- blocks ----------------------------------------------------------------------------------------


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def list_with_text(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Begin a list with an item that has a text. A lone ``-`` is one."""
    return bool(_ITEM.match(_line(state, start))) and list_rule(state, start, end, silent)


def quote_with_text(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Begin a quote with a line that has a text."""
    line = _line(state, start)
    return bool(line.lstrip("> \t")) and blockquote(state, start, end, silent)


def end_of_lines(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """End a quote, or an item of a list, at the first line that does not continue its markup."""
    if not silent:
        return False
    return state.parentType == "blockquote" or 0 <= state.sCount[start] < state.blkIndent


def fence_with_text(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read a block of code, unless nothing is in it."""
    before, line = len(state.tokens), state.line
    if not fence(state, start, end, silent):
        return False
    if silent or state.tokens[-1].content.strip():
        return True
    del state.tokens[before:]
    state.line = line
    return False


def heading(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """Read ``# Heading``, with all that follows the signs."""
    line = _line(state, start)
    found = _HEADING.match(line)
    if found is None:
        return False
    if silent:
        return True
    state.line = start + 1
    tag = f"h{min(len(found[1]) + 2, 6)}"  # the page has the two above
    opening = state.push("heading_open", tag, 1)
    opening.map = [start, state.line]
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = line[found.end() :].strip(), opening.map, []
    state.push("heading_close", tag, -1)
    return True


def table_of_all_cells(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read a table up to a row with more cells than the header: they would not be drawn."""
    is_table = table(state, start, end, True)
    if silent or not is_table:
        return is_table
    columns = _cells(_line(state, start))
    for row in range(start + 2, end):
        line = _line(state, row)
        if not line.strip():
            break
        if _cells(line) > columns:
            end = row
            break
    return table(state, start, end, silent)


def _cells(line: str) -> int:
    cells = escapedSplit(line.strip())
    return len(cells) - (cells[0] == "") - (len(cells) > 1 and cells[-1] == "")


def finish_blocks(state: StateCore) -> None:
    """Keep the numbers of lists as typed, tick the boxes of tasks, and name alignments."""
    expected: list[int] = []
    for index, token in enumerate(state.tokens):
        if token.type in ("ordered_list_open", "bullet_list_open"):
            expected.append(int(token.attrs.get("start", 1)))
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            expected.pop()
        elif token.type == "list_item_open":
            if token.info and int(token.info) != expected[-1]:
                token.attrs["value"] = token.info
                expected[-1] = int(token.info)
            expected[-1] += 1
            if not token.info:
                _tick(state.tokens[index + 1 : index + 3])
        elif str(token.attrs.get("style", "")).startswith(_ALIGN):
            token.attrs = {"data-align": str(token.attrs["style"]).removeprefix(_ALIGN)}


def _tick(tokens: list[Token]) -> None:
    """Draw ``[ ]`` and ``[x]`` at the beginning of an item as boxes."""
    inline = next((token for token in tokens if token.type == "inline"), None)
    if inline is None or not inline.children or inline.children[0].type != "text":
        return
    first = inline.children[0]
    for typed, box in (("[ ] ", "☐"), ("[x] ", "☑"), ("[X] ", "☑")):
        if first.content.startswith(typed) and first.content[len(typed) :].strip():
            first.content = f"{box} {first.content[len(typed) :]}"


# -- inline ----------------------------------------------------------------------------------------


def code_with_text(state: StateInline, silent: bool) -> bool:
    """Read code, unless nothing is in it."""
    start, before = state.pos, len(state.tokens)
    if not backticks(state, silent):
        return False
    token = state.tokens[-1] if len(state.tokens) > before else None
    if token is not None and token.type == "code_inline" and not token.content.strip():
        token.type, token.tag, token.markup = "text", "", ""
        token.content = state.src[start : state.pos]
    return True


def link_with_text(state: StateInline, silent: bool) -> bool:
    """Read ``[text](address)``, unless there is no text to click on."""
    if state.src[state.pos] != "[":
        return False
    if _is_seen(state.src[state.pos + 1 : state.pos + 2]):
        return link_rule(state, silent)
    end = state.md.helpers.parseLinkLabel(state, state.pos, True)
    if end >= 0 and not any(map(_is_seen, state.src[state.pos + 1 : end])):
        return False
    return link_rule(state, silent)


def image_as_link(state: StateInline, silent: bool) -> bool:
    """Read ``![words](address)`` as a link; within a link, which has an address, as its words."""
    start, link_level = state.pos, state.linkLevel
    if not state.src.startswith("![", start):
        return False
    state.pos += 1
    first = len(state.tokens)
    if not link_with_text(state, silent):
        state.pos = start
        return False
    if link_level and not silent:
        state.tokens[first:] = [
            token for token in state.tokens[first:] if token.type not in ("link_open", "link_close")
        ]
    return True


def _is_seen(character: str) -> bool:
    return character not in ("", "]") and unicodedata.category(character)[0] not in "ZC"


def escape(state: StateInline, silent: bool) -> bool:
    """Take a backslash for markup only before a sign that would be markup without it."""
    at = state.pos + 1
    if state.src[state.pos] != "\\" or at >= state.posMax:
        return False
    sign = state.src[at]
    if sign.isalnum() or sign.isspace() or not sign.isascii():
        return False
    if not silent:
        is_markup = _would_be_markup(state, at)
        token = state.push("text_special", "", 0)
        token.markup, token.info = "\\" + sign, "escape"
        token.content = sign if is_markup else "\\" + sign
    state.pos = at + 1
    return True


def _would_be_markup(state: StateInline, at: int) -> bool:
    src, sign = state.src, state.src[at]
    if sign in "*_~":
        return _delimits(state, at)
    if sign == "`":
        return src.find("`", at + 1) >= 0 or src.rfind("`", 0, at) >= 0
    if sign == "\\":
        run = _BACKSLASHES.match(src, at)
        return run is not None and src[run.end() : run.end() + 1] in tuple("`*_~[<@")
    if sign == "@":
        return named(state, at) is not None
    return _links(src, at) or _begins_block(src, at)


def _links(src: str, at: int) -> bool:
    """Return whether a sign would be a part of a link."""
    sign = src[at]
    if sign == "[":
        return src.find("](", at + 1) >= 0
    if sign == "!":
        return src.startswith("[", at + 1) and _links(src, at + 1)
    if sign in "](":
        closing = at if sign == "]" else at - 1
        return src.startswith("](", closing) and src.rfind("[", 0, closing) >= 0
    if sign == ")":
        return src.rfind("](", 0, at) >= 0
    if sign == "<":
        return _AUTOLINK.match(src, at) is not None
    return sign == ":" and src.startswith("://", at)


def _begins_block(src: str, at: int) -> bool:
    """Return whether a sign would begin a quote, a heading or an item of a list."""
    begin = src.rfind("\n", 0, at - 1) + 1
    before, sign, after = src[begin : at - 1], src[at], src[at + 1 : at + 2]
    if sign in ".)":
        return _NUMBER.match(before) is not None and (not after or after.isspace())
    if before.strip():
        return False
    return sign == ">" or (sign in "-+#" and (not after or after in " \t#"))


def _delimits(state: StateInline, at: int) -> bool:
    """Return whether a sign of emphasis would open or close something, without its backslash."""
    src, sign = state.src, state.src[at]
    before = src[at - 2] if at >= 2 else " "
    end = at
    while end < state.posMax and src[end] == sign:
        end += 1
    after = src[end] if end < state.posMax else " "
    opens = not after.isspace() and (not _is_punctuation(after) or _is_edge(before))
    closes = not before.isspace() and (not _is_punctuation(before) or _is_edge(after))
    if sign == "_":
        opens, closes = (
            opens and (not closes or _is_punctuation(before)),
            closes and (not opens or _is_punctuation(after)),
        )
    return (opens and src.find(sign, end) >= 0) or (closes and src.rfind(sign, 0, at - 1) >= 0)


def _is_edge(character: str) -> bool:
    return character.isspace() or _is_punctuation(character)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] == "P" or (
        character.isascii() and not character.isalnum() and not character.isspace()
    )
