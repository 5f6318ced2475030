"""The judge of a JSON text that the fast decoder refused, or that looks suspicious.

Is it JSON (RFC 8259), what is its id, what is wrong with it? A decoder stops at the first thing that it cannot carry, but whoever sent an
object with an id is owed an answer with that id. So every token is looked at: without recursion (30,000 levels fit into one message), in
linear time, and no value is built.
"""

import math
import re
from bisect import bisect_right
from typing import NamedTuple

import msgspec

MAX_DEPTH = 64  # levels of arrays and objects; no command needs more than three
INT_MIN, INT_MAX = -(2**63), 2**63 - 1  # what the database holds
SAFE_DIGITS = 18  # every integer of so many is within
FIELD_SHOWN = 64  # characters of a field's name in an error

# A name and its colon are one token, so the last character of a token says what it is: 1 " e l : [
# ] { } ,
_tokens = re.compile(
    r"""[ \t\n\r]*+(
        "(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"(?:[ \t\n\r]*+:)?+
      | -?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+
      | true | false | null
      | [^ \t\n\r]
    )""",
    re.VERBOSE,
).findall
_FRAGMENTS = frozenset('"el:')  # alone, these are the end of a token without its beginning
_is_integer = re.compile(r"-?[0-9]+").fullmatch


class NotJson(Exception):
    """The text is not JSON; the message says where."""


class Scan(NamedTuple):
    """A JSON text that was looked at."""

    tokens: list[str]
    # The token that is the integer `id` of the object; None: there is none, or the text is no
    # object.
    id_at: int | None
    problem: str | None  # "field: what cannot be carried", the first one

    def with_id(self, at: int, digits: str) -> str:
        """Return the text with other digits at ``id_at``."""
        return "".join([*self.tokens[:at], digits, *self.tokens[at + 1 :]])


def scan(text: str) -> Scan:
    """Look at the whole text. Raises ``NotJson``."""
    tokens = _tokens(text)
    if not _FRAGMENTS.isdisjoint(tokens):
        raise NotJson("this is no JSON: a string or a word is not complete")
    names, too_deep, complete = _structure(tokens)
    if not complete:
        raise NotJson("this is no JSON: it is not complete")
    id_at = _find_id(tokens, names)
    problems = [
        (at, problem)
        for at, token in enumerate(tokens)
        if len(token) > 1 and at != id_at and (problem := _problem(token))
    ]
    if too_deep is not None:
        problems.append((too_deep, f"nested deeper than {MAX_DEPTH} levels"))
    if not problems:
        return Scan(tokens, id_at, None)
    at, problem = min(problems)
    return Scan(tokens, id_at, f"{_field(tokens, names, at)}: {problem}")


def fits(digits: str) -> bool:
    """Whether an integer fits into 64 bits with a sign."""
    return len(digits) <= SAFE_DIGITS + 2 and INT_MIN <= int(digits) <= INT_MAX


# What may come next: the last character of a token, and what the token does.
_SCALAR, _NAME, _OPEN, _CLOSE, _COMMA = range(5)
_Next = dict[str, int]
_VALUE: _Next = dict.fromkeys('"0123456789el', _SCALAR) | dict.fromkeys("[{", _OPEN)
_FIRST_VALUE: _Next = _VALUE | {"]": _CLOSE}
_FIELD: _Next = {":": _NAME}
_FIRST_FIELD: _Next = _FIELD | {"}": _CLOSE}
_NOTHING: _Next = {}

_TEXT = _NOTHING, _NOTHING  # inside of something: what may come after a value, and after a comma
_ARRAY = {",": _COMMA, "]": _CLOSE}, _VALUE
_OBJECT = {",": _COMMA, "}": _CLOSE}, _FIELD


def _structure(tokens: list[str]) -> tuple[list[int], int | None, bool]:
    """Check that the tokens stand where they may.

    Returns where the names of the top level stand, the first token that is nested too deep, and whether everything is closed. Raises
    ``NotJson``.
    """
    names: list[int] = []
    too_deep = None
    inside = [_TEXT]
    wants = _VALUE
    for at, token in enumerate(tokens):
        step = wants.get(token[-1])
        if step is None:
            raise NotJson(f"this is no JSON: {token[:10]!r} cannot stand where it does")
        if step == _COMMA:
            wants = inside[-1][1]
        elif step == _NAME:
            if len(inside) == 2:
                names.append(at)
            wants = _VALUE
        elif step == _OPEN:
            inside.append(_ARRAY if token == "[" else _OBJECT)
            wants = _FIRST_VALUE if token == "[" else _FIRST_FIELD
            if len(inside) == MAX_DEPTH + 2 and too_deep is None:
                too_deep = at
        else:
            if step == _CLOSE:
                inside.pop()
            wants = inside[-1][0]
    return names, too_deep, wants is _NOTHING


def _find_id(tokens: list[str], names: list[int]) -> int | None:
    """Return where the integer id stands. Of several ids the last one counts, as in every decoder."""
    for at in reversed(names):
        if _decoded(_string(tokens[at])) == "id":
            return at + 1 if _is_integer(tokens[at + 1]) else None
    return None


def _field(tokens: list[str], names: list[int], at: int) -> str:
    """Return the field of the top level that a token belongs to, as it was written."""
    before = bisect_right(names, at)
    return _string(tokens[names[before - 1]])[1:-1][:FIELD_SHOWN] if before else ""


def _problem(token: str) -> str | None:
    """Return what is wrong with a name or a value."""
    if token[0] == '"':
        return _problem_of_string(_string(token)) if "\\u" in token else None
    if token[0] in "tfn" or (len(token) <= SAFE_DIGITS and "e" not in token and "E" not in token):
        return None
    if _is_integer(token):
        return None if fits(token) else "an integer beyond 64 bits"
    return None if math.isfinite(float(token)) else "a number beyond what a double can hold"


def _problem_of_string(string: str) -> str | None:
    value = _decoded(string)
    if value is None:
        return "half of a surrogate pair is no character"
    return "the character NUL cannot be stored" if "\x00" in value else None


def _string(name: str) -> str:
    """Return a name without its colon."""
    return name.rstrip(" \t\n\r:")


def _decoded(string: str) -> str | None:
    """Return the value of a JSON string; None where it is no text because of a lone surrogate."""
    try:
        return msgspec.json.decode(string, type=str)
    except msgspec.DecodeError:
        return None
