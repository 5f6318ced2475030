"""The rules of Markdown that find mentions (``chat.text.mentions`` has their grammar)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

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


@dataclass(slots=True)
class Mentions:
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


def mention(state: StateInline, silent: bool) -> bool:
    """Read a name before its ``_`` becomes markup. ``check_mentions`` decides what it is."""
    if state.src[state.pos] not in AT or state.linkLevel:
        return False
    found = named(state, state.pos)
    if found is None:
        return False
    name, end, user_id = found
    if not silent:
        token = state.push("mention", "span", 0)
        token.content, token.meta = state.src[state.pos] + name, {"user": user_id}
    state.pos = end
    return True


def check_mentions(state: StateCore) -> None:
    """Turn names into text where what is drawn around them makes them something else."""
    for block in state.tokens:
        if block.children and any(child.type == "mention" for child in block.children):
            block.children = _checked(block.children, state.env["mentions"])


def _checked(children: Sequence[Token], mentions: Mentions) -> list[Token]:
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
                token = Token("text", "", 0, content=token.content)
            else:
                token.attrs = {"data-room": ""} if user_id is None else {"data-user": str(user_id)}
        if token.type == "text" and checked and checked[-1].type == "text":
            checked[-1] = Token("text", "", 0, content=checked[-1].content + token.content)
        else:
            checked.append(token)
    return checked


def _drawn(token: Token) -> str:
    return "\n" if token.type in ("softbreak", "hardbreak") else token.content


def named(state: StateInline, at: int) -> tuple[str, int, int | None] | None:
    """Return who is named behind the sign at ``at``, as ``Mentions.read`` does."""
    mentions: Mentions | None = state.env.get("mentions")
    looked_at = state.env.get("looked_at", 0)
    if mentions is None or looked_at >= MAX_LOOKED_AT:
        return None
    state.env["looked_at"] = looked_at + 1
    return mentions.read(state.src, at)
